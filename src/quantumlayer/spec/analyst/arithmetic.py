"""Values said as a computation: `the price is the word count times the price per word`, `3 plus 1.20 per km`."""

import re
from typing import Any

from quantumlayer.spec.analyst.draft_field import add_field, known_field
from quantumlayer.spec.analyst.fields import read_item, type_of
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.periods import ensure_days
from quantumlayer.spec.analyst.quantities import amount, bounds_of
from quantumlayer.spec.analyst.time_words import main_date
from quantumlayer.spec.analyst.words import number, singular, snake
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Field

_NUMERIC = ("integer", "number", "decimal")
_SIGNS = {"plus": "+", "and": "+", "+": "+", "minus": "-", "less": "-", "-": "-", "times": "*", "multiplied by": "*", "x": "*", "*": "*", "divided by": "/", "/": "/"}  # fmt: skip
_SIGN = re.compile(r"\s+(plus|minus|less|times|multiplied by|divided by|[x*/+-])\s+", re.I)
_MONEY = (
    "price",
    "cost",
    "fee",
    "total",
    "amount",
    "fare",
    "charge",
    "sum",
    "balance",
    "subtotal",
    "rent",
    "wage",
    "pay",
    "revenue",
    "profit",
    "margin",
)
_NIGHTS = r"\bnumber of (?:nights|days)\b"
_LASTING = ("rent", "reserve", "book", "borrow", "lease", "hire")


@rule
def computes(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`the cost is the daily fee times the number of days`"""
    words = plain(m["f"]).lower()
    target = entity(world, m, "e")
    _tell_parts(clause, world, m["x"])
    name = snake(re.sub(r"^(?:the|its|their|an?) ", "", words))
    if target is None:
        topic = world.find(world.topic)
        holders = [e for e in world.entities.values() if name in e.fields]
        target = next((e for e in [topic, *holders] if e and name in e.fields), None)
        if target is None:
            known = [e for e in [topic, *world.entities.values()] if e]
            _lasting(clause, world, m["x"])
            target = next((e for e in known if _sum(e, m["x"], world, exact=True)), None)
            target = target or next((e for e in known if _sum(e, m["x"], world)), None)
    if target is None or not name:
        return None
    found = _sum(target, m["x"], world, skip=name)
    if found is None or (target.state and name == target.state.field):
        return None
    value, kind = found
    if name.split("_")[-1] in _MONEY and kind != "decimal":
        value, kind = f"double({value})" if kind == "integer" else value, "decimal"
    places = {"places": 2} if kind == "decimal" else {}
    target.fields[name] = Field(type=kind, value=value, **places, satisfies=(clause.id,))  # type: ignore[arg-type]
    if clause.id not in target.satisfies:
        target.satisfies.append(clause.id)
    return True


def _lasting(clause: Clause, world: World, text: str) -> None:
    """`the number of nights times …`: what was told to be rented or reserved is so for days, where nothing else says how long."""
    events = [e for e in world.entities.values() if e.event_of in _LASTING]
    if len(events) == 1 and not bounds_of(events[0], world) and not main_date(events[0]) and re.search(_NIGHTS, text):
        ensure_days(events[0], clause, world)


def _tell_parts(clause: Clause, world: World, text: str) -> None:
    """`… times the daily rate of the pen`: that a pen has one is told here, if nowhere else."""
    of = r"(?:the|its|their) (?P<f>[a-z]+(?: [a-z]+)?) (?:of|for) (?:the|its|their|an?|each) @(?P<h>\w+)"
    whose = r"@(?P<h>\w+)'s (?P<f>[a-z]+(?: per [a-z]+| [a-z]+)?)"
    for found in (m for told in (of, whose) for m in re.finditer(told, text)):
        holder, item = world.find(found["h"].replace("_", " ")), read_item(found["f"])
        kind = type_of(item.name)[0] if item.name else None
        if holder and kind in _NUMERIC and known_field(holder, found["f"]) is None:
            add_field(holder, item, clause.id, world)


def _sum(target: EntityDraft, text: str, world: World, skip: str = "", *, exact: bool = False) -> tuple[str, str] | None:
    """CEL of the words, and its type; None where a term is not understood. `exact` wants fields by their whole name."""
    text = re.sub(
        r"^(?:the (?:sum|total|product|difference) of|calculated as|computed as|equal to) ", "", plain(text).lower().strip(" .")
    )
    pieces = _SIGN.split(_per(text))
    if len(pieces) < 3:
        return None
    terms = [_term(target, piece, world, skip, exact=exact) for piece in pieces[::2]]
    if any(t is None for t in terms):
        return None
    signs = [_SIGNS[s.lower()] for s in pieces[1::2]]
    known = [t for t in terms if t is not None]
    whole = all(kind == "integer" for _, kind in known) and "/" not in signs
    money = any(kind == "decimal" for _, kind in known)
    parts = [cel if whole else _double(cel, kind) for cel, kind in known]
    value = parts[0] + "".join(f" {sign} {part}" for sign, part in zip(signs, parts[1:], strict=True))
    return value, "integer" if whole else "decimal" if money else "number"


def _double(cel: str, kind: str) -> str:
    if kind != "integer":
        return cel
    return f"{cel}.0" if re.fullmatch(r"\d+", cel) else f"double({cel})"


def _per(text: str) -> str:
    """`3 plus 1.20 per km` → `3 plus 1.20 times km`."""
    return re.sub(
        r"([$€£]?\d[\d.,]*)(?: euros?| dollars?| eur| usd| cents)? (?:per|for each|for every|an?) (?=\w)", r"\1 times ", text
    )


def _term(target: EntityDraft, text: str, world: World, skip: str, *, exact: bool = False) -> tuple[str, str] | None:
    words = re.sub(r"^(?:the|its|their|an?|each|his|her)\s+", "", text.strip(" ,."))
    words = re.sub(r"(?<=\d) (?:euros?|dollars?|pounds?|eur|usd|gbp)$", "", words)
    if (value := number(words)) is not None and re.match(r"[$€£]?\d", words):
        share = words.rstrip().endswith("%")
        return (f"{value / 100}", "number") if share else (f"{value}", "integer" if isinstance(value, int) else "number")
    if (known := _own(target, words, skip, True)) is not None:
        return known
    counted = re.fullmatch(
        r"(?:number of )?(?:(started|begun|full|whole|complete) )?([a-z]+)(?: (?:between|from) .+| in .+)?", words
    )
    if counted and (found := amount(target, counted[2], counted[1] or "")):
        return found
    if counted := re.fullmatch(r"number of ([\w ]+)", words):
        children = world.find(counted[1])
        reference = children.reference_to(target.name) if children else None
        if children and reference:
            return f"size(self.{world.inverse(children, reference)})", "integer"
    own = re.sub(r"^(.+) (?:of|for) (?:the|its|their|an?|each) ([\w ]+)$", r"\2's \1", words)
    owner, _, rest = own.partition("'s ")
    if rest:
        parent = world.find(owner)
        return _through(target, rest, world, parent, exact) if parent is not target else _own(target, rest, skip, exact)
    return _own(target, words, skip, exact) or _through(target, words, world, None, exact)


def _own(target: EntityDraft, words: str, skip: str, exact: bool) -> tuple[str, str] | None:
    whole = [n for n in (snake(words), snake(singular(words))) if n in target.fields]
    name = whole[0] if whole else None if exact else known_field(target, words)
    field = target.fields.get(name or "")
    if field is None or name == skip or field.type not in _NUMERIC or not field.required:
        return None
    return f"self.{name}", field.type


def _through(target: EntityDraft, words: str, world: World, parent: EntityDraft | None, exact: bool) -> tuple[str, str] | None:
    for reference, field in target.fields.items():
        if field.type == "reference" and field.to and field.required and (parent is None or parent.name == field.to):
            found = _own(world.entities[field.to], words, "", exact)
            if found:
                return found[0].replace("self.", f"self.{reference}.", 1), found[1]
    return None
