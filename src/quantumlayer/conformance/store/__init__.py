"""The suite that every adapter of `ports.store.Blobs` must pass, whatever holds the bytes."""

import time
from collections.abc import AsyncIterator

from quantumlayer.conformance.store.bench import Bench, Broken, NotTried, Trial
from quantumlayer.conformance.store.promises import TRIALS
from quantumlayer.evidence.values import Check

__all__ = ["TRIALS", "Bench", "Trial", "checks", "run_trial"]


async def run_trial(bench: Bench, trial: Trial) -> Check:
    """One trial on an empty store: "failed" where a promise was broken, "not_run" with the reason, "errored" if we failed."""
    began = time.monotonic()
    status, message = "passed", ""
    try:
        await trial.run(bench)
    except Broken as broken:
        status, message = "failed", str(broken)
    except NotTried as reason:
        status, message = "not_run", str(reason)
    except Exception as error:  # whatever it is, this trial proved nothing
        status, message = "errored", f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - began
    return Check(id=f"store.{trial.name}", title=trial.title, level="unit", status=status, message=message, seconds=seconds)


async def checks(bench: Bench) -> AsyncIterator[Check]:
    """All trials one after the other; each leaves the store empty."""
    for trial in TRIALS:
        yield await run_trial(bench, trial)
        async for stored in bench.open().stored():
            await bench.open().delete(stored.id)
