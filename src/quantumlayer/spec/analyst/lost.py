"""Nothing is lost in silence: what a clause says and no element, rule or list of the analyst carries is named as not understood."""

import re
from collections.abc import Iterator
from typing import Any

from quantumlayer.spec.analyst.spelling import vocabulary
from quantumlayer.spec.analyst.words import LEXICON, expand, number, singular, verb_base, words_of

_IDLE = words_of("idle") | words_of("organisations")
# Numbers in digits, and the words for them that stand for nothing else.
_COUNTED = "|".join(w for w, n in LEXICON["numbers"].items() if n > 1 and w not in ("twice", "half", "second"))
_NUMBER = re.compile(
    rf"(?<![\w./:@#-])[$€£]?(?P<d>\d[\d,]*(?:\.\d+)?k?)(?P<p> ?%| percent)?(?:st|nd|rd|th)?(?![\w:/]|[.-]\d)|\b(?P<w>{_COUNTED})\b",
    re.I,
)
# What a number may have become: itself, a share of a hundred, or so many of a smaller unit.
_UNITS = (1, 7, 12, 24, 30, 60, 365, 1440, 3600)
# Other elements, which tell themselves what they stand for.
_MEMBERS = ("fields", "rules", "operations", "unique")
_FORBIDS = re.compile(
    r"(?<!that )(?<!which )(?<!who )\b(?:cannot|(?:can|may|must|should|shall|will|do|does|is|are|was|were) (?:not|never)|never|(?:nobody|no one|no-one)(?! but| except)|except|unless"
    r"|no (?:(?!more|less|later|earlier|fewer)\w+ ){1,3}(?:can|may|is|are|must))\b",
    re.I,
)
# `no two talks`, `two bookings of the same room`: not how many, but that they are several.
_SEVERAL = re.compile(r"\btwo\b(?=.*\b(?:same|at once|overlap)\b)", re.I)
_REFUSING = ("guards", "check", "allow", "where", "visible", "fields", "forbidden", "min", "max", "exclusive_min", "max_length", "max_items")  # fmt: skip


def words_in(text: str) -> set[str]:
    """The words of identifiers, values and messages, in their basic forms."""
    return {form for word in set(re.findall(r"[a-z]+", text.lower().replace("_", " "))) for form in _forms(word)}


def lost_words(text: str, carried: set[str], slips: dict[str, str]) -> list[str]:
    """The words of a clause that claims to be understood which nothing carries, in their order. `carried`: see `words_in`."""
    found = re.findall(r"[A-Za-z]{4,}", expand(text))
    return [
        w for w in dict.fromkeys(found) if w.lower() not in slips and not _forms(w.lower()) & (carried | vocabulary() | _IDLE)
    ]


def lost_numbers(text: str, elements: list[dict[str, Any]]) -> list[str]:
    """The numbers of a clause that none of the elements made of it holds."""
    held = {float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", re.sub(r"[^\w.]+|_", " ", repr(elements)))}
    lost = []
    for m in _NUMBER.finditer(_SEVERAL.sub("", text)):
        value = number(m["d"] or m["w"])
        meant = {float(value or 0) * unit for unit in _UNITS} | ({value / 100} if value and m["p"] else set())
        if value is not None and not meant & held and not any(_on_steps(value, e) for e in elements):
            lost.append(m[0].strip())
    return lost


def _on_steps(value: float, element: dict[str, Any]) -> bool:
    """Whether the values of a field go in steps over this one: 60 minutes, of 30, 60 or 90."""
    return bool(element.get("step")) and element.get("min", value) <= value <= element.get("max", value)


def lost_prohibition(text: str, elements: list[dict[str, Any]]) -> list[str]:
    """The word by which a clause forbids something, where nothing made of it refuses anything."""
    m = _FORBIDS.search(expand(text))
    return [] if m is None or any(_refuses(e) for e in elements) else [m[0]]


def _refuses(element: dict[str, Any]) -> bool:
    return any(key in _REFUSING or isinstance(value, dict) and _refuses(value) for key, value in element.items())


def _undone(entity: dict[str, Any]) -> dict[str, Any]:
    """What is not done with the rows of an entity that is made by somebody, which accounts are not."""
    missing = {"create", "update", "delete"} - entity.get("operations", {}).keys()
    return {"forbidden": sorted(missing)} if missing and "create" not in missing else {}


def elements_of(spec: dict[str, Any], by: str) -> list[dict[str, Any]]:
    """The elements of a dumped spec that a requirement made; of an entity only what is its own."""
    return list(_elements(spec, by))


def _elements(value: Any, by: str) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if by in value.get("satisfies", ()):
            own = {k: v for k, v in value.items() if k not in ("satisfies", "description")}
            yield {k: v for k, v in own.items() if k not in _MEMBERS} | _undone(own) if "plural" in own else own
        for inner in value.values():
            yield from _elements(inner, by)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _elements(inner, by)


def _forms(word: str) -> set[str]:
    done = word.removeprefix("un")
    return {word, singular(word), verb_base(word) or word, *([done] if verb_base(done) not in (None, done) else [])}
