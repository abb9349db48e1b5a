"""Prints typed expressions as plain Go over loaded values; what needs rows that are not loaded becomes a query.

A row-valued expression prints as the row's id, 0 where there is none. A value that may be null prints as a pointer.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from quantumlayer.blueprint.view.scope import Collection, Context, Loaded, Record, Scalar, Scope, collection
from quantumlayer.errors import Bug
from quantumlayer.languages.go.text import decimal, literal
from quantumlayer.languages.go.units import call
from quantumlayer.spec.decode_cel import path
from quantumlayer.spec.duration import constant_seconds
from quantumlayer.spec.expression import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Expr,
    ListOf,
    Literal_,
    Select,
    Type,
    Unary,
    Variable,
)

OR, AND, COMPARE, ADD, MULTIPLY, UNARY, ATOM = range(1, 8)
_LEVELS = {"||": OR, "&&": AND, "+": ADD, "-": ADD, "*": MULTIPLY, "/": MULTIPLY, "%": MULTIPLY}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_DECIMAL_METHODS = {
    "+": "Add", "-": "Sub", "*": "Mul", "/": "Div", "==": "Equal", "<": "LessThan", "<=": "LessThanOrEqual",
    ">": "GreaterThan", ">=": "GreaterThanOrEqual",
}  # fmt: skip
TYPES = {
    "bool": "bool", "int": "int64", "number": "float64", "decimal": "decimal.Decimal", "string": "string", "date": "value.Date",
    "datetime": "value.Instant", "duration": "time.Duration", "entity": "int64",
}  # fmt: skip
Printed = tuple[str, int]
_HELPER = re.compile(r"\bvalue\.(\w+)")


@dataclass(frozen=True)
class Key(Loaded):
    """A row that is known by its id alone."""


class Rows(Protocol):
    """What plain printing asks of the query printer: Go expressions that ask the database."""

    def contains(self, item: Expr, parts: Collection, scope: Scope) -> str: ...
    def quantified(self, expr: Comprehension, scope: Scope) -> Printed: ...
    def aggregate(self, expr: Call, scope: Scope) -> str: ...
    def ids(self, parts: Collection, scope: Scope) -> str: ...


class Plain:
    """The printer. `rows` is set by the query printer that shares its context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.rows: Rows | None = None
        self._eager = 0

    def __call__(self, expr: Expr, scope: Scope) -> str:
        """The expression as text, without outer parentheses."""
        return self._noted(self.printed(expr, scope)[0])

    def _noted(self, text: str) -> str:
        """Remembers which helpers of the package value are needed."""
        self.context.helpers.update(_HELPER.findall(text))
        return text

    def negated(self, expr: Expr, scope: Scope) -> str:
        """The text of the condition's opposite, fit to stand behind `&&`."""
        return self._noted(self._tightened(self._negated(expr, scope), AND))

    def argument(self, expr: Expr, scope: Scope) -> str:
        """The text of a value that is computed whether it is needed or not, and so must not fail on null."""
        self._eager += 1
        try:
            return self(expr, scope)
        finally:
            self._eager -= 1

    def tight(self, expr: Expr, scope: Scope, level: int = ATOM) -> str:
        """In parentheses where it binds looser than `level`."""
        return self._tightened(self.printed(expr, scope), level)

    def _tightened(self, printed: Printed, level: int) -> str:
        return printed[0] if printed[1] >= level else f"({printed[0]})"

    def receiver(self, expr: Expr, scope: Scope) -> str:
        """What a method is called on. Go follows pointers by itself."""
        text, level = self.printed(expr, scope)
        if text.startswith("*") and level == UNARY:
            return text[1:]
        return text if level == ATOM else f"({text})"

    def printed(self, expr: Expr, scope: Scope) -> Printed:
        """The expression and how tightly it binds."""
        if isinstance(expr, Select) and isinstance(held := scope.get(path(expr)), Loaded):
            return self.key(expr, held), ATOM
        expr = self.context.expanded(expr)
        match expr:
            case Literal_():
                return self._constant(expr)
            case Variable():
                return self._variable(expr, scope), ATOM
            case Select():
                return self._select(expr, scope)
            case Unary(op="!"):
                return self._negated(expr.operand, scope)
            case Unary(operand=operand, type=type_):
                if type_.kind == "decimal":
                    return f"{self.receiver(operand, scope)}.Neg()", ATOM
                return f"-{self.tight(operand, scope, UNARY)}", UNARY
            case Binary():
                return self._binary(expr, scope)
            case Conditional():
                return self._conditional(expr, scope), ATOM
            case Call():
                return self._call(expr, scope)
            case ListOf(items=items, type=type_):
                element = TYPES.get(type_.element.kind if type_.element else "", "string")
                return f"[]{element}{{{', '.join(self(item, scope) for item in items)}}}", ATOM
            case Comprehension():
                return self._comprehension(expr, scope), ATOM
        raise Bug(f"cannot print {type(expr).__name__}")

    def key(self, expr: Expr, held: Loaded) -> str:
        """The id of a loaded row, or the loaded value itself."""
        return f"{held.text}.ID" if expr.type.kind == "entity" and not isinstance(held, Key) else held.text

    def _variable(self, expr: Variable, scope: Scope) -> str:
        binding = scope[expr.name]
        if isinstance(binding, (Loaded, Scalar)):
            return self.key(expr, binding) if isinstance(binding, Loaded) else binding.text
        raise Bug(f"{expr.name} is not loaded here")

    def row(self, expr: Expr, scope: Scope) -> str:
        """The row itself: a variable that holds it, or a look-up by id."""
        held = scope.get(path(expr)) if isinstance(expr, (Select, Variable)) else None
        if isinstance(held, Loaded) and not isinstance(held, Key):
            return held.text
        return f"store.Get{self.context.names[expr.type.entity or ''].cls}(tx, {self(expr, scope)})"

    def pointer(self, expr: Select, scope: Scope) -> bool:
        """Whether Go holds the selected value behind a pointer, whatever is known of it here."""
        member = self.context.compiled.messages[expr.operand.type.entity or ""][expr.field]
        return member.type.nullable and member.type.kind != "list"

    def _select(self, expr: Select, scope: Scope) -> Printed:
        if isinstance(expr.operand, Variable) and isinstance(record := scope.get(expr.operand.name), Record):
            if expr.type.kind == "entity":
                return record.fields[expr.field], ATOM
            return self._followed(record.fields[expr.field], expr, scope)
        if expr.relation == "inverse":
            return self._queries().ids(collection(expr), scope), ATOM
        names = self.context.names[expr.operand.type.entity or ""].fields.get(expr.field)
        if expr.field == "id":
            return self(expr.operand, scope), ATOM
        attribute = names.key if names else self.context.naming.attribute(expr.field)
        return self._followed(f"{self.row(expr.operand, scope)}.{attribute}", expr, scope)

    def _followed(self, text: str, expr: Select, scope: Scope) -> Printed:
        if not self.pointer(expr, scope) or (expr.type.nullable and expr.type.kind != "entity"):
            return text, ATOM
        if expr.type.kind == "entity" or self._eager:
            return f"value.Of({text})", ATOM
        return f"*{text}", UNARY

    def _negated(self, operand: Expr, scope: Scope) -> Printed:
        if isinstance(operand, Binary) and operand.op in _OPPOSITE:
            return self._binary(Binary(_OPPOSITE[operand.op], operand.left, operand.right, operand.type), scope)
        if isinstance(operand, Binary) and operand.op in ("&&", "||"):
            op, level = ("||", OR) if operand.op == "&&" else ("&&", AND)
            parts = [self._tightened(self._negated(part, scope), level) for part in (operand.left, operand.right)]
            return f" {op} ".join(parts), level
        text = self.tight(operand, scope, UNARY)
        return (text.removeprefix("!"), UNARY) if text.startswith("!") else (f"!{text}", UNARY)

    def _binary(self, expr: Binary, scope: Scope) -> Printed:
        op, left, right = expr.op, expr.left, expr.right
        if op in ("==", "!=") and isinstance(left, Literal_) and left.value is None:
            left, right = right, left
        if op in ("==", "!=") and isinstance(right, Literal_) and right.value is None:
            nothing = "0" if left.type.kind == "entity" else "nil"
            return f"{self.tight(left, scope, ADD)} {op} {nothing}", COMPARE
        if op in ("==", "!=") and isinstance(right, Literal_) and isinstance(right.value, bool) and not left.type.nullable:
            return self.printed(left, scope) if (op == "==") == right.value else self._negated(left, scope)
        if op in ("==", "!=") and left.type.kind != "entity" and (left.type.nullable or right.type.nullable):
            same = f"value.Same({self.optional(left, scope)}, {self.optional(right, scope)})"
            return (same, ATOM) if op == "==" else (f"!{same}", UNARY)
        if op == "in":
            return self._membership(left, right, scope), ATOM
        if left.type.kind == "list":
            return f"value.Joined({self(left, scope)}, {self(right, scope)})", ATOM
        if left.type.kind in ("date", "datetime") and op in ("+", "-"):
            return self._moved(op, left, right, scope), ATOM
        if left.type.kind == "duration" and right.type.kind in ("date", "datetime"):
            return self._moved(op, right, left, scope), ATOM
        if left.type.kind == "decimal":
            return self._decimal(op, left, right, scope)
        level = _LEVELS.get(op, COMPARE)
        first = self.tight(left, scope, level + (level == COMPARE))
        return f"{first} {op} {self.tight(right, scope, level + (level not in (OR, AND)))}", level

    def _decimal(self, op: str, left: Expr, right: Expr, scope: Scope) -> Printed:
        first, second = self.receiver(left, scope), self(right, scope)
        if op == "!=":
            return f"!{first}.Equal({second})", UNARY
        return f"{first}.{_DECIMAL_METHODS[op]}({second})", ATOM

    def _moved(self, op: str, left: Expr, right: Expr, scope: Scope) -> str:
        first = self.receiver(left, scope)
        if right.type.kind != "duration":
            return f"{first}.Since({self(right, scope)})"
        sign = "-" if op == "-" else ""
        return f"{first}.Plus({sign}{self.tight(right, scope, UNARY)})"

    def optional(self, expr: Expr, scope: Scope) -> str:
        """A pointer to the value, nil for null."""
        if isinstance(expr, Literal_) and expr.value is None:
            return "nil"
        if expr.type.nullable:
            return self(expr, scope)
        if isinstance(expr, Select) and not self._eager and self.printed(expr, scope)[0].startswith("*"):
            return self(expr, scope)[1:]
        return f"new({self(expr, scope)})"

    def _membership(self, left: Expr, right: Expr, scope: Scope) -> str:
        if self._is_query(right):
            return self._queries().contains(left, collection(right), scope)
        return f"slices.Contains({self(right, scope)}, {self(left, scope)})"

    def _conditional(self, expr: Conditional, scope: Scope) -> str:
        self._eager += 1
        try:
            if expr.type.kind == "entity":
                branches = ["0" if isinstance(b, Literal_) else self(b, scope) for b in (expr.then, expr.otherwise)]
                test = self(expr.test, scope)
                return f"value.If({test}, {', '.join(branches)})"
            printed = self.optional if expr.type.nullable else self
            parts = [self(expr.test, scope), printed(expr.then, scope), printed(expr.otherwise, scope)]
        finally:
            self._eager -= 1
        kind = TYPES.get(expr.type.kind, "any")
        explicit = f"[*{kind}]" if expr.type.nullable else f"[{kind}]" if _untyped(expr) else ""
        return f"value.If{explicit}({', '.join(parts)})"

    def _is_query(self, expr: Expr) -> bool:
        base = collection(expr).base
        return isinstance(base, Select) and base.relation == "inverse"

    def _item(self, variable: str, element: Type, scope: Scope) -> tuple[str, Scope]:
        taken = {binding.text for binding in scope.values() if isinstance(binding, (Loaded, Scalar))}
        name = variable if variable not in taken | {"tx", "t", "value", "store"} else f"{variable}Item"
        return name, {**scope, variable: Key(name) if element.kind == "entity" else Loaded(name)}

    def _comprehension(self, expr: Comprehension, scope: Scope) -> str:
        if self._is_query(expr.source):
            if expr.macro in ("filter", "map"):
                return self._queries().ids(collection(expr), scope)
            return self._tightened(self._queries().quantified(expr, scope), UNARY)
        element = expr.source.type.element or Type("dyn")
        name, inner = self._item(expr.variable, element, scope)
        items, kind = self(expr.source, scope), TYPES.get(element.kind, "any")
        match expr.macro:
            case "exists":
                return f"slices.ContainsFunc({items}, func({name} {kind}) bool {{ return {self(expr.body, inner)} }})"
            case "all":
                return f"!slices.ContainsFunc({items}, func({name} {kind}) bool {{ return {self.negated(expr.body, inner)} }})"
            case "filter":
                return f"value.Kept({items}, func({name} {kind}) bool {{ return {self(expr.body, inner)} }})"
        made = TYPES.get(expr.body.type.kind, "any")
        return f"value.Each({items}, func({name} {kind}) {made} {{ return {self(expr.body, inner)} }})"

    def _call(self, expr: Call, scope: Scope) -> Printed:
        function, args = expr.function, expr.args
        if function in self.context.spec.units:
            given = [self.receiver(arg, scope) if arg.type.kind == "date" else self(arg, scope) for arg in args]
            return call(function, self.context.spec.units[function], given), ATOM
        if args and args[0].type.kind == "list" and function in ("size", "sum", "avg", "min", "max"):
            return self._aggregate(expr, scope), ATOM
        if function in ("days", "hours", "minutes"):
            return f"value.{function.capitalize()}({self(args[0], scope)})", ATOM
        if function == "duration":
            return f"value.Minutes(0) + {int(constant_seconds(args[0]))}*time.Second", ADD
        kind = args[0].type.kind
        if function in ("double", "to_number"):
            return self._as_fraction(expr, scope), ATOM
        if function in _METHODS:
            return _METHODS[function].format(self.receiver(args[0], scope), *(self(a, scope) for a in args[1:])), ATOM
        texts = [self(arg, scope) for arg in args]
        if function == "date":
            return (texts[0], ATOM) if kind == "date" else (f"{self.receiver(args[0], scope)}.Date()", ATOM)
        if function == "weekday" or function in _PARTS:
            return f"{self.receiver(args[0], scope)}.{_PARTS[function]}()", ATOM
        if function in ("days_between", "hours_between"):
            name = "DaysBetween" if function == "days_between" else "HoursBetween"
            return f"value.{name}({', '.join(texts)})", ATOM
        if function in ("least", "greatest"):
            word = "min" if function == "least" else "max"
            return (f"decimal.{word.capitalize()}" if kind == "decimal" else word) + f"({', '.join(texts)})", ATOM
        if kind == "decimal" and function in _DECIMAL_FUNCTIONS:
            return f"{self.receiver(args[0], scope)}.{_DECIMAL_FUNCTIONS[function].format(*texts[1:])}", ATOM
        if function in _FUNCTIONS:
            return _FUNCTIONS[function].format(*texts), ATOM
        raise Bug(f"the function {function} has no plain form")

    def _as_fraction(self, expr: Call, scope: Scope) -> str:
        wanted, kind = expr.type.kind, expr.args[0].type.kind
        wanted = "number" if expr.function == "to_number" else wanted
        if wanted == kind:
            return self.tight(expr.args[0], scope)
        if wanted == "number":
            return (
                f"float64({self(expr.args[0], scope)})"
                if kind == "int"
                else (f"{self.receiver(expr.args[0], scope)}.InexactFloat64()")
            )
        form = "decimal.NewFromInt({})" if kind == "int" else "decimal.NewFromFloat({})"
        return form.format(self(expr.args[0], scope))

    def _aggregate(self, expr: Call, scope: Scope) -> str:
        function, source = expr.function, expr.args[0]
        if self._is_query(source):
            return self._queries().aggregate(expr, scope)
        items = self(source, scope)
        if function == "size":
            return f"int64(len({items}))"
        element = source.type.element.kind if source.type.element else ""
        suffix = "Decimal" if element == "decimal" else ""
        return f"value.{_AGGREGATES[function]}{suffix}({items})"

    def _constant(self, expr: Literal_) -> Printed:
        value = expr.value
        if isinstance(value, Decimal):
            return (repr(float(value)) if expr.type.kind == "number" else decimal(value)), ATOM
        negative = isinstance(value, int) and not isinstance(value, bool) and value < 0
        return literal(value), UNARY if negative else ATOM

    def _queries(self) -> Rows:
        if self.rows is None:
            raise Bug("this expression needs a query, but no query printer is at hand")
        return self.rows


def _untyped(expr: Conditional) -> bool:
    """Whether both branches are constants, whose type Go would have to guess."""
    return expr.type.kind in ("int", "number") and all(
        isinstance(b, Literal_) or (isinstance(b, Unary) and isinstance(b.operand, Literal_))
        for b in (expr.then, expr.otherwise)
    )


_METHODS = {"start_of": "{0}.Start()", "month": "{0}.Month()", "hour": "{0}.StartOfHour()"}
_PARTS = {
    "weekday": "Weekday", "getHours": "Hours", "getMinutes": "Minutes", "getSeconds": "Seconds", "getFullYear": "Year",
    "getMonth": "MonthFromZero",
}  # fmt: skip
_DECIMAL_FUNCTIONS = {
    "round": "Round(int32({0}))", "floor": "Floor().IntPart()", "ceil": "Ceil().IntPart()", "abs": "Abs()", "int": "IntPart()",
}  # fmt: skip
_FUNCTIONS = {
    "contains": "strings.Contains({0}, {1})",
    "startsWith": "strings.HasPrefix({0}, {1})",
    "endsWith": "strings.HasSuffix({0}, {1})",
    "matches": "value.Matches({0}, {1})",
    "lower": "strings.ToLower({0})",
    "upper": "strings.ToUpper({0})",
    "trim": "strings.TrimSpace({0})",
    "size": "value.Length({0})",
    "string": "value.Text({0})",
    "random_code": "value.RandomCode({0})",
    "timestamp": "value.MustInstant({0})",
    "int": "int64({0})",
    "floor": "int64(math.Floor({0}))",
    "ceil": "int64(math.Ceil({0}))",
    "round": "value.Round({0}, {1})",
    "abs": "value.Abs({0})",
}
_AGGREGATES = {"sum": "Sum", "avg": "Average", "min": "Least", "max": "Greatest"}
