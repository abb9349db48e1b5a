"""The application's clock: UTC, moved by CLOCK_OFFSET_SECONDS so that rules about time can be tried out."""

import datetime as dt

_offset = dt.timedelta(0)


def now() -> dt.datetime:
    """The present moment in UTC."""
    return dt.datetime.now(dt.UTC) + _offset


def set_offset(seconds: float) -> None:
    """Moves the clock to so many seconds from the real one."""
    global _offset  # noqa: PLW0603
    _offset = dt.timedelta(seconds=seconds)


def advance(seconds: float) -> None:
    """Moves the clock forward."""
    set_offset(_offset.total_seconds() + seconds)
