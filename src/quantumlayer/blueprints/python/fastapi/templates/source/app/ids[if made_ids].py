"""Ids that the application makes: UUIDs of version 7, each after those that this process made before."""

import secrets
import threading
import time
import uuid

_COUNTER_BITS = 12
_VERSION, _VARIANT = 7 << 76, 2 << 62


class _Sequence:
    """Milliseconds since 1970 and a counter within them, never twice and never going back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1_000_000 << _COUNTER_BITS)
            return self._last


_sequence = _Sequence()


def new_id() -> str:
    """An id that no row has, in lower case with hyphens."""
    moment, counter = divmod(_sequence.next(), 1 << _COUNTER_BITS)
    return str(uuid.UUID(int=moment << 80 | _VERSION | counter << 64 | _VARIANT | secrets.randbits(62)))
