"""The suite that every adapter of `ports.llm.Llm` must pass, whichever protocol it speaks."""

import time
from collections.abc import AsyncIterator

from quantumlayer.conformance.llm.bench import Bench, Broken, NotTried, Trial
from quantumlayer.conformance.llm.promises import TRIALS
from quantumlayer.conformance.llm.wire import Scene, Wire, serve_wire
from quantumlayer.evidence.values import Check

__all__ = ["TRIALS", "Bench", "Scene", "Trial", "Wire", "checks", "run_trial", "serve_wire"]


async def run_trial(bench: Bench, trial: Trial) -> Check:
    """One trial: "failed" where a promise was broken, "not_run" with the reason, "errored" where we failed ourselves."""
    began = time.monotonic()
    status, message = "passed", ""
    try:
        if trial.name in bench.deviations:
            raise NotTried(bench.deviations[trial.name])
        await trial.run(bench)
    except (Broken, AssertionError) as broken:
        status, message = "failed", str(broken)
    except NotTried as reason:
        status, message = "not_run", str(reason)
    except Exception as error:  # whatever it is, this trial proved nothing
        status, message = "errored", f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - began
    return Check(id=f"llm.{trial.name}", title=trial.title, level="unit", status=status, message=message, seconds=seconds)


async def checks(bench: Bench) -> AsyncIterator[Check]:
    """All trials one after the other, each as soon as it is known."""
    for trial in TRIALS:
        yield await run_trial(bench, trial)
