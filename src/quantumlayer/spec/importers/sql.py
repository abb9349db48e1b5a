"""SQL DDL (PostgreSQL, MySQL, SQLite) → entities: types, keys, checks, uniques, foreign keys."""

import re
from typing import cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from quantumlayer.spec.analyst.fields import type_of
from quantumlayer.spec.analyst.words import singular, snake
from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.tables import Import, ImportError_
from quantumlayer.spec.values import Field, FieldType, OnDelete, Rule, Unique

_DIALECTS = ("postgres", "mysql", "sqlite")
_TYPES: dict[str, FieldType] = {
    **dict.fromkeys(("INT", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT", "SERIAL", "BIGSERIAL", "SMALLSERIAL", "UINT", "UBIGINT", "USMALLINT", "YEAR"), "integer"),
    **dict.fromkeys(("DECIMAL", "MONEY", "BIGDECIMAL"), "decimal"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "number"),
    **dict.fromkeys(("TEXT", "MEDIUMTEXT", "LONGTEXT", "TINYTEXT"), "text"),
    **dict.fromkeys(("VARCHAR", "CHAR", "NVARCHAR", "NCHAR", "BPCHAR", "UUID", "INET", "CITEXT"), "string"),
    **dict.fromkeys(("DATETIME", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPLTZ", "TIMESTAMPNTZ"), "datetime"),
    "BOOLEAN": "boolean", "BIT": "boolean", "DATE": "date", "TIME": "time", "ENUM": "enum",
}  # fmt: skip
_SYSTEM = ("created_at", "updated_at")
_ON_DELETE: dict[str, OnDelete] = {
    "CASCADE": "cascade",
    "SET NULL": "set_null",
    "RESTRICT": "restrict",
    "NO ACTION": "restrict",
}


def import_sql(name: str, text: str, by: str = "R1") -> Import:
    """The entities of a DDL script. Raises `ImportError_` with the line where no dialect can parse it."""
    statements = _parse(name, text)
    created = [s for s in statements if isinstance(s, exp.Create) and (s.args.get("kind") or "").upper() == "TABLE"]
    enums = _enums(statements)
    if not created:
        raise ImportError_(
            name,
            None,
            "no CREATE TABLE statement was found",
            "pass the DDL of the tables, for example the output of pg_dump --schema-only",
        )
    result = Import()
    tables = {_table_name(c): c for c in created}
    for table in tables:
        if not _is_join(tables[table]):
            result.entity(table, by)
    for table, create in tables.items():
        if _is_join(create):
            _join(create, result, by)
        else:
            _fill(result.entity(table, by), create, enums, result, by)
    _later_constraints(statements, result, by)
    return result


def _parse(name: str, text: str) -> list[exp.Expr]:
    errors: list[ParseError] = []
    for dialect in _DIALECTS:
        try:
            parsed = [s for s in sqlglot.parse(text, dialect=dialect) if s is not None]
        except TokenError as error:
            raise ImportError_(name, None, str(error).splitlines()[0], "close the quote or comment that was opened") from None
        except ParseError as error:
            errors.append(error)
            continue
        if not any(isinstance(s, exp.Command) and re.match(r"create\s+table", s.sql(), re.I) for s in parsed):
            return parsed
    first = errors[0].errors[0] if errors and errors[0].errors else {}
    line, near_ = first.get("line"), first.get("highlight") or ""
    raise ImportError_(
        name,
        line,
        f"the SQL cannot be parsed{f' near {near_!r}' if near_ else ''}: {first.get('description', 'unknown syntax')}",
        "write it in the dialect of PostgreSQL, MySQL or SQLite",
    )


def _table_name(create: exp.Create) -> str:
    table = create.this.this if isinstance(create.this, exp.Schema) else create.this
    return table.name


def _columns(create: exp.Create) -> list[exp.ColumnDef]:
    return [e for e in create.this.expressions if isinstance(e, exp.ColumnDef)] if isinstance(create.this, exp.Schema) else []


def _references(create: exp.Create) -> dict[str, tuple[str, str]]:
    """Column → (table, what happens on delete), from column and table constraints."""
    found = {}
    for column in _columns(create):
        for constraint in column.find_all(exp.Reference):
            found[column.name] = (_target(constraint), _action(constraint))
    for key in create.find_all(exp.ForeignKey):
        reference = key.args.get("reference")
        if reference is not None and len(key.expressions) == 1:
            found[key.expressions[0].name] = (
                _target(reference),
                _action(key) if "DELETE" in key.sql().upper() else _action(reference),
            )
    return found


def _target(reference: exp.Expr) -> str:
    table = reference.find(exp.Table)
    return table.name if table else ""


def _action(node: exp.Expr) -> str:
    found = re.search(r"ON DELETE (CASCADE|SET NULL|RESTRICT|NO ACTION)", node.sql(), re.I)
    return found[1].upper() if found else ""


def _primary(create: exp.Create) -> set[str]:
    keys = {c.name for c in _columns(create) if c.find(exp.PrimaryKeyColumnConstraint)}
    for key in create.find_all(exp.PrimaryKey):
        keys |= {e.name for e in key.expressions}
    return keys


def _is_join(create: exp.Create) -> bool:
    """Two foreign keys, together the key, and nothing else: many to many."""
    names, references = {c.name for c in _columns(create)}, _references(create)
    own = names - set(references) - {"id", *_SYSTEM}
    return len(references) == 2 and not own and len(_primary(create) & set(references)) == 2


def _join(create: exp.Create, result: Import, by: str) -> None:
    (first, _), (second, _) = list(_references(create).values())
    left, right = result.entity(first, by), result.entity(second, by)
    left.fields[right.plural] = Field(type="references", to=right.name, required=False, satisfies=(by,))


def _fill(draft: EntityDraft, create: exp.Create, enums: dict[str, tuple[str, ...]], result: Import, by: str) -> None:
    references, primary = _references(create), _primary(create)
    for column in _columns(create):
        name = snake(column.name)
        if name in _SYSTEM or (column.name in primary and len(primary) == 1 and column.name not in references):
            if name not in ("id", f"{draft.name}_id", *_SYSTEM):
                result.unmet.append(f"the primary key {column.name} of {draft.plural} is replaced by id")
            continue
        if column.name in references:
            table, action = references[column.name]
            _refer(draft, column, table, action, result, by)
        else:
            _column(draft, column, name, enums, result, by)
    _table_constraints(draft, create, result, by)


def _refer(draft: EntityDraft, column: exp.ColumnDef, table: str, action: str, result: Import, by: str) -> None:
    target = result.entity(table, by)
    name = snake(column.name).removesuffix("_id") or target.name
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
    user = str(kind.args.get("kind") or kind.sql()).lower().strip('"') if isinstance(kind, exp.DataType) else ""
    attributes: dict = {"required": _required(column), "unique": column.find(exp.UniqueColumnConstraint) is not None}
    if user in enums or base == "ENUM":
        values = enums.get(user) or tuple(e.name for e in kind.expressions)  # type: ignore[union-attr]
        attributes |= {"type": "enum", "values": values}
    elif base == "ARRAY":
        attributes = {"type": "strings"}
    elif base in _TYPES:
        attributes |= {"type": _TYPES[base]} | _sizes(_TYPES[base], base, cast("exp.DataType", kind))
    else:
        result.unmet.append(f"the column {column.name} of {draft.plural} has type {base.lower()}, which has no counterpart")
        return
    if attributes["type"] == "string" and (format_ := type_of(name)[1]) and "pattern" not in attributes:
        attributes["format"] = "uuid" if base == "UUID" else format_
    if (default := column.find(exp.DefaultColumnConstraint)) is not None and (cel := _default(default.this, attributes)):
        attributes["default"] = cel
        attributes["required"] = attributes["required"] or attributes["type"] == "boolean"
    field = Field(**attributes, satisfies=(by,))
    for check in column.find_all(exp.CheckColumnConstraint):
        field = _checked_field(field, name, check.this, draft, result, by)
    draft.fields[name] = field


def _sizes(kind: str, base: str, type_: exp.DataType) -> dict:
    numbers = [int(e.this.this) for e in type_.expressions if isinstance(e, exp.DataTypeParam) and str(e.this.this).isdigit()]
    if kind == "decimal":
        return {"places": min(numbers[1], 8) if len(numbers) > 1 else (0 if numbers else 2)}
    if kind == "string" and numbers:
        return {"max_length": numbers[0], **({"min_length": numbers[0]} if base == "CHAR" and numbers[0] > 1 else {})}
    return {}


def _default(value: exp.Expr, attributes: dict) -> str | None:
    kind = attributes["type"]
    if isinstance(value, exp.Paren):
        return _default(value.this, attributes)
    if isinstance(value, exp.Boolean) and kind == "boolean":
        return "true" if value.this else "false"
    if isinstance(value, exp.CurrentTimestamp | exp.CurrentDate) or value.sql().upper() in (
        "NOW()",
        "CURRENT_TIMESTAMP",
        "CURRENT_TIMESTAMP()",
        "CURRENT_DATE",
    ):
        return {"datetime": "now", "date": "today"}.get(kind)
    if isinstance(value, exp.Literal | exp.Neg):
        text = value.sql().strip("'")
        if kind == "boolean":
            return {"0": "false", "1": "true"}.get(text)
        if kind == "integer" and re.fullmatch(r"-?\d+", text):
            return text
        if kind in ("number", "decimal") and re.fullmatch(r"-?\d+(\.\d+)?", text):
            return text if "." in text else f"{text}.0"
        if kind in ("string", "text") or (kind == "enum" and text in attributes.get("values", ())):
            return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return None


def _checked_field(field: Field, name: str, check: exp.Expr, draft: EntityDraft, result: Import, by: str) -> Field:
    """A check of one column as the field's own constraint, else as a rule, else unmet."""
    changes = _bounds(check, name)
    if changes is None:
        _rule(check, draft, result, by)
        return field
    if field.type in ("string", "text") and "values" in changes:
        default = field.default if (field.default or "").strip("'") in changes["values"] else None
        return Field(type="enum", values=changes["values"], required=field.required, default=default, satisfies=(by,))
    return field.model_copy(update=changes)


def _bounds(check: exp.Expr, name: str) -> dict | None:
    check = check.unnest()
    if isinstance(check, exp.And):
        left, right = _bounds(check.left, name), _bounds(check.right, name)
        return left | right if left is not None and right is not None else None
    if isinstance(check, exp.Between) and snake(check.this.name) == name:
        return {"min": _value(check.args["low"]), "max": _value(check.args["high"])}
    if (
        isinstance(check, exp.In)
        and snake(check.this.name) == name
        and all(isinstance(e, exp.Literal) and e.is_string for e in check.expressions)
    ):
        return {"values": tuple(e.this for e in check.expressions)}
    plain = isinstance(check, exp.Binary) and isinstance(check.left, exp.Column) and snake(check.left.name) == name
    value = _value(check.right) if plain and isinstance(check, exp.Binary) else None
    if value is None:
        return None
    return {
        exp.GT: {"min": value, "exclusive_min": True},
        exp.GTE: {"min": value},
        exp.LT: {"max": value, "exclusive_max": True},
        exp.LTE: {"max": value},
    }.get(type(check))  # type: ignore[call-overload]


def _value(node: exp.Expr) -> int | float | None:
    text = node.sql()
    return (float(text) if "." in text else int(text)) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def _rule(check: exp.Expr, draft: EntityDraft, result: Import, by: str) -> None:
    check = check.unnest()
    operator = {exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=", exp.NEQ: "!=", exp.EQ: "=="}.get(type(check))  # type: ignore[call-overload]
    if (
        operator
        and isinstance(check, exp.Binary)
        and isinstance(check.left, exp.Column)
        and isinstance(check.right, exp.Column)
    ):
        a, b = snake(check.left.name), snake(check.right.name)
        if a in draft.fields and b in draft.fields:
            absent = [f"self.{n} == null || " for n in (a, b) if not draft.fields[n].required]
            draft.rule(
                f"{a}_{b}",
                Rule(
                    check=f"{''.join(absent)}self.{a} {operator} self.{b}",
                    message=f"{a.replace('_', ' ')} must be {operator} {b.replace('_', ' ')}",
                    status=422,
                    satisfies=(by,),
                ),
            )
            return
    result.unmet.append(f"the check of {draft.plural} ({check.sql()}) has no counterpart")


def _table_constraints(draft: EntityDraft, create: exp.Create, result: Import, by: str) -> None:
    schema = create.this if isinstance(create.this, exp.Schema) else None
    for node in schema.expressions if schema else ():
        inner = node.expressions[0] if isinstance(node, exp.Constraint) and node.expressions else node
        if isinstance(inner, exp.UniqueColumnConstraint):
            columns = [snake(c.name) for c in inner.this.expressions] if inner.this is not None else []
            _unique(draft, columns, by)
        elif isinstance(inner, exp.CheckColumnConstraint):
            columns = {snake(c.name) for c in inner.this.find_all(exp.Column)}
            if len(columns) == 1 and (name := next(iter(columns))) in draft.fields:
                draft.fields[name] = _checked_field(draft.fields[name], name, inner.this, draft, result, by)
            else:
                _rule(inner.this, draft, result, by)
        elif isinstance(inner, exp.PrimaryKey) and len(inner.expressions) > 1:
            _unique(draft, [snake(e.name) for e in inner.expressions], by)


def _unique(draft: EntityDraft, columns: list[str], by: str) -> None:
    names = tuple(n if n in draft.fields else n.removesuffix("_id") for n in columns)
    if len(names) == 1 and names[0] in draft.fields:
        draft.fields[names[0]] = draft.fields[names[0]].model_copy(update={"unique": True})
    elif names and all(n in draft.fields for n in names):
        draft.unique.append(Unique(fields=names, satisfies=(by,)))


def _enums(statements: list[exp.Expr]) -> dict[str, tuple[str, ...]]:
    """`CREATE TYPE mood AS ENUM ('sad', 'ok')`"""
    found = {}
    for statement in statements:
        if match := re.match(
            r"create\s+type\s+\"?([\w.]+)\"?\s+as\s+enum\s*\((.*)\)", statement.sql(dialect="postgres"), re.I | re.S
        ):
            found[match[1].split(".")[-1].lower()] = tuple(re.findall(r"'((?:[^']|'')*)'", match[2]))
    return found


def _later_constraints(statements: list[exp.Expr], result: Import, by: str) -> None:
    """`ALTER TABLE … ADD FOREIGN KEY` and `CREATE UNIQUE INDEX`, as dumps write them."""
    for statement in statements:
        if (
            isinstance(statement, exp.Create)
            and (statement.args.get("kind") or "").upper() == "INDEX"
            and statement.args.get("unique")
        ):
            table = statement.find(exp.Table)
            draft = result.world.find(singular(snake(table.name))) if table else None
            if draft and not statement.find(exp.Where):
                _unique(draft, [snake(c.name) for c in statement.find_all(exp.Column)], by)
        if isinstance(statement, exp.Alter):
            draft = result.world.find(singular(snake(statement.this.name)))
            for key in statement.find_all(exp.ForeignKey):
                reference = key.args.get("reference")
                name = snake(key.expressions[0].name) if key.expressions else ""
                if draft and reference is not None and name in draft.fields:
                    target = result.entity(_target(reference), by)
                    old = draft.fields.pop(name)
                    draft.fields[name.removesuffix("_id")] = Field(
                        type="reference",
                        to=target.name,
                        required=old.required,
                        on_delete=_ON_DELETE.get(_action(key), "restrict"),
                        satisfies=(by,),
                    )
