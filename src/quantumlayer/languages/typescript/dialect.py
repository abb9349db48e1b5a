"""TypeScript with Kysely: what the neutral view needs of it."""

from dataclasses import dataclass

from quantumlayer.blueprint.view.dialect import Dialect, QueryPrinter
from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.blueprint.view.names import EntityNames, FieldNames, lower_camel
from quantumlayer.blueprint.view.scope import Context, Stored
from quantumlayer.blueprint.view.values import EntityView, ListView, OperationView
from quantumlayer.languages.typescript.fields import TypeScriptField
from quantumlayer.languages.typescript.kysely import Query, enclosed, fragment
from quantumlayer.languages.typescript.names import NAMING, quoted, type_name
from quantumlayer.languages.typescript.plain import Plain
from quantumlayer.languages.typescript.text import literal, sql_text
from quantumlayer.spec.expression import Expr, Literal_, Type
from quantumlayer.spec.values import Field, Filter

_REPORT_TYPES = {
    "bool": "boolean", "int": "number", "number": "number", "decimal": "number", "string": "string", "date": "PlainDate",
    "datetime": "Instant",
}  # fmt: skip
_SIGNS = {"eq": "=", "gte": ">=", "lte": "<="}
_NEUTRAL = {
    "boolean": "false", "decimal": "new Decimal(0)", "number": "0", "date": "clock.now().slice(0, 10)",
    "datetime": "clock.now()", "time": '"00:00"',
}  # fmt: skip


@dataclass(frozen=True)
class TypeScriptOperation(OperationView):
    """An operation with the names of its types."""

    @property
    def query_schema(self) -> str:
        """The schema of its query parameters."""
        return self.schema_of("query")

    def schema_of(self, part: str) -> str:
        """The name of a schema: `listBooks`, `query` → `ListBooksQuery`."""
        return type_name(f"{self.function[:1].upper()}{self.function[1:]}_{part}")

    @property
    def url(self) -> str:
        """The path as the router wants it, its parameter called `key`."""
        return self.path.replace("{id}", ":key").replace("{key}", ":key")

    @property
    def nothing(self) -> bool:
        """Whether it answers without a body."""
        gone = self.kind == "delete" or self.deletes_self
        return gone or (self.kind == "action" and not self.on_row and not self.redirect)

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.kind in ("list", "read") and not self.effects and self.spec.transition is None


class KyselyDialect(Dialect):
    """See `Dialect`."""

    naming = NAMING
    field_type = TypeScriptField
    operation_type = TypeScriptOperation
    list_type = ListView
    operation_locals = (
        "actor",
        "answer",
        "body",
        "changes",
        "conditions",
        "ctx",
        "fn",
        "key",
        "order",
        "params",
        "row",
        "rows",
        "target",
        "total",
    )
    report_locals = ("actor", "columns", "ctx", "fn", "items", "order", "params", "row", "rows", "table", "total")
    functions = ("register",)

    def printers(self, context: Context) -> tuple[Plain, Query]:
        plain = Plain(context)
        return plain, Query(context, plain)

    def given(self, names: FieldNames, in_query: bool) -> str:
        return f"{'params' if in_query else 'body'}.{names.wire}"

    def converted(self, text: str, expr: Expr, field: Field) -> str:
        null = isinstance(expr, Literal_) and expr.value is None
        if expr.type.kind == "entity":
            return f"({text})?.id ?? null" if expr.type.nullable else f"({text}).id" if " " in text else f"{text}.id"
        if field.type == "decimal" and not null:
            places = 2 if field.places is None else field.places
            value = f"new Decimal({text})" if expr.type.kind in ("int", "number") else text
            if isinstance(expr, Literal_):
                return value
            if expr.type.nullable:
                return f"({value})?.toDecimalPlaces({places}) ?? null"
            return f"({value}).toDecimalPlaces({places})"
        return f"({text}).toNumber()" if field.type == "number" and expr.type.kind == "decimal" else text

    def sees(self, names: EntityNames) -> str:
        return f"{visible_name(names)}(ctx)"

    def breaches(self, field: FieldView, value: str) -> list[tuple[str, str]]:
        spec, found = field.spec, []
        text = f"{value.rpartition('.')[0]}.{field.names.column}"
        exact = field.type == "decimal"
        if field.type in ("integer", "number", "decimal"):
            if spec.min is not None:
                sign, method, words = ("<=", "lte", "above") if spec.exclusive_min else ("<", "lt", "at least")
                found.append((_compared(text, sign, method, spec.min, exact), f"must be {words} {spec.min}."))
            if spec.max is not None:
                sign, method, words = (">=", "gte", "below") if spec.exclusive_max else (">", "gt", "at most")
                found.append((_compared(text, sign, method, spec.max, exact), f"must be {words} {spec.max}."))
        if field.type in ("string", "text"):
            found.append((f"[...{text}].length > {field.length}", f"must have at most {field.length} characters."))
        return found

    def present(self, text: str) -> str:
        return f"{text} !== null"

    def both(self, conditions: list[str]) -> str:
        return " && ".join(conditions)

    def index_condition(self, query: QueryPrinter, where: Expr, view: EntityView) -> str:
        return fragment(query.condition(where, {"self": Stored("", view.name)}))

    def neutral(self, field: FieldView) -> str:
        if field.default is not None:
            return field.default
        match field.type:
            case "string" | "text":
                least = max(field.least_length, 1)
                return literal("Administrator".ljust(least, "_")[: field.length])
            case "enum":
                return literal(field.spec.values[0])
            case "integer":
                return str(max(0, int(field.spec.min or 0)))
        return _NEUTRAL.get(field.type, "null")

    def column(self, view: EntityView, name: str, field: FieldView | None) -> str:
        if field and field.value:
            text = fragment(field.value)
            return text if enclosed(text) else f"({text})"
        return f"{quoted(view.names.table)}.{quoted(field.names.column if field else name)}"

    def ranked(self, column: str, values: tuple[str, ...]) -> str:
        ranks = " ".join(f"when {sql_text(value)} then {rank}" for rank, value in enumerate(values))
        return f"case {column} {ranks} end"

    def filter(self, view: EntityView, filter_: Filter, field: FieldView | None, declared: Field, value: str) -> str:
        own, items = quoted(view.names.table), quoted(field.item_class) if field else ""
        if declared.type in ("strings", "references"):
            item = "value" if declared.type == "strings" else "target_id"
            inner = f"select {items}.owner_id from {items} where {items}.{item} = ${{{value}}}"
            return f"sql<boolean>`{own}.id in ({inner})`"
        return f"sql<boolean>`{self.column(view, filter_.field, field)} {_SIGNS[filter_.op]} ${{{value}}}`"

    def query_type(self, field: FieldView | None, declared: Field) -> str:
        if isinstance(field, TypeScriptField):
            return field.query
        return "wire.queryInteger()" if declared.type == "integer" else "wire.moment()"

    def report_type(self, type_: Type) -> str:
        return _REPORT_TYPES.get(type_.kind, "unknown") + (" | null" if type_.nullable else "")

    def function(self, key: str, thing: str) -> str:
        return lower_camel(f"{key}_{thing[:1].upper()}{thing[1:]}")

    def schema(self, names: EntityNames, key: str) -> str:
        return type_name(f"{names.cls}_{key}")

    def local(self, name: str) -> str:
        return lower_camel(name)


def visible_name(names: EntityNames) -> str:
    """The function that says which rows a caller may see."""
    return f"visible{names.plural[:1].upper()}{names.plural[1:].rstrip('_')}"


def _compared(text: str, sign: str, method: str, bound: int | float, exact: bool) -> str:
    return f"{text}.{method}({bound!r})" if exact else f"{text} {sign} {bound!r}"
