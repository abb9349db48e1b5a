"""The suite that every sandbox adapter must pass: promises to keep, and escapes that must fail."""

from collections.abc import AsyncIterator

from quantumlayer.conformance.sandbox import files, kernel, limits, network, promises, secrets_and_processes
from quantumlayer.conformance.sandbox.lab import Escaped, Lab, laboratory
from quantumlayer.conformance.trials import Trial, tried
from quantumlayer.evidence.values import Check
from quantumlayer.ports.sandbox import Sandbox

PROMISES = promises.TRIALS
ESCAPES = (*secrets_and_processes.TRIALS, *network.TRIALS, *kernel.TRIALS, *limits.TRIALS, *files.TRIALS)
TRIALS = (*PROMISES, *ESCAPES)


async def run_trial(sandbox: Sandbox, trial: Trial[Lab]) -> Check:
    """One trial in a fresh laboratory: "failed" where the sandbox did not hold, "errored" where our machine failed."""
    kind = "promise" if trial in PROMISES else "escape"
    title = trial.title if kind == "promise" else f"{trial.title}: refused"
    identity = f"sandbox.{kind}.{trial.name}"
    return await tried(_attempt(sandbox, trial), id=identity, title=title, level="security", broken=Escaped)


async def _attempt(sandbox: Sandbox, trial: Trial[Lab]) -> None:
    async with laboratory(sandbox) as lab:
        await trial.run(lab)


async def checks(sandbox: Sandbox) -> AsyncIterator[Check]:
    """All trials one after the other, each as soon as it is known."""
    for trial in TRIALS:
        yield await run_trial(sandbox, trial)


async def run_suite(sandbox: Sandbox) -> list[Check]:
    """All of them."""
    return [check async for check in checks(sandbox)]
