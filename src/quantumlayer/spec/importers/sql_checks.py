"""CHECK constraints of SQL → bounds of a field where one column is checked, rules in CEL elsewhere, else unmet.

A check that is NULL holds in SQL (ISO 9075-2, 4.18), so that a rule is not asked where a column that it names is null.
"""

import re

from sqlglot import exp

from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.tables import Import, identifier
from quantumlayer.spec.values import Field, Rule

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.NEQ: "!=",
    exp.EQ: "==",
}
_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
}


def hold_check(check: exp.Expr, draft: EntityDraft, result: Import, by: str) -> None:
    """Let the draft's rows hold a check."""
    plain = _plain(check)
    columns = {identifier(c.name) for c in plain.find_all(exp.Column)}
    field = draft.fields.get(next(iter(columns))) if len(columns) == 1 else None
    if field is not None:
        name = next(iter(columns))
        changes = _bounds(_unless_null(plain), name)
        if changes is not None and (changed := _narrowed(field, changes, by)):
            draft.fields[name] = changed
            return
    test = _cel(plain, draft)
    if test is None:
        result.unmet.append(f"the check of {draft.plural} ({check.unnest().sql()}) has no counterpart")
        return
    given = "".join(f"self.{n} == null || " for n in _nullable(plain, draft))
    words = _OPERATORS.get(type(plain))
    left, right = (identifier(plain.left.name), identifier(plain.right.name)) if isinstance(plain, exp.Binary) else ("", "")
    told = f"{left} must be {words} {right}" if words and left and right else f"{check.unnest().sql()} must hold"
    rule = Rule(check=f"{given}{test}", message=told.replace("_", " "), status=422, satisfies=(by,))
    draft.rule("_".join(sorted(columns, key=list(draft.fields).index))[:60], rule)


def checked_column(column: exp.ColumnDef, draft: EntityDraft, result: Import, by: str) -> None:
    """The checks that stand beside a column."""
    for check in column.find_all(exp.CheckColumnConstraint):
        hold_check(check.this, draft, result, by)


def _plain(check: exp.Expr) -> exp.Expr:
    """Without casts and parentheses, BETWEEN as two comparisons, `= ANY (ARRAY[…])` as IN, the column before the value."""

    def mend(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Cast | exp.Paren):
            return mend(node.this)
        if isinstance(node, exp.Between):
            low, high = node.args["low"], node.args["high"]
            return exp.And(
                this=exp.GTE(this=node.this.copy(), expression=low), expression=exp.LTE(this=node.this, expression=high)
            )
        if isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any):
            listed = node.expression.find(exp.Array)
            return exp.In(this=node.this, expressions=listed.expressions) if listed is not None else node
        if isinstance(node, exp.Binary) and isinstance(node.left, exp.Literal | exp.Neg) and type(node) in _MIRRORED:
            return _MIRRORED[type(node)](this=node.right, expression=node.left)
        return node

    # What replaces a node is not walked into, so that each round mends one level of what was nested.
    while (mended := check.transform(mend)) != check:
        check = mended
    return check


def _unless_null(check: exp.Expr) -> exp.Expr:
    """`x IS NULL OR …` of the one column that is checked: null passes anyway."""
    if isinstance(check, exp.Or):
        for absent, rest in ((check.left, check.right), (check.right, check.left)):
            if isinstance(absent, exp.Is) and isinstance(absent.expression, exp.Null):
                return rest
    return check


def _narrowed(field: Field, changes: dict, by: str) -> Field | None:
    """The field with bounds from a check; None where its type has no such bounds."""
    if field.type in ("string", "text"):
        if "values" in changes:
            default = field.default if (field.default or "").strip("'") in changes["values"] else None
            return Field(type="enum", values=changes["values"], required=field.required, default=default, satisfies=(by,))
        return field.model_copy(update=changes) if changes.keys() <= {"min_length", "max_length"} else None
    numeric = field.type in ("integer", "decimal", "number")
    bounds = {"min", "max", "exclusive_min", "exclusive_max"}
    return field.model_copy(update=changes) if numeric and changes.keys() <= bounds else None


def _bounds(check: exp.Expr, name: str) -> dict | None:
    if isinstance(check, exp.And):
        left, right = _bounds(check.left, name), _bounds(check.right, name)
        return left | right if left is not None and right is not None else None
    if isinstance(check, exp.In):
        listed = all(isinstance(e, exp.Literal) and e.is_string for e in check.expressions)
        return {"values": tuple(e.this for e in check.expressions)} if listed and check.expressions else None
    if not isinstance(check, exp.Binary):
        return None
    if isinstance(check.left, exp.Length) and isinstance(check.left.this, exp.Column):
        return _length(check)
    if not isinstance(check.left, exp.Column):
        return None
    if isinstance(check, exp.NEQ) and check.right == exp.Literal.string(""):
        return {"min_length": 1}
    value = _number(check.right)
    if value is None:
        return None
    return {
        exp.GT: {"min": value, "exclusive_min": True},
        exp.GTE: {"min": value},
        exp.LT: {"max": value, "exclusive_max": True},
        exp.LTE: {"max": value},
    }.get(type(check))


def _length(check: exp.Binary) -> dict | None:
    count = _number(check.right)
    if not isinstance(count, int):
        return None
    return {
        exp.GT: {"min_length": count + 1},
        exp.GTE: {"min_length": count},
        exp.LT: {"max_length": count - 1},
        exp.LTE: {"max_length": count},
        exp.EQ: {"min_length": count, "max_length": count},
    }.get(type(check))


def _number(node: exp.Expr) -> int | float | None:
    text = node.sql()
    return (float(text) if "." in text else int(text)) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def _cel(node: exp.Expr, draft: EntityDraft) -> str | None:
    """CEL of a check over the fields of the draft; None where a part has no counterpart."""
    if isinstance(node, exp.And | exp.Or):
        left, right = _cel(node.left, draft), _cel(node.right, draft)
        return f"({left} {'&&' if isinstance(node, exp.And) else '||'} {right})" if left and right else None
    if isinstance(node, exp.Not):
        inner = _cel(node.this, draft)
        return f"!({inner})" if inner else None
    if isinstance(node, exp.Column):
        name = _field(node, draft)
        return f"self.{name}" if name and draft.fields[name].type == "boolean" else None
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        name = _field(node.this, draft)
        return f"self.{name} == null" if name else None
    if isinstance(node, exp.Binary) and type(node) in _OPERATORS:
        return _comparison(node, draft)
    return None


def _comparison(node: exp.Binary, draft: EntityDraft) -> str | None:
    operator, left, right = _OPERATORS[type(node)], _field(node.left, draft), _field(node.right, draft)
    if left is None:
        return None
    field = draft.fields[left]
    if right is not None:
        other = draft.fields[right]
        alike = field.type == other.type and field.to == other.to and field.type not in ("boolean", "strings", "references")
        return f"self.{left} {operator} self.{right}" if alike else None
    value = literal(node.right, field.type, field.values)
    return f"self.{left} {operator} {value}" if value is not None else None


def _field(node: exp.Expr, draft: EntityDraft) -> str | None:
    if not isinstance(node, exp.Column):
        return None
    name = identifier(node.name)
    return next((n for n in (name, name.removesuffix("_id")) if n in draft.fields), None)


def _nullable(check: exp.Expr, draft: EntityDraft) -> list[str]:
    """The fields of a check that may be null and that it does not ask itself."""
    asked = {_field(n.this, draft) for n in check.find_all(exp.Is)}
    named = dict.fromkeys(_field(c, draft) for c in check.find_all(exp.Column))
    return [n for n in named if n and n not in asked and not draft.fields[n].required]


def literal(node: exp.Expr, kind: str, values: tuple[str, ...] = ()) -> str | None:
    """CEL of an SQL literal as a value of a type; None where it is none."""
    if isinstance(node, exp.Boolean):
        return ("true" if node.this else "false") if kind == "boolean" else None
    if not isinstance(node, exp.Literal | exp.Neg):
        return None
    text = node.sql().strip("'")
    if kind == "boolean":
        return {"0": "false", "1": "true"}.get(text)
    if kind == "integer":
        return text if re.fullmatch(r"-?\d+", text) else None
    if kind in ("number", "decimal"):
        return (text if "." in text else f"{text}.0") if re.fullmatch(r"-?\d+(\.\d+)?", text) else None
    if kind in ("string", "text") or (kind == "enum" and text in values):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return None
