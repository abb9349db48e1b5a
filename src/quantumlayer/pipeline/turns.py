"""Heavy stages share a machine; one that measures time may have it alone for a moment.

Locked files tell all workers of a QL_HOME about each other, however one of them ends (flock(2)). Who wants to be alone closes
the gate that everybody else comes in by, so that those who keep coming cannot keep it waiting.
"""

import asyncio
import contextlib
import fcntl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from quantumlayer.pipeline import stages
from quantumlayer.pipeline.workbench import heartbeats

PATIENCE = 120.0
_LOOK_SECONDS = 0.05
_BURDENS = {stage.name for stage in (*stages.STAGES, stages.REVIEW) if stage.heavy and stage is not stages.PERFORMANCE}


class Turns:
    """Turns of the machine that a QL_HOME is on, kept in the folder. Raises `OSError` where that cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """At work beside others."""
        with contextlib.ExitStack() as inside:
            with contextlib.ExitStack() as entering:
                await _locked(self._open("gate", entering), fcntl.LOCK_SH)
                await _locked(self._open("room", inside), fcntl.LOCK_SH)
            yield

    @contextlib.asynccontextmanager
    async def alone(self, patience: float = PATIENCE) -> AsyncIterator[bool]:
        """At work with nobody beside; whether that came about within so many seconds. Not to be asked for within `beside`."""
        with contextlib.ExitStack() as inside:
            until = time.monotonic() + patience
            gate, room = self._open("gate", inside), self._open("room", inside)
            yield await _locked(gate, fcntl.LOCK_EX, until) and await _locked(room, fcntl.LOCK_EX, until)

    def _open(self, name: str, stack: contextlib.ExitStack) -> IO[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        return stack.enter_context((self._folder / name).open("ab"))


async def _locked(file: IO[bytes], kind: int, until: float | None = None) -> bool:
    """Waits for a lock, which ends with its file; whether it came in time."""
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return True
        if until is not None and time.monotonic() > until:
            return False
        await asyncio.sleep(_LOOK_SECONDS)


class TakingTurns(Interceptor):
    """Heavy stages are at work beside others. The one that measures sees to its turns itself."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """See `temporalio.worker.Interceptor`."""
        return _TakingTurns(next, self._turns)


class _TakingTurns(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, turns: Turns) -> None:
        super().__init__(next)
        self._turns = turns

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        if activity.info().activity_type not in _BURDENS:
            return await super().execute_activity(input)
        async with contextlib.AsyncExitStack() as stack:
            async with heartbeats():
                await stack.enter_async_context(self._turns.beside())
            return await super().execute_activity(input)
