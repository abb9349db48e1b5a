"""Lists of rows told by a phrase behind their name, and windows of time: `certificates that expire within the next 30 days`."""

import re
from typing import Any

from quantumlayer.spec.analyst.conditions import clock_of, condition, guarded
from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.time_words import duration
from quantumlayer.spec.analyst.words import snake
from quantumlayer.spec.analyst.world import EntityDraft, World, effect
from quantumlayer.spec.values import Field

# What a verb of time is told by.
_TIMED = (
    (r"expir(?:e|es|ing)|(?:is|are) expiring|runs? out|running out", r"expir|valid_(?:until|to)|end|until"),
    (r"(?:is |are |becomes? |falls? )?due", r"due|deadline|return_by"),
    (r"ends?|ending|closes?|closing|finish(?:es)?", r"end|clos|until|deadline"),
    (
        r"starts?|starting|begins?|beginning|takes? place|taking place|happens?|happening|(?:is|are) upcoming",
        r"start|begin|date|departure",
    ),
)
_EMPTY = frozenset(
    [
        "that",
        "which",
        "who",
        "whose",
        "with",
        "where",
        "are",
        "is",
        "was",
        "were",
        "have",
        "has",
        "had",
        "been",
        "be",
        "will",
        "the",
        "a",
        "an",
        "its",
        "their",
        "than",
        "in",
        "within",
        "next",
        "of",
        "for",
        "ago",
    ]
)
_NEXT = r"(?:with)?in (?:the )?(?:next |coming |following |less than )?(?P<d>[\w.]+ (?:hours?|days?|weeks?|months?|years?))"
_AGO = r"(?:more|longer|older) than (?P<d>[\w.]+ (?:hours?|days?|weeks?|months?|years?)) ago"


@rule
def listed_if(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`list the certificates that expire within the next 30 days`"""
    target, words = entity(world, m, "e"), plain(m["c"]).strip(" .?")
    if target is None:
        return None
    test = window(target, words) or _since(target, words, clause) or condition(world, target, words)
    name = snake(" ".join([w for w in words.lower().split() if w not in _EMPTY][:4]))
    if test is None or not name or name in target.operations:
        return None
    target.update(name, kind="list", where=test, satisfies=(clause.id,))
    return True


def window(target: EntityDraft, words: str) -> str | None:
    """CEL for a phrase that tells of a row by how near a day or an instant of it is; None where it is not understood."""
    text = re.sub(r"^(?:that|which|who|whose|with|where) (?:an? |the )?", "", words.lower())
    for pattern, fields in _TIMED:
        if found := re.fullmatch(rf"(?:will )?(?:{pattern}) {_NEXT}", text):
            named = [n for n in target.dates() if re.search(fields, n)]
            return _between(target, named[0], found["d"]) if named else None
    if found := re.fullmatch(rf"(?P<f>[a-z ]+?) (?:is |are |lies? |runs? out |expires? |ends? )?(?:due )?{_NEXT}", text):
        name = known_field(target, found["f"])
        return _between(target, name, found["d"]) if name in target.dates() else None
    if found := re.fullmatch(rf"(?P<f>[a-z ]+?) (?:is |are |was |were |lies? )?{_AGO}", text):
        name = known_field(target, found["f"])
        return _edge(target, name, found["d"], "<", "-") if name in target.dates() else None
    return None


def _since(target: EntityDraft, words: str, clause: Clause) -> str | None:
    """`that have been ready for more than 14 days`: the moves to a state note when they were made."""
    found = re.fullmatch(
        r"(?:that|which|who) (?:have been|has been|are|is) (?P<s>[a-z ]+?) (?:for|since) (?:more|longer) than (?P<d>[\w ]+)",
        words.lower(),
    )
    state, span = snake(found["s"]) if found else "", duration(found["d"]) if found else None
    if span is None or target.state is None or state not in target.state.states or state == target.state.initial:
        return None
    name = f"{state}_at"
    if name not in target.fields:
        target.fields[name] = Field(type="datetime", required=False, writable="never", satisfies=(clause.id,))
        for operation, known in list(target.operations.items()):
            if known.transition and known.transition.to == state:
                effect(target, operation, {name: "now"}, clause.id)
    held = f"self.{target.state.field} == '{state}'"
    return f"{held} && self.{name} != null && self.{name} < now - {span[0]}"


def _between(target: EntityDraft, name: str | None, length: str) -> str | None:
    upper = _edge(target, name, length, "<=", "+")
    return f"{upper} && self.{name} >= {clock_of(target.fields[str(name)])}" if upper else None


def _edge(target: EntityDraft, name: str | None, length: str, operator: str, sign: str) -> str | None:
    field, span = target.fields[str(name)], duration(length)
    if span is None or field.type == "date" and not span[1]:
        return None
    return guarded(f"self.{name}", field, f"self.{name} {operator} {clock_of(field)} {sign} {span[0]}")
