"""Prints typed expressions as SQL in Kysely's `sql` templates: text for the database, every value a bound parameter."""

import re
from decimal import Decimal

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
from quantumlayer.languages.typescript.names import quoted
from quantumlayer.languages.typescript.plain import (
    ADD,
    AND,
    ATOM,
    COMPARE,
    MULTIPLY,
    OR,
    SECONDS,
    UNARY,
    Plain,
    Printed,
    QueryPrinter,
    expanded,
    seconds,
    tightened,
)
from quantumlayer.languages.typescript.text import sql_text
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

_NOT = 3
_LEVELS = {"||": OR, "&&": AND, "+": ADD, "-": ADD, "*": MULTIPLY, "/": MULTIPLY, "%": MULTIPLY}
_SQL_OPERATORS = {"==": "=", "!=": "<>"}
_TYPES = {
    "bool": "boolean", "int": "number", "number": "number", "decimal": "Decimal", "string": "string", "date": "string",
    "datetime": "string", "entity": "number", "duration": "number",
}  # fmt: skip
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
_READERS = {"bool": "flag", "int": "number", "number": "number", "decimal": "decimal"}


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


class Query(QueryPrinter):
    """The printer. `plain` prints the parts that are loaded values; both share one context."""

    def __init__(self, context: Context, plain: Plain) -> None:
        self.context, self.plain = context, plain
        plain.queries = self

    # whole expressions

    def __call__(self, expr: Expr, scope: Scope) -> str:
        """A SQL expression as a typed template."""
        return self.value(expr, scope)

    def value(self, expr: Expr, scope: Scope) -> str:
        """An expression to be selected."""
        null = " | null" if expr.type.nullable else ""
        return f"sql<{_TYPES.get(expr.type.kind, 'unknown')}{null}>`{self.tight(expr, scope, OR, typed=True)}`"

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
                return f"not {self._condition(expr.operand, scope, ATOM)}", _NOT
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

    def _member(self, row: Stored, column: str) -> str:
        return f"{row.text}.{quoted(column)}" if row.text else quoted(column)

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

    def _from(self, entity: str, scope: Scope) -> tuple[str, str]:
        """What to select from, and how its rows are called there."""
        table = self.context.naming.source(self.context.names[entity])
        source = self.context.source(entity, scope)
        return (table if source == table else f"{table} as {source}"), source

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
        return f"${{{self._fn(helper)}(sql`{self.tight(left, scope, OR, typed=True)}`, sql`{amount}`)}}"

    def _seconds(self, expr: Expr, scope: Scope) -> str:
        if isinstance(expr, Call) and expr.function in SECONDS:
            factor, amount = SECONDS[expr.function], expr.args[0]
            if isinstance(amount, Literal_) and isinstance(amount.value, int):
                return str(amount.value * factor)
            return f"{self.tight(amount, scope, MULTIPLY, typed=True)} * {factor}"
        if isinstance(expr, Call) and expr.function == "duration":
            return seconds(expr.args[0])
        return self.tight(expr, scope, OR, typed=True)

    # functions

    def _function(self, name: str, *args: Expr, scope: Scope) -> str:
        texts = ", ".join(f"sql`{self.tight(arg, scope, OR, typed=True)}`" for arg in args)
        return f"${{{self._fn(name)}({texts})}}"

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
        return f"${{ctx.fn.exact(sql`{self.tight(expr.args[0], scope, OR, typed=True)}`)}}"

    # collections

    def _opened(self, parts: Collection, scope: Scope) -> tuple[str, list[str], Scope]:
        """What to select from, the conditions that link it to its owner, and the scope of its items."""
        base = parts.base
        if not isinstance(base, Select):
            raise Bug("only relations can be queried")
        operand = base.operand
        link = self.context.link(operand.type.entity or "", base.field)
        owner = self.row_id(operand, scope)
        variable = parts.variable or "item"
        if link.kind == "strings":
            table = quoted(self.context.association(link.owner, link.name))
            return table, [f"{table}.owner_id = {owner}"], {**scope, variable: Scalar(f"{table}.value")}
        entity = base.type.element.entity if base.type.element else None
        opened, source = self._from(entity or "", scope)
        return opened, self._linked(link, source, owner), {**scope, variable: Stored(source, entity or "")}

    def _linked(self, link: Link, source: str, owner: str) -> list[str]:
        if link.kind == "inverse_reference":
            return [f"{source}.{quoted(self.context.names[link.owner].fields[link.name].column)} = {owner}"]
        table = quoted(self.context.association(link.owner, link.name))
        mine, other = ("owner_id", "target_id") if link.kind == "references" else ("target_id", "owner_id")
        return [f"{source}.id in (select {table}.{other} from {table} where {table}.{mine} = {owner})"]

    def _kept(self, parts: Collection, inner: Scope) -> list[str]:
        return [self._condition(condition, inner, AND) for condition in parts.kept]

    def _where(self, conditions: list[str]) -> str:
        return " and ".join(conditions)

    def _source(self, parts: Collection, inner: Scope) -> str:
        binding = inner[parts.variable or "item"]
        return (
            self._member(binding, "id") if isinstance(binding, Stored) else binding.text if isinstance(binding, Scalar) else ""
        )

    def _taken(self, parts: Collection, inner: Scope) -> str:
        if parts.taken is None:
            return self._source(parts, inner)
        if parts.taken.type.kind == "entity":
            return self.row_id(parts.taken, inner)
        return self.tight(parts.taken, inner, OR, typed=True)

    def _contained(self, item: Expr, parts: Collection, scope: Scope) -> str:
        opened, linked, inner = self._opened(parts, scope)
        wanted = self.row_id(item, scope) if item.type.kind == "entity" else self.tight(item, scope, ADD)
        match = f"{self._taken(parts, inner)} = {wanted}"
        return f"select 1 from {opened} where {self._where([*linked, *self._kept(parts, inner), match])}"

    def _comprehension(self, expr: Comprehension, scope: Scope) -> Printed:
        if expr.macro not in ("exists", "all"):
            raise Bug("a list is no single value")
        if self._group(expr.source, scope):
            return self._grouped_quantifier(expr, scope), COMPARE
        text = f"exists ({self._quantifier(expr, scope)})"
        return (text, ATOM) if expr.macro == "exists" else (f"not {text}", _NOT)

    def _quantifier(self, expr: Comprehension, scope: Scope) -> str:
        parts = collection(expr.source)
        named = Collection(parts.base, parts.variable or expr.variable, parts.kept, parts.taken)
        opened, linked, inner = self._opened(named, scope)
        inner = {**inner, expr.variable: inner[named.variable]}
        body = (
            self._condition(expr.body, inner, AND)
            if expr.macro == "exists"
            else f"not {self._condition(expr.body, inner, ATOM)}"
        )
        return f"select 1 from {opened} where {self._where([*linked, *self._kept(named, inner), body])}"

    def _aggregate(self, expr: Call, scope: Scope) -> str:
        if self._group(expr.args[0], scope):
            return self._grouped(expr, scope)
        return f"({self._selected(expr, scope)})"

    def _selected(self, expr: Call, scope: Scope) -> str:
        parts = collection(expr.args[0])
        opened, linked, inner = self._opened(parts, scope)
        measure = self._measure(expr, parts, inner, [])
        return f"select {measure} from {opened} where {self._where([*linked, *self._kept(parts, inner)])}"

    def _measure(self, expr: Call, parts: Collection, inner: Scope, kept: list[str]) -> str:
        chosen = f" filter (where {self._where(kept)})" if kept else ""
        if expr.function == "size":
            return f"count(*){chosen}"
        found = f"{expr.function}({self._taken(parts, inner)}){chosen}"
        if expr.function == "sum" and expr.type.kind == "int":
            return f"cast(coalesce({found}, 0) as bigint)"
        if expr.function == "sum":
            found = f"coalesce({found}, 0)"
        if expr.type.kind == "decimal" and expr.function in ("sum", "avg"):
            return f"${{{self._fn('cleaned')}(sql`{found}`)}}"
        return found

    # groups of a report

    def _group(self, source: Expr, scope: Scope) -> Group | None:
        base = collection(source).base
        binding = scope.get(base.name) if isinstance(base, Variable) else None
        return binding if isinstance(binding, Group) else None

    def _group_scope(self, source: Expr, scope: Scope, *variables_: str) -> Scope:
        group = self._group(source, scope)
        if group is None:
            raise Bug("no group here")
        return {**scope, **{variable: Stored(group.text, group.entity) for variable in variables_}}

    def _grouped(self, expr: Call, scope: Scope) -> str:
        parts = collection(expr.args[0])
        inner = self._group_scope(expr.args[0], scope, parts.variable or "item")
        return self._measure(expr, parts, inner, self._kept(parts, inner))

    def _grouped_quantifier(self, expr: Comprehension, scope: Scope) -> str:
        parts = collection(expr.source)
        inner = self._group_scope(expr.source, scope, parts.variable or expr.variable, expr.variable)
        body = (
            self._condition(expr.body, inner, AND)
            if expr.macro == "exists"
            else f"not {self._condition(expr.body, inner, ATOM)}"
        )
        counted = f"count(*) filter (where {self._where([*self._kept(parts, inner), body])})"
        return f"{counted} > 0" if expr.macro == "exists" else f"{counted} = 0"

    # what plain code asks

    def rows(self, parts: Collection, scope: Scope) -> str:
        opened, linked, inner = self._opened(parts, scope)
        element = parts.taken.type if parts.taken is not None else None
        kind = (
            _TYPES.get(element.kind, "unknown")
            if element
            else "string"
            if isinstance(inner.get(parts.variable or "item"), Scalar)
            else "number"
        )
        where = self._where([*linked, *self._kept(parts, inner)])
        return f"await ctx.all<{kind}>(sql`select {self._taken(parts, inner)} as value from {opened} where {where}`)"

    def contains(self, item: Expr, parts: Collection, scope: Scope) -> Printed:
        return f"await ctx.exists(sql`{self._contained(item, parts, scope)}`)", UNARY

    def quantified(self, expr: Comprehension, scope: Scope) -> Printed:
        text = f"await ctx.exists(sql`{self._quantifier(expr, scope)}`)"
        return (text, UNARY) if expr.macro == "exists" else (f"!({text})", UNARY)

    def aggregate(self, expr: Call, scope: Scope) -> str:
        reader = self._reader(expr.type)
        return f"await ctx.{reader}(sql`{self._selected(expr, scope)}`)"

    def _reader(self, type_: Type) -> str:
        reader = _READERS.get(type_.kind, "text")
        return f"{reader}OrNull" if type_.nullable else reader
