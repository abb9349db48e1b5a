"""Slips of the pen anywhere in a request, read as the words they must be: those of the grammar, the lexicon and the request itself."""

import re
import tomllib
from collections import Counter
from functools import lru_cache
from importlib import resources

from quantumlayer.spec.analyst.words import LEXICON, PEOPLE, RECORDS, ROLES, VERBS, known_english, one_edit, singular, verb_base

_WORD = re.compile(r"(?<![\w@/.'-])[A-Za-z]{4,}(?![\w@/'-])")


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Every plain word that a rule or a list of the analyst knows."""
    grammar = tomllib.loads(resources.files("quantumlayer.spec.analyst").joinpath("grammar.toml").read_text("utf-8"))
    patterns = " ".join(p for entry in grammar.values() for p in entry["patterns"])
    told = set(re.findall(r"(?<![\w\\<:?])[a-z]{4,}(?![\w>])", patterns))
    lists = [LEXICON["types"], LEXICON["formats"], LEXICON["events"], LEXICON["states"]]
    listed = {w for section in lists for words in section.values() for part in words.split() for w in part.split("_")}
    return frozenset(w for w in told | listed | PEOPLE | ROLES | VERBS | RECORDS if len(w) >= 4 and w.isalpha())


def slips(text: str) -> dict[str, str]:
    """The misspelt words of a text, in lower case, with what each is read as."""
    words = Counter(w.lower() for w in _WORD.findall(text))
    capitals = {w.lower() for w in re.findall(r"(?<=[a-z,] )[A-Z][A-Za-z]{3,}", text)}
    unknown = [w for w in words if w not in capitals and not is_known(w)]
    if not unknown:
        return {}
    own = frozenset(w for w in words if is_known(w))
    found = {}
    for word in unknown:
        if words[word] > 2:
            continue
        for words_ in (own, vocabulary()):
            close = [
                k
                for k in words_
                if abs(len(k) - len(word)) <= 1 and one_edit(word, k) and _plausible(word, k) and known_english(k)
            ]
            if close:
                found[word] = min(close, key=lambda k: (-words[k], k[0] != word[0], sorted(k) != sorted(word), k))
                break
    return found


def is_known(word: str) -> bool:
    """Whether a word in lower case, or what it is made of, is English or one of the analyst's own."""
    forms = {word, singular(word), re.sub(r"^(?:pre|re|un|co|sub|non|multi|over|under|out|mis|dis|inter|micro|auto)", "", word)}
    return verb_base(word) is not None or any(f in vocabulary() or (len(f) > 2 and known_english(f)) for f in forms)


def _plausible(word: str, known: str) -> bool:
    """Short words only by swapped letters: too many of them are one letter apart."""
    return sorted(word) == sorted(known) or len(word) > 4


def corrected(text: str, found: dict[str, str]) -> str:
    """The text with its slips replaced, capitals kept."""

    def fix(m: re.Match[str]) -> str:
        right = found.get(m[0].lower())
        return m[0] if right is None else right.capitalize() if m[0][0].isupper() else right

    return _WORD.sub(fix, text) if found else text
