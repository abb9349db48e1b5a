"""Go with hand-readable SQL over database/sql: what the neutral view needs of it."""

import re
from datetime import UTC, datetime

from quantumlayer.blueprint.view.dialect import Dialect
from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.blueprint.view.names import EntityNames, Namespace
from quantumlayer.blueprint.view.scope import Context
from quantumlayer.blueprint.view.values import EntityView
from quantumlayer.languages.go.fields import GoField, query_base, query_reader
from quantumlayer.languages.go.names import NAMING, exported, local, quoted
from quantumlayer.languages.go.plain import TYPES, Plain
from quantumlayer.languages.go.sql import Query
from quantumlayer.languages.go.text import argument, literal, sql_quoted
from quantumlayer.spec.expression import Expr, Literal_, Type
from quantumlayer.spec.model.neutral import neutral_value
from quantumlayer.spec.values import Field, Filter

_EPOCH = datetime.fromtimestamp(0, UTC)
_SIGNS = {"eq": "=", "gte": ">=", "lte": "<="}
_ATOM = re.compile(r"[\w.]+(\(.*\))?(\.\w+(\(.*\))?)*")


class HandSql(Dialect):
    """See `Dialect`. One for each spec: it keeps the names of the package service apart."""

    naming = NAMING
    field_type = GoField
    operation_locals = (
        "tx", "body", "params", "key", "err", "where", "order", "items", "total", "rows", "answer", "store", "rules", "value",
    )  # fmt: skip
    report_locals = ("tx", "params", "where", "items", "total", "row", "rows", "err", "value")
    now, today, actor, policy_actor = "tx.Now", "tx.Today", "tx.Actor", "tx.Actor"

    def __init__(self) -> None:
        self._helpers: set[str] = set()
        self._service = Namespace(("Register", "Registration", "Page"))

    def printers(self, context: Context) -> tuple[Plain, Query]:
        plain = Plain(context)
        self._helpers = context.helpers
        return plain, Query(context, plain)

    def converted(self, text: str, expr: Expr, field: Field) -> str:
        nullable = not field.required and field.type not in ("strings", "references")
        if isinstance(expr, Literal_) and expr.value is None:
            return "nil"
        if field.type == "reference":
            return f"database.Ref({text})" if nullable else text
        if field.type == "references":
            return f"value.Distinct({text})"
        kind = expr.type.kind
        if expr.type.nullable:
            return self._fractions(text, kind, field)
        if field.type == "decimal":
            whole = f"decimal.NewFromInt({text})" if kind == "int" else _receiver(text)
            text = f"{whole}.Round({2 if field.places is None else field.places})"
        elif field.type == "number" and kind == "int":
            text = f"float64({text})"
        elif field.type == "number" and kind == "decimal":
            text = f"{_receiver(text)}.InexactFloat64()"
        return f"new({text})" if nullable else text

    def _fractions(self, text: str, kind: str, field: Field) -> str:
        if field.type == "decimal":
            self._helpers.add("Rounded")
            return f"value.Rounded({text}, {2 if field.places is None else field.places})"
        if field.type != "number" or kind != "decimal":
            return text
        self._helpers.add("Float")
        return f"value.Float({text})"

    def constant(self, expr: Expr, field: Field) -> bool:
        if not isinstance(expr, Literal_) or expr.value is None:
            return False
        return field.type in ("string", "text", "enum", "integer", "boolean", "time") or (
            field.type == "number" and isinstance(expr.value, int)
        )

    def sees(self, names: EntityNames) -> str:
        return f"Visible{names.cls}"

    def breaches(self, field: FieldView, value: str) -> list[tuple[str, str]]:
        spec, found = field.spec, []
        held = f"*{value}" if field.nullable else value
        if field.type in ("integer", "number", "decimal"):
            if spec.min is not None:
                words = "above" if spec.exclusive_min else "at least"
                found.append(
                    (
                        _compared(field, value, held, spec.min, "<=" if spec.exclusive_min else "<"),
                        f"must be {words} {spec.min}.",
                    )
                )
            if spec.max is not None:
                words = "below" if spec.exclusive_max else "at most"
                found.append(
                    (
                        _compared(field, value, held, spec.max, ">=" if spec.exclusive_max else ">"),
                        f"must be {words} {spec.max}.",
                    )
                )
        if field.type in ("string", "text"):
            self._helpers.add("Length")
            found.append((f"value.Length({held}) > {field.length}", f"must have at most {field.length} characters."))
        return found

    def present(self, text: str) -> str:
        return f"{text} != nil" if "." in text else f"{text}.ID != 0"

    def both(self, conditions: list[str]) -> str:
        return " && ".join(conditions)

    def neutral(self, field: FieldView) -> str:
        value = neutral_value(field.spec, _EPOCH)
        match field.type:
            case "decimal":
                return f'decimal.RequireFromString("{value}")'
            case "date":
                return "now.Date()"
            case "datetime":
                return "now"
        return literal(value)

    def column(self, view: EntityView, name: str, field: FieldView | None) -> str:
        if field and field.value:
            return f"({field.value})"
        return f"{self.naming.source(view.names)}.{quoted(field.names.column if field else name)}"

    def ranked(self, column: str, values: tuple[str, ...]) -> str:
        ranks = " ".join(f"WHEN {sql_quoted(v)} THEN {i}" for i, v in enumerate(values))
        return f"CASE {column} {ranks} END"

    def filter(self, view: EntityView, filter_: Filter, field: FieldView | None, declared: Field, value: str) -> str:
        given = argument(f"*{value}")
        if field and declared.type in ("strings", "references"):
            table, column = quoted(field.item_class), "item" if declared.type == "strings" else "target_id"
            owner = f"{self.naming.source(view.names)}.id"
            return f"EXISTS (SELECT 1 FROM {table} WHERE {table}.owner_id = {owner} AND {table}.{column} = {given})"
        return f"{self.column(view, filter_.field, field)} {_SIGNS[filter_.op]} {given}"

    def query_type(self, field: FieldView | None, declared: Field) -> str:
        return f"{query_base(declared.type)}|{query_reader(declared.type, declared.values)}"

    def report_type(self, type_: Type) -> str:
        return f"*{TYPES[type_.kind]}" if type_.nullable else TYPES[type_.kind]

    def function(self, key: str, thing: str) -> str:
        return self._service.claim(exported(key) + thing[:1].upper() + thing[1:])

    def schema(self, names: EntityNames, key: str) -> str:
        return self._service.claim(f"{names.cls}{exported(key)}")

    def local(self, name: str) -> str:
        return local(name)


def _compared(field: FieldView, value: str, held: str, bound: int | float, sign: str) -> str:
    if field.type != "decimal":
        return f"{held} {sign} {bound!r}"
    method = {"<": "LessThan", "<=": "LessThanOrEqual", ">": "GreaterThan", ">=": "GreaterThanOrEqual"}[sign]
    return f'{value}.{method}(decimal.RequireFromString("{bound!r}"))'


def _receiver(text: str) -> str:
    """The text as something that a method can be called on."""
    if text.startswith("*") and _ATOM.fullmatch(text[1:]):
        return text[1:]
    return text if _ATOM.fullmatch(text) else f"({text})"
