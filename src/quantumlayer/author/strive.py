"""The loop of every author: ask, read, check, and tell the model what is wrong, within bounds and never in circles."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from quantumlayer.answer.values import Refusal
from quantumlayer.author.asking import ask_whole
from quantumlayer.author.values import Bounds, Broken, Failed, Progress, Stop, Striven, Trial
from quantumlayer.errors import BudgetExceeded
from quantumlayer.ports.llm import Answer, Gateway, Prompt, Role

T = TypeVar("T")
Asking = Callable[[Trial[T] | None, Failed | None], Prompt]
Reading = Callable[[Answer, Trial[T] | None], T]
Checking = Callable[[T], Awaitable[Trial[T]]]
# After this many repetitions of an answer, a change or an error nothing new is to be expected.
REPETITIONS = 2
# Where many are drawn, every so many attempts mend the best one.
MENDING = 3
_WARMER = 0.7
_COOLEST, _STEP, _WARMEST = 0.2, 0.1, 0.9


@dataclass
class Strive(Generic[T]):
    """One thing to be written or mended.

    `asking` makes the prompt from the trial to go on from and what is wrong with it; `reading` takes the answer apart, or
    raises `Refusal`; `checking` carries the checks out, all of them each time. A trial is better where it fails none of the
    checks that the best one passes, and fewer in all. With `strict` only the best is gone on from: a change that breaks what
    passed before is undone, and the model told so. Without, it is the last.

    With `rank` many are drawn: the trial that ranks highest is the best one and gone on from in every third attempt; the others
    start anew, each asked less strictly than the one before. A small model that misunderstood rarely mends what it wrote.

    `keep` is told how far it came after each answer and each trial, so that a loop that is killed goes on from there. (With
    neither `strict` nor `rank` it would go on from the best trial instead of the last.)
    """

    subject: str
    gateway: Gateway
    role: Role
    asking: Asking[T]
    reading: Reading[T]
    checking: Checking[T]
    bounds: Bounds = Bounds()
    language: str | None = None
    strict: bool = False
    rank: Callable[[Trial[T]], Any] | None = None
    clock: Callable[[], float] = time.monotonic
    keep: Callable[[Progress[T]], Awaitable[None]] | None = None
    _at: Progress[T] = field(init=False)

    async def run(self, best: Trial[T] | None = None, since: Progress[T] | None = None) -> Striven[T]:
        """Until all checks pass or a bound is reached. `best` is what there is already, with its failed checks; `since` what an
        earlier loop kept: its attempts, tokens, money and seconds count, and an answer that it had got is not asked for again.

        Raises what the gateway raises, but for an exceeded budget, which ends it like any other bound.
        """
        self._at = at = since or Progress(best=best, wrong=best.failed[0] if best and best.failed else None)
        began, current = self.clock() - at.seconds, at.best
        for number in range(at.attempts + 1, self.bounds.attempts + 1):
            if at.answer is None:
                anew = self.rank is not None and at.best is not None and number % MENDING != 0
                try:
                    at.answer = await self._ask(self.asking(None, None) if anew else self.asking(current, at.wrong), number)
                except BudgetExceeded as error:
                    return self._ended(at.wrong or Failed("answer", error.message), number - 1, "budget")
                await self._kept(began)
            answer, (trial, at.wrong) = at.answer, await self._tried(at.answer, current)
            if trial is not None:
                better = self._better(trial, at.best)
                if self.strict and not better and at.best is not None:
                    at.wrong = _undone(trial, at.best)
                at.best = trial if better else at.best
                current = at.best if self.strict or self.rank else trial
            if self.rank and at.wrong and current and current.failed:
                at.wrong = current.failed[0]
            if at.wrong is None:
                return Striven(at.best, None, number, tuple(at.models))
            if stop := self._stop(number, began, answer, at.wrong):
                return self._ended(at.wrong, number, stop)
            at.attempts, at.answer = number, None
            await self._kept(began)
        raise AssertionError("the last attempt ends the loop")

    async def _kept(self, began: float) -> None:
        self._at.seconds = self.clock() - began
        if self.keep is not None:
            await self.keep(self._at)

    async def _ask(self, prompt: Prompt, number: int) -> Answer:
        """The last attempt goes to the stronger model where one is named; who repeats himself is asked less strictly."""
        last = number == self.bounds.attempts
        model = self.gateway.stronger(self.role) if last and number > 1 else None
        if self.rank and number > 1:
            prompt = replace(prompt, temperature=min(_COOLEST + _STEP * number, _WARMEST), seed=number)
        elif self._repeated:
            prompt = replace(prompt, temperature=max(prompt.temperature, _WARMER), seed=number)
        answer = await ask_whole(self.gateway, self.role, prompt, language=self.language, model=model)
        self._at.tokens += answer.input_tokens + answer.output_tokens
        self._at.usd += answer.cost_usd or 0.0
        if answer.model not in self._at.models:
            self._at.models.append(answer.model)
        return answer

    async def _tried(self, answer: Answer, current: Trial[T] | None) -> tuple[Trial[T] | None, Failed | None]:
        try:
            made = self.reading(answer, current)
        except Refusal as refusal:
            return None, Failed("answer", refusal.message)
        trial = await self.checking(made)
        return trial, trial.failed[0] if trial.failed else None

    def _better(self, trial: Trial[T], best: Trial[T] | None) -> bool:
        if best is None or not trial.failed:
            return True
        if self.rank:
            return self.rank(trial) > self.rank(best)
        return best.passed <= trial.passed and len(trial.passed) > len(best.passed)

    @property
    def _repeated(self) -> bool:
        return any(count > 1 for count in self._at.seen.values())

    def _stop(self, number: int, began: float, answer: Answer, wrong: Failed) -> Stop | None:
        # Of many that are drawn several fail alike: there only the same answer says that nothing new is to come.
        for what in (answer.text,) if self.rank else (answer.text, f"{wrong.check}\n{wrong.message}"):
            digest = hashlib.sha256(what.encode(errors="replace")).hexdigest()
            self._at.seen[digest] = self._at.seen.get(digest, 0) + 1
        bounds = self.bounds
        if number == bounds.attempts:
            return "attempts"
        if self._at.tokens >= bounds.tokens:
            return "tokens"
        if bounds.usd is not None and self._at.usd >= bounds.usd:
            return "money"
        if self.clock() - began >= bounds.seconds:
            return "time"
        return "loop" if max(self._at.seen.values()) > REPETITIONS else None

    def _ended(self, wrong: Failed, attempts: int, stop: Stop) -> Striven[T]:
        best = self._at.best
        failed = best.failed[0] if best and best.failed else wrong
        broken = Broken(subject=self.subject, check=failed.check, error=failed.message, attempts=attempts, stop=stop)
        return Striven(best, broken, attempts, tuple(self._at.models))


def _undone(trial: Trial[T], best: Trial[T]) -> Failed:
    """What is wrong with the best one still, and what the change that was undone did."""
    broken = [f for f in trial.failed if f.check in best.passed]
    still, after = best.failed[0], broken[0] if broken else trial.failed[0]
    how = f"broke {after.check}" if broken else f"did not mend it ({after.check})"
    return Failed(still.check, f"{still.message}\n\nYour last change was undone, because it {how}:\n{after.message}")
