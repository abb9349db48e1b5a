"""The sandbox port by bubblewrap."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from socket import socket as Socket
from socket import socketpair

from quantumlayer.errors import QuantumLayerError
from quantumlayer.ports.sandbox import Availability, Command, Completed, Limits, Mount
from quantumlayer.sandboxes.bubblewrap.arguments import base_python, check
from quantumlayer.sandboxes.bubblewrap.bridge import Bridge
from quantumlayer.sandboxes.bubblewrap.cgroup import Group
from quantumlayer.sandboxes.bubblewrap.hints import hint_for
from quantumlayer.sandboxes.bubblewrap.place import Place, prepared
from quantumlayer.sandboxes.bubblewrap.process import SandboxedProcess, Streams

RELAY = Path(__file__).with_name("relay.py")
INNER_RELAY = "/run/relay.py"
PROBE_LIMITS = Limits(memory=256 * 1024 * 1024, processes=16, wall_seconds=20)


class BubblewrapSandbox:
    """Stateless: any number of commands may run at once, in any event loop."""

    async def probe(self) -> Availability:
        """Runs `true` confined. Never raises."""
        if sys.platform != "linux":
            return Availability(False, "bubblewrap needs Linux", "run QuantumLayer on Linux, in a container or in WSL 2")
        try:
            with tempfile.TemporaryDirectory(prefix="ql-probe-") as folder:
                work = Path(folder) / "work"  # below a folder that is closed to others, as our own are
                work.mkdir()
                mount = Mount(work, "/work", writable=True)
                completed = await self.run(Command(("/bin/true",), "/work", (mount,), limits=PROBE_LIMITS))
        except QuantumLayerError as error:
            return Availability(False, error.message, error.hint or hint_for(error.message))
        except OSError as error:
            return Availability(False, str(error), hint_for(str(error)))
        if not completed.ok:
            problem = completed.stderr.decode(errors="replace").strip()
            return Availability(False, f"a confined command ended as {completed.outcome}: {problem}", hint_for(problem))
        return Availability(True)

    async def run(self, command: Command) -> Completed:
        """Runs to the end. Cancelling the task kills the whole tree before the cancellation goes on."""
        check(command)
        process = _launch(command, command.argv, (), Streams(keep_last=False, stdin=command.stdin))
        try:
            return await asyncio.wrap_future(process.finished)
        except asyncio.CancelledError:
            await _ended(process)
            raise

    @contextlib.asynccontextmanager
    async def start(self, command: Command, port: int = 8000) -> AsyncIterator["RunningServer"]:
        """Starts a server; leaving the context stops it. Does not wait for readiness."""
        check(command)
        ours, theirs = socketpair()
        argv = (str(base_python()), "-I", "-S", "-B", INNER_RELAY, str(theirs.fileno()), str(port), "--", *command.argv)
        streams = Streams(keep_last=True, stdin=command.stdin, pass_on=(theirs,))
        command = replace(command, env={"PORT": str(port)} | dict(command.env))
        process = _launch(command, argv, (Mount(RELAY, INNER_RELAY),), streams)
        bridge = Bridge(ours)
        server = RunningServer(process, bridge)
        try:
            await asyncio.wrap_future(process.started)
            await bridge.open()
            yield server
            await server.stop()
        finally:
            await _ended(process)
            await bridge.close()


class RunningServer:
    """A server inside; see the port."""

    def __init__(self, process: SandboxedProcess, bridge: Bridge) -> None:
        self._process, self._bridge = process, bridge

    @property
    def url(self) -> str:
        """`http://127.0.0.1:N` on the host."""
        return f"http://127.0.0.1:{self._bridge.port}"

    @property
    def socket(self) -> Path:
        """The same server on a Unix socket."""
        return self._bridge.socket

    async def connect(self) -> Socket:
        """A socket straight to the server, with nothing of ours between. Raises `ConnectionError` when nobody listens."""
        return await self._bridge.connect()

    async def stop(self, grace: float = 5.0) -> Completed:
        """SIGTERM to the server's process group, SIGKILL to all after `grace` seconds. Idempotent."""
        finished = asyncio.wrap_future(self._process.finished)
        if not self._process.finished.done():
            self._bridge.terminate()
            await asyncio.wait({finished}, timeout=grace)
        await _ended(self._process)
        await self._bridge.close()
        return await finished

    async def wait(self) -> Completed:
        """Until it ends by itself or by a limit."""
        return await asyncio.wrap_future(self._process.finished)

    def output(self) -> bytes:
        """The last of what it wrote to stdout and stderr, joined."""
        return self._process.output()[-self._process.limits.output :]


def _launch(command: Command, argv: tuple[str, ...], extra: tuple[Mount, ...], streams: Streams) -> SandboxedProcess:
    def place(group: Group | None) -> AbstractContextManager[Place]:
        return prepared(command, argv, extra, grouped=group is not None)

    return SandboxedProcess(command.limits, place, streams)


async def _ended(process: SandboxedProcess) -> None:
    """Kills what is left and waits until nothing is, even when cancelled meanwhile."""
    process.kill()
    finished = asyncio.wrap_future(process.finished)
    cancelled = False
    while not finished.done():
        try:
            await asyncio.wait({finished})
        except asyncio.CancelledError:
            cancelled = True
    finished.exception()
    if cancelled:
        raise asyncio.CancelledError
