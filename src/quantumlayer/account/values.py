"""What calls to models take, and may take: of a run and of an organisation."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from quantumlayer.errors import BudgetExceeded, UserError

Outcome = Literal["answered", "failed", "cancelled"]


class Budget(BaseModel):
    """How many tokens (in and out together) and US dollars may be spent; None for no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    tokens: Annotated[int, Field(ge=0)] | None = None
    usd: Annotated[float, Field(ge=0)] | None = None


class Spent(BaseModel):
    """What was spent, or is reserved for a call under way; `usd` None where a price is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    tokens: int = 0
    usd: float | None = 0.0

    def plus(self, other: "Spent") -> "Spent":
        """Both together; a price that is not known adds nothing."""
        return Spent(tokens=self.tokens + other.tokens, usd=(self.usd or 0.0) + (other.usd or 0.0))


@dataclass(frozen=True)
class Payer:
    """Who pays for a call: the owner's names and the run."""

    run: str
    organisation: str = "local"
    project: str = "default"
    creator: str = "local"


class Call(BaseModel):
    """One call to a model, for the account. Only what was answered costs; `seconds` is the model's and the wire's time."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    run: str
    stage: str
    role: str
    language: str | None = None
    model: str
    outcome: Outcome
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float = 0.0
    reason: str = ""
    at: datetime


class Used(BaseModel):
    """The calls of one stage to one model in one role, added up. `cost_usd` None: a price is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    stage: str
    role: str
    model: str
    calls: int
    failed: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    seconds: float


class Book(Protocol):
    """Where calls are written down before and after they are made. Safe with several processes at once."""

    async def reserve(self, payer: Payer, wanted: Spent, budget: Budget, seconds: float) -> str:
        """Sets the most that a call may take aside and gives it a number; it lapses after that time.

        Raises `BudgetExceeded` when it does not fit into the run's `budget` or the organisation's of this month, `UserError`
        where one of them is in money and the price is not known.
        """
        ...

    async def settle(self, reservation: str, payer: Payer, call: Call) -> None:
        """The call ended: its place is taken by what it really took."""
        ...

    async def calls(self, run: str) -> tuple[Call, ...]:
        """The ended calls of a run, oldest first."""
        ...


def used(calls: Iterable[Call]) -> tuple[Used, ...]:
    """The account of a run by stage, role and model, in the order of the first call of each."""
    groups: dict[tuple[str, str, str], list[Call]] = {}
    for call in calls:
        groups.setdefault((call.stage, call.role, call.model), []).append(call)
    return tuple(_sum(*key, group) for key, group in groups.items())


def _sum(stage: str, role: str, model: str, calls: list[Call]) -> Used:
    return Used(
        stage=stage,
        role=role,
        model=model,
        calls=len(calls),
        failed=sum(call.outcome != "answered" for call in calls),
        input_tokens=sum(call.input_tokens for call in calls),
        output_tokens=sum(call.output_tokens for call in calls),
        cost_usd=cost(calls),
        seconds=round(sum(call.seconds for call in calls), 3),
    )


def cost(calls: Iterable[Call]) -> float | None:
    """US dollars for all of them; None where a price is not known."""
    prices = [call.cost_usd for call in calls]
    known = [price for price in prices if price is not None]
    return round(sum(known), 6) if len(known) == len(prices) else None


def check(whose: Literal["run", "organisation"], budget: Budget, spent: Spent, wanted: Spent) -> None:
    """Raises `BudgetExceeded` when what is wanted does not fit any more, `UserError` where its price is needed and unknown."""
    if budget.usd is not None and wanted.usd is None:
        raise UserError(
            f"the {whose} has a budget in money, and the price of the model is not known",
            hint="give usd_per_million_input and usd_per_million_output under the model in models.toml",
        )
    tokens = ("tokens", budget.tokens, spent.tokens, wanted.tokens)
    for unit, allowed, before, more in (tokens, ("money", budget.usd, spent.usd or 0.0, wanted.usd or 0.0)):
        if allowed is not None and before + more > allowed:
            shown = (lambda n: f"${n:.4f}") if unit == "money" else (lambda n: f"{n:,} tokens")
            raise BudgetExceeded(
                f"the next call may take {shown(more)}, and the {whose} has used {shown(before)} of {shown(allowed)}",
                hint=_MENDS[whose],
                limit=f"{whose} {unit}",
                allowed=allowed,
                spent=before,
                wanted=more,
            )


_MENDS = {
    "run": "raise run_tokens or run_usd under [budget] in models.toml, or name a cheaper model",
    "organisation": "see `ql model budget`; an administrator raises it with `ql model budget --tokens N --usd N`",
}
