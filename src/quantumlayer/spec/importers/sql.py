"""SQL DDL (PostgreSQL, MySQL, SQLite) → entities: types, keys, checks, uniques, foreign keys."""

from typing import cast

from sqlglot import exp

from quantumlayer.spec.analyst.fields import type_of
from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.sql_checks import checked_column, hold_check, literal
from quantumlayer.spec.importers.sql_tables import Script, Table, read_script
from quantumlayer.spec.importers.tables import Import, identifier, key_of
from quantumlayer.spec.values import Field, FieldType, OnDelete, Unique

_TYPES: dict[str, FieldType] = {
    **dict.fromkeys(("INT", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT", "SERIAL", "BIGSERIAL", "SMALLSERIAL", "UINT", "UBIGINT", "USMALLINT", "YEAR"), "integer"),
    **dict.fromkeys(("DECIMAL", "MONEY", "BIGDECIMAL"), "decimal"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "number"),
    **dict.fromkeys(("TEXT", "MEDIUMTEXT", "LONGTEXT", "TINYTEXT"), "text"),
    **dict.fromkeys(("VARCHAR", "CHAR", "NVARCHAR", "NCHAR", "BPCHAR", "UUID", "INET"), "string"),
    **dict.fromkeys(("DATETIME", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPLTZ", "TIMESTAMPNTZ"), "datetime"),
    "BOOLEAN": "boolean", "BIT": "boolean", "DATE": "date", "TIME": "time", "ENUM": "enum",
}  # fmt: skip
MAX_TEXT = 10_000
_SYSTEM = ("created_at", "updated_at")
_ON_DELETE: dict[str, OnDelete] = {
    "CASCADE": "cascade",
    "SET NULL": "set_null",
    "RESTRICT": "restrict",
    "NO ACTION": "restrict",
}


def import_sql(name: str, text: str, by: str = "R1") -> Import:
    """The entities of a DDL script. Raises `ImportError_` with the line where no dialect can parse it."""
    script = read_script(name, text)
    result = Import(unmet=list(script.left_out))
    for table in script.tables.values():
        if not _is_join(table):
            result.entity(table.name, by)
    for table in script.tables.values():
        if _is_join(table):
            _join(table, result, by)
        else:
            _fill(result.entity(table.name, by), table, script, result, by)
    return result


def _is_join(table: Table) -> bool:
    """Two foreign keys, together the key, and nothing else: many to many."""
    references = table.references()
    own = {c.name for c in table.columns} - set(references) - {"id", *_SYSTEM}
    return len(references) == 2 and not own and len(set(table.primary()) & set(references)) == 2


def _join(table: Table, result: Import, by: str) -> None:
    (first, _), (second, _) = table.references().values()
    left, right = result.entity(first, by), result.entity(second, by)
    left.fields[right.plural] = Field(type="references", to=right.name, required=False, satisfies=(by,))


def _fill(draft: EntityDraft, table: Table, script: Script, result: Import, by: str) -> None:
    references, primary = table.references(), table.primary()
    for column in table.columns:
        name = identifier(column.name)
        alone = primary == [column.name] and column.name not in references
        if name in _SYSTEM or (name == "id" and not alone):
            continue
        if column.name in references:
            target, action = references[column.name]
            if target in script.tables:
                _refer(draft, column, script.tables[target], action, result, by)
            else:
                text = f"{column.name} of {draft.plural} refers to the table {target}, which the file does not declare"
                result.unmet.append(text)
            continue
        _column(draft, column, name, script.enums, result, by)
        if alone:
            _key(draft, column, column.name in table.filled, result, by)
    _table_constraints(draft, table, result, by)


def _key(draft: EntityDraft, column: exp.ColumnDef, filled: bool, result: Import, by: str) -> None:
    """The column that is the primary key: what rows are named by, unless people sign in with it or paths cannot hold it."""
    name = identifier(column.name)
    known = draft.fields.get(name)
    if known is None:
        return
    if known.type not in ("string", "text", "integer") or known.format == "email" or name in ("email", "username", "login"):
        draft.fields[name] = known.model_copy(update={"unique": True, "required": True, "writable": "create"})
        rows = draft.plural.replace("_", " ")
        result.world.assume(f"Rows of {rows} are addressed by an id; their key {column.name} stays unique.")
        return
    kind = column.args.get("kind")
    base = kind.this.name if isinstance(kind, exp.DataType) and hasattr(kind.this, "name") else ""
    counted = column.find(exp.AutoIncrementColumnConstraint, exp.GeneratedAsIdentityColumnConstraint) is not None
    made = filled or counted or "SERIAL" in base or column.find(exp.DefaultColumnConstraint) is not None
    del draft.fields[name]
    draft.id = key_of(draft, name, known.model_copy(update={"satisfies": (by,)}), result, made=made)


def _refer(draft: EntityDraft, column: exp.ColumnDef, table: Table, action: str, result: Import, by: str) -> None:
    target = result.entity(table.name, by)
    name = identifier(column.name).removesuffix("_id") or target.name
    for key in table.primary():
        name = name.removesuffix(f"_{identifier(key)}")
    name = identifier(name)
    required, unique = _required(column), column.find(exp.UniqueColumnConstraint) is not None
    inverse = f"{draft.plural}_as_{name}" if draft.reference_to(target.name) or target is draft else None
    on_delete = _ON_DELETE.get(action, "restrict")
    draft.fields[name] = Field(
        type="reference",
        to=target.name,
        required=required,
        unique=unique,
        inverse=inverse,
        on_delete=on_delete,
        satisfies=(by,),
    )


def _required(column: exp.ColumnDef) -> bool:
    constraint = column.find(exp.NotNullColumnConstraint)
    primary = column.find(exp.PrimaryKeyColumnConstraint)
    return bool(primary or (constraint is not None and not constraint.args.get("allow_null")))


def _column(
    draft: EntityDraft, column: exp.ColumnDef, name: str, enums: dict[str, tuple[str, ...]], result: Import, by: str
) -> None:
    kind = column.args.get("kind")
    base = kind.this.name if isinstance(kind, exp.DataType) and hasattr(kind.this, "name") else "TEXT"
    user = str(kind.args.get("kind") or kind.sql()).lower().split(".")[-1].strip('"') if isinstance(kind, exp.DataType) else ""
    attributes: dict = {"required": _required(column), "unique": column.find(exp.UniqueColumnConstraint) is not None}
    if user in enums or base == "ENUM":
        values = enums.get(user) or tuple(e.name for e in kind.expressions)  # type: ignore[union-attr]
        attributes |= {"type": "enum", "values": values}
    elif base == "ARRAY":
        attributes = {"type": "strings"}
    elif base == "TINYINT" and isinstance(kind, exp.DataType) and [e.name for e in kind.expressions] == ["1"]:
        attributes |= {"type": "boolean"}
    elif user == "citext":
        attributes |= {"type": "string"}
    elif base in _TYPES:
        attributes |= {"type": _TYPES[base]} | _sizes(_TYPES[base], base, cast("exp.DataType", kind))
    else:
        result.unmet.append(f"the column {column.name} of {draft.plural} has type {base.lower()}, which has no counterpart")
        return
    if attributes["type"] == "text" and (type_of(name)[1] or attributes["unique"]):
        # PostgreSQL has one type for names and for prose (its manual, 8.3); what is unique or an address is no prose.
        attributes |= {"type": "string"} if type_of(name)[1] else {"type": "string", "max_length": MAX_TEXT}
    if attributes["type"] == "string" and (format_ := type_of(name)[1]) and "pattern" not in attributes:
        attributes["format"] = format_
    if base == "UUID":
        attributes["format"] = "uuid"
    if (default := column.find(exp.DefaultColumnConstraint)) is not None and (cel := _default(default.this, attributes)):
        attributes["default"] = cel
        attributes["required"] = attributes["required"] or attributes["type"] == "boolean"
        if cel == "''":
            attributes["min_length"] = 0
    draft.fields[name] = Field(**attributes, satisfies=(by,))
    checked_column(column, draft, result, by)


def _sizes(kind: str, base: str, type_: exp.DataType) -> dict:
    numbers = [int(e.this.this) for e in type_.expressions if isinstance(e, exp.DataTypeParam) and str(e.this.this).isdigit()]
    if kind == "decimal":
        return {"places": min(numbers[1], 8) if len(numbers) > 1 else (0 if numbers else 2)}
    if kind == "integer" and base.startswith("U"):
        return {"min": 0}
    if kind == "string" and numbers:
        return {"max_length": numbers[0], **({"min_length": numbers[0]} if base == "CHAR" and numbers[0] > 1 else {})}
    return {}


def _default(value: exp.Expr, attributes: dict) -> str | None:
    kind = attributes["type"]
    if isinstance(value, exp.Paren | exp.Cast):
        return _default(value.this, attributes)
    if isinstance(value, exp.CurrentTimestamp | exp.CurrentDate) or value.sql().upper() in (
        "NOW()",
        "CURRENT_TIMESTAMP",
        "CURRENT_TIMESTAMP()",
        "CURRENT_DATE",
    ):
        return {"datetime": "now", "date": "today"}.get(kind)
    return literal(value, kind, attributes.get("values", ()))


def _table_constraints(draft: EntityDraft, table: Table, result: Import, by: str) -> None:
    for node in table.constraints:
        inner = node.expressions[0] if isinstance(node, exp.Constraint) and node.expressions else node
        if isinstance(inner, exp.UniqueColumnConstraint):
            _unique(draft, [identifier(c.name) for c in inner.this.expressions] if inner.this is not None else [], by)
        elif isinstance(inner, exp.CheckColumnConstraint):
            hold_check(inner.this, draft, result, by)
    if len(key := table.primary()) > 1:
        _unique(draft, [identifier(n) for n in key], by)


def _unique(draft: EntityDraft, columns: list[str], by: str) -> None:
    names = tuple(_field_of(draft, n) for n in columns)
    if len(names) == 1 and names[0] in draft.fields:
        draft.fields[names[0]] = draft.fields[names[0]].model_copy(update={"unique": True})
    elif names and all(n in draft.fields for n in names):
        draft.unique.append(Unique(fields=names, satisfies=(by,)))


def _field_of(draft: EntityDraft, column: str) -> str:
    """The field that a column became: a key to another table has lost its `_id` or `_code`."""
    shorter = (column.rsplit("_", n)[0] for n in range(3))
    return next((n for n in shorter if n in draft.fields), column)
