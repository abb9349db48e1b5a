"""The analyst: requirements in, spec out, with what was not understood and why. Pure and deterministic."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from quantumlayer.spec.analyst import (
    amounts,
    arithmetic,
    behave,
    declare,
    derive,
    effects,
    exclude,
    hold,
    limit,
    people,
    process,
    query,
    relate,
    reports,
    share,
    single,
    spans,
    stages,
    states,
    taken,
    visible,
    windows,
)
from quantumlayer.spec.analyst.asides import one_by_one, read_asides
from quantumlayer.spec.analyst.asked import asked, keep_to_role
from quantumlayer.spec.analyst.beyond import beyond
from quantumlayer.spec.analyst.clauses import split_statement
from quantumlayer.spec.analyst.complete import complete, settle, to_spec
from quantumlayer.spec.analyst.compounds import compound_people, shortened
from quantumlayer.spec.analyst.context import is_aside, is_background, is_context, is_habit, is_wish
from quantumlayer.spec.analyst.deeds import is_deed, known_people, plain_deed
from quantumlayer.spec.analyst.discover import discover
from quantumlayer.spec.analyst.grammar import Clause, book, mark, plain
from quantumlayer.spec.analyst.guesses import forget_guesses
from quantumlayer.spec.analyst.lost import elements_of, lost_numbers, lost_prohibition, lost_words, words_in
from quantumlayer.spec.analyst.placed import place_machines
from quantumlayer.spec.analyst.related import join_parts
from quantumlayer.spec.analyst.rewrite import rewritten
from quantumlayer.spec.analyst.spelling import corrected, slips
from quantumlayer.spec.analyst.words import PEOPLE, plural
from quantumlayer.spec.analyst.world import ASSUMED, EntityDraft, World
from quantumlayer.spec.values import Requirement, Spec

# Importing them enters their handlers in the rule book.
BOOKS = (
    amounts,
    arithmetic,
    behave,
    declare,
    derive,
    effects,
    exclude,
    hold,
    limit,
    people,
    process,
    query,
    relate,
    reports,
    share,
    single,
    spans,
    stages,
    states,
    taken,
    visible,
    windows,
)
# From this phase on all fields are known.
BEHAVIOUR = 2
# From this phase on all behaviour is known: lists and reports.
SETTLED = 4
_OBJECT = re.compile(r"(?<=[a-z]) (?:it|them)\b(?! (?:is|are|was|has|have|can|must|starts?|ends?)\b)")
# What is said only where people sign in, understood or not.
_FIRM = re.compile(
    r"\b(?:log(?:s|ged)?[- ]?in|sign(?:s|ed)?[- ]?(?:in|up)|logins?|log into|passwords?|authenticat\w+|jwt|accounts?|registered|(?<!its )(?<!the )(?<!our )(?<!\ba )register(?= ?(?:$|[,.;]| and\b))|only|nobody|no one|private)\b",
    re.I,
)
_PRONOUNS = re.compile(r"^(?:it|they|this|these|those)\b", re.I)


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
    """What came out of it. `spec` is None where there is nothing to build; `notes` are assumptions that no element shows;
    `context` are the ids of sentences that ask for nothing: titles, greetings, what the business is."""

    spec: Spec | None
    requirements: tuple[Requirement, ...]
    questions: tuple[str, ...]
    notes: tuple[str, ...] = ()
    context: tuple[str, ...] = ()


def analyse(name: str, sentences: Iterable[Sentence], seed: Callable[[], World] = World) -> Reading:
    """Read the sentences into a spec. `seed` makes what structured files declare, which is filled further."""
    sentences = tuple(sentences)
    world = seed()
    world.name = name
    signs_in = world.auth is not None
    clauses, found, read_as = _understand(sentences, world)
    if not signs_in and (unsure := _unsure_of_accounts(clauses, world)):
        # That people sign in was only a guess from words that nothing could be made of.
        world = seed()
        world.name, world.no_cues = name, unsure
        clauses, found, read_as = _understand(sentences, world)
    return _written(sentences, clauses, found, read_as, world)


def _understand(sentences: tuple[Sentence, ...], world: World) -> tuple[list[Clause], dict[str, str], tuple[Sentence, ...]]:
    """Fill the world with what the sentences say: their clauses, the slips of the pen in them, and the sentences as they were read."""
    everything = " ".join(s.text for s in sentences if not s.hostile and not s.given)
    found = slips(everything)
    for wrong, right in found.items():
        world.assume(f"«{wrong}» is a slip and means «{right}».")
    told = compound_people(everything)
    for modifier, person in told.items():
        world.assume(f"The {modifier} {plural(person)} are all the {plural(person)} there are.")
    read_as = tuple(replace(s, text=shortened(s.text, told)) for s in sentences)
    clauses, heads = _clauses(read_as, found)
    for clause in clauses:
        reason, read = beyond(clause.text)
        clause.reason, clause.reservation = clause.reason or ("" if read else reason), reason
        clause.context = clause.produced = not clause.reason and is_aside(clause.match)
    discover([c for c in clauses if not c.context and not c.reason], heads, world)
    place_machines(clauses, world)
    _supply_topics(clauses, world)
    for clause in clauses:
        read_asides(clause, world)
    for phase in book():
        if phase == BEHAVIOUR:
            join_parts(world)
        if phase == SETTLED:
            _read_one_by_one(clauses, world)
            settle(world)
        for clause in clauses:
            if not clause.produced and not clause.reason:
                _read(clause, world, phase)
    for clause in clauses:
        if not clause.produced and clause.partly:
            clause.produced = True
            clause.leftover.append(clause.match)
        if (
            not clause.produced
            and not clause.reason
            and (
                is_background(clause.match)
                or is_wish(clause.match)
                or is_wish(clause.text)
                or clause.id == "R1"
                and is_habit(clause.match)
            )
        ):
            clause.produced = clause.context = True
    return clauses, found, read_as


def _unsure_of_accounts(clauses: list[Clause], world: World) -> frozenset[str]:
    """The requirements that alone speak of signing in, where none of them was read."""
    told = {c.id for c in clauses if c.produced and not c.context and not c.reason}
    cues = frozenset(world.auth_cues)
    firm = any(c.id in cues and _FIRM.search(c.match) for c in clauses)
    used = any(e.visible for e in world.entities.values()) or any(told & {*by} for by in world.roles.values())
    sure = not world.auth or world.api_key_cues or firm or used or cues & told
    return frozenset() if sure else cues


def _written(
    sentences: tuple[Sentence, ...], clauses: list[Clause], found: dict[str, str], read_as: tuple[Sentence, ...], world: World
) -> Reading:
    """The reading that the world amounts to."""
    forget_guesses(clauses, world)
    if not world.entities:
        for clause in clauses:
            clause.reason = clause.reason or "it names no kind of record that could be kept"
        return Reading(None, _requirements(sentences, clauses, world, {}), tuple(world.questions))
    complete(world)
    spec = to_spec(world, "")
    named = _named_in(spec)
    marks = _marks(named, world, len(sentences))
    context = _without_elements(sentences, clauses, named)
    _note_lost(spec, read_as, clauses, found)
    requirements = tuple(r for r in _requirements(sentences, clauses, world, marks) if r.id not in context)
    notes = tuple(t for n, t in enumerate(world.assumptions, 1) if t and f"R{ASSUMED + n}" not in marks)
    whole = _numbered(spec.model_copy(update={"requirements": requirements}), marks)
    whole = world.finish(whole) if world.finish else whole
    return Reading(whole, requirements, tuple(world.questions), notes, context)


def _note_lost(spec: Spec, sentences: tuple[Sentence, ...], clauses: list[Clause], slipped: dict[str, str]) -> None:
    """What a clause was read without is left over, unless the clause says already that something is: words, numbers, and that
    something is forbidden."""
    carried = words_in(spec.model_dump_json(exclude={"requirements"}, warnings=False))
    dumped = spec.model_dump(exclude_defaults=True, warnings=False)
    for sentence in sentences:
        own = [c for c in clauses if c.id == sentence.id]
        if not own or any(not c.produced or c.context or c.leftover or c.reason or c.reservation for c in own):
            continue
        body = " ".join(part.match for part in split_statement(sentence.text, sentence.lead))
        made = elements_of(dumped, sentence.id)
        if lost := [*lost_words(body, carried, slipped), *lost_numbers(body, made), *lost_prohibition(body, made)]:
            own[0].leftover.append(", ".join(lost))


def _without_elements(sentences: tuple[Sentence, ...], clauses: list[Clause], named: set[str]) -> tuple[str, ...]:
    """The sentences that ask for nothing. A clause that claims to be understood but that no element carries is not understood."""
    context = []
    for sentence in sentences:
        own = [c for c in clauses if c.id == sentence.id]
        if not own or sentence.id in named:
            continue
        if all(c.context for c in own):
            context.append(sentence.id)
        for clause in own:
            if clause.produced and not (clause.context or clause.leftover or clause.reason or clause.reservation):
                clause.reason = "not understood: nothing in the specification could carry it"
    return tuple(context)


def _clauses(sentences: tuple[Sentence, ...], slipped: dict[str, str]) -> tuple[list[Clause], list[str]]:
    """Each sentence is one clause already; its head is set apart and pronouns get their noun from what came before."""
    clauses: list[Clause] = []
    heads: list[str] = []
    known = known_people(" ".join(s.text for s in sentences))
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
        for part in split_statement(corrected(sentence.text, slipped), sentence.lead):
            if part.head:
                heads.append(part.head)
            said = plain_deed(part.match, known)
            clauses += [Clause(sentence.id, sentence.text, match, sentence.lead) for match in rewritten(said)]
    return clauses, heads


def _supply_topics(clauses: list[Clause], world: World) -> None:
    """What each clause is about: the first thing it names that is not whoever signs in, else what the one before is about."""
    topic = None
    for clause in clauses:
        named = [world.find(m[1].replace("_", " ")) for m in re.finditer(r"@(\w+)", mark(clause.match, world))]
        things = [e.name for e in named if e and not world.is_account(e) and e.name not in PEOPLE] or [
            e.name for e in named if e
        ]
        before = topic
        if things and not _PRONOUNS.match(clause.match):
            topic = things[0]
        clause.about, clause.topic = before, topic


def _read(clause: Clause, world: World, phase: int) -> None:
    text = clause.match
    if not text:
        return
    if phase == 1 and is_context(text, first=clause.id == "R1"):
        clause.produced = clause.context = True
        return
    marked = _marked(clause, world)
    clause.produced = _apply(clause, marked, world, phase)
    if not clause.produced and clause.about and _OBJECT.search(marked) and not _is_person(clause.about, marked):
        clause.produced = _apply(clause, _OBJECT.sub(f" @{clause.about}", marked, count=1), world, phase)


def _marked(clause: Clause, world: World) -> str:
    marked = mark(clause.match, world)
    if clause.topic:
        world.topic = clause.topic
        if not _is_person(clause.topic, marked):
            marked = _PRONOUNS.sub("@" + clause.topic, marked, count=1)
    return marked


def _is_person(name: str, pronoun: str) -> bool:
    """Whether `it` would stand for a person, which it never does."""
    return name in PEOPLE and re.search(r"\bit\b", pronoun, re.I) is not None


def _apply(clause: Clause, marked: str, world: World, phase: int) -> bool:
    """Whether a rule of the phase read the clause; what it left over is noted."""
    before = asked(world)
    for pattern in book()[phase]:
        match = pattern.match(marked)
        if match is None:
            continue
        result = pattern.handler(clause, world, match)
        if result is None or result is False:
            continue
        keep_to_role(clause, before, world)
        if isinstance(result, str):
            clause.leftover.append(plain(result))
        return True
    return False


def _read_one_by_one(clauses: list[Clause], world: World) -> None:
    """Clauses about several entities that no rule reads as a whole are read for each of them."""
    for clause in clauses:
        if clause.produced or clause.reason or not clause.match:
            continue
        marked = _marked(clause, world)
        if any(p.match(marked) for phase, patterns in book().items() if phase >= SETTLED for p in patterns):
            continue
        unread = []
        for one in one_by_one(marked):
            if any(_apply(clause, one, world, phase) for phase in book() if phase < SETTLED):
                clause.produced = True
            else:
                unread.append(plain(one))
        clause.leftover += unread if clause.produced else []


def _requirements(
    sentences: tuple[Sentence, ...], clauses: list[Clause], world: World, marks: dict[str, str]
) -> tuple[Requirement, ...]:
    found = []
    for sentence in sentences:
        own = [c for c in clauses if c.id == sentence.id]
        reason = sentence.unmet or next((c.reason or c.reservation for c in own if c.reason or c.reservation), "")
        if sentence.given or _settled(sentence, world):
            found.append(Requirement(id=sentence.id, text=sentence.text))
            continue
        unread = [c for c in own if not c.produced and not c.reason]
        missed = [sentence.text if is_deed(c.match) else c.match for c in unread] if own else [sentence.text]
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


def _settled(sentence: Sentence, world: World) -> bool:
    """Whether the request tells what the file of an operation does not, or had what a file could not be read without."""
    if sentence.text in world.settled:
        return True
    entity, name = world.pending.get(sentence.text, ("", ""))
    draft = world.entities.get(entity)
    if draft is not None and name in draft.fields and name not in draft.operations:
        return _holds(draft, name, world)
    operation = draft.operations.get(name) if draft is not None else None
    return operation is not None and bool(operation.effects or operation.transition or operation.redirect)


def _holds(draft: EntityDraft, name: str, world: World) -> bool:
    """Whether something fills a field that nobody gives."""
    field = draft.fields[name]
    told = field.default is not None and not (field.type == "boolean" and name.startswith("is_"))
    if told or field.value is not None or field.writable != "never":
        return True
    effects = [e for d in world.entities.values() for o in d.operations.values() for e in o.effects]
    return any(name in effect.set for effect in effects)


def _numbered(spec: Spec, marks: dict[str, str]) -> Spec:
    """Replace the markers of assumptions by requirement ids and validate the whole."""

    def fix(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: _ids(v, marks) if k == "satisfies" else fix(v) for k, v in value.items()}
        return [fix(v) for v in value] if isinstance(value, list | tuple) else value

    return Spec.model_validate(fix(spec.model_dump(by_alias=True, exclude_defaults=True, warnings=False)))


def _ids(satisfies: Iterable[str], marks: dict[str, str]) -> list[str]:
    return sorted({marks.get(m, m) for m in satisfies}, key=lambda r: int(r[1:]))


def _marks(named: set[str], world: World, count: int) -> dict[str, str]:
    """Marker → requirement id of the assumptions that an element of the spec stands for, in their order."""
    used = [m for n in range(1, len(world.assumptions) + 1) if (m := f"R{ASSUMED + n}") in named]
    return {mark_: f"R{count + n}" for n, mark_ in enumerate(used, 1)}


def _named_in(spec: Spec) -> set[str]:
    """The requirement ids and markers that elements of the spec satisfy."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                found.update(inner) if key == "satisfies" else walk(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                walk(inner)

    walk(spec.model_dump(exclude_defaults=True, warnings=False))
    return found
