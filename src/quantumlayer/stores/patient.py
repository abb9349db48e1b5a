"""Waiting for a store that went away: a worker would rather wait than fail a run."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from quantumlayer.ports.store import Blobs, Stored, Unreachable

PAUSE = 0.2
LONGEST_PAUSE = 2.0
T = TypeVar("T")


async def patiently(work: Callable[[], Awaitable[T]], seconds: float) -> T:
    """What `work` gives, tried again while it raises `Unreachable`, for so many seconds; then that error."""
    deadline, pause = time.monotonic() + seconds, PAUSE
    while True:
        try:
            return await work()
        except Unreachable:
            if time.monotonic() + pause > deadline:
                raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


class PatientBlobs:
    """Implements `ports.store.Blobs` on another one, whose absence it waits out for so many seconds."""

    def __init__(self, blobs: Blobs, seconds: float) -> None:
        self._blobs, self._seconds = blobs, seconds

    async def put(self, content: bytes) -> str:
        """See `Blobs`."""
        return await patiently(lambda: self._blobs.put(content), self._seconds)

    async def get(self, digest: str) -> bytes:
        """See `Blobs`."""
        return await patiently(lambda: self._blobs.get(digest), self._seconds)

    async def delete(self, digest: str) -> None:
        """See `Blobs`."""
        await patiently(lambda: self._blobs.delete(digest), self._seconds)

    def stored(self) -> AsyncIterator[Stored]:
        """See `Blobs`; a list is not begun anew."""
        return self._blobs.stored()

    async def tidy(self, before: datetime) -> int:
        """See `Blobs`."""
        return await patiently(lambda: self._blobs.tidy(before), self._seconds)

    async def room(self) -> int | None:
        """See `Blobs`."""
        return await patiently(self._blobs.room, self._seconds)
