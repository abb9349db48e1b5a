"""The analyst: requirements in, spec out, with what was not understood and why. Pure and deterministic."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from quantumlayer.spec.analyst import (
    behave,
    declare,
    derive,
    effects,
    exclude,
    limit,
    people,
    process,
    query,
    relate,
    reports,
    share,
    single,
    spans,
    states,
    visible,
)
from quantumlayer.spec.analyst.clauses import has_subject_and_verb, split_statement
from quantumlayer.spec.analyst.complete import complete, settle, to_spec
from quantumlayer.spec.analyst.discover import discover
from quantumlayer.spec.analyst.grammar import Clause, book, mark, plain
from quantumlayer.spec.analyst.rewrite import rewritten
from quantumlayer.spec.analyst.words import PEOPLE
from quantumlayer.spec.analyst.world import ASSUMED, World
from quantumlayer.spec.values import Requirement, Spec

# Importing them enters their handlers in the rule book.
BOOKS = (
    behave,
    declare,
    derive,
    effects,
    exclude,
    limit,
    people,
    process,
    query,
    relate,
    reports,
    share,
    single,
    spans,
    states,
    visible,
)
_PRONOUNS = re.compile(r"^(?:it|they|this|these|those)\b", re.I)
_CHATTER = re.compile(
    r"^(?:(?:thanks?|thank you|please|hi|hello|hey|cheers|best regards|regards)\b.*|(?:i|we) (?:would like|want|need|am|are|have) (?:to (?:have|build)|you to|an? (?:app|api|application|system|tool|service|website)).{0,40}|(?:that is|that's) (?:it|all).*|(?:keep it|make it|it should be) (?:simple|small|fast|nice|easy).*|nothing (?:fancy|else).*)$", re.I
)  # fmt: skip
_TITLE = re.compile(r"^(?:(?:please |can you |could you )?(?:build|create|make|write|develop|design|implement|give me|i want|i need|i'd like|i would like|we want|we need|we'd like)\b )?(?:me |us |to (?:build|have|create|make) )?(?:an? |the |my |our )?(?:[\w'/-]+ ){0,5}?(?:api|app|application|system|service|platform|site|website|tool|tracker|backend|database|software|program|blog|desk|shop|store|portal|registry|manager|ledger|shortener|planner|list|forum|marketplace|booking|inventory|ticketing|notes|readings|approval|catalog|catalogue|library)(?: (?:for|of|to) (?:an? |the |my |our |managing |tracking )*[\w' -]{1,50})?$", re.I)  # fmt: skip

_FINITE = re.compile(r"\b(?:can|cannot|may|must|should|will|has|have|is|are|not|with|never|no|only|cannot)\b", re.I)


@dataclass(frozen=True)
class Sentence:
    """One requirement to read: its id and its words; `lead` introduces it where it is a bullet; hostile ones are not read."""

    id: str
    text: str
    lead: str = ""
    hostile: bool = False
    given: bool = False
    unmet: str = ""


@dataclass(frozen=True)
class Reading:
    """What came out of it. `spec` is None where there is nothing to build; `notes` are assumptions that no element shows."""

    spec: Spec | None
    requirements: tuple[Requirement, ...]
    questions: tuple[str, ...]
    notes: tuple[str, ...] = ()


def analyse(name: str, sentences: Iterable[Sentence], seed: World | None = None) -> Reading:
    """Read the sentences into a spec. `seed` holds what structured files declare; it is filled further."""
    sentences = tuple(sentences)
    world = seed or World()
    world.name = name
    clauses, heads = _clauses(sentences)
    discover(clauses, heads, world)
    _supply_topics(clauses, world)
    for phase in book():
        if phase == 4:
            settle(world)
        for clause in clauses:
            if not clause.produced:
                _read(clause, world, phase)
    if not world.entities:
        for clause in clauses:
            clause.reason = clause.reason or "it names no kind of record that could be kept"
        return Reading(None, _requirements(sentences, clauses, world, {}), tuple(world.questions))
    complete(world)
    spec = to_spec(world, "")
    marks = _marks(spec, world, len(sentences))
    requirements = _requirements(sentences, clauses, world, marks)
    notes = tuple(t for n, t in enumerate(world.assumptions, 1) if f"R{ASSUMED + n}" not in marks)
    whole = _numbered(spec.model_copy(update={"requirements": requirements}), marks)
    return Reading(whole, requirements, tuple(world.questions), notes)


def _clauses(sentences: tuple[Sentence, ...]) -> tuple[list[Clause], list[str]]:
    """Each sentence is one clause already; its head is set apart and pronouns get their noun from what came before."""
    clauses: list[Clause] = []
    heads: list[str] = []
    for sentence in sentences:
        if sentence.given or sentence.unmet:
            continue
        if sentence.hostile:
            clauses.append(
                Clause(
                    sentence.id,
                    sentence.text,
                    "",
                    reason="it is not read as a requirement: it looks like instructions to a tool or markup",
                )
            )
            continue
        for part in split_statement(sentence.text, sentence.lead):
            if part.head:
                heads.append(part.head)
            clauses += [Clause(sentence.id, sentence.text, match, sentence.lead) for match in rewritten(part.match)]
    return clauses, heads


def _supply_topics(clauses: list[Clause], world: World) -> None:
    """What each clause is about: the first thing it names that is not whoever signs in, else what the one before is about."""
    topic = None
    for clause in clauses:
        named = [world.find(m[1].replace("_", " ")) for m in re.finditer(r"@(\w+)", mark(clause.match, world))]
        things = [e.name for e in named if e and not world.is_account(e) and e.name not in PEOPLE] or [
            e.name for e in named if e
        ]
        if things and not _PRONOUNS.match(clause.match):
            topic = things[0]
        clause.topic = topic


def _read(clause: Clause, world: World, phase: int) -> None:
    text = clause.match
    if not text:
        return
    if (
        phase == 1
        and clause.id == "R1"
        and len(text.split()) <= 4
        and not _FINITE.search(text)
        and not re.search(r"[:,(]", text)
        and not has_subject_and_verb(text)
    ):
        clause.produced = True
        return
    if phase == 1 and (_CHATTER.match(text) or (_TITLE.match(text) and not _FINITE.search(text))):
        clause.produced = True
        return
    marked = mark(text, world)
    if clause.topic:
        world.topic = clause.topic
        marked = _PRONOUNS.sub("@" + clause.topic, marked, count=1)
    for pattern in book()[phase]:
        match = pattern.match(marked)
        if match is None:
            continue
        result = pattern.handler(clause, world, match)
        if result is None or result is False:
            continue
        clause.produced = True
        if isinstance(result, str):
            clause.leftover.append(plain(result))
        return


def _requirements(
    sentences: tuple[Sentence, ...], clauses: list[Clause], world: World, marks: dict[str, str]
) -> tuple[Requirement, ...]:
    found = []
    for sentence in sentences:
        own = [c for c in clauses if c.id == sentence.id]
        reason = sentence.unmet or next((c.reason for c in own if c.reason), "")
        if sentence.given:
            found.append(Requirement(id=sentence.id, text=sentence.text))
            continue
        missed = [c.match for c in own if not c.produced and not c.reason] if own else [sentence.text]
        left = [words for c in own for words in c.leftover]
        if missed and not reason:
            reason = f"not understood: «{'; '.join(missed)}»"
        elif left and not reason:
            reason = f"understood except for «{'; '.join(left)}»"
        found.append(Requirement(id=sentence.id, text=sentence.text, understood=not reason, reason=reason))
    for mark_, id_ in marks.items():
        text = world.assumptions[int(mark_[1:]) - ASSUMED - 1]
        found.append(Requirement(id=id_, text=text, assumption=True))
    return tuple(found)


def _numbered(spec: Spec, marks: dict[str, str]) -> Spec:
    """Replace the markers of assumptions by requirement ids and validate the whole."""

    def fix(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: _ids(v, marks) if k == "satisfies" else fix(v) for k, v in value.items()}
        return [fix(v) for v in value] if isinstance(value, list | tuple) else value

    return Spec.model_validate(fix(spec.model_dump(by_alias=True, exclude_defaults=True, warnings=False)))


def _ids(satisfies: Iterable[str], marks: dict[str, str]) -> list[str]:
    return sorted({marks.get(m, m) for m in satisfies}, key=lambda r: int(r[1:]))


def _marks(spec: Spec, world: World, count: int) -> dict[str, str]:
    """Marker → requirement id of the assumptions that an element of the spec stands for, in their order."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                found.update(inner) if key == "satisfies" else walk(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                walk(inner)

    walk(spec.model_dump(exclude_defaults=True, warnings=False))
    used = [m for n in range(1, len(world.assumptions) + 1) if (m := f"R{ASSUMED + n}") in found]
    return {mark_: f"R{count + n}" for n, mark_ in enumerate(used, 1)}
