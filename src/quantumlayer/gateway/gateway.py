"""The gateway: asks the models of a role until one answers, within a budget, and writes every call down."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from quantumlayer.account.values import Book, Call, Outcome, Payer, Spent
from quantumlayer.errors import BudgetExceeded, EnvironmentError_, LlmUnavailable, QuantumLayerError, UserError
from quantumlayer.gateway.config import ModelsConfig, no_model
from quantumlayer.gateway.hygiene import Cleaner
from quantumlayer.gateway.live import Gathered, OnSaid
from quantumlayer.gateway.pool import Pool
from quantumlayer.ports.llm import Answer, Llm, NoModel, OnText, Prompt, PromptTooLarge, Role

log = logging.getLogger("quantumlayer.gateway")
# Fewer tokens than these for an answer are no room at all.
LEAST_ANSWER = 256
# A reservation outlives a call that a killed process never settled by this much at most.
SETTLING_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 20.0
OnCall = Callable[[Call], Awaitable[None]]


async def nobody(_call: Call) -> None:
    """Hears nothing."""


@dataclass(frozen=True)
class ModelGateway:
    """The gateway of one run; `ports.llm.Gateway` says what it promises. `heard` is told of every call when it has ended.

    With `said` every call is streamed, and it is told what models say while they say it.
    """

    config: ModelsConfig
    pool: Pool
    book: Book
    payer: Payer
    stage: str = ""
    heard: OnCall = nobody
    cleaner: Cleaner = Cleaner()
    said: OnSaid | None = None

    def at(self, stage: str) -> "ModelGateway":
        """The same gateway; what is asked there is accounted under `stage`."""
        return replace(self, stage=stage)

    def stronger(self, role: Role) -> str | None:
        """The model that the user named for a last attempt in that role."""
        return self.config.last_attempt.get(role)

    async def ask(
        self,
        role: Role,
        prompt: Prompt,
        *,
        language: str | None = None,
        model: str | None = None,
        on_text: OnText | None = None,
    ) -> Answer:
        """As `ports.llm.Gateway` says."""
        names = (model,) if model else self.config.names(role, language)
        if not names:
            raise no_model(role, language)
        clean = self.cleaner.clean(prompt)
        problems: dict[str, QuantumLayerError] = {}
        for name in names:
            try:
                return await self._ask_one(name, role, clean, language, on_text)
            except (BudgetExceeded, NoModel):
                raise
            except (UserError, EnvironmentError_) as problem:
                problems[name] = problem
                log.warning("%s does not answer: %s", name, problem.message, extra={"role": role})
        raise _all_failed(role, problems)

    async def _ask_one(self, name: str, role: Role, prompt: Prompt, language: str | None, on_text: OnText | None) -> Answer:
        model = await self.pool.model(name)
        fitting = fit(model, prompt)
        transport = self.pool.transport
        blank = Call(
            run=self.payer.run,
            stage=self.stage,
            role=role,
            language=language,
            model=name,
            outcome="failed",
            at=datetime.now(UTC),
        )
        attempts = AsyncRetrying(
            stop=stop_after_attempt(transport.attempts),
            wait=_Wait(transport.first_wait_seconds),
            retry=retry_if_exception(lambda error: _worth_another(error, transport.patience_seconds)),
            reraise=True,
        )
        async for attempt in attempts:
            with attempt:
                return await self._call(model, fitting, blank, on_text)
        raise AssertionError("tenacity gives an answer or raises")

    async def _call(self, model: Llm, prompt: Prompt, blank: Call, on_text: OnText | None) -> Answer:
        async with self.pool.place(model.name):
            wanted = most(model, prompt)
            seconds = self.config.options(model.name).timeout_seconds + SETTLING_SECONDS
            reservation = await self.book.reserve(self.payer, wanted, self.config.budget.budget, seconds)
            began, at = time.monotonic(), datetime.now(UTC)
            outcome: Outcome = "cancelled"
            facts: dict[str, Any] = {}
            try:
                async with self.pool.guarded(model.name):
                    answer = await self._listen(model, prompt, on_text)
                outcome, facts = "answered", _costs(answer)
                return answer
            except QuantumLayerError as error:
                outcome, facts = "failed", {"reason": self.cleaner.text(error.message)[:500]}
                raise
            except Exception as error:
                outcome, facts = "failed", {"reason": type(error).__name__}
                raise
            finally:
                took = round(time.monotonic() - began, 4)
                call = blank.model_copy(update={"outcome": outcome, "seconds": took, "at": at, **facts})
                await self.book.settle(reservation, self.payer, call)
                await self.heard(call)

    async def _listen(self, model: Llm, prompt: Prompt, on_text: OnText | None) -> Answer:
        if self.said is None:
            return await model.ask(prompt, on_text)
        gathered = Gathered(model.name, self._tell, on_text)
        answer = await model.ask(prompt, gathered.hear)
        await gathered.flush()
        return answer

    async def _tell(self, name: str, text: str) -> None:
        if self.said is not None:
            await self.said(name, self.cleaner.text(text))


def fit(model: Llm, prompt: Prompt) -> Prompt:
    """The prompt with as much room for the answer as the model has left. Raises `PromptTooLarge`, before any call."""
    if model.context_tokens is None:
        return prompt
    tokens = model.tokens(prompt)
    room = model.context_tokens - tokens
    if room < min(prompt.max_tokens, LEAST_ANSWER):
        raise PromptTooLarge(
            f"the prompt has about {tokens:,} tokens, and {model.name} holds {model.context_tokens:,} with its answer",
            hint="name a model with a larger context window for this role, or split the request",
            tokens=tokens,
            context_tokens=model.context_tokens,
        )
    return prompt if room >= prompt.max_tokens else replace(prompt, max_tokens=room)


def most(model: Llm, prompt: Prompt) -> Spent:
    """The most that a call is expected to take: the prompt and the longest answer."""
    tokens = model.tokens(prompt)
    return Spent(tokens=tokens + prompt.max_tokens, usd=model.price(tokens, prompt.max_tokens))


def _costs(answer: Answer) -> dict[str, Any]:
    return {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens, "cost_usd": answer.cost_usd}


class _Wait:
    """As long as the provider asks for, else longer from attempt to attempt; never just when all the others come back."""

    def __init__(self, first: float) -> None:
        self._jitter = wait_random_exponential(multiplier=first, max=LONGEST_WAIT_SECONDS)

    def __call__(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.data.get("retry_after") if isinstance(error, LlmUnavailable) else None
        return self._jitter(state) + (asked or 0.0)


def _worth_another(error: BaseException, patience: float) -> bool:
    return (
        isinstance(error, LlmUnavailable)
        and "open_since" not in error.data
        and (error.data.get("retry_after") or 0) <= patience
    )


def _all_failed(role: Role, problems: dict[str, QuantumLayerError]) -> QuantumLayerError:
    """What is told when nobody answered: the only problem itself; of several the first that a person can mend, if all are."""
    found = list(problems.values())
    if len(found) == 1 or not any(isinstance(problem, LlmUnavailable) for problem in found):
        return found[0]
    told = "; ".join(f"{name}: {problem.message}" for name, problem in problems.items())
    waits = [problem.data["retry_after"] for problem in found if problem.data.get("retry_after")]
    return LlmUnavailable(
        f"no model of the role {role} answered: {told}",
        hint="try again later, or name another model: ql model add PROVIDER:MODEL",
        retry_after=min(waits, default=None),
    )
