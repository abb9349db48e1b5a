"""Typed expression trees: CEL after parsing and checking, the form that the model interprets and printers print.

Comprehension macros stay macros here (`filter`, `map`, `exists`, `all`), so a printer can turn them into a query.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Kind = Literal[
    "bool", "int", "number", "decimal", "string", "date", "datetime", "duration", "null", "entity", "record", "list", "dyn"
]


@dataclass(frozen=True)
class Type:
    """`entity` names the entity (or, for a record, the input message); `element` is the element type of a list."""

    kind: Kind
    nullable: bool = False
    entity: str | None = None
    element: "Type | None" = None

    def __str__(self) -> str:
        text = f"list({self.element})" if self.kind == "list" else self.entity or self.kind
        return text + ("?" if self.nullable else "")


@dataclass(frozen=True)
class Literal_:
    """A constant. Doubles are exact `Decimal`s; `None` is null."""

    value: bool | int | str | Decimal | None
    type: Type


@dataclass(frozen=True)
class Variable:
    """`self`, `actor`, `input`, `now`, `today`, `rows`, or a variable bound by a comprehension."""

    name: str
    type: Type


@dataclass(frozen=True)
class Select:
    """`operand.field`; `relation` says how a row-valued field is reached."""

    operand: "Expr"
    field: str
    type: Type
    relation: Literal["reference", "references", "inverse"] | None = None


@dataclass(frozen=True)
class Unary:
    """`!` or `-`."""

    op: Literal["!", "-"]
    operand: "Expr"
    type: Type


@dataclass(frozen=True)
class Binary:
    """`op` is one of + - * / % == != < <= > >= in && ||."""

    op: str
    left: "Expr"
    right: "Expr"
    type: Type


@dataclass(frozen=True)
class Conditional:
    """`test ? then : otherwise`."""

    test: "Expr"
    then: "Expr"
    otherwise: "Expr"
    type: Type


@dataclass(frozen=True)
class Call:
    """A function of `quantumlayer.spec.functions`; a method's receiver is the first argument."""

    function: str
    args: "tuple[Expr, ...]"
    type: Type


@dataclass(frozen=True)
class ListOf:
    """A list written out."""

    items: "tuple[Expr, ...]"
    type: Type


@dataclass(frozen=True)
class Comprehension:
    """`source.macro(variable, body)`."""

    macro: Literal["filter", "map", "exists", "all"]
    source: "Expr"
    variable: str
    body: "Expr"
    type: Type


Expr = Literal_ | Variable | Select | Unary | Binary | Conditional | Call | ListOf | Comprehension


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct sub-expressions, in source order."""
    match expr:
        case Select(operand=operand) | Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Conditional(test=test, then=then, otherwise=otherwise):
            return (test, then, otherwise)
        case Call(args=args):
            return args
        case ListOf(items=items):
            return items
        case Comprehension(source=source, body=body):
            return (source, body)
        case _:
            return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything in it, parents first."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def reads_rows(expr: Expr) -> bool:
    """Whether evaluation needs rows other than the variables' own."""
    return any(isinstance(e, Select) and e.relation is not None for e in walk(expr))
