"""The suite that every adapter of `ports.store.Blobs` must pass, whatever holds the bytes."""

from collections.abc import AsyncIterator

from quantumlayer.conformance.store.bench import Bench
from quantumlayer.conformance.store.promises import TRIALS
from quantumlayer.conformance.trials import Trial, tried
from quantumlayer.evidence.values import Check

__all__ = ["TRIALS", "Bench", "Trial", "checks", "run_trial"]


async def run_trial(bench: Bench, trial: Trial[Bench]) -> Check:
    """One trial on an empty store: "failed" where a promise was broken, "not_run" with the reason, "errored" if we failed."""
    return await tried(trial.run(bench), id=f"store.{trial.name}", title=trial.title)


async def checks(bench: Bench) -> AsyncIterator[Check]:
    """All trials one after the other; each leaves the store empty."""
    for trial in TRIALS:
        yield await run_trial(bench, trial)
        async for stored in bench.open().stored():
            await bench.open().delete(stored.id)
