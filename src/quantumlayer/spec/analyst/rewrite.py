"""Many ways to say one thing → the way that the grammar reads: the rewrites of rewrites.toml, for the words that are matched."""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from quantumlayer.spec.analyst.literals import literals
from quantumlayer.spec.analyst.words import words_of


@dataclass(frozen=True)
class Rewrite:
    """A pattern and what it becomes; `need` is a word without one of which it cannot match, so that it is seldom compiled: a
    kind of organisation, where nothing else is told and the pattern has one."""

    pattern: str
    to: str
    need: tuple[str, ...]


@lru_cache(maxsize=1)
def _rules() -> tuple[Rewrite, ...]:
    text = resources.files("quantumlayer.spec.analyst").joinpath("rewrites.toml").read_text("utf-8")
    organisations = sorted(words_of("organisations"), key=len, reverse=True)
    organisation = f"(?:{'|'.join(organisations)})"
    person = f"(?:{'|'.join(sorted(words_of('people') | words_of('credited'), key=len, reverse=True))})"
    rules = tomllib.loads(text)["rewrite"]
    return tuple(
        Rewrite(
            r["pattern"].replace("{ORG}", organisation).replace("{PERSON}", person),
            r["to"],
            tuple(r.get("need", organisations if "{ORG}" in r["pattern"] else ())),
        )
        for r in rules
    )


# Patterns are lower case. One that minds case is compiled in half the time, and most never match.
@lru_cache(maxsize=512)
def _finds(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@lru_cache(maxsize=256)
def _in_any_case(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.I)


@lru_cache(maxsize=4096)
def rewritten(text: str) -> tuple[str, ...]:
    """The clauses that a clause means, in the words of the grammar; itself where nothing applies."""
    low = text.lower()
    for rule in _rules():
        if rule.need and not any(word in low for word in rule.need):
            continue
        if all(part in low for part in literals(rule.pattern)) and _finds(rule.pattern).search(low):
            text = _in_any_case(rule.pattern).sub(rule.to, text)
            low = text.lower()
    pieces = (re.sub(r"\s+", " ", piece).strip(" ,.") for piece in text.split(";"))
    # An optional group that was empty leaves a clause without its end.
    return tuple(p for p in pieces if p and not re.fullmatch(r"(?:every |an? |the )?[\w ]+ (?:has|have|belongs to)", p))
