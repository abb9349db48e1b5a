"""Prints typed expressions as SQL in Kysely's `sql` templates: text for the database, every value a bound parameter."""

import re
from decimal import Decimal

from quantumlayer.blueprint.view.scope import Context, Group, Scalar, Scope, Stored, collection, variables
from quantumlayer.errors import Bug
from quantumlayer.languages.typescript.expressions import (
    ADD,
    AND,
    ATOM,
    COMPARE,
    MULTIPLY,
    OR,
    SECONDS,
    Printed,
    expanded,
    tightened,
)
from quantumlayer.languages.typescript.plain import Plain
from quantumlayer.languages.typescript.relations import NOT, TYPES, Relations
from quantumlayer.languages.typescript.text import sql_text
from quantumlayer.spec.duration import seconds_text
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

_LEVELS = {"||": OR, "&&": AND, "+": ADD, "-": ADD, "*": MULTIPLY, "/": MULTIPLY, "%": MULTIPLY}
_SQL_OPERATORS = {"==": "=", "!=": "<>"}
_TYPED = {"date": "day", "datetime": "instant", "decimal": "exact", "bool": "flag"}
_CASTS = {"int": "bigint", "number": "double precision", "string": "text", "entity": "bigint", "duration": "bigint"}
_WRAPPED = re.compile(r"sql(?:<[^`]*>)?`(.*)`", re.DOTALL)
_TEXTS = {"lower": "lower", "upper": "upper", "trim": "trim", "abs": "abs", "size": "length"}
_FUNCTIONS = {
    "contains": "contains", "startsWith": "startsWith", "endsWith": "endsWith", "matches": "matches", "least": "least",
    "greatest": "greatest", "month": "month", "weekday": "weekday", "hour": "hour", "start_of": "startOf", "round": "round",
    "floor": "floor", "ceil": "ceil", "getHours": "hours", "getMinutes": "minutes", "getSeconds": "seconds",
    "getFullYear": "year", "getMonth": "monthIndex",
}  # fmt: skip


def fragment(text: str) -> str:
    """The SQL inside a template; anything else becomes a parameter of it."""
    found = _WRAPPED.fullmatch(text)
    return found[1] if found and found[1].count("`") % 2 == 0 else f"${{{text}}}"


def enclosed(text: str) -> bool:
    """Whether a text stands in parentheses as a whole."""
    depth = 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return place == len(text) - 1 and place > 0
    return False


class Query(Relations):
    """The printer. `plain` prints the parts that are loaded values; both share one context."""

    def __init__(self, context: Context, plain: Plain) -> None:
        self.context, self.plain = context, plain
        self._calls: set[str] = set()
        plain.queries = self

    # whole expressions

    def __call__(self, expr: Expr, scope: Scope) -> str:
        """A SQL expression as a typed template."""
        return self.value(expr, scope)

    def value(self, expr: Expr, scope: Scope) -> str:
        """An expression to be selected."""
        null = " | null" if expr.type.nullable else ""
        return f"sql<{TYPES.get(expr.type.kind, 'unknown')}{null}>`{self.tight(expr, scope, OR, typed=True)}`"

    def condition(self, expr: Expr, scope: Scope) -> str:
        """A boolean expression for `where`, fit to stand between others."""
        return f"sql<boolean>`{self._condition(expr, scope, AND)}`"

    def conditions(self, expr: Expr, scope: Scope) -> list[str]:
        """The arguments of several `where`, one for each part of a conjunction."""
        if isinstance(expr, Binary) and expr.op == "&&":
            return [*self.conditions(expr.left, scope), *self.conditions(expr.right, scope)]
        return [self.condition(expr, scope)]

    def _condition(self, expr: Expr, scope: Scope, level: int = OR) -> str:
        return self.tight(expr, scope, level)

    def tight(self, expr: Expr, scope: Scope, level: int = ATOM, *, typed: bool = False) -> str:
        """In parentheses where it binds looser than `level`. `typed`: a parameter says what it is, where nothing else does."""
        if not self.is_stored(expr, scope):
            return self._parameter(expr, scope, typed)
        return tightened(self._print(expr, scope), level)

    def _parameter(self, expr: Expr, scope: Scope, typed: bool) -> str:
        if isinstance(expr, Literal_):
            return self._constant(expr)
        if isinstance(expr, Unary) and expr.op == "-" and isinstance(expr.operand, Literal_):
            return f"-{self._constant(expr.operand)}"
        text = self.plain.identity(expr, scope) if expr.type.kind == "entity" else self.plain(expr, scope)
        if expr.type.kind == "list":
            raise Bug("a list is no single value")
        if not typed:
            return f"${{{text}}}"
        if expr.type.kind in _TYPED:
            return f"${{ctx.fn.{_TYPED[expr.type.kind]}({text})}}"
        return f"cast(${{{text}}} as {_CASTS[expr.type.kind]})" if expr.type.kind in _CASTS else f"${{{text}}}"

    def _constant(self, expr: Literal_) -> str:
        value = expr.value
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Decimal):
            text = format(value, "f")
            return text if "." in text else f"{text}.0"
        return str(value) if isinstance(value, int) else sql_text(value)

    def is_stored(self, expr: Expr, scope: Scope) -> bool:
        """Whether the value depends on a row of the query, so that the database must compute it."""
        deep = self._deep(expr)
        return any(isinstance(scope.get(v.name), (Stored, Scalar, Group)) for v in variables(deep))

    def _deep(self, expr: Expr) -> Expr:
        return expanded(self.context, expr)

    def _print(self, expr: Expr, scope: Scope) -> Printed:
        expr = self._deep(expr)
        match expr:
            case Variable(name=name):
                return self._variable(name, scope), ATOM
            case Select():
                return self._select(expr, scope), ATOM
            case Unary(op="!"):
                return f"not {self._condition(expr.operand, scope, ATOM)}", NOT
            case Unary(operand=operand):
                return f"-{self.tight(operand, scope)}", MULTIPLY
            case Binary():
                return self._binary(expr, scope)
            case Conditional(test=test, then=then, otherwise=otherwise):
                texts = [self.tight(part, scope, OR, typed=True) for part in (then, otherwise)]
                return f"case when {self._condition(test, scope)} then {texts[0]} else {texts[1]} end", ATOM
            case Call():
                return self._call(expr, scope)
            case Comprehension():
                return self._comprehension(expr, scope)
        raise Bug(f"cannot print {type(expr).__name__} as a query")

    # members

    def _variable(self, name: str, scope: Scope) -> str:
        binding = scope[name]
        if isinstance(binding, Stored):
            return self._member(binding, "id")
        if isinstance(binding, Scalar):
            return binding.text
        raise Bug(f"{name} is no single value here")

    def _select(self, expr: Select, scope: Scope) -> str:
        operand = expr.operand
        if expr.type.kind == "list":
            raise Bug(f"the list {expr.field} is no single value")
        if expr.field == "id":
            return self.row_id(operand, scope)
        column = self.plain.column(expr)
        if isinstance(operand, Variable) and isinstance(stored := scope[operand.name], Stored):
            return self._member(stored, column)
        opened, source = self._from(operand.type.entity or "", scope)
        row = Stored(source, operand.type.entity or "")
        return f"(select {self._member(row, column)} from {opened} where {source}.id = {self.row_id(operand, scope)})"

    def row_id(self, expr: Expr, scope: Scope) -> str:
        """The id of a row-valued expression."""
        if isinstance(expr, Literal_):
            return "null"
        if not self.is_stored(expr, scope):
            return f"${{{self.plain.identity(expr, scope)}}}"
        if isinstance(expr, Conditional):
            then, otherwise = self.row_id(expr.then, scope), self.row_id(expr.otherwise, scope)
            return f"case when {self._condition(expr.test, scope)} then {then} else {otherwise} end"
        return tightened(self._print(expr, scope), ATOM)

    # operators

    def _binary(self, expr: Binary, scope: Scope) -> Printed:
        op, left, right = expr.op, expr.left, expr.right
        if op in ("&&", "||"):
            return self._logical(expr, scope)
        if op in ("==", "!="):
            return self._equality(op, left, right, scope)
        if op == "in":
            return self._membership(left, right, scope)
        if left.type.kind in ("date", "datetime", "duration") and op in ("+", "-"):
            return self._shifted(op, left, right, scope), ATOM
        level = _LEVELS.get(op, COMPARE)
        plain = level == COMPARE
        first = self.tight(left, scope, level + plain, typed=not plain or self._untyped(right, scope))
        second = self.tight(right, scope, level + 1, typed=not plain or self._untyped(left, scope))
        return f"{first} {op} {second}", level

    def _untyped(self, expr: Expr, scope: Scope) -> bool:
        """Whether PostgreSQL cannot tell a parameter's type from this other side of a comparison."""
        return not isinstance(expr, (Select, Call, Binary)) or not self.is_stored(expr, scope)

    def _logical(self, expr: Binary, scope: Scope) -> Printed:
        conjunction = expr.op == "&&"
        for test, rest in ((expr.left, expr.right), (expr.right, expr.left)):
            if not self.is_stored(test, scope):
                other = f"sql`({self._condition(rest, scope)})`"
                then, otherwise = (other, "sql`false`") if conjunction else ("sql`true`", other)
                return f"${{{self.plain.tight(test, scope, OR)} ? {then} : {otherwise}}}", ATOM
        level = AND if conjunction else OR
        word = "and" if conjunction else "or"
        return f"{self._condition(expr.left, scope, level)} {word} {self._condition(expr.right, scope, level)}", level

    def _equality(self, op: str, left: Expr, right: Expr, scope: Scope) -> Printed:
        if not self.is_stored(left, scope):
            left, right = right, left
        if isinstance(right, Literal_) and (right.value is None or isinstance(right.value, bool)):
            subject = self.row_id(left, scope) if left.type.kind == "entity" else self.tight(left, scope)
            return f"{subject} is {'not ' if op == '!=' else ''}{self._constant(right)}", COMPARE
        if left.type.kind == "entity":
            first, second = self.row_id(left, scope), self.row_id(right, scope)
        else:
            typed = self._untyped(left, scope)
            first, second = self.tight(left, scope, ADD), self.tight(right, scope, ADD, typed=typed)
        if left.type.nullable or right.type.nullable:
            kind = left.type.kind if left.type.kind in _CASTS else "string"
            cast = f"cast({second} as {_CASTS[kind]})" if kind == "entity" and second.startswith("${") else second
            return f"{first} is {'not ' if op == '==' else ''}distinct from {cast}", COMPARE
        return f"{first} {_SQL_OPERATORS[op]} {second}", COMPARE

    def _membership(self, left: Expr, right: Expr, scope: Scope) -> Printed:
        if isinstance(right, ListOf):
            items = ", ".join(self.tight(item, scope) for item in right.items)
            return f"{self.tight(left, scope, ADD)} in ({items})", COMPARE
        if self.plain.is_query(right, scope):
            return f"exists ({self._contained(left, collection(right), scope)})", ATOM
        column = self.row_id(left, scope) if left.type.kind == "entity" else self.tight(left, scope, ADD)
        return f"${{{self.context.helper('oneOf')}(sql`{column}`, {self.plain(right, scope)})}}", ATOM

    def _shifted(self, op: str, left: Expr, right: Expr, scope: Scope) -> str:
        if left.type.kind == "duration":
            if right.type.kind == "duration":
                return f"({self.tight(left, scope, ADD)} {op} {self.tight(right, scope, MULTIPLY)})"
            left, right = right, left
        if right.type.kind != "duration":
            return self._function("secondsBetween", right, left, scope=scope)
        amount = self._seconds(right, scope)
        amount = f"-({amount})" if op == "-" else amount
        helper = "addSecondsToDay" if left.type.kind == "date" else "addSeconds"
        return self._called(self._fn(helper), self.tight(left, scope, OR, typed=True), amount)

    def _seconds(self, expr: Expr, scope: Scope) -> str:
        if isinstance(expr, Call) and expr.function in SECONDS:
            factor, amount = SECONDS[expr.function], expr.args[0]
            if isinstance(amount, Literal_) and isinstance(amount.value, int):
                return str(amount.value * factor)
            return f"{self.tight(amount, scope, MULTIPLY, typed=True)} * {factor}"
        if isinstance(expr, Call) and expr.function == "duration":
            return seconds_text(expr.args[0])
        return self.tight(expr, scope, OR, typed=True)

    # functions

    def _function(self, name: str, *args: Expr, scope: Scope) -> str:
        return self._called(self._fn(name), *(self.tight(arg, scope, OR, typed=True) for arg in args))

    def _called(self, function: str, *texts: str) -> str:
        """A call with SQL as its arguments. One that is nothing but such a call stands there as it is."""
        arguments = ", ".join(text[2:-1] if text in self._calls else f"sql`{text}`" for text in texts)
        call = f"${{{function}({arguments})}}"
        self._calls.add(call)
        return call

    def _fn(self, name: str) -> str:
        self.context.helper(f"fn.{name}")
        return f"ctx.fn.{name}"

    def _call(self, expr: Call, scope: Scope) -> Printed:
        function, args = expr.function, expr.args
        if args and args[0].type.kind == "list" and function in ("size", "sum", "avg", "min", "max"):
            return self._aggregate(expr, scope), ATOM
        if function in SECONDS or function == "duration":
            return self._seconds(expr, scope), MULTIPLY
        if function in ("double", "to_number"):
            return self._converted(expr, scope), ATOM
        if function in _TEXTS:
            return f"{_TEXTS[function]}({self.tight(args[0], scope, OR, typed=True)})", ATOM
        if function == "string":
            return f"cast({self.tight(args[0], scope, OR, typed=True)} as text)", ATOM
        if function == "int":
            return self._function("truncated", args[0], scope=scope), ATOM
        if function == "hours_between":
            return f"{self._function('secondsBetween', *args, scope=scope)} / 3600.0", MULTIPLY
        if function == "date":
            same = args[0].type.kind == "date"
            return (self.tight(args[0], scope) if same else self._function("date", args[0], scope=scope)), ATOM
        if function == "days_between":
            name = "daysBetween" if args[0].type.kind == "date" else "wholeDaysBetween"
            return self._function(name, *args, scope=scope), ATOM
        if function in _FUNCTIONS:
            return self._function(_FUNCTIONS[function], *args, scope=scope), ATOM
        raise Bug(f"the function {function} has no form in a query")

    def _converted(self, expr: Call, scope: Scope) -> str:
        if expr.function == "to_number" or expr.type.kind == "number":
            return f"cast({self.tight(expr.args[0], scope, OR, typed=True)} as double precision)"
        if expr.args[0].type.kind == "decimal":
            return self.tight(expr.args[0], scope)
        return self._called("ctx.fn.exact", self.tight(expr.args[0], scope, OR, typed=True))
