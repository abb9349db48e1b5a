"""What a model adds to Brief and Frd where the built-in analyst left a clause open: what is assumed, asked, and to be accepted.

The clauses themselves stay the user's words. Nothing that was understood is touched.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from quantumlayer.answer.values import Refusal
from quantumlayer.author.forms import Filled, Form, Line, fill, one_line
from quantumlayer.author.prompts import DATA_RULE, data
from quantumlayer.ports.llm import Gateway, Prompt
from quantumlayer.request.values import Brief
from quantumlayer.spec.frd import Criterion, Frd, FrdRequirement, Priority, Term

# Both documents are complete without a model; a weak one is not asked for long.
TRIES = 2
_BRIEF = f"""You read a request for a small web service before anything is specified. A program did not understand some clauses.
Say in short plain sentences what you assume about these clauses, and ask what only the user can decide. Invent no features.
{DATA_RULE} Answer with the JSON object alone."""
_FRD = f"""You complete a requirements document of a small web service. For each open requirement that is listed, and no other,
write acceptance criteria: given a state, when somebody calls, then this is the answer. Be exact about numbers. Explain words
that need it in the glossary. {DATA_RULE} Answer with the JSON object alone."""


class BriefNotes(Form):
    """What is assumed and what is asked."""

    assumptions: Annotated[tuple[Line, ...], Field(max_length=12)] = ()
    open_questions: Annotated[tuple[Line, ...], Field(max_length=12)] = ()


class CriterionForm(Form):
    """One acceptance criterion."""

    given: Line
    when: Line
    then: Line


class RequirementForm(Form):
    """What makes one requirement acceptable."""

    id: Line
    priority: Priority = "must"
    criteria: Annotated[tuple[CriterionForm, ...], Field(min_length=1, max_length=8)]


class TermForm(Form):
    """A word and what it means."""

    term: Line
    meaning: Line


class FrdNotes(Form):
    """What completes the document."""

    requirements: Annotated[tuple[RequirementForm, ...], Field(max_length=200)]
    glossary: Annotated[tuple[TermForm, ...], Field(max_length=40)] = ()
    open_questions: Annotated[tuple[Line, ...], Field(max_length=12)] = ()


def unread(frd: Frd) -> tuple[FrdRequirement, ...]:
    """The requirements that the built-in analyst did not understand and a model may."""
    return tuple(r for r in frd.requirements if not (r.understood or r.assumption or r.hostile or r.unmet))


async def complete_brief(gateway: Gateway, brief: Brief, open_: Sequence[FrdRequirement]) -> Brief:
    """The brief with a model's assumptions and questions about the clauses that are open. Raises as `fill` does."""
    listed = "\n".join(f"{r.id}: {r.text}" for r in open_)
    text = f"The request:\n{data(brief.text)}\n\nThe clauses that were not understood:\n{data(listed)}"
    filled = await fill(gateway, "analyst", Prompt(system=_BRIEF, text=text, max_tokens=1024), BriefNotes, tries=TRIES)
    notes = filled.form
    return brief.model_copy(
        update={
            "assumptions": (*brief.assumptions, *(f"{one_line(a)} (assumed by {filled.model})" for a in notes.assumptions)),
            "open_questions": (*brief.open_questions, *map(one_line, notes.open_questions)),
        }
    )


async def complete_frd(gateway: Gateway, frd: Frd, open_: Sequence[FrdRequirement]) -> Frd:
    """The document with a model's acceptance criteria for every requirement that is open. Raises as `fill` does."""
    wanted = {r.id for r in open_}

    def accounted(notes: FrdNotes) -> None:
        found = [r.id for r in notes.requirements]
        if lost := wanted - set(found):
            raise Refusal("schema", f"these requirements are not accounted for: {', '.join(sorted(lost))}")
        if odd := [each for each in found if each not in wanted or found.count(each) > 1]:
            raise Refusal("schema", f"{odd[0]} is not open, or is there twice: write about {', '.join(sorted(wanted))} alone")

    listed = "\n".join(f"{r.id}: {r.text}" for r in frd.requirements if not r.assumption)
    assumed = "\n".join(frd.assumptions) or "nothing"
    text = f"All requirements:\n{data(listed)}\n\nAssumed:\n{data(assumed)}\n\nOpen: {', '.join(sorted(wanted))}"
    prompt = Prompt(system=_FRD, text=text, max_tokens=4096)
    filled: Filled[FrdNotes] = await fill(gateway, "analyst", prompt, FrdNotes, accounted, tries=TRIES)
    notes = {r.id: r for r in filled.form.requirements}
    known = {term.term for term in frd.glossary}
    terms = tuple(Term(term=t.term, meaning=one_line(t.meaning)) for t in filled.form.glossary if t.term not in known)
    return frd.model_copy(
        update={
            "requirements": tuple(_with(r, notes[r.id]) if r.id in notes else r for r in frd.requirements),
            "glossary": (*frd.glossary, *terms),
            "open_questions": (*frd.open_questions, *map(one_line, filled.form.open_questions)),
        }
    )


def _with(requirement: FrdRequirement, notes: RequirementForm) -> FrdRequirement:
    criteria = tuple(Criterion(given=one_line(c.given), when=one_line(c.when), then=one_line(c.then)) for c in notes.criteria)
    return requirement.model_copy(update={"criteria": criteria, "priority": notes.priority})
