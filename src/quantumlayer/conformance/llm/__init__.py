"""The suite that every adapter of `ports.llm.Llm` must pass, whichever protocol it speaks."""

from collections.abc import AsyncIterator

from quantumlayer.conformance.llm.bench import Bench
from quantumlayer.conformance.llm.promises import TRIALS
from quantumlayer.conformance.llm.wire import Scene, Wire, serve_wire
from quantumlayer.conformance.trials import NotTried, Trial, tried
from quantumlayer.evidence.values import Check

__all__ = ["TRIALS", "Bench", "Scene", "Trial", "Wire", "checks", "run_trial", "serve_wire"]


async def run_trial(bench: Bench, trial: Trial[Bench]) -> Check:
    """One trial: "failed" where a promise was broken, "not_run" with the reason, "errored" where we failed ourselves."""
    return await tried(_attempt(bench, trial), id=f"llm.{trial.name}", title=trial.title, broken=AssertionError)


async def _attempt(bench: Bench, trial: Trial[Bench]) -> None:
    if trial.name in bench.deviations:
        raise NotTried(bench.deviations[trial.name])
    await trial.run(bench)


async def checks(bench: Bench) -> AsyncIterator[Check]:
    """All trials one after the other, each as soon as it is known."""
    for trial in TRIALS:
        yield await run_trial(bench, trial)
