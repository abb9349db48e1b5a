"""Short texts that match a regular expression, for fields with a pattern. Deterministic."""

import re
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_. "


def matching(pattern: str, n: int, least: int = 0, most: int = 255) -> str:
    """The n-th text that matches `pattern` and has a fitting length; "" where none was found."""
    try:
        tree = parser.parse(pattern)
    except re.error:
        return ""
    for extra in dict.fromkeys((0, 1, 2, 4, *range(max(least - 4, 1), least + 1), least // 2)):
        text = _Writer(n, extra).sequence(tree)
        if least <= len(text) <= most and re.search(pattern, text):
            return text
    return ""


class _Writer:
    """Every free choice takes a digit of `n`, last choices first in the alphabet of digits, so texts differ."""

    def __init__(self, n: int, extra: int) -> None:
        self._n, self._extra = n, extra

    def sequence(self, tree: Any) -> str:
        # Written from the right, so that the last free character varies fastest.
        return "".join(reversed([self._item(kind, value) for kind, value in reversed(list(tree))]))

    def _item(self, kind: Any, value: Any) -> str:
        if kind is op.LITERAL:
            return chr(value)
        if kind is op.NOT_LITERAL:
            return self._pick([c for c in _ALPHABET if c != chr(value)])
        if kind is op.ANY:
            return self._pick(list(_ALPHABET[:62]))
        if kind is op.IN:
            return self._pick([c for c in _ALPHABET if _in_class(c, value)] or [_first(value)])
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            low, high, inner = value
            times = min(low + self._extra, int(high))
            return "".join(reversed([self.sequence(inner) for _ in range(times)]))
        if kind is op.SUBPATTERN:
            return self.sequence(value[3])
        if kind is op.BRANCH:
            return self.sequence(value[1][0])
        return ""

    def _pick(self, options: list[str]) -> str:
        self._n, index = divmod(self._n, len(options))
        return options[index]


def _in_class(character: str, items: Any) -> bool:
    negated, hit = False, False
    for kind, value in items:
        if kind is op.NEGATE:
            negated = True
        elif kind is op.LITERAL:
            hit |= character == chr(value)
        elif kind is op.RANGE:
            hit |= value[0] <= ord(character) <= value[1]
        elif kind is op.CATEGORY:
            hit |= _in_category(character, value)
    return hit != negated


def _in_category(character: str, category: Any) -> bool:
    tests = {
        op.CATEGORY_DIGIT: character.isdigit(),
        op.CATEGORY_NOT_DIGIT: not character.isdigit(),
        op.CATEGORY_WORD: character.isalnum() or character == "_",
        op.CATEGORY_NOT_WORD: not (character.isalnum() or character == "_"),
        op.CATEGORY_SPACE: character.isspace(),
        op.CATEGORY_NOT_SPACE: not character.isspace(),
    }
    return tests.get(category, False)


def _first(items: Any) -> str:
    return next((chr(v if k is op.LITERAL else v[0]) for k, v in items if k in (op.LITERAL, op.RANGE)), "x")
