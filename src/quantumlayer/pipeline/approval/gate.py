"""The part of the workflow where a document waits for a person. Deterministic: it knows ids and the workflow's clock alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio.exceptions import ApplicationError

from quantumlayer.pipeline.approval.values import MADE_BY, Deciding, Decision, Document
from quantumlayer.pipeline.values import Outcome, Problem, Task


@dataclass
class Gate:
    """One document that waits. `busy` while a decision is carried out; `closed` once it was approved, rejected or forgotten."""

    task: Task
    outcome: Outcome
    patience: timedelta
    now: Callable[[], datetime]
    until: datetime
    busy: bool = False
    closed: bool = False
    expired: bool = False
    rejected: str = ""

    @property
    def document(self) -> Document:
        """Which one."""
        return MADE_BY[self.task.stage]

    @property
    def drop(self) -> str:
        """The digest of what waits now."""
        return self.outcome.drops[self.document]

    def check(self, decision: Decision) -> None:
        """Raises `ApplicationError` for a decision that comes too late, or is about something else."""
        if self.closed or self.now() >= self.until:
            raise refusal("nothing is awaited any more", "see how it goes: ql show RUN")
        if self.busy:
            raise refusal("somebody else is deciding just now", "look at it again: ql pending RUN")
        if (decision.document, decision.drop) != (self.document, self.drop):
            raise refusal("the document was changed meanwhile", "look at it again: ql pending RUN")

    def deciding(self, decision: Decision | None) -> Deciding:
        """What the activity is given."""
        inputs = self.task.inputs | self.outcome.drops
        if decision is not None and decision.reply is not None:
            inputs |= {"reply": decision.reply}
        task = self.task.model_copy(update={"inputs": inputs, "outcomes": (self.outcome,)})
        return Deciding(task=task, decision=decision, at=self.now(), until=self.now() + self.patience)

    def take(self, decision: Decision | None, outcome: Outcome) -> None:
        """What the activity made of the decision."""
        self.outcome = outcome
        self.until = self.now() + self.patience
        self.expired = decision is None
        self.closed = decision is None or decision.act in ("approved", "rejected")
        if self.expired or outcome.status == "failed":
            self.rejected = outcome.reason


def refusal(message: str, hint: str) -> ApplicationError:
    """A refusal of an update; the run goes on as if nobody had asked."""
    problem = Problem(type="UserError", message=message, hint=hint, exit_code=2)
    return ApplicationError(message, problem.model_dump(), type=problem.type, non_retryable=True)
