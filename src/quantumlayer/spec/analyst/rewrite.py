"""Many ways to say one thing → the way that the grammar reads: the rewrites of rewrites.toml, for the words that are matched."""

import re
import tomllib
from functools import lru_cache
from importlib import resources

from quantumlayer.spec.analyst.words import words_of


@lru_cache(maxsize=1)
def _rules() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    """What finds a way to say it in lower case, its pattern, and what it becomes."""
    text = resources.files("quantumlayer.spec.analyst").joinpath("rewrites.toml").read_text("utf-8")
    organisation = "|".join(sorted(words_of("organisations"), key=len, reverse=True))
    return tuple(
        (re.compile(pattern := r["pattern"].replace("{ORG}", f"(?:{organisation})")), pattern, r["to"])
        for r in tomllib.loads(text)["rewrite"]
    )


@lru_cache(maxsize=256)
def _in_any_case(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.I)


@lru_cache(maxsize=4096)
def rewritten(text: str) -> tuple[str, ...]:
    """The clauses that a clause means, in the words of the grammar; itself where nothing applies."""
    for finds, pattern, to in _rules():
        if finds.search(text.lower()):
            text = _in_any_case(pattern).sub(to, text)
    return tuple(p for piece in text.split(";") if (p := re.sub(r"\s+", " ", piece).strip(" ,.")))
