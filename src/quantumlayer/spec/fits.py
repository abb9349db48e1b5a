"""Whether the result of an expression may be stored in a field, or shown in a column."""

import re
from collections.abc import Iterator

from quantumlayer.spec.cel import field_type
from quantumlayer.spec.expression import Call, Conditional, Expr, Literal_, Type
from quantumlayer.spec.values import Field

_NUMERIC = ("int", "number", "decimal")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
SCALARS = (*_NUMERIC, "bool", "string", "date", "datetime")


def misfit(expr: Expr, field: Field) -> str:
    """Why the value of `expr` does not fit `field`, empty where it does. Integers widen, doubles meet decimals by rounding."""
    found, wanted = expr.type, field_type(field)
    if found.nullable and field.required and wanted.kind != "list":
        return "the value may be null, but the field is required"
    if found.kind != "null" and not _accepts(wanted, found):
        return f"a {field.type} field cannot take a value of type {found}"
    return next((problem for leaf in _leaves(expr) if (problem := _bad_literal(leaf, field))), "")


def _accepts(wanted: Type, found: Type) -> bool:
    if wanted.kind in ("number", "decimal"):
        return found.kind in _NUMERIC
    if wanted.kind == "list" and found.kind == "list" and wanted.element and found.element:
        return found.element.kind == "dyn" or _accepts(wanted.element, found.element)
    return wanted.kind == found.kind and wanted.entity == found.entity


def _leaves(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Conditional):
        yield from _leaves(expr.then)
        yield from _leaves(expr.otherwise)
    elif isinstance(expr, Call) and expr.function == "to_number":
        yield from _leaves(expr.args[0])
    else:
        yield expr


def _bad_literal(expr: Expr, field: Field) -> str:
    if not isinstance(expr, Literal_) or not isinstance(expr.value, str):
        return ""
    if field.type == "enum" and expr.value not in field.values:
        return f"«{expr.value}» is not one of {', '.join(field.values)}"
    if field.type == "time" and not _TIME.fullmatch(expr.value):
        return f"«{expr.value}» is not a time of day as HH:MM"
    return ""
