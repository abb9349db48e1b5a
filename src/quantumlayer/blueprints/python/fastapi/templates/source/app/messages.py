"""What is wrong with the fields of a request, in words that do not depend on the library that found it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_TYPES = {
    "missing": "is missing",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "list_type": "must be a list",
}
_BOUNDS = {"greater_than_equal": "at least", "greater_than": "above", "less_than_equal": "at most", "less_than": "below"}
_LARGEST_INTEGER = 2**53 - 1
_QUOTED = re.compile(r"'([^']*)'")


def field_errors(found: Iterable[Mapping[str, Any]], skipped: int = 0) -> list[dict[str, str]]:
    """Pydantic's errors by field, each once; so many parts of their places name no field."""
    errors = [_field_error(tuple(item["loc"])[skipped:], _message(item)) for item in found]
    return [dict(error) for error in dict.fromkeys(tuple(error.items()) for error in errors)]


def _field_error(place: tuple[str | int, ...], message: str) -> dict[str, str]:
    if len(place) > 1 and isinstance(place[-1], int):
        return {"field": ".".join(map(str, place[:-1])), "message": f"each item {message}"}
    return {"field": ".".join(map(str, place)), "message": message}


def _message(item: Mapping[str, Any]) -> str:
    kind, sent, context = item["type"], item.get("input"), item.get("ctx") or {}
    if kind != "missing" and sent is None:
        return "must not be null"
    if kind == "value_error":
        return str(context["error"])
    if kind in _BOUNDS:
        (limit,) = context.values()
        bound = str(limit).removeprefix("Decimal('").removesuffix("')")  # Pydantic tells exact bounds as Python writes them
        unsafe = bound.removeprefix("-") == str(_LARGEST_INTEGER) or isinstance(sent, int) and abs(sent) > _LARGEST_INTEGER
        return "must be an integer" if unsafe else f"must be {_BOUNDS[kind]} {bound}"
    if kind == "literal_error":
        return f"must be one of {', '.join(_QUOTED.findall(context['expected']))}" if isinstance(sent, str) else "must be a text"
    if kind in ("too_short", "string_too_short", "too_long", "string_too_long"):
        return _length(kind, context, "characters" if isinstance(sent, str) else "items")
    return _TYPES.get(kind, str(item["msg"]))


def _length(kind: str, context: Mapping[str, Any], unit: str) -> str:
    if kind.endswith("long"):
        return f"must have at most {context['max_length']} {unit}"
    least = context["min_length"]
    return "must not be empty" if least == 1 and unit == "characters" else f"must have at least {least} {unit}"
