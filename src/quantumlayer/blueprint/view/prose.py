"""Prose of a request laid out for comments; what must be escaped is the language's own business."""

import re
import textwrap

_WORD = re.compile(r"\w+")


def wrapped(prose: str, width: int) -> list[str]:
    """One line of words cut into lines of at most `width` characters, none of them for no words."""
    if len(prose) <= width and prose == " ".join(prose.split()):
        return [prose] if prose else []
    return textwrap.wrap(prose, width, break_on_hyphens=False)


def sentence(prose: str) -> str:
    """Ends in a full stop where it has no end yet."""
    return prose if prose.endswith((".", "!", "?", ":")) else f"{prose}."


def names_word(code: str, word: str) -> bool:
    """Whether a text of code names something."""
    return word in _WORD.findall(code)
