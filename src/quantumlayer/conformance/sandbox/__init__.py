"""The suite that every sandbox adapter must pass: promises to keep, and escapes that must fail."""

import time
from collections.abc import AsyncIterator

from quantumlayer.conformance.sandbox import files, kernel, limits, network, promises, secrets_and_processes
from quantumlayer.conformance.sandbox.lab import Escaped, Trial, laboratory
from quantumlayer.evidence.values import Check
from quantumlayer.ports.sandbox import Sandbox

PROMISES = promises.TRIALS
ESCAPES = (*secrets_and_processes.TRIALS, *network.TRIALS, *kernel.TRIALS, *limits.TRIALS, *files.TRIALS)
TRIALS = (*PROMISES, *ESCAPES)


async def run_trial(sandbox: Sandbox, trial: Trial) -> Check:
    """One trial in a fresh laboratory: "failed" where the sandbox did not hold, "errored" where our machine failed."""
    began = time.monotonic()
    status, message = "passed", ""
    try:
        async with laboratory(sandbox) as lab:
            await trial.run(lab)
    except Escaped as escape:
        status, message = "failed", str(escape)
    except Exception as error:  # whatever it is, this trial proved nothing
        status, message = "errored", f"{type(error).__name__}: {error}"
    kind = "promise" if trial in PROMISES else "escape"
    title = trial.title if kind == "promise" else f"{trial.title}: refused"
    seconds = time.monotonic() - began
    return Check(
        id=f"sandbox.{kind}.{trial.name}", title=title, level="security", status=status, message=message, seconds=seconds
    )


async def checks(sandbox: Sandbox) -> AsyncIterator[Check]:
    """All trials one after the other, each as soon as it is known."""
    for trial in TRIALS:
        yield await run_trial(sandbox, trial)


async def run_suite(sandbox: Sandbox) -> list[Check]:
    """All of them."""
    return [check async for check in checks(sandbox)]
