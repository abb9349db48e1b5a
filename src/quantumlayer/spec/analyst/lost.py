"""Nothing is lost in silence: words of a clause that no element, rule or list of the analyst knows are named as not understood."""

import re

from quantumlayer.spec.analyst.spelling import vocabulary
from quantumlayer.spec.analyst.words import expand, singular, verb_base, words_of

_IDLE = words_of("idle")


def words_in(text: str) -> set[str]:
    """The words of identifiers, values and messages, in their basic forms."""
    return {form for word in re.findall(r"[a-z]+", text.lower().replace("_", " ")) for form in _forms(word)}


def lost_words(text: str, carried: set[str], slips: dict[str, str]) -> list[str]:
    """The words of a clause that claims to be understood which nothing carries, in their order. `carried`: see `words_in`."""
    found = re.findall(r"[A-Za-z]{4,}", expand(text))
    return [
        w for w in dict.fromkeys(found) if w.lower() not in slips and not _forms(w.lower()) & (carried | vocabulary() | _IDLE)
    ]


def _forms(word: str) -> set[str]:
    done = word.removeprefix("un")
    return {word, singular(word), verb_base(word) or word, *([done] if verb_base(done) not in (None, done) else [])}
