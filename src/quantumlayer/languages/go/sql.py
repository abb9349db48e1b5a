"""Prints typed expressions as SQL that SQLite and PostgreSQL both understand; loaded values become arguments.

The functions that differ between the two (dates, rounding, text) have one name in the application: PostgreSQL gets them by
the first migration, SQLite from the program.
"""

from quantumlayer.blueprint.view.scope import (
    Collection,
    Context,
    Group,
    Link,
    Scalar,
    Scope,
    Stored,
    collection,
    variables,
)
from quantumlayer.errors import Bug
from quantumlayer.languages.go.names import quoted
from quantumlayer.languages.go.plain import AND, ATOM, COMPARE, MULTIPLY, OR, TYPES, UNARY, Plain, Printed
from quantumlayer.languages.go.text import argument, sql_literal, statement
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

_NOT, _IS, _ADD, _TIMES = AND, COMPARE, COMPARE + 1, MULTIPLY
_LEVELS = {"||": OR, "&&": AND, "+": _ADD, "-": _ADD, "*": _TIMES, "/": _TIMES, "%": _TIMES}
_SIGNS = {"==": "=", "!=": "<>", "&&": "AND", "||": "OR"}


class Query:
    """The printer. `plain` prints the parts that are loaded values; both share one context."""

    def __init__(self, context: Context, plain: Plain) -> None:
        self.context, self.plain = context, plain
        plain.rows = self

    def condition(self, expr: Expr, scope: Scope) -> str:
        """A boolean SQL expression."""
        return self.printed(expr, scope)[0]

    def conditions(self, expr: Expr, scope: Scope) -> list[str]:
        """One for each part of a conjunction."""
        if isinstance(expr, Binary) and expr.op == "&&":
            return [*self.conditions(expr.left, scope), *self.conditions(expr.right, scope)]
        return [self.tight(expr, scope, AND)]

    def value(self, expr: Expr, scope: Scope) -> str:
        """An expression to be selected or compared with."""
        return self.printed(expr, scope)[0]

    def is_stored(self, expr: Expr, scope: Scope) -> bool:
        """Whether the value depends on a row of the query, so that the database must compute it."""
        return any(isinstance(scope.get(v.name), (Stored, Scalar, Group)) for v in variables(self.context.expanded(expr)))

    def tight(self, expr: Expr, scope: Scope, level: int = ATOM) -> str:
        """In parentheses where it binds looser than `level`."""
        text, found = self.printed(expr, scope)
        return text if found >= level else f"({text})"

    def printed(self, expr: Expr, scope: Scope) -> Printed:
        """The expression and how tightly it binds."""
        expr = self.context.expanded(expr)
        if isinstance(expr, Literal_):
            return sql_literal(expr.value), ATOM
        if not self.is_stored(expr, scope):
            return self._loaded(expr, scope), ATOM
        match expr:
            case Variable(name=name):
                return self._variable(name, scope), ATOM
            case Select():
                return self._select(expr, scope), ATOM
            case Unary(op="!"):
                return self._negated(expr.operand, scope)
            case Unary(operand=operand):
                return f"-{self.tight(operand, scope, UNARY)}", UNARY
            case Binary():
                return self._binary(expr, scope)
            case Conditional(test=test, then=then, otherwise=otherwise):
                branches = [self.condition(part, scope) for part in (test, then, otherwise)]
                return "CASE WHEN {} THEN {} ELSE {} END".format(*branches), ATOM
            case Call():
                return self._call(expr, scope)
            case Comprehension():
                return self._comprehension(expr, scope)
        raise Bug(f"cannot print {type(expr).__name__} as a query")

    def _loaded(self, expr: Expr, scope: Scope) -> str:
        if expr.type.kind == "duration":
            return argument(f"int64({self.plain.argument(expr, scope)} / time.Second)")
        text = self.plain.argument(expr, scope)
        return argument(f"database.Key({text})" if expr.type.kind == "entity" and expr.type.nullable else text)

    def _negated(self, operand: Expr, scope: Scope) -> Printed:
        text, level = self.printed(operand, scope)
        if text.startswith("EXISTS ("):
            return f"NOT {text}", _NOT
        return f"NOT {text}" if level > _NOT else f"NOT ({text})", _NOT

    def _variable(self, name: str, scope: Scope) -> str:
        binding = scope[name]
        if isinstance(binding, Stored):
            return f"{binding.text}.id"
        if isinstance(binding, Scalar):
            return binding.text
        raise Bug(f"{name} is no single value here")

    def _select(self, expr: Select, scope: Scope) -> str:
        operand, key = expr.operand, expr.field
        if expr.type.kind == "list":
            raise Bug(f"the list {key} is no single value")
        if key == "id":
            return self.value(operand, scope)
        entity = operand.type.entity or ""
        if isinstance(operand, Variable) and isinstance(stored := scope[operand.name], Stored):
            return f"{stored.text}.{self._column(entity, key)}"
        name, declared = self._from(entity, scope)
        return f"(SELECT {name}.{self._column(entity, key)} FROM {declared} WHERE {name}.id = {self.tight(operand, scope)})"

    def _column(self, entity: str, name: str) -> str:
        names = self.context.names[entity].fields.get(name)
        return quoted(names.column if names else name)

    def _from(self, entity: str, scope: Scope) -> tuple[str, str]:
        """What rows of the entity are called in an inner query, and the words of its FROM."""
        table = self.context.naming.source(self.context.names[entity])
        name = self.context.source(entity, scope)
        return name, table if name == table else f"{table} AS {name}"

    def _binary(self, expr: Binary, scope: Scope) -> Printed:
        op, left, right = expr.op, expr.left, expr.right
        if op in ("==", "!="):
            return self._equality(op, left, right, scope)
        if op == "in":
            return self._membership(left, right, scope)
        if "date" in left.type.kind + right.type.kind and op in ("+", "-"):
            return self._moved(op, left, right, scope), ATOM
        level = _LEVELS.get(op, COMPARE)
        first = self.tight(left, scope, level + (level == COMPARE))
        return f"{first} {_SIGNS.get(op, op)} {self.tight(right, scope, level + (level not in (AND, OR)))}", level

    def _equality(self, op: str, left: Expr, right: Expr, scope: Scope) -> Printed:
        if isinstance(left, Literal_) or not self.is_stored(left, scope):
            left, right = right, left
        if isinstance(right, Literal_) and right.value is None:
            return f"{self.tight(left, scope, _ADD)} IS {'' if op == '==' else 'NOT '}NULL", _IS
        if isinstance(right, Literal_) and isinstance(right.value, bool) and not left.type.nullable:
            return self.printed(left, scope) if (op == "==") == right.value else self._negated(left, scope)
        first, second = self.tight(left, scope, _ADD), self.tight(right, scope, _ADD)
        if left.type.nullable or right.type.nullable:
            return f"{first} IS {'NOT ' if op == '==' else ''}DISTINCT FROM {second}", _IS
        return f"{first} {_SIGNS[op]} {second}", COMPARE

    def _membership(self, left: Expr, right: Expr, scope: Scope) -> Printed:
        if isinstance(right, ListOf):
            items = ", ".join(self.value(item, scope) for item in right.items)
            return (f"{self.tight(left, scope, _ADD)} IN ({items})", _IS) if items else ("FALSE", ATOM)
        parts = collection(right)
        if isinstance(parts.base, Select) and self.is_stored(parts.base, scope):
            return self._exists(left, parts, scope), ATOM
        choices = argument(f"database.List({self.plain.argument(right, scope)})")
        return f"instr({choices}, '|' || {self.tight(left, scope)} || '|') > 0", COMPARE

    def _moved(self, op: str, left: Expr, right: Expr, scope: Scope) -> str:
        if left.type.kind == "duration":
            left, right = right, left
        if right.type.kind != "duration":
            return self.helper("seconds_between", self.value(right, scope), self.value(left, scope))
        amount = self._seconds(right, scope)
        amount = f"-({amount})" if op == "-" else amount
        return self.helper("add_days" if left.type.kind == "date" else "add_seconds", self.value(left, scope), amount)

    def _seconds(self, expr: Expr, scope: Scope) -> str:
        if not self.is_stored(expr, scope):
            return self._loaded(expr, scope)
        if isinstance(expr, Call) and expr.function in ("days", "hours", "minutes"):
            factor = {"days": 86400, "hours": 3600, "minutes": 60}[expr.function]
            return f"{self.tight(expr.args[0], scope, _TIMES)} * {factor}"
        return self.value(expr, scope)

    def helper(self, name: str, *arguments: str) -> str:
        """A call of one of the application's own SQL functions, noted as used."""
        return f"{self.context.helper(name)}({', '.join(arguments)})"

    def _call(self, expr: Call, scope: Scope) -> Printed:
        function, args = expr.function, expr.args
        if args[0].type.kind == "list" and function in ("size", "sum", "avg", "min", "max"):
            return self._aggregate(expr, scope)
        if function in ("days", "hours", "minutes", "duration"):
            return self._seconds(expr, scope), _TIMES
        if function in ("double", "to_number"):
            return self._as_fraction(expr, scope)
        texts = [self.value(arg, scope) for arg in args]
        if function in ("lower", "upper", "trim", "abs"):
            return f"{function}({texts[0]})", ATOM
        if function == "size":
            return f"length({texts[0]})", ATOM
        if function == "contains":
            return f"{self.helper('instr', *texts)} > 0", COMPARE
        if function == "hours_between":
            return f"{self.helper('seconds_between', *texts)} / 3600.0", _TIMES
        if function == "date" and args[0].type.kind == "date":
            return texts[0], self.printed(args[0], scope)[1]
        if function == "days_between":
            return self.helper("days_between" if args[0].type.kind == "date" else "whole_days_between", *texts), ATOM
        if function in _HELPERS:
            return self.helper(_HELPERS[function], *texts), ATOM
        if function == "int":
            return f"CAST({self.helper('truncated', *texts)} AS bigint)", ATOM
        raise Bug(f"the function {function} has no form in a query")

    def _as_fraction(self, expr: Call, scope: Scope) -> Printed:
        inner, wanted = expr.args[0], expr.type.kind
        if expr.function == "to_number" or wanted == "number":
            return f"CAST({self.value(inner, scope)} AS double precision)", ATOM
        if inner.type.kind == "int":
            return f"{self.tight(inner, scope, _TIMES)} * 1.0", _TIMES
        return self.printed(inner, scope)

    # collections

    def _opened(self, parts: Collection, scope: Scope) -> tuple[str, str, list[str], Scope]:
        """An item's name, the words of FROM, the conditions that link it to its owner, and the scope of its items."""
        base = parts.base
        if not isinstance(base, Select):
            raise Bug("only relations can be queried")
        operand, variable = base.operand, parts.variable or "item"
        link = self.context.link(operand.type.entity or "", base.field)
        owner = self.tight(operand, scope, _ADD)
        if link.kind == "strings":
            table = quoted(self.context.association(link.owner, link.name))
            return table, table, [f"{table}.owner_id = {owner}"], {**scope, variable: Scalar(f"{table}.item")}
        entity = (base.type.element.entity if base.type.element else None) or ""
        name, declared = self._from(entity, scope)
        joined, linked = self._linked(link, name, owner)
        return name, f"{declared}{joined}", linked, {**scope, variable: Stored(name, entity)}

    def _linked(self, link: Link, name: str, owner: str) -> tuple[str, list[str]]:
        if link.kind == "inverse_reference":
            return "", [f"{name}.{self._column(link.owner, link.name)} = {owner}"]
        table = quoted(self.context.association(link.owner, link.name))
        mine, other = ("owner_id", "target_id") if link.kind == "references" else ("target_id", "owner_id")
        return f" JOIN {table} ON {table}.{other} = {name}.id", [f"{table}.{mine} = {owner}"]

    def _kept(self, parts: Collection, inner: Scope) -> list[str]:
        return [text for condition in parts.kept for text in self.conditions(condition, inner)]

    def _taken(self, parts: Collection, inner: Scope, name: str) -> str:
        if parts.taken is not None:
            return self.value(parts.taken, inner)
        binding = inner[parts.variable or "item"]
        return binding.text if isinstance(binding, Scalar) else f"{name}.id"

    def _rest(self, declared: str, conditions: list[str]) -> str:
        return f"FROM {declared} WHERE {' AND '.join(conditions)}"

    def _exists(self, item: Expr, parts: Collection, scope: Scope) -> str:
        name, declared, linked, inner = self._opened(parts, scope)
        match = f"{self._taken(parts, inner, name)} = {self.tight(item, scope, _ADD)}"
        return f"EXISTS (SELECT 1 {self._rest(declared, [*linked, *self._kept(parts, inner), match])})"

    def _comprehension(self, expr: Comprehension, scope: Scope) -> Printed:
        if expr.macro not in ("exists", "all"):
            raise Bug("a list is no single value")
        if self._group(expr.source, scope):
            return self._grouped_quantifier(expr, scope)
        found = f"EXISTS (SELECT 1 {self._quantified(expr, scope)})"
        return (found, ATOM) if expr.macro == "exists" else (f"NOT {found}", _NOT)

    def _quantified(self, expr: Comprehension, scope: Scope) -> str:
        parts = collection(expr.source)
        named = Collection(parts.base, parts.variable or expr.variable, parts.kept, parts.taken)
        _, declared, linked, inner = self._opened(named, scope)
        inner = {**inner, expr.variable: inner[named.variable]}
        body = self._of_each(expr, inner)
        return self._rest(declared, [*linked, *self._kept(named, inner), *body])

    def _of_each(self, expr: Comprehension, inner: Scope) -> list[str]:
        """The conditions on one row: what `exists` looks for, or what `all` must not find."""
        return self.conditions(expr.body, inner) if expr.macro == "exists" else [self._negated(expr.body, inner)[0]]

    def _aggregate(self, expr: Call, scope: Scope) -> Printed:
        source = expr.args[0]
        if self._group(source, scope):
            return self._grouped(expr, scope)
        parts = collection(source)
        name, declared, linked, inner = self._opened(parts, scope)
        return (
            f"(SELECT {self._measure(expr, parts, inner, name)} {self._rest(declared, [*linked, *self._kept(parts, inner)])})",
            ATOM,
        )

    def _measure(self, expr: Call, parts: Collection, inner: Scope, name: str, chosen: str = "") -> str:
        if expr.function == "size":
            return f"count(*){chosen}"
        word = f"{expr.function}({self._taken(parts, inner, name)}){chosen}"
        exact = self.helper("exact", word) if expr.type.kind == "decimal" and expr.function in ("sum", "avg") else word
        return f"COALESCE({exact}, 0)" if expr.function == "sum" else exact

    # groups of a report

    def _group(self, source: Expr, scope: Scope) -> Group | None:
        base = collection(source).base
        binding = scope.get(base.name) if isinstance(base, Variable) else None
        return binding if isinstance(binding, Group) else None

    def _grouped(self, expr: Call, scope: Scope) -> Printed:
        parts, group = collection(expr.args[0]), self._group(expr.args[0], scope)
        if group is None:
            raise Bug("no group here")
        inner = {**scope, parts.variable or "item": Stored(group.text, group.entity)}
        kept = self._kept(parts, inner)
        chosen = f" FILTER (WHERE {' AND '.join(kept)})" if kept else ""
        return self._measure(expr, parts, inner, group.text, chosen), ATOM

    def _grouped_quantifier(self, expr: Comprehension, scope: Scope) -> Printed:
        parts, group = collection(expr.source), self._group(expr.source, scope)
        if group is None:
            raise Bug("no group here")
        row = Stored(group.text, group.entity)
        inner = {**scope, (parts.variable or expr.variable): row, expr.variable: row}
        body = self._of_each(expr, inner)
        counted = f"count(*) FILTER (WHERE {' AND '.join([*self._kept(parts, inner), *body])})"
        return f"{counted} {'>' if expr.macro == 'exists' else '='} 0", COMPARE

    # what plain code asks

    def ids(self, parts: Collection, scope: Scope) -> str:
        """A list of the values that are taken of each row, of ids where nothing else is taken."""
        name, declared, linked, inner = self._opened(parts, scope)
        kind = TYPES.get(parts.taken.type.kind, "int64") if parts.taken else "int64"
        text = f"SELECT {self._taken(parts, inner, name)} {self._rest(declared, [*linked, *self._kept(parts, inner)])}"
        return f"database.Column[{kind}](tx.Tx, {statement(text)})"

    def contains(self, item: Expr, parts: Collection, scope: Scope) -> str:
        """Whether an item is among them."""
        name, declared, linked, inner = self._opened(parts, scope)
        match = f"{self._taken(parts, inner, name)} = {self.tight(item, scope, _ADD)}"
        return f"tx.Exists({statement(self._rest(declared, [*linked, *self._kept(parts, inner), match]))})"

    def quantified(self, expr: Comprehension, scope: Scope) -> Printed:
        """`exists` and `all`."""
        text = f"tx.Exists({statement(self._quantified(expr, scope))})"
        return (text, ATOM) if expr.macro == "exists" else (f"!{text}", UNARY)

    def aggregate(self, expr: Call, scope: Scope) -> str:
        """`size`, `sum`, `avg`, `min`, `max`."""
        parts = collection(expr.args[0])
        name, declared, linked, inner = self._opened(parts, scope)
        rest = self._rest(declared, [*linked, *self._kept(parts, inner)])
        if expr.function == "size":
            return f"tx.Count({statement(rest)})"
        text = f"SELECT {self._measure(expr, parts, inner, name)} {rest}"
        word = "Maybe" if expr.type.nullable else "Value"
        return f"database.{word}[{TYPES[expr.type.kind]}](tx.Tx, {statement(text)})"


_HELPERS = {
    "startsWith": "starts_text", "endsWith": "ends_text", "matches": "matches_text", "date": "date_of", "month": "month_of",
    "weekday": "weekday_of", "hour": "hour_of", "start_of": "start_of_day", "getHours": "hours_of", "getMinutes": "minutes_of",
    "getSeconds": "seconds_of", "getFullYear": "year_of", "getMonth": "month_from_zero", "round": "round_half_up",
    "floor": "floor_of", "ceil": "ceil_of", "least": "least_of", "greatest": "greatest_of", "string": "text_of",
}  # fmt: skip
