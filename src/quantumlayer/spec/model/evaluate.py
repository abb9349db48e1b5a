"""Typed expression trees as Python closures: compiled once, then a few function calls per evaluation.

A closure takes the variables by name; `db` among them is the `Store` through which relations are followed. Rows are dicts of
stored values (references as ids). Decimals are exact, numbers are floats, dates `date`, datetimes aware UTC `datetime`.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from quantumlayer.errors import Bug
from quantumlayer.spec.cel import Member, inverse_name
from quantumlayer.spec.check_units import known_answers
from quantumlayer.spec.expression import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Expr,
    ListOf,
    Literal_,
    Select,
    Unary,
    Variable,
)
from quantumlayer.spec.model import library
from quantumlayer.spec.model.unknown import Unknown
from quantumlayer.spec.values import Spec

Variables = dict[str, Any]
Closure = Callable[[Variables], Any]
Row = dict[str, Any]
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Evaluator:
    """Compiles the expressions of one spec. `values` holds the closures of derived fields by (entity, field)."""

    def __init__(self, spec: Spec, messages: Mapping[str, Mapping[str, Member]]) -> None:
        self.messages = messages
        self.units = {name: known_answers(unit) for name, unit in spec.units.items()}
        self.values: dict[tuple[str, str], Closure] = {}
        self.inverses: dict[tuple[str, str], tuple[str, str]] = {}
        self.derived = {(e, f) for e, entity in spec.entities.items() for f, field in entity.fields.items() if field.value}
        for name, entity in spec.entities.items():
            for key, field in entity.fields.items():
                if field.type in ("reference", "references") and field.to:
                    self.inverses[field.to, inverse_name(name, spec, field)] = (name, key)

    def compile(self, expr: Expr, bound: Mapping[str, str] | None = None) -> Closure:
        """The closure of `expr`; `bound` maps comprehension variables to the names that hold them."""
        bound = bound or {}
        match expr:
            case Literal_():
                value = library.literal(expr)
                return lambda v: value
            case Variable(name=name):
                held = bound.get(name, name)
                return lambda v: v[held]
            case Select():
                return self._select(expr, bound)
            case Unary(op=op, operand=operand):
                inner = self.compile(operand, bound)
                return (lambda v: not inner(v)) if op == "!" else (lambda v: -inner(v))
            case Binary():
                return self._binary(expr, bound)
            case Conditional(test=test, then=then, otherwise=otherwise):
                check, yes, no = (self.compile(e, bound) for e in (test, then, otherwise))
                return lambda v: yes(v) if check(v) else no(v)
            case Call():
                return self._call(expr, bound)
            case ListOf(items=items):
                parts = [self.compile(item, bound) for item in items]
                return lambda v: [part(v) for part in parts]
            case Comprehension():
                return self._comprehension(expr, bound)
        raise Bug(f"an expression of unknown kind: {expr!r}")

    def _select(self, expr: Select, bound: Mapping[str, str]) -> Closure:
        operand, field, owner = self.compile(expr.operand, bound), expr.field, expr.operand.type.entity or ""
        if expr.relation == "reference":
            target = expr.type.entity or ""
            return lambda v: v["db"].row(target, operand(v)[field])
        if expr.relation == "references":
            target = expr.type.element.entity or "" if expr.type.element else ""
            return lambda v: v["db"].many(target, operand(v)[field])
        if expr.relation == "inverse":
            other, key = self.inverses[owner, field]
            return lambda v: v["db"].referring(other, key, operand(v)["id"])
        if (owner, field) in self.derived:
            return lambda v: self.derive(v, owner, field, operand(v))
        return lambda v: operand(v)[field]

    def derive(self, variables: Variables, entity: str, field: str, row: Row) -> Any:
        """The value of a derived field of a row, at the request's time, for its caller."""
        inner = {
            "self": row,
            "db": variables["db"],
            "now": variables["now"],
            "today": variables["today"],
            "actor": variables.get("actor"),
        }
        return self.values[entity, field](inner)

    def _binary(self, expr: Binary, bound: Mapping[str, str]) -> Closure:
        op = expr.op
        left, right = self.compile(expr.left, bound), self.compile(expr.right, bound)
        if op == "&&":
            return lambda v: left(v) and right(v)
        if op == "||":
            return lambda v: left(v) or right(v)
        if op in ("==", "!="):
            same = library.same_row if "entity" in (expr.left.type.kind, expr.right.type.kind) else operator.eq
            if op == "==":
                return lambda v: same(left(v), right(v))
            return lambda v: not same(left(v), right(v))
        if op in _COMPARE:
            compare = _COMPARE[op]
            return lambda v: compare(left(v), right(v))
        if op == "in":
            if expr.left.type.kind == "entity":
                return lambda v: library.has_row(right(v), left(v))
            return lambda v: left(v) in right(v)
        calculate = library.arithmetic(op, expr.left.type, expr.right.type)
        return lambda v: calculate(left(v), right(v))

    def _call(self, expr: Call, bound: Mapping[str, str]) -> Closure:
        args = [self.compile(arg, bound) for arg in expr.args]
        if expr.function == "matches" and isinstance(expr.args[1], Literal_):
            search, text = re.compile(str(expr.args[1].value)).search, args[0]
            return lambda v: search(text(v)) is not None
        if expr.function in self.units:
            answers, unknown = self.units[expr.function], Unknown(expr.function)
            return lambda v: answers.get(tuple(arg(v) for arg in args), unknown)
        function = library.function(expr)
        if len(args) == 1:
            only = args[0]
            return lambda v: function(only(v))
        return lambda v: function(*(arg(v) for arg in args))

    def _comprehension(self, expr: Comprehension, bound: Mapping[str, str]) -> Closure:
        held = f"{expr.variable}#{len(bound)}"
        source = self.compile(expr.source, bound)
        body = self.compile(expr.body, {**bound, expr.variable: held})

        def each(v: Variables) -> Any:
            for item in source(v):
                v[held] = item
                yield item, body(v)

        match expr.macro:
            case "filter":
                return lambda v: [item for item, keep in each(v) if keep]
            case "map":
                return lambda v: [value for _, value in each(v)]
            case "exists":
                return lambda v: any(value for _, value in each(v))
            case "all":
                return lambda v: all(value for _, value in each(v))
