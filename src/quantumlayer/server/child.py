"""A child process of the supervisor: started, watched, its output logged, started again when it crashes or stands still."""

import asyncio
import contextlib
import logging
import math
import os
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from quantumlayer.errors import EnvironmentError_
from quantumlayer.server.liveness import SIGN_SECONDS, VARIABLE, hearing
from quantumlayer.server.successor import die_with_parent

READY = "READY"
# Only what ends sooner than so long after it was ready has crashed as it started: a pause would help nobody else.
AT_WORK_SECONDS = 2.0
CRASHES = 6
CRASH_WINDOW = 60.0
PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)
GRACE = 8.0
# So many looks in a row, `SIGN_SECONDS` apart, may find no sign of life.
SILENT_LOOKS, SILENT_LOOKS_AT_START = 20, 300


class Child:
    """`argv` is asked for at each start. It is ready when it prints READY, or when `ready` returns.

    It must give signs of life: those of `liveness.alive`, or that `ready` returns again and again.
    """

    def __init__(
        self,
        name: str,
        argv: Callable[[], list[str]],
        *,
        ready: Callable[[], Awaitable[None]] | None = None,
        on_ready: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = name
        self._argv, self._await_ready, self._on_ready = argv, ready, on_ready
        self._process: asyncio.subprocess.Process | None = None
        self._log = logging.getLogger(f"ql.{name}")
        self.tail: deque[str] = deque(maxlen=20)
        self.ready = asyncio.Event()
        self._signs = 0
        self._started_at, self._ready_at = 0.0, math.inf

    async def keep(self) -> int:
        """Runs it until it exits with 0 or `EXIT_IDLE`. Raises `EnvironmentError_` when it keeps crashing at its start.

        What was ready and then killed has not crashed by itself, so it is started again however often that happens.
        """
        recent: list[tuple[float, bool]] = []
        while True:
            code = await self._once()
            if code in (0, EXIT_IDLE):
                return code
            self._log.warning("%s ended with %s; starting it again", self.name, code)
            if time.monotonic() - self._ready_at > AT_WORK_SECONDS:
                continue
            now, killed = time.monotonic(), code == -signal.SIGKILL and math.isfinite(self._ready_at)
            recent = [*((at, own) for at, own in recent if now - at < CRASH_WINDOW), (now, not killed)]
            if sum(own for _, own in recent) >= CRASHES:
                raise EnvironmentError_(f"{self.name} keeps crashing: {self.tail[-1] if self.tail else f'exit code {code}'}")
            await asyncio.sleep(PAUSES[min(len(recent), len(PAUSES)) - 1])

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after a while."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), GRACE)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _once(self) -> int:
        self._started_at, self._ready_at = time.monotonic(), math.inf
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        with hearing(self._lives) as descriptor:
            process = self._process = await asyncio.create_subprocess_exec(
                *self._argv(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                preexec_fn=die_with_parent,
                pass_fds=(descriptor,),
                env=environment | {VARIABLE: str(descriptor)},
            )
            watching = [asyncio.create_task(self._probe()), asyncio.create_task(self._watch(process))]
            try:
                assert process.stdout is not None
                async for line in _lines(process.stdout):
                    self._take(line.decode(errors="replace").rstrip())
                return await process.wait()
            finally:
                for task in watching:
                    task.cancel()
                self.ready.clear()

    def _lives(self) -> None:
        self._signs += 1

    def _is_ready(self) -> None:
        self._lives()
        if not self.ready.is_set():
            self._ready_at = time.monotonic()
            self.ready.set()
            self._log.info("%s is ready after %.1f s", self.name, self._ready_at - self._started_at)

    async def _probe(self) -> None:
        while self._await_ready is not None:
            await self._await_ready()
            self._is_ready()
            await asyncio.sleep(SIGN_SECONDS)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kills it when it is stopped or stuck. Looks are counted, not seconds: this process may have been stopped itself."""
        silent = 0
        while silent < (SILENT_LOOKS if self.ready.is_set() else SILENT_LOOKS_AT_START):
            heard = self._signs
            await asyncio.sleep(SIGN_SECONDS)
            silent = 0 if self._signs != heard else silent + 1
        self._log.warning("%s gives no sign of life; killing it", self.name)
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    def _take(self, line: str) -> None:
        if line.startswith(READY):
            self._on_ready(line.removeprefix(READY).strip())
            self._is_ready()
        elif line:
            self.tail.append(line)
            self._log.info("%s", line)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a stream; one that is longer than its buffer comes in pieces, since a child may say what it likes."""
    while True:
        try:
            line = await stream.readuntil()
        except asyncio.IncompleteReadError as ended:
            line = ended.partial
        except asyncio.LimitOverrunError as long:
            line = await stream.readexactly(long.consumed)
        if not line:
            return
        yield line


# A child that ends with this code asks the whole service to end: nobody has needed it for a while.
EXIT_IDLE = 75
