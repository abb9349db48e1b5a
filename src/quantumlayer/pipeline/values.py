"""What travels between the command line, the workflow and the activities: small values and drop ids, never payloads."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from quantumlayer.account.values import Used
from quantumlayer.errors import BudgetExceeded, UserError
from quantumlayer.ports.scanner import Scan
from quantumlayer.stores.values import Owner

StageStatus = Literal["passed", "failed", "skipped", "not_run"]
Author = Literal["blueprint", "auto", "model"]
RunEnd = Literal["verified", "partial", "failed", "cancelled"]


class Value(BaseModel):
    """Frozen; unknown members are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(Value):
    """An error as a value. `type` is one of ours (`UserError`, `EnvironmentError_`, `Bug`, `BudgetExceeded`), else its name."""

    type: str
    message: str
    hint: str = ""
    exit_code: int = 1

    @property
    def over_budget(self) -> bool:
        """Whether the run stopped because the next call to a model would have taken more than allowed."""
        return self.type == BudgetExceeded.__name__


class Order(Value):
    """What a run was asked to do. `inputs` are the drops it starts from by kind: `request`, and `spec` where one was given.

    `ttl` in seconds. `kept` are stages that a rollback leaves as they are, by name. An `interactive` run waits for a person
    after it drafted its documents, `patience` seconds each time. With `review` a model reads the finished sources.
    """

    run: str
    stack: str
    author: Author
    model: str | None = None
    inputs: dict[str, str]
    preview: bool = True
    ttl: int = 3600
    owner: Owner = Owner()
    execution: int = 1
    interactive: bool = False
    patience: int = 3600
    review: bool = False
    kept: dict[str, "Outcome"] = {}


class Task(Value):
    """One stage to carry out on the drops in `inputs`, by kind; `outcomes` are how the stages that made them ended."""

    order: Order
    stage: str
    inputs: dict[str, str]
    outcomes: tuple["Outcome", ...] = ()


class Outcome(Value):
    """How a stage ended. `drops` by kind, the main one first. `reason` explains anything but "passed"."""

    stage: str
    status: StageStatus
    seconds: float = 0.0
    drops: dict[str, str] = {}
    reason: str = ""

    @property
    def drop(self) -> str | None:
        """The id of the main drop."""
        return next(iter(self.drops.values()), None)


class Ending(Value):
    """What the workflow hands to its last activity."""

    order: Order
    outcomes: tuple[Outcome, ...]
    seconds: float
    cancelled: bool = False
    problem: Problem | None = None


class StageReport(Value):
    """One line of the stage table. `seconds` is wall time."""

    name: str
    status: StageStatus
    seconds: float
    drop: str | None = None
    reason: str = ""


class RequirementReport(Value):
    """One line of the requirement table. `evidence` are drop ids."""

    id: str
    text: str
    status: Literal["met", "unmet", "unverified"]
    evidence: tuple[str, ...] = ()


class ScoreReport(Value):
    """None where the evidence is missing."""

    qa: int | None = None
    security: str | None = None


class Report(Value):
    """The object that `--json` prints, member for member."""

    run_id: str
    status: RunEnd
    stack: str
    author: Author
    model: str | None = None
    stages: tuple[StageReport, ...] = ()
    requirements: tuple[RequirementReport, ...] = ()
    scores: ScoreReport = ScoreReport()
    coverage: float | None = Field(None, ge=0, le=1)
    capsule: str | None = None
    out: str | None = None
    preview_url: str | None = None
    seconds: float = 0.0
    cost_usd: float = 0.0


class Review(Value):
    """What a model said of the finished sources. `dropped` counts findings about files or lines that are not there."""

    scan: Scan
    dropped: int = 0
    unread: tuple[str, ...] = ()


class Finished(Value):
    """How a run ended: the report, and beside it what the contract's object has no member for.

    `usage` are the calls to models by stage, role and model; `review` is the reading by a model in a line.
    """

    report: Report
    problem: Problem | None = None
    reasons: dict[str, str] = {}
    usage: tuple[Used, ...] = ()
    review: str = ""

    @property
    def exit_code(self) -> int:
        """The exit code of `ql generate`, as the contract says."""
        if self.report.status == "failed" and self.problem is not None:
            return self.problem.exit_code
        return {"verified": 0, "partial": 3, "failed": 1, "cancelled": 130}[self.report.status]

    @property
    def stopped(self) -> bool:
        """Whether something that can be mended stopped it before its end: this machine, a budget, a broken promise of ours."""
        return self.problem is not None and self.problem.exit_code != UserError.exit_code

    def as_data(self) -> dict[str, Any]:
        """For the metadata database."""
        return self.model_dump(mode="json")
