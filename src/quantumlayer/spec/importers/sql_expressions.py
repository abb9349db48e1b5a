"""Expressions of SQL over the columns of one table → CEL over the fields of its entity; None where a part has no counterpart."""

import re
from dataclasses import dataclass

from sqlglot import exp

from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.check_fields import portable
from quantumlayer.spec.importers.tables import identifier

OPERATORS: dict[type[exp.Expr], str] = {
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.NEQ: "!=",
    exp.EQ: "==",
}
_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_FUNCTIONS: dict[type[exp.Expr], str] = {exp.Lower: "lower", exp.Upper: "upper", exp.Trim: "trim"}
_TEXTS, _FRACTIONS = ("string", "text", "enum"), ("number", "decimal")
_PLAIN_LIKE = re.compile(r"[^%_\\]+")


@dataclass(frozen=True)
class Told:
    """CEL, and the type of field that it gives: `number` for all fractions, `string` for all texts."""

    cel: str
    kind: str
    entity: str | None = None
    values: tuple[str, ...] = ()


def field_of(node: exp.Expr, draft: EntityDraft) -> str | None:
    """The field that a column became: a key to another table has lost its `_id` or `_code`."""
    return field_named(identifier(node.name), draft) if isinstance(node, exp.Column) else None


def field_named(column: str, draft: EntityDraft) -> str | None:
    """The field that a column of this name became."""
    shorter = (column.rsplit("_", n)[0] for n in range(3))
    return next((n for n in shorter if n in draft.fields), None)


def test_of(node: exp.Expr, draft: EntityDraft) -> str | None:
    """CEL of a condition. What is compared may be null: `nullable_in` tells which fields."""
    if node.args.get("negate"):
        plain = node.copy()
        plain.set("negate", None)
        inner = test_of(plain, draft)
        return f"!({inner})" if inner else None
    if isinstance(node, exp.Paren):
        inner = test_of(node.this, draft)
        return f"({inner})" if inner else None
    if isinstance(node, exp.And | exp.Or):
        left, right = test_of(node.left, draft), test_of(node.right, draft)
        return f"({left} {'&&' if isinstance(node, exp.And) else '||'} {right})" if left and right else None
    if isinstance(node, exp.Not):
        inner = test_of(node.this, draft)
        return f"!({inner})" if inner else None
    if isinstance(node, exp.Column):
        name = field_of(node, draft)
        return f"self.{name}" if name and draft.fields[name].type == "boolean" else None
    if isinstance(node, exp.Is):
        return _is(node, draft)
    if isinstance(node, exp.In):
        return _among(node, draft)
    if isinstance(node, exp.Like | exp.RegexpLike):
        return _like(node, draft)
    return _comparison(node, draft) if isinstance(node, exp.Binary) and type(node) in OPERATORS else None


def nullable_in(node: exp.Expr, draft: EntityDraft) -> list[str]:
    """The fields of an expression that may be null and that it does not ask itself."""
    asked = {field_of(n.this, draft) for n in node.find_all(exp.Is)}
    asked |= {field_of(n.this, draft) for n in node.find_all(exp.Coalesce)}
    named = dict.fromkeys(field_of(c, draft) for c in node.find_all(exp.Column))
    return [n for n in named if n and n not in asked and not draft.fields[n].required]


def value_of(node: exp.Expr, draft: EntityDraft) -> Told | None:
    """CEL of a value."""
    if isinstance(node, exp.Paren):
        inner = value_of(node.this, draft)
        return Told(f"({inner.cel})", inner.kind) if inner else None
    if isinstance(node, exp.Cast):
        return value_of(node.this, draft)
    if isinstance(node, exp.Column):
        return _column(node, draft)
    if isinstance(node, exp.Boolean):
        return Told("true" if node.this else "false", "boolean")
    if isinstance(node, exp.Literal | exp.Neg):
        return _constant(node)
    if type(node) in _ARITHMETIC and isinstance(node, exp.Binary):
        return _arithmetic(node, draft)
    if isinstance(node, exp.DPipe | exp.Concat | exp.ConcatWs):
        return _joined(node, draft)
    if isinstance(node, exp.Length) or type(node) in _FUNCTIONS:
        inner = value_of(node.this, draft)
        if inner is None or inner.kind not in _TEXTS:
            return None
        return Told(f"size({inner.cel})", "integer") if isinstance(node, exp.Length) else Told(f"{_FUNCTIONS[type(node)]}({inner.cel})", "string")  # fmt: skip
    return _special(node, draft)


def literal(node: exp.Expr, kind: str, values: tuple[str, ...] = ()) -> str | None:
    """CEL of an SQL literal as a value of a type; None where it is none."""
    if isinstance(node, exp.Boolean):
        return ("true" if node.this else "false") if kind == "boolean" else None
    if isinstance(node, exp.BitString):
        return {"0": "false", "1": "true"}.get(node.name) if kind == "boolean" else None
    if not isinstance(node, exp.Literal | exp.Neg):
        return None
    text = node.name if isinstance(node, exp.Literal) else node.sql()
    if kind == "boolean":
        return {"0": "false", "1": "true", "f": "false", "t": "true", "false": "false", "true": "true"}.get(text.lower())
    if kind == "integer":
        return text if re.fullmatch(r"-?\d+", text) else None
    if kind in _FRACTIONS:
        return (text if "." in text else f"{text}.0") if re.fullmatch(r"-?\d+(\.\d+)?", text) else None
    if kind in ("date", "datetime") and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return f"timestamp('{text}T00:00:00Z')" if kind == "datetime" else f"date(timestamp('{text}T00:00:00Z'))"
    if kind in ("string", "text") or (kind == "enum" and text in values):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return None


def _is(node: exp.Is, draft: EntityDraft) -> str | None:
    name = field_of(node.this, draft)
    if name is None:
        return None
    if isinstance(node.expression, exp.Null):
        return f"self.{name} == null"
    if isinstance(node.expression, exp.Boolean) and draft.fields[name].type == "boolean":
        return f"self.{name}" if node.expression.this else f"!self.{name}"
    return None


def _among(node: exp.In, draft: EntityDraft) -> str | None:
    told = value_of(node.this, draft)
    listed = [literal(e, told.kind, told.values) for e in node.expressions] if told else []
    return f"{told.cel} in [{', '.join(map(str, listed))}]" if told and listed and None not in listed else None


def _like(node: exp.Like | exp.RegexpLike, draft: EntityDraft) -> str | None:
    told, wanted = value_of(node.this, draft), node.expression
    if told is None or told.kind not in ("string", "text") or not (isinstance(wanted, exp.Literal) and wanted.is_string):
        return None
    text = str(literal(wanted, "string"))[1:-1]
    if isinstance(node, exp.RegexpLike):
        if not portable(wanted.name) or node.args.get("flag"):
            return None
        return f"{told.cel}.matches('{text}')"
    if not _PLAIN_LIKE.fullmatch(inner := text.strip("%")):
        return None
    function = {(True, True): "contains", (True, False): "endsWith", (False, True): "startsWith"}
    found = function.get((text.startswith("%"), text.endswith("%")))
    return f"{told.cel}.{found}('{inner}')" if found else f"{told.cel} == '{inner}'"


def _comparison(node: exp.Binary, draft: EntityDraft) -> str | None:
    operator, left, right = OPERATORS[type(node)], value_of(node.left, draft), value_of(node.right, draft)
    if left is None:
        return None
    value = literal(node.right, left.kind, left.values)
    if value is not None:
        return f"{left.cel} {operator} {value}"
    if right is None or isinstance(node.right, exp.Literal | exp.Neg | exp.Boolean):
        return None
    if {left.kind, right.kind} == {"integer", "number"}:
        left, right = _fraction(left), _fraction(right)
    alike = _alike(left, right) and left.kind not in ("boolean", "strings", "references")
    return f"{left.cel} {operator} {right.cel}" if alike else None


def _alike(left: Told, right: Told) -> bool:
    return left.entity == right.entity and (left.kind == right.kind or {left.kind, right.kind} <= {"string", "enum"})


def _column(node: exp.Column, draft: EntityDraft) -> Told | None:
    name = field_of(node, draft)
    if name is None:
        return None
    field = draft.fields[name]
    kind = "number" if field.type == "decimal" else "string" if field.type == "text" else field.type
    return Told(f"self.{name}", kind, field.to, field.values)


def _constant(node: exp.Expr) -> Told | None:
    if isinstance(node, exp.Literal) and node.is_string:
        return Told(str(literal(node, "string")), "string")
    kind = "number" if "." in node.sql() else "integer"
    text = literal(node, kind)
    return Told(text, kind) if text is not None else None


def _fraction(told: Told) -> Told:
    if told.kind != "integer":
        return told
    return Told(f"{told.cel}.0" if told.cel.isdecimal() else f"double({told.cel})", "number")


def _arithmetic(node: exp.Binary, draft: EntityDraft) -> Told | None:
    left, right, operator = value_of(node.left, draft), value_of(node.right, draft), _ARITHMETIC[type(node)]
    if left is None or right is None:
        return None
    if left.kind == right.kind == "date" and operator == "-":
        return Told(f"days_between({right.cel}, {left.cel})", "integer")
    if left.kind == "date" and right.kind == "integer" and operator in "+-":
        return Told(f"{left.cel} {operator} days({right.cel})", "date")
    if {left.kind, right.kind} > {"integer", "number"} or not {left.kind, right.kind} <= {"integer", "number"}:
        return None
    if left.kind == right.kind == "integer":
        # Whole numbers are divided differently by different databases.
        return Told(f"{left.cel} {operator} {right.cel}", "integer") if operator != "/" else None
    return Told(f"{_fraction(left).cel} {operator} {_fraction(right).cel}", "number") if operator != "%" else None


def _joined(node: exp.Expr, draft: EntityDraft) -> Told | None:
    parts = list(node.flatten(unnest=False)) if isinstance(node, exp.DPipe) else node.expressions
    told = [value_of(part, draft) for part in parts]
    if not told or any(one is None or one.kind not in (*_TEXTS, "integer") for one in told):
        return None
    texts = [f"string({one.cel})" if one.kind == "integer" else one.cel for one in told if one]
    if isinstance(node, exp.ConcatWs):
        return Told(f" + {texts[0]} + ".join(texts[1:]), "string") if len(texts) > 1 else None
    return Told(" + ".join(texts), "string")


def _special(node: exp.Expr, draft: EntityDraft) -> Told | None:
    """`coalesce`, `case`, `round`, `abs`."""
    if isinstance(node, exp.Coalesce) and len(node.expressions) == 1:
        first, other = value_of(node.this, draft), value_of(node.expressions[0], draft)
        if first is None or other is None:
            return None
        if not any(not draft.fields[n].required for c in node.this.find_all(exp.Column) if (n := field_of(c, draft))):
            return first
        other = _fraction(other) if first.kind == "number" else other
        return Told(f"({first.cel} == null ? {other.cel} : {first.cel})", first.kind) if first.kind == other.kind else None
    if isinstance(node, exp.Case) and node.this is None and node.args.get("default") is not None:
        return _case(node, draft)
    if isinstance(node, exp.Round | exp.Abs):
        inner = value_of(node.this, draft) if node.this is not None else None
        if inner is None or inner.kind not in ("integer", "number"):
            return None
        if isinstance(node, exp.Abs):
            return Told(f"abs({inner.cel})", inner.kind)
        places = node.args.get("decimals")
        return Told(f"round({_fraction(inner).cel}, {places.sql() if places else 0})", "number")
    return None


def _case(node: exp.Case, draft: EntityDraft) -> Told | None:
    default = node.args.get("default")
    found = value_of(default, draft) if default is not None else None
    for branch in reversed(node.args["ifs"]):
        test, value = test_of(branch.this, draft), value_of(branch.args["true"], draft)
        if test is None or value is None or found is None or value.kind != found.kind:
            return None
        found = Told(f"({test} ? {value.cel} : {found.cel})", found.kind)
    return found
