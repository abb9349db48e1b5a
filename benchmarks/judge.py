"""What the judge does a second, and what it is worth. Usage: python benchmarks/judge.py [--mutants] [SPEC.yaml …]

Derivation of the plan, its scenarios, random operations a second against the reference model over HTTP (target: 300). With
`--mutants` every single mistake that can be made in the spec is served and judged; the survivors are listed.
"""

import asyncio
import sys
import time
from pathlib import Path

from quantumlayer.evidence.judge import Budget, judge
from quantumlayer.evidence.judge.served_model import ServedModel, application, served
from quantumlayer.evidence.mutants import mutants
from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec

SPECS = Path(__file__).resolve().parent.parent / "tests" / "specs"
ADMIN = ("root@example.com", "Root-Passw0rd")


async def measure(name: str, spec: Spec) -> TestPlan:
    """One line of measures."""
    began = time.perf_counter()
    plan = plan_tests(spec)
    derived = time.perf_counter() - began
    async with served(spec) as app:
        began = time.perf_counter()
        evidence = await judge(spec, app, plan, budget=Budget(operations=100_000, random=5.0))
        total = time.perf_counter() - began
    random = next(check for check in evidence.checks if check.id == "random")
    operations = int(random.title.split()[0])
    steps = sum(len(s.steps) for s in plan.scenarios)
    print(
        f"{name:12} derived in {derived * 1000:5.0f} ms: {len(plan.scenarios):3} scenarios, {steps:4} steps played in "
        f"{total - random.seconds:4.1f} s; {operations / random.seconds:5.0f} random operations/s "
        f"({operations / random.seconds / 300:.1f} × target); {len(evidence.failed())} false alarms",
        flush=True,
    )
    return plan


async def hunt(name: str, spec: Spec, plan: TestPlan) -> None:
    """The mutation score of the judge on one spec."""
    caught, total = 0, 0
    for mutant in mutants(spec):
        total += 1
        model = ServedModel(mutant.spec, ADMIN if spec.roles else None)
        try:
            app = application(model, ADMIN if spec.roles else None)
            evidence = await judge(spec, app, plan, budget=Budget(operations=100_000, random=3.0, shrink=0, failures=1))
        finally:
            await asyncio.to_thread(model.close)
        if evidence.failed():
            caught += 1
        else:
            print(f"{name:12} survived: {mutant.name}", flush=True)
    print(f"{name:12} {caught} of {total} mutants caught", flush=True)


async def main() -> None:
    """All given specs, else those of the tests."""
    given = [Path(a) for a in sys.argv[1:] if not a.startswith("--")]
    for path in given or sorted(SPECS.glob("*.yaml")):
        spec = load_spec(path.read_bytes(), str(path))
        plan = await measure(path.stem, spec)
        if "--mutants" in sys.argv:
            await hunt(path.stem, spec, plan)


if __name__ == "__main__":
    asyncio.run(main())
