"""Durations as CEL writes them, such as "1h30m" and "250ms": read in one way by the reference model and by every printer."""

import re
from datetime import timedelta
from decimal import Decimal

from quantumlayer.errors import Bug
from quantumlayer.spec.expression import Expr, Literal_

_DURATION = re.compile(r"(-?)(?:([0-9.]+)h)?(?:([0-9.]+)m(?!s))?(?:([0-9.]+)s)?(?:([0-9.]+)ms)?")
_TICK = timedelta(microseconds=1)


def duration(text: str) -> timedelta:
    """`duration("1h30m")`. Raises `ValueError` for what is none."""
    found = _DURATION.fullmatch(text)
    if not found or not text.strip("-"):
        raise ValueError(f"not a duration: {text}")
    sign, hours, minutes, seconds, millis = found.groups()
    total = timedelta(
        hours=float(hours or 0), minutes=float(minutes or 0), seconds=float(seconds or 0), milliseconds=float(millis or 0)
    )
    return -total if sign else total


def constant_seconds(expr: Expr) -> Decimal:
    """The seconds of a duration that is written out, to the microsecond. Raises `Bug` for any other expression."""
    if not (isinstance(expr, Literal_) and isinstance(expr.value, str)):
        raise Bug("a duration must be a constant")
    return Decimal(duration(expr.value) // _TICK) / 1_000_000


def seconds_text(expr: Expr) -> str:
    """The same as a number in any language's source."""
    total = constant_seconds(expr)
    return str(total.normalize() if total % 1 else int(total))
