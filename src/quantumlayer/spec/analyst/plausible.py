"""Which pieces of a list cannot be names of values: what holds a verb, a number or a list of its own is a statement, not a field."""

import re
from collections.abc import Sequence

from quantumlayer.spec.analyst.attributes import Item
from quantumlayer.spec.analyst.fields import type_of
from quantumlayer.spec.analyst.words import RECORDS, is_plural, known_english, singular, verb_base

# Words that no name of a value has.
_NEVER = re.compile(
    r"^(?:requires|needs|belongs|takes|gets)_(?:an?|the|one|to)_"
    r"|(?:^|_)(?:cannot|must|may_not|which|who|whose|should|will|is|are|every|each|both|several|with|such|another|one_or|or_more|when|if|than|because|then|only|never|i|we|you|they|it"
    r"|plus|minus|times|equals|two|three|four|five|six|seven|eight|nine|ten"
    r"|(?:starts|ends|begins|closes|opens|expires)_(?:after|before|when)|(?:in|on|at|of|for|from|to|by)_(?:an?|the))(?:_|$)"
    r"|(?:^n|_\d+)_\d+_|_\d+_(?!\d)|_of_\d|^n_\d+$|_(?:at|on|by|before|after|until)_\d+$|^[a-z]+_[a-z]+_to_[a-z]+$|\d_\w*\d_\w*\d"
    r"|^(?:more|most|fewer|less|least|everyone|everybody|anyone|someone|people)_|^one$|_in_(?:one|order)(?:_|$)"
    r"|^(?:has|have|gets?|does|did|was|were|goes|comes|makes?|gives?|lets?|wants?|become|becomes)_"
)
_COUNTED_WITH = re.compile(r"(?:two|three|four|five|six|\d+)(?: to \w+| or \w+)? [a-z]+s with [a-z]+", re.I)
_DETERMINED = re.compile(r"(?:an?|the|its|their|his|her|one|each|optional(?:ly)?|some) ", re.I)


def with_inner(pieces: Sequence[str]) -> list[str]:
    """The pieces of a list, where `two parties with name` goes on to the next piece that has an article: `… and phone number`."""
    joined: list[str] = []
    for piece in pieces:
        counted = bool(joined) and _COUNTED_WITH.match(joined[-1])
        if counted and not _DETERMINED.match(piece):
            joined[-1] += f" and {piece}"
        else:
            joined.append(piece)
    return joined


def implausible(item: Item, piece: str, pieces: Sequence[str]) -> bool:
    """Whether a piece of a list is no field: by its words, or as a verb with its object among names that have articles."""
    if len(item.name.split("_")) > 5 or _NEVER.search(item.name) or "=" in piece:
        return True
    first, _, rest = item.noun.lower().partition(" ")
    if first.endswith("s") and is_plural(rest) and verb_base(first) == first[:-1] and type_of(item.name)[0] is None:
        return True
    determined = [p for p in pieces if _DETERMINED.match(p)]
    if not determined or _DETERMINED.match(piece):
        return False
    return bool(rest) and is_plural(rest) and type_of(item.name)[0] is None and _is_verb(first)


def _is_verb(word: str) -> bool:
    """Whether a word is a verb and not rather what things are called: to form, to pick."""
    if word in RECORDS or singular(word) != word:
        return False
    stem = word.removesuffix("e")
    return verb_base(word) == word or all(known_english(f"{stem}{ending}") for ending in ("ed", "ing"))
