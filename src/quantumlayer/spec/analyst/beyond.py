"""Clauses that ask for what cannot be built here, or by anybody: beyond.toml says which, and why."""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources


@dataclass(frozen=True)
class Beyond:
    """One kind of demand that is not met, in lower case. `read`: the rest of such a clause is read all the same."""

    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    reason: str
    read: bool


@lru_cache(maxsize=1)
def _rules() -> tuple[Beyond, ...]:
    text = resources.files("quantumlayer.spec.analyst").joinpath("beyond.toml").read_text("utf-8")
    return tuple(
        Beyond(
            re.compile(r["pattern"]),
            re.compile(r["unless"]) if "unless" in r else None,
            r["reason"],
            r.get("read", False),
        )
        for r in tomllib.loads(text)["beyond"]
    )


def beyond(text: str) -> tuple[str, bool]:
    """Why the words ask for what is not built, and whether the rest is read; an empty reason where nothing speaks against them."""
    low = text.lower()
    written = text if len(text) == len(low) else low
    for rule in _rules():
        if (found := rule.pattern.search(low)) and not (rule.unless and rule.unless.search(low)):
            return f"«{written[found.start() : found.end()].strip()}»: {rule.reason}", rule.read
    return "", True
