"""Values between JSON, query parameters and rows: what docs/http-contract.md says of each type, as functions per field."""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from quantumlayer.spec.formats import FORMATS
from quantumlayer.spec.model.library import rounded
from quantumlayer.spec.model.unknown import ANY, Unknown
from quantumlayer.spec.values import Field

MAX_INTEGER = 2**53 - 1
MAX_DECIMAL = Decimal(10) ** 12
STRING_LENGTH, TEXT_LENGTH, DEFAULT_PLACES = 255, 10_000, 2
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_INTEGER = re.compile(r"-?[0-9]{1,16}")
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?")
_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")


class Invalid(ValueError):
    """A value that a field does not take; the message is for the client."""


Parse = Callable[[Any], Any]


def parser(field: Field, *, textual: bool = False) -> Parse:
    """From a decoded JSON value (floats as `Decimal`) to the row's value; type only. Raises `Invalid`.

    `textual` says that the ids of the rows which a reference names are texts.
    """
    parse = _TEXTUAL.get(field.type, _PARSERS[field.type]) if textual else _PARSERS[field.type]
    return (lambda value: tuple(sorted(parse(value)))) if field.sorted else parse


def query_parser(field: Field, *, textual: bool = False) -> Parse:
    """From the text of a query parameter to the row's value; `textual` as in `parser`. Raises `Invalid`."""
    return _string if textual else _QUERY_PARSERS.get(field.type, _string)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise Invalid("must be a string")
    if _BAD_CHARACTER.search(value):
        raise Invalid("must not contain NUL or lone surrogate characters")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Invalid("must be an integer")
    if abs(value) > MAX_INTEGER:
        raise Invalid("must be within ±(2^53 - 1)")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Invalid("must be a number")
    if not math.isfinite(number := _float(value)):
        raise Invalid("must be a finite number")
    return number


def _float(value: int | Decimal) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Invalid("must be a number")
    exact = Decimal(value)
    if not exact.is_finite() or exact.copy_abs() >= MAX_DECIMAL:
        raise Invalid("must be between -10^12 and 10^12")
    return exact


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid("must be true or false")
    return value


def _date(value: Any) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise Invalid("must be a date as YYYY-MM-DD")


def _time(value: Any) -> str:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise Invalid("must be a time as HH:MM")
    return value


def _datetime(value: Any) -> datetime:
    found = _DATETIME.fullmatch(value) if isinstance(value, str) else None
    if found:
        day, hour, minute, second, fraction, offset = found.groups()
        text = f"{day}T{hour}:{minute}:{second or '00'}{(fraction or '')[:7]}{(offset or 'Z').replace('Z', '+00:00')}"
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise Invalid("must be a date and time as RFC 3339 says")


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Invalid("must be a list of strings")
    items = tuple(_string(item) for item in value)
    if any(not item or len(item) > STRING_LENGTH for item in items):
        raise Invalid(f"each must have 1 to {STRING_LENGTH} characters")
    return items


def _references(one: Parse) -> Parse:
    def parse(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Invalid("must be a list of ids")
        return tuple(sorted({one(item) for item in value}))

    return parse


_PARSERS: dict[str, Parse] = {
    "string": _string,
    "text": _string,
    "enum": _string,
    "integer": _integer,
    "reference": _integer,
    "number": _number,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "strings": _strings,
    "references": _references(_integer),
}
_TEXTUAL: dict[str, Parse] = {"reference": _string, "references": _references(_string)}


def _query_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise Invalid("must be an integer")
    return _integer(int(text))


def _query_decimal(text: str) -> Decimal:
    try:
        return _decimal(Decimal(text) if _NUMBER.fullmatch(text) else None)
    except InvalidOperation:
        raise Invalid("must be a number") from None


def _query_number(text: str) -> float:
    return _number(Decimal(text) if _NUMBER.fullmatch(text) else None)


def _query_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise Invalid("must be true or false")
    return text == "true"


_QUERY_PARSERS: dict[str, Parse] = {
    "integer": _query_integer,
    "reference": _query_integer,
    "references": _query_integer,
    "decimal": _query_decimal,
    "number": _query_number,
    "boolean": _query_boolean,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
}


def constraint(field: Field) -> Callable[[Any], str]:
    """Why a parsed value (not null) breaks the field's constraints, empty where it does not."""
    checks = [check for check in (_text_check(field), _number_check(field), _list_check(field)) if check]
    if field.type == "enum":
        allowed = frozenset(field.values)
        message = f"must be one of {', '.join(field.values)}"
        checks.append(lambda value: "" if value in allowed else message)
    if not checks:
        return lambda value: ""
    if len(checks) == 1:
        return checks[0]
    return lambda value: next((problem for check in checks if (problem := check(value))), "")


def _text_check(field: Field) -> Callable[[Any], str] | None:
    if field.type not in ("string", "text"):
        return None
    least = field.min_length if field.min_length is not None else int(field.required)
    most = field.max_length or (TEXT_LENGTH if field.type == "text" else STRING_LENGTH)
    not_blank = field.required and field.min_length != 0
    pattern = re.compile(field.pattern) if field.pattern else None
    format_ = re.compile(FORMATS[field.format]) if field.format else None

    def check(value: str) -> str:
        if len(value) < least or (not_blank and not value.strip()):
            return (
                f"must have at least {max(least, 1)} characters and not be blank"
                if not_blank
                else f"must have at least {least} characters"
            )
        if len(value) > most:
            return f"must have at most {most} characters"
        if pattern and not pattern.fullmatch(value):
            return f"must match {field.pattern}"
        if format_ and not format_.fullmatch(value):
            return f"must be a valid {field.format}"
        return ""

    return check


def _number_check(field: Field) -> Callable[[Any], str] | None:
    if field.type not in ("integer", "number", "decimal"):
        return None
    low, high = (None if bound is None else Decimal(repr(bound)) for bound in (field.min, field.max))
    step = None if field.step is None else Decimal(repr(field.step))
    places = None if field.type != "decimal" else field.places if field.places is not None else DEFAULT_PLACES

    def check(value: Any) -> str:
        if low is not None and (value <= low if field.exclusive_min else value < low):
            return f"must be {'above' if field.exclusive_min else 'at least'} {low}"
        if high is not None and (value >= high if field.exclusive_max else value > high):
            return f"must be {'below' if field.exclusive_max else 'at most'} {high}"
        if step is not None and (Decimal(repr(value)) if isinstance(value, float) else value) % step:
            return f"must be a multiple of {step}"
        if places is not None and value != rounded(value, places):
            return f"must have at most {places} decimal places"
        return ""

    return check if (low, high, step, places) != (None, None, None, None) else None


def _list_check(field: Field) -> Callable[[Any], str] | None:
    if field.type not in ("strings", "references") or (field.min_items is None and field.max_items is None):
        return None
    least, most = field.min_items or 0, field.max_items

    def check(value: tuple[Any, ...]) -> str:
        if len(value) < least:
            return f"must have at least {least} items"
        return f"must have at most {most} items" if most is not None and len(value) > most else ""

    return check


def storer(field: Field) -> Callable[[Any], Any]:
    """From the result of an expression to the row's value: rows become ids, decimals are rounded to `places`."""
    places = field.places if field.places is not None else DEFAULT_PLACES
    convert: dict[str, Callable[[Any], Any]] = {
        "decimal": lambda value: rounded(value if isinstance(value, Decimal) else Decimal(repr(value)), places),
        "number": float,
        "reference": lambda row: row["id"],
        "references": lambda rows: tuple(sorted({row["id"] for row in rows})),
        "strings": (lambda texts: tuple(sorted(texts))) if field.sorted else tuple,
    }
    chosen = convert.get(field.type)
    empty = () if field.type in ("strings", "references") else None
    if chosen is None:
        return lambda value: value
    return lambda value: empty if value is None else chosen(value)


def encode(value: Any) -> Any:
    """A row's or an expression's value as JSON."""
    match value:
        case bool() | int() | str() | None | float():
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Unknown():
            return ANY
        case _:
            return [encode(item) for item in value]
