"""A column of SQL → a field: its type, default, computed value and bounds. What of it has no counterpart is told."""

import re
from typing import cast

from sqlglot import exp

from quantumlayer.spec.analyst.fields import type_of
from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.sql_checks import hold_check, simple
from quantumlayer.spec.importers.sql_expressions import Told, literal, nullable_in, value_of
from quantumlayer.spec.importers.sql_tables import Script
from quantumlayer.spec.importers.tables import Import
from quantumlayer.spec.values import Effect, Field, FieldType

_TYPES: dict[str, FieldType] = {
    **dict.fromkeys(("INT", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT", "INT128", "SERIAL", "BIGSERIAL", "SMALLSERIAL", "UINT", "UBIGINT", "USMALLINT", "UTINYINT", "UMEDIUMINT", "YEAR"), "integer"),
    **dict.fromkeys(("DECIMAL", "UDECIMAL", "MONEY", "SMALLMONEY", "BIGDECIMAL"), "decimal"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "UDOUBLE"), "number"),
    **dict.fromkeys(("TEXT", "MEDIUMTEXT", "LONGTEXT", "TINYTEXT"), "text"),
    **dict.fromkeys(("VARCHAR", "CHAR", "NVARCHAR", "NCHAR", "BPCHAR", "UUID", "INET"), "string"),
    **dict.fromkeys(("DATETIME", "DATETIME2", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPLTZ", "TIMESTAMPNTZ"), "datetime"),
    "BOOLEAN": "boolean", "BIT": "boolean", "DATE": "date", "TIME": "time", "ENUM": "enum", "SET": "strings",
}  # fmt: skip
MAX_TEXT = 10_000
_NOW = re.compile(r"(?:now|current_timestamp|localtimestamp|clock_timestamp|transaction_timestamp|statement_timestamp|sysdate|getdate|utc_timestamp)(?:\(\d*\))?|datetime\('now'(?:, ?'\w+')?\)|cast\(current_timestamp(?:\(\))? as \w+\)", re.I)  # fmt: skip
_TODAY = re.compile(r"(?:current_date|curdate|curtime)(?:\(\))?|date\('now'(?:, ?'\w+')?\)", re.I)
# What names rows, or is about storage, is read elsewhere or says nothing of a value.
_ELSEWHERE = (
    exp.NotNullColumnConstraint, exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.DefaultColumnConstraint,
    exp.CheckColumnConstraint, exp.Reference, exp.AutoIncrementColumnConstraint, exp.GeneratedAsIdentityColumnConstraint,
    exp.CollateColumnConstraint, exp.CharacterSetColumnConstraint, exp.CommentColumnConstraint, exp.ComputedColumnConstraint,
    exp.OnUpdateColumnConstraint, exp.CompressColumnConstraint, exp.InvisibleColumnConstraint,
)  # fmt: skip


def required(column: exp.ColumnDef) -> bool:
    """Whether it always holds a value."""
    constraint = column.find(exp.NotNullColumnConstraint)
    primary = column.find(exp.PrimaryKeyColumnConstraint)
    return bool(primary or (constraint is not None and not constraint.args.get("allow_null")))


def add_column(
    draft: EntityDraft, column: exp.ColumnDef, name: str, script: Script, result: Import, by: str, *, key: bool
) -> None:
    """Give the draft the field of a column, or tell why it has none. The default of a `key` tells how rows are named."""
    rows, domain = draft.plural.replace("_", " "), script.domains.get(_user_type(column))
    kind = cast("exp.DataType | None", (domain or column).args.get("kind"))
    attributes = _typed(name, kind, column, script)
    if attributes is None:
        told = kind.sql() if kind is not None else "no type"
        result.unmet.append(f"the column {column.name} of {rows} has type {told.lower()}, which has no counterpart")
        return
    attributes |= {"required": required(column) or required(domain or column)}
    attributes |= {"unique": column.find(exp.UniqueColumnConstraint) is not None}
    if attributes["type"] in ("boolean", "strings") and attributes.pop("unique"):
        result.unmet.append(f"that {column.name} of {rows} is unique has no counterpart")
    _shape(name, attributes, domain or column)
    if not key or column.find(exp.DefaultColumnConstraint, exp.AutoIncrementColumnConstraint) is None:
        _default(column, domain, attributes, result, rows)
    if kind is not None and kind.this == exp.DataType.Type.SET:
        listed = ", ".join(e.name for e in kind.expressions)
        result.unmet.append(f"that {column.name} of {rows} holds nothing but {listed} has no counterpart")
    draft.fields[name] = Field(**attributes, satisfies=(by,))
    if domain is not None:
        for check in domain.find_all(exp.CheckColumnConstraint):
            hold_check(_about(check.this, column), draft, result, by)
    _written_by_database(draft, column, name, result, by)
    for constraint in column.find_all(exp.ColumnConstraint):
        if not isinstance(constraint.args.get("kind"), _ELSEWHERE):
            result.unmet.append(f"{constraint.sql()} of the column {column.name} of {rows} is not carried over")


def _user_type(column: exp.ColumnDef) -> str:
    kind = column.args.get("kind")
    return str(kind.args.get("kind") or kind.sql()).lower().split(".")[-1].strip('"') if isinstance(kind, exp.DataType) else ""


def _about(check: exp.Expr, column: exp.ColumnDef) -> exp.Expr:
    """The check of a domain, which says VALUE, about a column."""
    return check.transform(lambda node: exp.column(column.name) if isinstance(node, exp.Column) else node)


def _typed(name: str, kind: exp.DataType | None, column: exp.ColumnDef, script: Script) -> dict | None:
    """Type and sizes; None where the type has no counterpart."""
    base = kind.this.name if isinstance(kind, exp.DataType) and hasattr(kind.this, "name") else "TEXT"
    user = _user_type(column)
    if user in script.enums or base == "ENUM":
        listed = script.enums.get(user) or tuple(e.name for e in kind.expressions)  # type: ignore[union-attr]
        return {"type": "enum", "values": listed}
    if base == "ARRAY":
        element = kind.expressions[0] if isinstance(kind, exp.DataType) and kind.expressions else None
        of = element.this.name if isinstance(element, exp.DataType) and hasattr(element.this, "name") else ""
        return {"type": "strings"} if _TYPES.get(of) in ("text", "string") else None
    if _is_flag(base, kind, column):
        return {"type": "boolean"}
    if user == "citext":
        return {"type": "string"}
    return {"type": _TYPES[base]} | _sizes(_TYPES[base], base, kind) if base in _TYPES else None


def _is_flag(base: str, kind: exp.DataType | None, column: exp.ColumnDef) -> bool:
    """A yes or no that is told as a number: `tinyint(1)`, `INTEGER CHECK (x IN (0, 1))`, `INT DEFAULT FALSE`."""
    if base not in ("TINYINT", "INT", "SMALLINT", "BIGINT") or kind is None:
        return False
    if base == "TINYINT" and [e.name for e in kind.expressions] == ["1"]:
        return True
    default = column.find(exp.DefaultColumnConstraint)
    if default is not None and isinstance(default.this, exp.Boolean):
        return True
    checks = [simple(c.this) for c in column.find_all(exp.CheckColumnConstraint)]
    return any(isinstance(c, exp.In) and {e.sql() for e in c.expressions} == {"0", "1"} for c in checks)


def _sizes(kind: str, base: str, type_: exp.DataType | None) -> dict:
    sizes = type_.expressions if type_ is not None else ()
    numbers = [int(e.this.this) for e in sizes if isinstance(e, exp.DataTypeParam) and str(e.this.this).isdigit()]
    if kind == "decimal":
        return {"places": min(numbers[1], 8) if len(numbers) > 1 else (0 if numbers else 2)} | (
            {"min": 0} if base[0] == "U" else {}
        )
    if kind in ("integer", "number") and base.startswith("U"):
        return {"min": 0}
    if kind == "string" and numbers:
        return {"max_length": numbers[0], **({"min_length": numbers[0]} if base == "CHAR" and numbers[0] > 1 else {})}
    return {"format": "uuid"} if base == "UUID" else {}


def _shape(name: str, attributes: dict, column: exp.ColumnDef) -> None:
    """What the name tells of a text, and what a default tells of SQLite's."""
    default = column.find(exp.DefaultColumnConstraint)
    if attributes["type"] in ("text", "string") and default is not None and (clock := _clock(default.this)):
        for size in ("min_length", "max_length"):
            attributes.pop(size, None)
        attributes["type"] = {"now": "datetime", "today": "date"}[clock]
    if attributes["type"] == "text" and (type_of(name)[1] or attributes["unique"]):
        # PostgreSQL has one type for names and for prose (its manual, 8.3); what is unique or an address is no prose.
        attributes |= {"type": "string"} if type_of(name)[1] else {"type": "string", "max_length": MAX_TEXT}
    if attributes["type"] == "string" and "format" not in attributes and (format_ := type_of(name)[1]):
        attributes["format"] = format_


def _clock(value: exp.Expr) -> str | None:
    """`now` or `today`, where that is what a default says in one of the many ways."""
    while isinstance(value, exp.Paren | exp.Cast):
        value = value.this
    if "'now'" in (text := value.sql()) and re.match(r"strftime|time_to_str", text, re.I):
        return "now" if re.search(r"%H|%s|%T", text) else "today"
    for dialect in (None, "sqlite", "postgres"):
        text = value.sql(dialect=dialect)
        if _NOW.fullmatch(text):
            return "now"
        if _TODAY.fullmatch(text) or isinstance(value, exp.Date) and "'now'" in text:
            return "today"
    return None


def _default(column: exp.ColumnDef, domain: exp.ColumnDef | None, attributes: dict, result: Import, rows: str) -> None:
    found = column.find(exp.DefaultColumnConstraint) or (domain.find(exp.DefaultColumnConstraint) if domain else None)
    if found is None or isinstance(found.this, exp.Null):
        return
    value, kind = found.this, attributes["type"]
    while isinstance(value, exp.Paren | exp.Cast):
        value = value.this
    clock = _clock(found.this)
    cel = {"datetime": "now", "date": "today"}.get(kind) if clock else literal(value, kind, attributes.get("values", ()))
    if kind == "strings" and (value.name in ("{}", "[]") or isinstance(value, exp.Array) and not value.expressions):
        attributes["required"] = False
        return
    if cel is None:
        result.unmet.append(f"the default of {column.name} of {rows} ({found.this.sql()}) has no counterpart")
        return
    attributes["default"] = cel
    attributes["required"] = attributes["required"] or kind == "boolean"
    if cel == "''":
        attributes["min_length"] = 0


def _written_by_database(draft: EntityDraft, column: exp.ColumnDef, name: str, result: Import, by: str) -> None:
    """Columns that are computed, or that each change of a row sets to the time."""
    field, rows = draft.fields.get(name), draft.plural.replace("_", " ")
    if field is None:
        return
    if (changed := column.find(exp.OnUpdateColumnConstraint)) is not None:
        clock = {"datetime": "now", "date": "today"}.get(field.type) if _clock(changed.this) else None
        if clock is None:
            result.unmet.append(f"what a change sets {column.name} of {rows} to ({changed.this.sql()}) has no counterpart")
            return
        draft.fields[name] = field.model_copy(update={"writable": "never"})
        result.world.later.append(lambda: _touch(draft, name, clock, by))
    elif (computed := column.find(exp.ComputedColumnConstraint)) is not None:
        told = _computed(simple(computed.this), field, draft)
        del draft.fields[name]
        if told is None:
            result.unmet.append(f"what {column.name} of {rows} is computed from ({computed.this.sql()}) has no counterpart")
            return
        kept = field.model_dump(include={"type", "places", "values", "description"}, exclude_defaults=True)
        given = nullable_in(computed.this, draft)
        value = f"({' || '.join(f'self.{n} == null' for n in given)}) ? null : {told.cel}" if given else told.cel
        draft.fields[name] = Field(**kept, required=not given, value=value, satisfies=(by,))


def _computed(node: exp.Expr, field: Field, draft: EntityDraft) -> Told | None:
    told = value_of(node, draft)
    if told is None:
        return None
    if field.type in ("decimal", "number") and told.kind == "integer":
        return Told(f"double({told.cel})", "number")
    kinds = {"decimal": "number", "text": "string", "enum": "string"}
    return told if told.kind == kinds.get(field.type, field.type) else None


def _touch(draft: EntityDraft, name: str, clock: str, by: str) -> None:
    """Let everything that changes a row set one of its fields to the time."""
    for operation in dict.fromkeys(["update", *draft.operations]):
        known = draft.operation(operation)
        if (known.kind or operation) in ("read", "list", "create", "delete"):
            continue
        effects = (*known.effects, Effect(set={name: clock}))
        draft.update(operation, effects=effects, satisfies=tuple(dict.fromkeys([*known.satisfies, by])))
