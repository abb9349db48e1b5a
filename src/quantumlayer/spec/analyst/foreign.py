"""Texts in no language that the analyst reads: most of their words are in no English dictionary."""

import re
from collections.abc import Iterable

from quantumlayer.spec.analyst.spelling import is_known
from quantumlayer.spec.analyst.words import LEXICON

# Of English requests, slips and all, at most a third of the words are unknown; of a German or Spanish one two thirds and more.
MOST_UNKNOWN = 0.5
_WORD = re.compile(r"[^\W\d_]+")


def is_foreign(texts: Iterable[str]) -> bool:
    """Whether more than half of the words, and at least two, are unknown. One word alone may be a name."""
    words = {word for text in texts for word in _WORD.findall(text.lower())} - set(LEXICON["computing"]["words"].split())
    unknown = {word for word in words if len(word) > 2 and not is_known(word)}
    return len(unknown) > 1 and len(unknown) > MOST_UNKNOWN * len(words)
