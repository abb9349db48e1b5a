"""An application stops when it is told to."""

import dataclasses

import pytest
from builders import SHORT, running, spec_named

from quantumlayer.evidence.judge import judge


@pytest.mark.parametrize(("ending", "status"), [("", "passed"), ("exit code 3", "failed"), ("killed", "failed")])
async def test_how_an_application_ends_is_judged(ending: str, status: str) -> None:
    async def stop() -> str:
        return ending

    spec = spec_named("todo")
    async with running(spec) as app:
        evidence = await judge(spec, dataclasses.replace(app, stop=stop), budget=SHORT)
    found = next(check for check in evidence.checks if check.id == "contract:sigterm")
    assert (found.status, found.message) == (status, ending)
