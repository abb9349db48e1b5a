"""One sandboxed process tree, looked after by one thread from before its start until nothing of it is left."""

import collections
import contextlib
import math
import os
import re
import selectors
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from quantumlayer.errors import EnvironmentError_, QuantumLayerError
from quantumlayer.ports.sandbox import Completed, Limits
from quantumlayer.sandboxes.bubblewrap.cgroup import Group, make_group
from quantumlayer.sandboxes.bubblewrap.hints import hint_for
from quantumlayer.sandboxes.bubblewrap.meter import Meter
from quantumlayer.sandboxes.bubblewrap.place import Place

CHUNK = 65536
SETUP_SECONDS = 30.0
Outcome = Literal["exited", "timed_out", "out_of_memory", "output_exceeded", "killed"]
Prepare = Callable[[Group | None], AbstractContextManager[Place]]


@dataclass(frozen=True)
class Streams:
    """What to do with output: `keep_last` forgets the oldest and joins stderr to stdout, else too much ends the command."""

    keep_last: bool
    stdin: bytes = b""
    pass_on: tuple[socket.socket, ...] = ()


class SandboxedProcess:
    """Starts at once, in a thread. `started` and `finished` resolve there; all methods may be called from any thread.

    The thread is bwrap's parent: the kernel kills the sandbox with it, so not even SIGKILL to us leaves anything behind.
    """

    def __init__(self, limits: Limits, place: Prepare, streams: Streams) -> None:
        self.limits, self._place, self._streams = limits, place, streams
        self._out: collections.deque[bytes] = collections.deque()
        self._err: list[bytes] = []
        self._size = 0
        self._lock = threading.Lock()
        self._reason: Outcome | None = None
        self._init: int | None = None
        self.started: Future[None] = Future()
        self.finished: Future[Completed] = Future()
        for future in (self.started, self.finished):
            future.set_running_or_notify_cancel()  # whoever stops waiting must not cancel what the thread will set
        self._begin = time.monotonic()
        threading.Thread(target=self._main, name="sandbox", daemon=True).start()

    def kill(self, reason: Outcome = "killed") -> None:
        """Ends the whole tree at once; `finished` tells when it is gone."""
        with self._lock:
            self._reason = self._reason or reason
            if self._init is not None:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._init, signal.SIGKILL)

    def output(self) -> bytes:
        """What was written so far and is still kept."""
        with self._lock:
            return b"".join(self._out)

    def _main(self) -> None:
        try:
            with contextlib.ExitStack() as stack:
                group = make_group(self.limits)
                if group:
                    stack.callback(group.remove)
                completed = self._run(stack.enter_context(self._place(group)), group)
        except Exception as error:  # any failure of this thread belongs to whoever waits for it
            known = error if isinstance(error, QuantumLayerError) else EnvironmentError_(f"the sandbox failed: {error}")
            for future in (self.started, self.finished):
                if not future.done():
                    future.set_exception(known)
        else:
            self.finished.set_result(completed)

    def _run(self, place: Place, group: Group | None) -> Completed:
        status, status_in = os.pipe()
        gate_out, gate = os.pipe()
        stdin, arguments, seccomp = place.stdin(self._streams.stdin), place.arguments(), place.seccomp()
        fixed = ["--args", str(arguments), "--seccomp", str(seccomp), "--json-status-fd", str(status_in)]
        passed = (arguments, seccomp, status_in, gate_out, *(s.fileno() for s in self._streams.pass_on))
        try:
            process = subprocess.Popen[bytes](
                [*place.launcher(), *fixed, "--block-fd", str(gate_out), "--", *place.argv],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if self._streams.keep_last else subprocess.PIPE,
                pass_fds=passed,
                env={},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise EnvironmentError_(f"cannot start {place.bwrap}: {error.strerror}") from error
        finally:
            for descriptor in (stdin, arguments, seccomp, status_in, gate_out):
                os.close(descriptor)
            for given in self._streams.pass_on:
                given.close()
        with process, contextlib.ExitStack() as stack:
            stack.callback(os.close, status)
            stack.callback(os.close, gate)
            try:
                meter = self._admit(process, status, gate, group, place)
                self._watch(process, meter)
            finally:
                self._end(process)
            return self._completed(process, os.read(status, 4096), meter)

    def _admit(self, process: subprocess.Popen[bytes], status: int, gate: int, group: Group | None, place: Place) -> Meter:
        """Puts the sandbox's first process into its group while it waits at the gate, then lets it go."""
        report = b""
        while not report.endswith(b"\n") and (chunk := os.read(status, 4096)):
            report += chunk
        match = re.search(rb'"child-pid": (\d+)', report)
        try:
            if not match:
                raise ProcessLookupError
            pid = int(match[1])
            with self._lock:
                self._init = os.pidfd_open(pid)
            if group:
                group.join(pid)
        except ProcessLookupError as error:
            out, err = process.communicate(timeout=SETUP_SECONDS)
            raise _failure(process, err or out) from error
        meter = Meter(self.limits, pid, group, place.writable)
        os.write(gate, b"go")
        if self._reason:
            self.kill()
        self.started.set_result(None)
        return meter

    def _watch(self, process: subprocess.Popen[bytes], meter: Meter) -> None:
        """Reads output and looks at the limits until the command ends."""
        ended = os.pidfd_open(process.pid)
        with selectors.DefaultSelector() as selector:
            for stream in filter(None, (process.stdout, process.stderr)):
                os.set_blocking(stream.fileno(), False)
                selector.register(stream.fileno(), selectors.EVENT_READ, stream is process.stderr)
            selector.register(ended, selectors.EVENT_READ, None)
            next_look = 0.0
            try:
                while ended in selector.get_map():
                    for key, _ in selector.select(timeout=self._pace()):
                        if key.fd == ended or not self._read(key.fd, key.data):
                            selector.unregister(key.fd)
                    if time.monotonic() >= next_look:
                        next_look = time.monotonic() + self._pace()
                        self._look(meter)
            finally:
                os.close(ended)

    def _look(self, meter: Meter) -> None:
        if time.monotonic() - self._begin > self.limits.wall_seconds:
            self.kill("timed_out")
        elif excess := meter.excess():
            self.kill(excess)

    def _pace(self) -> float:
        """Seconds between two looks: often at first, seldom for servers that live long."""
        age = time.monotonic() - self._begin
        left = self.limits.wall_seconds - age
        return max(0.005, min(0.02 + age / 50, 0.25, left if math.isfinite(left) else 0.25))

    def _read(self, descriptor: int, is_error: bool) -> bool:
        try:
            chunk = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return True
        if not chunk:
            return False
        with self._lock:
            (self._err if is_error else self._out).append(chunk)
            self._size += len(chunk)
            while self._streams.keep_last and self._size - len(self._out[0]) >= self.limits.output:
                self._size -= len(self._out.popleft())
        if self._size > self.limits.output and not self._streams.keep_last:
            self.kill("output_exceeded")
        return True

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Kills the sandbox's first process, with which the kernel ends all others, and waits until they are gone."""
        if self._init is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)
            with selectors.DefaultSelector() as selector:
                selector.register(self._init, selectors.EVENT_READ)
                selector.select(timeout=SETUP_SECONDS)
            with self._lock:
                os.close(self._init)
                self._init = None
        else:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is None or stream.closed:
                continue
            os.set_blocking(stream.fileno(), False)
            while not self._too_much() and self._read_left(stream.fileno(), stream is process.stderr):
                pass

    def _too_much(self) -> bool:
        return not self._streams.keep_last and self._size > self.limits.output

    def _read_left(self, descriptor: int, is_error: bool) -> bool:
        before = self._size
        return self._read(descriptor, is_error) and (self._size != before or self._streams.keep_last)

    def _completed(self, process: subprocess.Popen[bytes], report: bytes, meter: Meter) -> Completed:
        out, err = b"".join(self._out), b"".join(self._err)
        match = re.search(rb'"exit-code": (-?\d+)', report)
        outcome: Outcome = self._reason or "exited"
        code = int(match[1]) if match else None
        last = meter.excess() if outcome == "exited" else None
        if last:
            outcome = last
        elif outcome == "exited" and code is None:
            code = self._unstarted(process, out if self._streams.keep_last else err)
            outcome = "exited" if code is not None else "killed"
        elif outcome == "exited" and code in (128 + signal.SIGXCPU, 128 + signal.SIGKILL):
            outcome = "timed_out" if meter.cpu_seconds() >= self.limits.cpu_seconds else outcome
        limit = self.limits.output
        kept = out[-limit:] if self._streams.keep_last else out[:limit]
        seconds = time.monotonic() - self._begin
        return Completed(outcome, code if outcome == "exited" else None, kept, err[:limit], seconds)

    def _unstarted(self, process: subprocess.Popen[bytes], problem: bytes) -> int | None:
        """None where somebody killed the sandbox from outside; else our side failed."""
        if process.returncode is not None and process.returncode < 0:
            return None
        raise _failure(process, problem)


def _failure(process: subprocess.Popen[bytes], problem: bytes) -> EnvironmentError_:
    text = problem.decode(errors="replace").strip() or f"it ended with {process.returncode}"
    return EnvironmentError_(f"bubblewrap failed: {text}", hint=hint_for(text))
