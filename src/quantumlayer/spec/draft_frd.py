"""Brief → Frd: the clauses numbered, with acceptance criteria generated from what the analyst understands."""

from quantumlayer.request.values import Brief
from quantumlayer.spec.analyst.analyse import Sentence, analyse
from quantumlayer.spec.analyst.clauses import split_statement
from quantumlayer.spec.frd import Frd, FrdRequirement

NON_FUNCTIONAL = (
    "99 of 100 requests are answered within 500 ms.",
    "Data survives a restart; a refused request changes nothing.",
    "Input is validated; errors are RFC 9457 problem details and reveal no internals.",
)


def sentences_of(brief: Brief) -> tuple[Sentence, ...]:
    """The brief's clauses in order, numbered R1, R2, …"""
    found: list[Sentence] = []
    for statement in brief.statements:
        if statement.kind == "heading":
            continue
        if statement.kind == "hostile":
            found.append(Sentence(f"R{len(found) + 1}", statement.text, statement.lead, hostile=True))
            continue
        for part in split_statement(statement.text, statement.lead):
            text = f"{part.head}: {part.match}" if part.head else part.match
            found.append(Sentence(f"R{len(found) + 1}", text, statement.lead))
    return tuple(found)


def draft_frd(brief: Brief) -> Frd:
    """The requirements document of a brief."""
    sentences = sentences_of(brief)
    reading = analyse(brief.name, sentences)
    by_id = {s.id: s for s in sentences}
    requirements = tuple(
        FrdRequirement(
            id=r.id,
            text=r.text,
            lead=by_id[r.id].lead if r.id in by_id else "",
            hostile=r.id in by_id and by_id[r.id].hostile,
            assumption=r.assumption,
            understood=r.understood,
            reason=r.reason,
        )
        for r in reading.requirements
    )
    return Frd(
        name=brief.name,
        introduction=brief.text[:2000],
        stack=brief.stack,
        stack_reason=brief.stack_reason,
        requirements=requirements,
        non_functional=NON_FUNCTIONAL,
        assumptions=brief.assumptions,
        open_questions=(*brief.open_questions, *reading.questions),
        files=brief.files,
    )
