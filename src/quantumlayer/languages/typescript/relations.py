"""Prints what is asked of the rows of a relation, or of a report's group: counts, sums, whether there is one."""

from abc import abstractmethod

from quantumlayer.blueprint.view.scope import Collection, Context, Group, Link, Scalar, Scope, Stored, collection
from quantumlayer.errors import Bug
from quantumlayer.languages.typescript.expressions import ADD, AND, ATOM, COMPARE, OR, UNARY, Printed
from quantumlayer.languages.typescript.names import quoted
from quantumlayer.languages.typescript.plain import QueryPrinter
from quantumlayer.spec.expression import Call, Comprehension, Expr, Select, Type, Variable

NOT = 3
TYPES = {
    "bool": "boolean", "int": "number", "number": "number", "decimal": "Decimal", "string": "string", "date": "string",
    "datetime": "string", "entity": "number", "duration": "number",
}  # fmt: skip
_READERS = {"bool": "flag", "int": "number", "number": "number", "decimal": "decimal"}


class Relations(QueryPrinter):
    """The part of the query printer that opens relations and groups."""

    context: Context

    @abstractmethod
    def tight(self, expr: Expr, scope: Scope, level: int = ATOM, *, typed: bool = False) -> str:
        """See `Query`."""

    @abstractmethod
    def row_id(self, expr: Expr, scope: Scope) -> str:
        """See `Query`."""

    @abstractmethod
    def _condition(self, expr: Expr, scope: Scope, level: int = OR) -> str: ...

    @abstractmethod
    def _fn(self, name: str) -> str: ...

    def _called(self, function: str, *texts: str) -> str: ...

    def _member(self, row: Stored, column: str) -> str:
        return f"{row.text}.{quoted(column)}" if row.text else quoted(column)

    def _from(self, entity: str, scope: Scope) -> tuple[str, str]:
        """What to select from, and how its rows are called there."""
        table = self.context.naming.source(self.context.names[entity])
        source = self.context.source(entity, scope)
        return (table if source == table else f"{table} as {source}"), source

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
        return (text, ATOM) if expr.macro == "exists" else (f"not {text}", NOT)

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
            return self._called(self._fn("cleaned"), found)
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
            TYPES.get(element.kind, "unknown")
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
