"""Movements that a file keeps with fields of its own: they change what the file counts, and nothing is added to either."""

from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.values import Effect

_INTO = frozenset(("in", "into", "receipt", "received", "purchase", "return", "inbound", "add", "deposit", "incoming"))
_OUT = frozenset(("out", "issue", "issued", "sale", "sold", "outbound", "remove", "withdrawal", "outgoing", "consumed"))
_COUNTED = ("quantity", "stock", "quantity_on_hand", "on_hand", "stock_level", "in_stock", "balance", "count")
_AMOUNTS = ("quantity", "amount", "delta", "change", "number", "qty", "units")


def move_stock(moves: EntityDraft, product: EntityDraft, by: str) -> bool | str | None:
    """Let new movements change the stored count; the kinds of which the direction is unknown are left over. None: it cannot."""
    reference = moves.reference_to(product.name)
    counted = next((n for n in _COUNTED if n in product.fields and product.fields[n].value is None), None)
    amount = next((n for n in _AMOUNTS if n in moves.fields), None)
    if reference is None or counted is None or amount is None:
        return None
    field, moved = product.fields[counted], moves.fields[amount]
    alike = field.type == moved.type or {field.type, moved.type} <= {"number", "decimal"}
    if not alike or not moved.required or not moves.fields[reference].required:
        return None
    kinds = next(((n, f) for n, f in moves.fields.items() if f.type == "enum" and f.required and {*map(str.lower, f.values)} & _INTO), None)  # fmt: skip
    stored, change = f"self.{reference}.{counted}", f"self.{amount}"
    unknown: list[str] = []
    out: list[str] = []
    if kinds:
        name, listed = kinds
        into = [v for v in listed.values if v.lower() in _INTO]
        out = [v for v in listed.values if v.lower() in _OUT]
        unknown = [v for v in listed.values if v not in into and v not in out]
        value = f"{_among(name, into)} ? {stored} + {change} : {_among(name, out)} ? {stored} - {change} : {stored}"
    elif moved.min is not None and moved.min >= 0:
        return None
    else:
        value = f"{stored} + {change}"
    if kinds and not out:
        return None
    known = moves.operation("create")
    moves.event_of = moves.event_of or "move"
    product.fields[counted] = field.model_copy(update={"writable": "never", "default": field.default or _zero(field.type), "required": True})  # fmt: skip
    changed = Effect(update=f"self.{reference}", set={counted: value})
    moves.update("create", effects=(*known.effects, changed), satisfies=tuple(dict.fromkeys([*known.satisfies, by])))
    return ", ".join(unknown) or True


def _zero(kind: str) -> str:
    return "0" if kind == "integer" else "0.0"


def _among(name: str, values: list[str]) -> str:
    return f"self.{name} == '{values[0]}'" if len(values) == 1 else f"self.{name} in {values!r}"
