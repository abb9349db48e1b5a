"""What both printers share: how tightly texts bind, derived fields in full, constants, durations."""

from dataclasses import dataclass
from decimal import Decimal

from quantumlayer.blueprint.view.scope import Context, Loaded
from quantumlayer.languages.typescript.text import literal
from quantumlayer.spec.decode_cel import path
from quantumlayer.spec.expression import Binary, Call, Expr, Literal_, Select, Type, walk

TERNARY, OR, AND, EQUAL, COMPARE, ADD, MULTIPLY, UNARY, ATOM = range(9)
LEVELS = {"||": OR, "&&": AND, "==": EQUAL, "!=": EQUAL, "+": ADD, "-": ADD, "*": MULTIPLY, "/": MULTIPLY, "%": MULTIPLY}
SECONDS = {"days": 86400, "hours": 3600, "minutes": 60}
Printed = tuple[str, int]


@dataclass(frozen=True)
class Identity(Loaded):
    """The id of a row, which itself is not loaded."""


def tightened(printed: Printed, level: int) -> str:
    """The text, in parentheses where it binds looser than `level`."""
    text, found = printed
    return text if found >= level else f"({text})"


def expanded(context: Context, expr: Expr) -> Expr:
    """Derived fields replaced by what they are computed from; decimals are rounded wherever they are read."""
    found = context.expanded(expr)
    if found is expr or not isinstance(expr, Select) or expr.type.kind != "decimal":
        return found
    declared = context.declared(expr.operand.type.entity or "", expr.field)
    if declared is None or declared.type != "decimal":
        return found
    places = 2 if declared.places is None else declared.places
    return Call("round", (found, Literal_(places, Type("int"))), expr.type)


def null_tests(expr: Expr) -> frozenset[str]:
    """The paths that are compared with null somewhere in an expression."""
    found = set()
    for part in walk(expr):
        if isinstance(part, Binary) and part.op in ("==", "!="):
            for side, other in ((part.left, part.right), (part.right, part.left)):
                if isinstance(other, Literal_) and other.value is None and isinstance(side, Select):
                    found.add(path(side))
    return frozenset(found)


def constant(expr: Literal_) -> Printed:
    """A constant in TypeScript."""
    value = expr.value
    if isinstance(value, Decimal) and expr.type.kind == "number":
        return repr(float(value)), ATOM if value >= 0 else UNARY
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value() and abs(value) < 10**15
        return (f"new Decimal({int(value)})" if whole else f'new Decimal("{value}")'), ATOM
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return str(value), UNARY
    return literal(value), ATOM
