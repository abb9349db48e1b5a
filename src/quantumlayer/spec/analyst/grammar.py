"""The rule book: the patterns of grammar.toml over marked clauses, each with the handler that builds from a match.

In a marked clause every mention of an entity reads `@surface`, blanks as underscores. Patterns use these macros, all
case-insensitive: `{E:x}` an entity with its determiner; `{A:x}` an optional adjective; `{N:x}` a number; `{D:x}` a duration;
`{W:x}` one word; `{T:x}` some words, as few as possible; `{R:x}` the rest; `{M}` a modal; `{NOT}` a negated modal; `{DET}` a determiner.
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

from quantumlayer.errors import Bug
from quantumlayer.spec.analyst.literals import literals
from quantumlayer.spec.analyst.words import verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World

_NUMBER = r"(?:[$€£]?-?\d[\d,]*(?:\.\d+)?k?%?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|fifty|a dozen|once|twice|zero|a hundred|hundred|an?)"
_UNIT = r"(?:seconds?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|calendar days?|h|d)"
MACROS = {
    "E": r"(?:DET )?@(?P<%s>\w+)",
    "A": r"(?:(?!(?:in|on|at|to|for|of|by|with|from|into|onto|as|and|or|than|until|if|when)\b)(?P<%s>[a-z][\w-]*) )?",
    "N": rf"(?P<%s>{_NUMBER})",
    "D": rf"(?P<%s>{_NUMBER}[ -]{_UNIT}|(?:an |the )?(?:hour|day|week|month|year))",
    "W": r"@?(?P<%s>[\w'-]+)",
    "T": r"(?P<%s>.+?)",
    "R": r"(?P<%s>.+)",
}
_DET = r"(?:(?:an?|the|each|every|all|any|its|their|his|her|one|our|my|some|such|this|that|these|those|no|another|other|individual|single|a single|all the|any of the|each of the|one of the|a given|given|both) )?"
_MODAL = r"(?:can(?: only| also)?|may(?: only| also)?|must(?: only| also| always)?|should(?: only| also| always)?|shall|will|could|(?:is|are) (?:able|allowed|permitted) to|(?:has|have|needs?|wants?) to|would like to)"
_NOT = r"(?:cannot(?: ever)?|can never|may not|may never|must not|must never|should not|should never|shall not|will not|could not|(?:is|are) not (?:able|allowed|permitted) to|never|(?:is|are) never|do not|does not|must no longer|can no longer)"


@dataclass
class Clause:
    """One numbered statement: `id` of its requirement, its own words, and the words to match (subject supplied, entities marked).

    `topic` is what its pronouns as subjects stand for, `about` what those as objects do.
    `context`: it asks for nothing. `partly`: some of its words are read, `match` are the others.
    `reason`: why it is not read at all. `reservation`: what it asks for and does not get, though it is read."""

    id: str
    text: str
    match: str
    lead: str = ""
    topic: str | None = None
    about: str | None = None
    produced: bool = False
    context: bool = False
    partly: bool = False
    reason: str = ""
    reservation: str = ""
    leftover: list[str] = field(default_factory=list)


Handler = Callable[[Clause, World, re.Match[str]], bool | str | None]


@dataclass(frozen=True)
class Pattern:
    """A pattern text with its handler; `need` is a word without which the pattern cannot match."""

    text: str
    handler: Handler
    need: tuple[str, ...]

    def match(self, clause: str) -> re.Match[str] | None:
        """The match of the whole clause."""
        low = clause.lower()
        if self.need and not any(word in low for word in self.need):
            return None
        if any(literal not in low for literal in literals(self.text)):
            return None
        # Patterns are lower case. One that minds case is compiled in half the time, and most never match.
        found = compiled(self.text, 0).fullmatch(low)
        return found if found is None or low == clause else compiled(self.text, re.I).fullmatch(clause)


HANDLERS: dict[str, Handler] = {}


def rule(handler: Handler) -> Handler:
    """Enter a handler under its name, by which the grammar file knows it."""
    HANDLERS[handler.__name__] = handler
    return handler


@lru_cache(maxsize=1)
def book() -> dict[int, tuple[Pattern, ...]]:
    """The patterns by phase. Raises `Bug` where grammar file and handlers do not name each other."""
    entries = tomllib.loads(resources.files("quantumlayer.spec.analyst").joinpath("grammar.toml").read_text("utf-8"))
    if lost := entries.keys() ^ HANDLERS.keys():
        raise Bug(f"the grammar and its handlers disagree about {', '.join(sorted(lost))}")
    phases: dict[int, list[Pattern]] = {}
    for name, entry in entries.items():
        patterns = [Pattern(text, HANDLERS[name], tuple(entry.get("need", ()))) for text in entry["patterns"]]
        phases.setdefault(entry["phase"], []).extend(patterns)
    return {phase: tuple(phases[phase]) for phase in sorted(phases)}


@lru_cache(maxsize=2048)
def compiled(text: str, flags: int) -> re.Pattern[str]:
    """The regular expression of a pattern text."""

    def macro(found: re.Match[str]) -> str:
        return MACROS[found[1]].replace("%s", found[2])

    text = re.sub(r"\{([A-Z]):(\w+)\}", macro, text)
    text = text.replace("{M}", _MODAL).replace("{NOT}", _NOT).replace("{DET}", _DET).replace("(?:DET )?", _DET)
    return re.compile(text + r"[.!?]?", flags)


def entity(world: World, match: re.Match[str], name: str) -> EntityDraft | None:
    """The entity that a group of the match names."""
    found = match.groupdict().get(name)
    return world.find(found.replace("_", " ")) if found else None


def plain(text: str) -> str:
    """Marked words as they were."""
    return re.sub(r"@(\w+)", lambda m: m[1].replace("_", " "), text)


def mark(text: str, world: World) -> str:
    """The text with every mention of an entity marked, longest names first."""
    forms = sorted(world.surface, key=len, reverse=True)
    if not forms:
        return text
    pattern = compiled_forms(tuple(forms))

    def marked(found: re.Match[str]) -> str:
        word = found[0].lower()
        verbal = verb_base(word) == word and re.search(
            r"\b(?:can|may|must|should|will|cannot|not|only|also|never)(?: only| also)? $", text[: found.start()], re.I
        )
        doing = (
            verb_base(word) == word
            and re.search(r"(?:^|\s)@?\w+s $", text[: found.start()])
            and re.match(r" (?:on|to|for|in|from|a|an|the|their|other|each|every|all|any|\w+s|\w+ with)\b", text[found.end() :])
        )
        told = (
            verb_base(word) not in (None, word)
            and re.search(
                r"(?:\b(?:nobody|no one|no-one|everyone)|(?:^|\s)(?:each|every|an?|the) @?\w+) $", text[: found.start()], re.I
            )
            and re.match(r" (?:an?|the|their|his|her|its|each|every|other)\b", text[found.end() :])
        )
        return found[0] if verbal or doing or told else "@" + re.sub(r"[ -]", "_", word)

    return pattern.sub(marked, text)


@lru_cache(maxsize=64)
def compiled_forms(forms: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern for all surface forms."""
    return re.compile(
        r"(?<![\w@/-])(?:" + "|".join(re.escape(f).replace(r"\ ", "[ -]") for f in forms) + r")(?![\w/]|-\w)", re.I
    )
