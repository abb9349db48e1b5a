"""A correct application is never failed: the reference model of every spec, over real HTTP."""

import pytest
from builders import SPECS, failures, judged, plan_of, running, spec_named

from quantumlayer.evidence.judge import Budget, judge
from quantumlayer.evidence.requirements import requirement_results, run_status
from quantumlayer.plan.plan_tests import plan_tests

NAMES = sorted(path.stem for path in SPECS.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
async def test_the_model_itself_is_verified(name: str) -> None:
    evidence = await judged(name)
    assert failures(evidence) == []
    results = requirement_results(spec_named(name), evidence)
    assert {r.id: r.status for r in results} == {r.id: "met" for r in spec_named(name).requirements}
    assert run_status(results, evidence) == "verified"


async def test_an_application_that_cannot_be_reset_is_judged_again_and_again() -> None:
    spec = spec_named("library")
    async with running(spec, keeper=False) as app:
        for _ in range(2):
            evidence = await judge(spec, app, budget=Budget(random=0.5))
            assert failures(evidence) == []
    results = {r.id: r for r in requirement_results(spec, evidence)}
    assert results["R7"].status == "unverified" and "clock" in results["R7"].reason
    assert results["R4"].status == "met"


async def test_without_an_administrator_what_needs_one_is_not_run() -> None:
    spec = spec_named("expenses")
    async with running(spec, keeper=False) as app:
        evidence = await judge(spec, type(app)(url=app.url), budget=Budget(random=0.3))
    assert failures(evidence) == []
    assert any(c.status == "not_run" and "--admin" in c.message for c in evidence.checks)


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_proves_every_requirement(name: str) -> None:
    proofs = plan_of(name).proofs()
    assert {r.id for r in spec_named(name).requirements if r.understood} <= set(proofs)


def test_the_plan_is_deterministic() -> None:
    assert plan_tests(spec_named("library")) == plan_of("library")
