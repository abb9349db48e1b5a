"""Values of a run that waits for a person: what is awaited, what was decided, and what is kept of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from quantumlayer.pipeline.stages import FRD, REQUIREMENTS
from quantumlayer.pipeline.values import Problem, Task, Value
from quantumlayer.spec.questions import Question
from quantumlayer.stores.values import Event

Document = Literal["frd", "spec"]
Act = Literal["answered", "edited", "approved", "rejected"]
# The stage after which each document is waited for.
MADE_BY: dict[str, Document] = {FRD.name: "frd", REQUIREMENTS.name: "spec"}
# In seconds: the least, the usual and the longest time that a run waits for a person.
LEAST_PATIENCE, PATIENCE, MOST_PATIENCE = 1, 3600, 30 * 24 * 3600


class Awaited(Value):
    """A document that waits until `until`: `drop` is its digest, which a decision names so that nobody approves another."""

    document: Document
    drop: str
    questions: tuple[Question, ...] = ()
    until: datetime


class Reply(Value):
    """What a person wrote: answers by question id, a document as text, or a reason. Kept as a drop."""

    answers: dict[str, str] = {}
    text: str | None = None
    reason: str = ""


class Decision(Value):
    """What is done with the document `drop`; `reply` is the id of a `Reply`. No text travels through the workflow."""

    document: Document
    drop: str
    act: Act
    by: str
    reply: str | None = None


class Asking(Value):
    """For the activity that tells that a document waits."""

    task: Task
    until: datetime


class Deciding(Value):
    """For the activity that carries a decision out; None where the time went by. `until` is for what waits after it."""

    task: Task
    decision: Decision | None
    at: datetime
    until: datetime


class Agreement(Value):
    """One entry of the audit trail: who did what, when, with which document, and which one there was afterwards (digests)."""

    document: Document
    act: Literal["answered", "edited", "approved", "rejected", "expired"]
    by: str
    at: datetime
    before: str
    after: str
    answers: dict[str, str] = {}
    reason: str = ""


def declined(reason: str, *, expired: bool) -> Problem:
    """Why a run ends that nobody agreed to."""
    hint = "start it again and answer in time, see --answer-within" if expired else "start it again with another request"
    return Problem(type="Declined", message=reason, hint=hint, exit_code=130)


def awaiting_in(events: Sequence[Event]) -> Awaited | None:
    """What the last of these events leave waiting."""
    told = [e for e in events if e.kind in ("run_started", "awaiting", "decided", "run_finished")]
    if not told or told[-1].kind != "awaiting":
        return None
    found = Awaited.model_validate({name: value for name, value in told[-1].data.items() if name in Awaited.model_fields})
    return found if found.until > datetime.now(UTC) else None
