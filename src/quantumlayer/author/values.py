"""What an author tries and what comes of it."""

from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from quantumlayer.ports.llm import Answer

T = TypeVar("T")
Stop = Literal["attempts", "tokens", "money", "time", "loop", "budget"]


class Value(BaseModel):
    """Frozen; unknown members are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Bounds(Value):
    """How much one repair may take. `tokens` in and out together, `seconds` of wall time, `usd` None for no own limit."""

    attempts: int = 5
    tokens: int = 60_000
    seconds: float = 900.0
    usd: float | None = None


class Broken(Value):
    """What could not be made to pass: of `subject` the check, its last error, after how many attempts and why no more."""

    subject: str
    check: str
    error: str
    attempts: int
    stop: Stop

    def __str__(self) -> str:
        first = next(iter(self.error.strip().splitlines()), "")
        return f"{self.subject}: {self.check} fails after {self.attempts} attempts ({_WHY[self.stop]}): {first[:300]}"


@dataclass(frozen=True)
class Failed:
    """A check that did not pass, by its name, with all that helps to mend it."""

    check: str
    message: str


@dataclass(frozen=True)
class Trial(Generic[T]):
    """One attempt: what was made, which checks it passed by name, and which not."""

    made: T
    passed: frozenset[str]
    failed: tuple[Failed, ...]


@dataclass
class Progress(Generic[T]):
    """How far a loop came: `attempts` that ended, the best trial and what is wrong now, and what was used up.

    `answer` was paid for and not yet tried. `seen` counts digests of answers and errors.
    """

    attempts: int = 0
    best: Trial[T] | None = None
    wrong: Failed | None = None
    answer: Answer | None = None
    seen: dict[str, int] = field(default_factory=dict)
    models: list[str] = field(default_factory=list)
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Striven(Generic[T]):
    """How it ended: the best trial, None where no answer could be used; `broken` is None where all checks passed.

    `models` are those that answered, `attempts` the answers that were asked for.
    """

    best: Trial[T] | None
    broken: Broken | None
    attempts: int
    models: tuple[str, ...] = ()


_WHY: dict[Stop, str] = {
    "attempts": "no attempts are left",
    "tokens": "its tokens are used up",
    "money": "its money is used up",
    "time": "its time is over",
    "loop": "the answers repeat themselves",
    "budget": "the budget of the run or organisation is used up",
}
