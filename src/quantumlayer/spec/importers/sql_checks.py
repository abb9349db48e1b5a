"""CHECK constraints of SQL → bounds of a field where one column is checked, rules in CEL elsewhere, else unmet.

A check that is NULL holds in SQL (ISO 9075-2, 4.18), so that a rule is not asked where a column that it names is null.
"""

import re

from sqlglot import exp

from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.check_fields import portable
from quantumlayer.spec.importers.sql_expressions import OPERATORS, field_of, nullable_in, test_of
from quantumlayer.spec.importers.tables import Import
from quantumlayer.spec.values import Field, Rule

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
    plain = simple(check)
    columns = {c.name for c in plain.find_all(exp.Column)}
    named = {field_of(c, draft) for c in plain.find_all(exp.Column)}
    name = next(iter(named)) if len(columns) == len(named) == 1 else None
    if name is not None:
        field, asked = draft.fields[name], _unless_null(plain)
        if _two_values(asked, field):
            return
        changes = _bounds(asked)
        if changes is not None and (changed := _narrowed(field, changes, by)):
            draft.fields[name] = changed
            return
    test = test_of(plain, draft) if None not in named else None
    if test is None:
        result.unmet.append(f"the check of {draft.plural} ({check.unnest().sql()}) has no counterpart")
        return
    given = "".join(f"self.{n} == null || " for n in nullable_in(plain, draft))
    words = OPERATORS.get(type(plain))
    pair = [field_of(side, draft) for side in (plain.left, plain.right)] if isinstance(plain, exp.Binary) else []
    told = f"{pair[0]} must be {words} {pair[1]}" if words and all(pair) and pair else f"{check.unnest().sql()} must hold"
    rule = Rule(check=f"{given}{test}", message=told.replace("_", " ")[:200], status=422, satisfies=(by,))
    draft.rule("_".join(sorted((n for n in named if n), key=list(draft.fields).index))[:60], rule)


def checked_column(column: exp.ColumnDef, draft: EntityDraft, result: Import, by: str) -> None:
    """The checks that stand beside a column."""
    for check in column.find_all(exp.CheckColumnConstraint):
        hold_check(check.this, draft, result, by)


def simple(check: exp.Expr) -> exp.Expr:
    """Without casts and parentheses, BETWEEN as two comparisons, `= ANY (ARRAY[…])` as IN, the column before the value."""

    def mend(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Cast) or (isinstance(node, exp.Paren) and not isinstance(node.parent, exp.Binary | exp.Any)):
            return mend(node.this)
        if isinstance(node, exp.Paren) and isinstance(node.this, exp.Predicate | exp.Connector | exp.Column | exp.Literal):
            return mend(node.this)
        if isinstance(node, exp.Between):
            low, high = node.args["low"], node.args["high"]
            return exp.And(
                this=exp.GTE(this=node.this.copy(), expression=low), expression=exp.LTE(this=node.this, expression=high)
            )
        if isinstance(node, exp.EQ | exp.NEQ) and (listed := _listed(node)) is not None:
            among = exp.In(this=node.this, expressions=listed.expressions)
            return among if isinstance(node, exp.EQ) else exp.Not(this=among)
        if isinstance(node, exp.Binary) and isinstance(node.left, exp.Literal | exp.Neg) and type(node) in _MIRRORED:
            return _MIRRORED[type(node)](this=node.right, expression=node.left)
        return node

    # What replaces a node is not walked into, so that each round mends one level of what was nested.
    while (mended := check.transform(mend)) != check:
        check = mended
    return check


def _listed(node: exp.Binary) -> exp.Array | None:
    """The array of `= ANY (ARRAY[…])` or `<> ALL (ARRAY[…])`."""
    other = node.expression
    called = isinstance(other, exp.Anonymous) and other.name.upper() == "ALL" and isinstance(node, exp.NEQ)
    found = other.find(exp.Array) if called or (isinstance(other, exp.Any) and isinstance(node, exp.EQ)) else None
    return found if isinstance(found, exp.Array) else None


def _two_values(check: exp.Expr, field: Field) -> bool:
    """Whether it says of a yes or no that it is one or the other."""
    listed = {e.sql().lower() for e in check.expressions} if isinstance(check, exp.In) else set()
    return field.type == "boolean" and listed in ({"0", "1"}, {"true", "false"})


def _unless_null(check: exp.Expr) -> exp.Expr:
    """`x IS NULL OR …` of the one column that is checked: null passes anyway."""
    if isinstance(check, exp.Or):
        for absent, rest in ((check.left, check.right), (check.right, check.left)):
            if isinstance(absent, exp.Is) and isinstance(absent.expression, exp.Null) and not absent.args.get("negate"):
                return rest
    return check


def _narrowed(field: Field, changes: dict, by: str) -> Field | None:
    """The field with bounds from a check; None where its type has no such bounds."""
    if field.type in ("string", "text"):
        if "values" in changes:
            default = field.default if (field.default or "").strip("'") in changes["values"] else None
            told = {"required": field.required, "default": default, "description": field.description}
            return Field(type="enum", values=changes["values"], satisfies=(by,), **told)
        texts = {"min_length", "max_length", "pattern"}
        fits = changes.keys() <= texts and not ("pattern" in changes and field.pattern)
        return field.model_copy(update=changes) if fits else None
    numeric = field.type in ("integer", "decimal", "number")
    bounds = {"min", "max", "exclusive_min", "exclusive_max"}
    return field.model_copy(update=changes) if numeric and changes.keys() <= bounds else None


def _bounds(check: exp.Expr) -> dict | None:
    if check.args.get("negate"):
        return None
    if isinstance(check, exp.And):
        left, right = _bounds(check.left), _bounds(check.right)
        return left | right if left is not None and right is not None else None
    if isinstance(check, exp.In):
        return _values(check) if isinstance(check.this, exp.Column) else None
    if isinstance(check, exp.RegexpLike) and isinstance(check.this, exp.Column):
        return _pattern(check)
    if not isinstance(check, exp.Binary):
        return None
    if isinstance(check.left, exp.Length) and isinstance(check.left.this, exp.Column | exp.Trim):
        # What is not blank holds a character.
        return _length(check) if isinstance(check.left.this, exp.Column) else None
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


def _values(check: exp.In) -> dict | None:
    if check.expressions and all(isinstance(e, exp.Literal) and e.is_string for e in check.expressions):
        return {"values": tuple(dict.fromkeys(e.this for e in check.expressions))}
    numbers = [n for e in check.expressions if isinstance(n := _number(e), int)]
    if len(numbers) == len(check.expressions) > 1 and sorted(numbers) == list(range(min(numbers), max(numbers) + 1)):
        return {"min": min(numbers), "max": max(numbers)}
    return None


def _pattern(check: exp.RegexpLike) -> dict | None:
    """A regular expression finds its text anywhere in SQL, and is the whole value in a field."""
    if not (isinstance(check.expression, exp.Literal) and check.expression.is_string) or check.args.get("flag"):
        return None
    text = check.expression.name
    if "|" in text:
        return None
    whole = (text[1:] if text.startswith("^") else f".*{text}").removesuffix("$")
    whole += "" if text.endswith("$") else ".*"
    return {"pattern": whole} if portable(whole) and not text.endswith("\\$") else None


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
