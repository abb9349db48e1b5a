"""SQL DDL (PostgreSQL, MySQL, SQLite) → entities: types, keys, checks, uniques, foreign keys, comments."""

import re

from sqlglot import exp

from quantumlayer.spec.analyst.words import plural
from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.sql_checks import checked_column, hold_check, simple
from quantumlayer.spec.importers.sql_columns import add_column, required
from quantumlayer.spec.importers.sql_expressions import field_named, nullable_in, test_of
from quantumlayer.spec.importers.sql_tables import Script, Table, read_script
from quantumlayer.spec.importers.tables import Import, identifier, key_of, let_sign_in, said
from quantumlayer.spec.values import Field, OnDelete, Unique

_SYSTEM = ("created_at", "updated_at")
_PASSWORD = re.compile(
    r"(?:hashed_|encrypted_|crypted_)?(?:password|passwd|passphrase|pass|pwd|pw)(?:_?(?:hash|digest|encrypted))?"
)
_SECRET = re.compile(r"(?:password_?)?salt|remember_token|(?:password_)?reset_token|reset_password_token")
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
        if not _is_join(table, script):
            draft = result.entity(table.name, by)
            draft.description = said(table.comment)
    secret = [t.name for t in script.tables.values() if any(_PASSWORD.fullmatch(identifier(c.name)) for c in t.columns)]
    for table in script.tables.values():
        if _is_join(table, script):
            _join(table, result, by)
        else:
            _fill(result.entity(table.name, by), table, script, result, by, signs_in=secret == [table.name])
    return result


def _is_join(table: Table, script: Script) -> bool:
    """Two foreign keys, together the key, and nothing else: many to many."""
    references = table.references()
    own = {c.name for c in table.columns} - set(references) - {"id", *_SYSTEM}
    declared = all(target in script.tables for target, _ in references.values())
    return declared and len(references) == 2 and not own and len(set(_keyed(table)) & set(references)) == 2


def _keyed(table: Table) -> list[str]:
    """The columns of the primary key, or those of a unique pair beside a key of its own."""
    pairs = [[c.name for c in node.this.expressions] for node in _uniques(table) if node.this is not None]
    return next((pair for pair in pairs if len(pair) == 2), table.primary())


def _join(table: Table, result: Import, by: str) -> None:
    """The first of the pair lists the other; where the table has a name of its own, so has the list."""
    (first, _), (second, action) = table.references().values()
    left, right = result.entity(first, by), result.entity(second, by)
    called, words = identifier(table.name), {form for e in (left, right) for form in (e.name, e.plural)}
    own = not any(f"{a}_{b}" == called for a in words for b in words)
    label = re.sub(rf"^(?:{'|'.join(words)})_|_(?:{'|'.join(words)})$", "", called)
    name = label if own and plural(label) == label and label != called else f"{called}_{right.plural}" if own else right.plural
    name = identifier(name)
    inverse = None if right is not left and not left.reference_list_to(right.name) else f"{left.plural}_as_{name}"
    on_delete: OnDelete = "set_null" if action in ("CASCADE", "SET NULL") else "restrict"
    left.fields[name] = Field(
        type="references",
        to=right.name,
        required=False,
        inverse=inverse,
        on_delete=on_delete,
        description=said(table.comment),
        satisfies=(by,),
    )
    kept = [c.name for c in table.columns if c.name in ("id", *_SYSTEM)]
    told = f", without its {' and '.join(kept)}" if kept else ""
    for check in (c for part in (*table.columns, *table.constraints) for c in part.find_all(exp.CheckColumnConstraint)):
        result.unmet.append(f"the check of the table {table.name} ({check.this.sql()}) has no counterpart")
    result.world.assume(
        f"The table {table.name} is the list {name.replace('_', ' ')} of {left.plural.replace('_', ' ')}{told}."
    )


def _fill(draft: EntityDraft, table: Table, script: Script, result: Import, by: str, *, signs_in: bool) -> None:
    references, primary, rows = table.references(), table.primary(), draft.plural.replace("_", " ")
    for column in table.columns:
        name = identifier(column.name)
        alone = primary == [column.name] and column.name not in references
        if name in _SYSTEM or (name == "id" and not alone):
            continue
        if column.name in references:
            _key_to(draft, table, column, script, result, by)
            continue
        if signs_in and (_PASSWORD.fullmatch(name) or _SECRET.fullmatch(name)):
            if _PASSWORD.fullmatch(name):
                let_sign_in(draft, f"the column {column.name} is their password, which no answer shows", result, by)
            continue
        add_column(draft, column, name, script, result, by, key=alone)
        if name in draft.fields and (told := table.comments.get(column.name)):
            draft.fields[name] = draft.fields[name].model_copy(update={"description": said(told)})
        if alone:
            checked_column(column, draft, result, by)
            _key(draft, column, column.name in table.filled, result, by)
    for column in (c for c in table.columns if primary != [c.name] or c.name in references):
        checked_column(column, draft, result, by)
    for columns, target in table.compound_references():
        result.unmet.append(f"that {', '.join(columns)} of {rows} name a row of {target} together has no counterpart")
    _table_constraints(draft, table, result, by)


def _key_to(draft: EntityDraft, table: Table, column: exp.ColumnDef, script: Script, result: Import, by: str) -> None:
    target, action = table.references()[column.name]
    if target not in script.tables:
        rows = draft.plural.replace("_", " ")
        result.unmet.append(f"{column.name} of {rows} refers to the table {target}, which the file does not declare")
        return
    _refer(draft, table, column, script.tables[target], action, result, by)


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


def _refer(draft: EntityDraft, table: Table, column: exp.ColumnDef, other: Table, action: str, result: Import, by: str) -> None:
    target = result.entity(other.name, by)
    name = identifier(column.name).removesuffix("_id") or target.name
    for key in other.primary():
        name = name.removesuffix(f"_{identifier(key)}")
    name = identifier(name)
    alone = table.primary() == [column.name]
    unique = alone or column.find(exp.UniqueColumnConstraint) is not None
    inverse = f"{draft.plural}_as_{name}" if draft.reference_to(target.name) or target is draft else None
    rows = draft.plural.replace("_", " ")
    if action not in _ON_DELETE and action:
        result.unmet.append(f"that deleting what {column.name} of {rows} names sets it to its default has no counterpart")
    default = column.find(exp.DefaultColumnConstraint)
    if default is not None and not isinstance(default.this, exp.Null):
        result.unmet.append(f"the default of {column.name} of {rows} ({default.this.sql()}) has no counterpart")
    draft.fields[name] = Field(
        type="reference",
        to=target.name,
        required=required(column) or alone,
        unique=unique,
        inverse=inverse,
        on_delete=_ON_DELETE.get(action, "restrict"),
        description=said(table.comments.get(column.name)),
        satisfies=(by,),
    )


def _uniques(table: Table) -> list[exp.UniqueColumnConstraint]:
    inner = [
        node.expressions[0] if isinstance(node, exp.Constraint) and node.expressions else node for node in table.constraints
    ]
    return [node for node in inner if isinstance(node, exp.UniqueColumnConstraint)]


def _table_constraints(draft: EntityDraft, table: Table, result: Import, by: str) -> None:
    rows = draft.plural.replace("_", " ")
    for node in table.constraints:
        for inner in node.expressions if isinstance(node, exp.Constraint) else (node,):
            if isinstance(inner, exp.UniqueColumnConstraint):
                _unique(draft, [c.name for c in inner.this.expressions] if inner.this is not None else [], result, by)
            elif isinstance(inner, exp.CheckColumnConstraint):
                hold_check(inner.this, draft, result, by)
            elif isinstance(inner, exp.IndexColumnConstraint) and str(inner.args.get("kind") or "").upper() == "FULLTEXT":
                _searched(draft, [c.name for c in inner.expressions], result, by)
            elif not isinstance(inner, exp.PrimaryKey | exp.ForeignKey | exp.IndexColumnConstraint):
                result.unmet.append(f"{inner.sql()} of {rows} is not carried over")
    for index in table.indexes:
        columns = [part.name for part in index.parts if isinstance(part, exp.Column)]
        if len(columns) < len(index.parts):
            told = ", ".join(part.sql() for part in index.parts)
            result.unmet.append(f"that {told} of {rows} is unique has no counterpart")
        else:
            _unique(draft, columns, result, by, index.where)
    if len(key := table.primary()) > 1:
        result.world.assume(f"Rows of {rows} are addressed by an id; their key {' and '.join(key)} stays unique.")
        _unique(draft, key, result, by)


def _searched(draft: EntityDraft, columns: list[str], result: Import, by: str) -> None:
    """A full-text index is there to be searched."""
    names = [n for c in columns if (n := field_named(identifier(c), draft)) and draft.fields[n].type in ("string", "text")]
    known = draft.operation("list")
    draft.update("list", search=tuple(dict.fromkeys([*known.search, *names])), satisfies=(by,))
    result.world.assume(f"Lists of {draft.plural} are searched in {' and '.join(names)}.".replace("_", " "))


def _unique(draft: EntityDraft, columns: list[str], result: Import, by: str, where: exp.Expr | None = None) -> None:
    rows = draft.plural.replace("_", " ")
    names = tuple(n for c in columns if (n := field_named(identifier(c), draft)))
    listed = any(draft.fields[n].type in ("strings", "references", "boolean") for n in names) and len(names) == 1
    condition = simple(where) if where is not None else None
    test = test_of(condition, draft) if condition is not None else None
    if not names or len(names) < len(columns) or listed or (where is not None and test is None):
        among = f" where {where.sql()}" if where is not None else ""
        result.unmet.append(f"that {', '.join(columns)} of {rows} are unique{among} has no counterpart")
        return
    if len(names) == 1 and condition is None:
        draft.fields[names[0]] = draft.fields[names[0]].model_copy(update={"unique": True})
        return
    if condition is not None:
        # In an index's condition, unlike in a check, what is null does not hold.
        test = " && ".join([*(f"self.{n} != null" for n in nullable_in(condition, draft)), str(test)])
    found = Unique(fields=names, where=test, satisfies=(by,))
    if all((u.fields, u.where) != (found.fields, found.where) for u in draft.unique):
        draft.unique.append(found)
