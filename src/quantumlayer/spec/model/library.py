"""What operators and functions of the dialect do to values. Decimals are exact (28 digits) and rounded half away from zero."""

import re
import secrets
import string as letters
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import ceil, floor
from typing import Any

from quantumlayer.spec.duration import duration
from quantumlayer.spec.expression import Call, Literal_, Type

_ALPHABET = letters.ascii_letters + letters.digits
_NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")


def literal(expr: Literal_) -> Any:
    """The value of a constant: doubles meet numbers as floats, decimals exactly."""
    if expr.type.kind == "number" and expr.value is not None:
        return float(expr.value)
    return expr.value


def same_row(left: Any, right: Any) -> bool:
    """Rows are the same where their ids are; a row that is not stored yet is only itself."""
    if left is None or right is None:
        return left is right
    return left is right or (left["id"] is not None and left["id"] == right["id"])


def has_row(rows: Sequence[Any], wanted: Any) -> bool:
    """Whether a row is among others."""
    return any(same_row(row, wanted) for row in rows)


def arithmetic(op: str, left: Type, right: Type) -> Callable[[Any, Any], Any]:
    """The function of an arithmetic operator for operands of these types."""
    kinds = (left.kind, right.kind)
    if op == "+":
        if kinds == ("date", "duration"):
            return lambda a, b: (moment(a) + b).date()
        return (lambda a, b: (moment(b) + a).date()) if kinds == ("duration", "date") else lambda a, b: a + b
    if op == "-":
        if kinds == ("date", "duration"):
            return lambda a, b: (moment(a) - b).date()
        mixed = set(kinds) == {"date", "datetime"}
        return (lambda a, b: moment(a) - moment(b)) if mixed else (lambda a, b: a - b)
    if op == "*":
        return lambda a, b: a * b
    whole = left.kind == "int" and right.kind == "int"
    if op == "/":
        return _divide if whole else lambda a, b: a / b
    return _remainder


def _divide(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _remainder(a: int, b: int) -> int:
    return a - b * _divide(a, b)


def moment(value: date) -> datetime:
    """A date as its first instant in UTC; a datetime as it is."""
    return value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)


def day_of(value: date) -> date:
    """The UTC date of an instant; a date as it is."""
    return value.date() if isinstance(value, datetime) else value


def rounded(value: Decimal | float, places: int) -> Any:
    """Half away from zero to `places` decimal places, keeping the type."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    result = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return result if isinstance(value, Decimal) else float(result)


def text_of(value: Any) -> str:
    """`string(x)`: numbers without needless zeros, instants as RFC 3339, dates as YYYY-MM-DD."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value.normalize(), "f")
        case float():
            return format(Decimal(repr(value)).normalize(), "f")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case timedelta():
            return f"{value.total_seconds():g}s"
        case _:
            return str(value)


def whole(value: Any) -> int:
    """`int(x)`: towards zero; seconds since 1970 for an instant."""
    return int(moment(value).timestamp()) if isinstance(value, date) else int(value)


def exact(value: Any) -> Any:
    """`double(x)`: numbers stay floats, everything else is an exact decimal."""
    return value if isinstance(value, float) else Decimal(value)


def average(values: Sequence[Any]) -> Any:
    """The mean, null of nothing."""
    if not values:
        return None
    total = sum(values)
    return total / len(values) if isinstance(total, float) else Decimal(total) / len(values)


def timestamp(value: Any) -> datetime:
    """`timestamp("2026-11-22T10:00:00Z")`, or of seconds since 1970."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).astimezone(UTC)
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else moment(value)


def random_code(length: int) -> str:
    """Letters and digits, unpredictable."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def slug(text: str) -> str:
    """Lower case, accents taken off, whatever is no letter or digit as one hyphen; `untitled` where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_SLUGS.sub("-", plain).strip("-") or "untitled"


def function(expr: Call) -> Callable[..., Any]:
    """The Python function of a call; `sum` depends on the type of what is summed."""
    if expr.function == "sum":
        zero = {"decimal": Decimal(0), "number": 0.0}.get(expr.type.kind, 0)
        return lambda values: sum(values, zero)
    return _FUNCTIONS[expr.function]


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "avg": average,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "least": min,
    "greatest": max,
    "round": rounded,
    "floor": floor,
    "ceil": ceil,
    "abs": abs,
    "days": lambda n: timedelta(days=n),
    "hours": lambda n: timedelta(hours=n),
    "minutes": lambda n: timedelta(minutes=n),
    "hours_between": lambda a, b: Decimal((moment(b) - moment(a)) // timedelta(microseconds=1)) / 3_600_000_000,
    "days_between": lambda a, b: (moment(b) - moment(a)) // timedelta(days=1),
    "date": day_of,
    "start_of": lambda x: moment(day_of(x)),
    "hour": lambda x: moment(x).replace(minute=0, second=0, microsecond=0),
    "month": lambda x: x.strftime("%Y-%m") if x.year > 999 else f"{x.year:04d}-{x.month:02d}",
    "weekday": lambda x: x.isoweekday(),
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
    "random_code": random_code,
    "slug": slug,
    "to_number": float,
    "size": len,
    "contains": lambda text, part: part in text,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
    "double": exact,
    "int": whole,
    "string": text_of,
    "timestamp": timestamp,
    "duration": duration,
    "getHours": lambda x: moment(x).hour,
    "getMinutes": lambda x: moment(x).minute,
    "getSeconds": lambda x: moment(x).second,
    "getFullYear": lambda x: x.year,
    "getMonth": lambda x: x.month - 1,
}
