"""People who are told by what they work with: `delivery drivers`, `shop owners`. Where a request has no other drivers, these are they."""

import re
from collections import defaultdict

from quantumlayer.spec.analyst.words import PEOPLE, singular, verb_base, words_of

_DEEDS = r"(?:can|may|must|should|cannot|could|will|log|sign|register|see|view|manage|create|submit|approve|borrow|book|order)"
_PAIR = re.compile(r"(?<!\b[ia][nt] our )(?<!\b[ia][nt] the )(?<!\b[ia][nt] a )\b(?P<m>[a-z]{2,}) (?=(?P<p>[a-z]+)\b)", re.I)
_SUBJECT = re.compile(rf"(?:^|[.;!?]\s+)(?:only |all |the |every |each )?(?P<m>[a-z]{{2,}}) (?P<p>[a-z]+) {_DEEDS}\b", re.I)
_WORKPLACES, _NOT_WORKPLACES = words_of("people", "workplaces"), words_of("people", "not_workplaces")
# Such a pair is a kind of people of its own in the lexicon.
_WHOLE = words_of("people") | words_of("people", "roles")


def compound_people(text: str) -> dict[str, str]:
    """Modifier → person, in the singular, of people whom one modifier alone tells in the text."""
    surely = {(m["m"].lower(), singular(m["p"].lower())) for m in _SUBJECT.finditer(text)}
    told: dict[str, set[str]] = defaultdict(set)
    for m in _PAIR.finditer(text):
        modifier, person = m["m"].lower(), singular(m["p"].lower())
        if person in PEOPLE and (modifier in _WORKPLACES or _is_noun(modifier)):
            told[person].add(modifier)
    return {
        modifier: person
        for person, modifiers in told.items()
        for modifier in modifiers
        if len(modifiers) == 1
        and f"{modifier}_{person}" not in _WHOLE
        and (modifier in _WORKPLACES or (modifier, person) in surely)
    }


def shortened(text: str, found: dict[str, str]) -> str:
    """The text with such people by their last word."""
    for modifier, person in found.items():
        text = re.sub(rf"\b{modifier} (?={person})", "", text, flags=re.I)
    return text


def _is_noun(word: str) -> bool:
    """Whether the word can only tell what somebody works with."""
    return word not in _NOT_WORKPLACES and verb_base(word) is None and word not in PEOPLE and not word.endswith(("ing", "ly"))
