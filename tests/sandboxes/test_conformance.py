"""Real hostile code against the real sandbox."""

import pytest

from quantumlayer.conformance.sandbox import TRIALS, Trial, run_trial
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
async def test_the_sandbox_holds(trial: Trial):
    check = await run_trial(BubblewrapSandbox(), trial)
    assert check.status == "passed", check.message
