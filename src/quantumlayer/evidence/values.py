"""What ran and what came out: checks, requirement results and the evidence that holds them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

CheckStatus = Literal["passed", "failed", "errored", "not_run"]
Level = Literal["build", "lint", "unit", "acceptance", "random", "concurrency", "time", "contract", "security", "performance"]


class Value(BaseModel):
    """A frozen value that knows all of its members."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Check(Value):
    """One thing that was tried. `message` explains anything but "passed"; `counterexample` is readable steps."""

    id: str
    title: str
    level: Level
    status: CheckStatus
    requirements: tuple[str, ...] = ()
    seconds: float = 0.0
    message: str = ""
    counterexample: str = ""


class RequirementResult(Value):
    """A requirement is met only where a check that proves it passed and none failed."""

    id: str
    text: str
    status: Literal["met", "unmet", "unverified"]
    evidence: tuple[str, ...] = ()
    reason: str = ""


class Evidence(Value):
    """All checks of one run of one application. `coverage` is a share of lines in 0..1 of the app's own unit tests."""

    checks: tuple[Check, ...] = ()
    coverage: float | None = None

    def failed(self) -> tuple[Check, ...]:
        """The checks that failed or could not be carried out."""
        return tuple(c for c in self.checks if c.status in ("failed", "errored"))
