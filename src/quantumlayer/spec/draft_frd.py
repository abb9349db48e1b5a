"""Brief → Frd: the clauses numbered, with acceptance criteria generated from what the analyst understands of them."""

import re
from collections.abc import Iterable
from dataclasses import replace

from quantumlayer.request.values import Brief
from quantumlayer.spec.analyst.analyse import Sentence
from quantumlayer.spec.analyst.clauses import split_statement
from quantumlayer.spec.analyst.deeds import only_kind, unframed
from quantumlayer.spec.analyst.sound import read_soundly
from quantumlayer.spec.criteria import criteria_of, glossary_of
from quantumlayer.spec.frd import Frd, FrdRequirement, Priority
from quantumlayer.spec.importers.read import kind_of, read_files
from quantumlayer.spec.importers.tables import FILLED
from quantumlayer.spec.values import Spec

_UNKNOWN, _UNFILLED = "the specification has no counterpart for it", "nothing says what it holds"
_UNTITLED = re.compile(r"(?:to|so|hi|hello|hey|dear|as|we|i|it|there|this|my|our|an?|application)\b", re.I)
_COULD = ("may ", "could ", "optional", "nice to have", "if possible", "ideally")


def sentences_of(brief: Brief) -> tuple[Sentence, ...]:
    """The brief's clauses in order, numbered R1, R2, …; then one for each file and for what of it is not carried over."""
    found: list[Sentence] = []
    alone = len(brief.statements) == 1 and not brief.files
    for statement in brief.statements:
        if statement.kind in ("heading", "context"):
            continue
        if statement.kind == "hostile":
            found.append(Sentence(f"R{len(found) + 1}", statement.text, statement.lead, hostile=True))
            continue
        if statement.kind in ("technology", "unread"):
            made = f"the application is made with {brief.stack}"
            unmet = made if statement.kind == "technology" else f"not understood: «{statement.text}»"
            found.append(Sentence(f"R{len(found) + 1}", statement.text, unmet=unmet))
            continue
        parts = split_statement(only_kind(statement.text) if alone else statement.text, statement.lead)
        for part in parts:
            text = f"{part.head}: {part.match}" if part.head else part.match
            if len(parts) == 1 and unframed(statement.text) != statement.text:
                text = statement.text
            found.append(Sentence(f"R{len(found) + 1}", text, statement.lead))
    for file in brief.files:
        found.append(Sentence(f"R{len(found) + 1}", f"What {file.name} declares ({kind_of(file) or 'unknown'}).", given=True))
    imported = read_files(tuple((s.id, f) for s, f in zip([s for s in found if s.given], brief.files, strict=True)))
    for note in imported.unmet if imported else ():
        found.append(
            Sentence(
                f"R{len(found) + 1}", note[:1].upper() + note[1:], unmet=_UNFILLED if note.startswith(FILLED) else _UNKNOWN
            )
        )
    return tuple(found)


def draft_frd(brief: Brief, sentences: tuple[Sentence, ...] | None = None) -> Frd:
    """The requirements document of a brief, or of these sentences instead of its own. Raises `UserError` where a file cannot
    be read.
    """
    sentences = sentences_of(brief) if sentences is None else sentences
    given = tuple((s.id, f) for s, f in zip([s for s in sentences if s.given], brief.files, strict=True))
    imported = read_files(given)
    name = imported.world.name if imported and imported.world.name != "Application" else brief.name
    reading = read_soundly(name, sentences, given)
    context: list[Sentence] = []
    while asides := [s for s in sentences if s.id in reading.context]:
        # Without them another sentence comes first, which may be a greeting too.
        context += asides
        sentences = _renumbered(s for s in sentences if s.id not in reading.context)
        given = tuple((s.id, f) for s, f in zip([s for s in sentences if s.given], brief.files, strict=True))
        reading = read_soundly(name, sentences, given)
    name = _name(name, reading.spec)
    by_id = {s.id: s for s in sentences}
    criteria = criteria_of(reading.spec) if reading.spec else {}
    requirements = []
    for r in reading.requirements:
        source = by_id.get(r.id)
        requirements.append(
            FrdRequirement(
                **r.model_dump(),
                lead=source.lead if source else "",
                hostile=source.hostile if source else False,
                given=source.given if source else False,
                unmet=source.unmet if source else "",
                priority=_priority(r.text, r.assumption),
                criteria=criteria.get(r.id, ()),
            )
        )
    latency = reading.spec.latency_p99_ms if reading.spec else 500
    return Frd(
        name=name,
        introduction=brief.text[:2000],
        context=(*(s.text for s in context), *(s.text for s in brief.statements if s.kind == "context")),
        stack=brief.stack,
        stack_reason=brief.stack_reason,
        requirements=tuple(requirements),
        non_functional=(
            f"99 of 100 requests are answered within {latency} ms.",
            "Data survives a restart; a refused request changes nothing; rules hold under concurrent requests.",
            "Input is validated; errors are RFC 9457 problem details and reveal no internals.",
        ),
        assumptions=(*brief.assumptions, *(r.text for r in reading.requirements if r.assumption), *reading.notes),
        open_questions=(*brief.open_questions, *reading.questions),
        glossary=glossary_of(reading.spec) if reading.spec else (),
        files=brief.files,
    )


def _name(given: str, spec: Spec | None) -> str:
    """The request's own title; what it keeps, where its beginning is no title."""
    titled = len(given.split()) <= 5 and not _UNTITLED.match(given)
    if titled or spec is None or not spec.entities:
        return given
    plurals = [e.plural.replace("_", " ") for n, e in spec.entities.items() if not (spec.auth and spec.auth.entity == n)]
    return " and ".join(plurals[:2]).capitalize() or given


def _renumbered(sentences: Iterable[Sentence]) -> tuple[Sentence, ...]:
    return tuple(replace(s, id=f"R{n}") for n, s in enumerate(sentences, 1))


def _priority(text: str, assumption: bool) -> Priority:
    if assumption:
        return "should"
    return "could" if any(word in text.lower() for word in _COULD[2:]) else "must"
