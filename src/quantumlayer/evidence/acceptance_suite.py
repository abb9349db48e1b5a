"""The folder `acceptance/` of a capsule: the scenarios as data and one script that plays them, runnable without us."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from quantumlayer.evidence import acceptance_runner
from quantumlayer.files.values import FileTree, tree
from quantumlayer.plan import surface_client
from quantumlayer.plan.clients import client_table
from quantumlayer.plan.derivation.finish import ORIGINS, expectation
from quantumlayer.plan.derivation.world import ADMINISTRATOR, Clock, World
from quantumlayer.plan.placeholders import ANY, Unsaved
from quantumlayer.plan.route_matching import route_of
from quantumlayer.plan.scenario import Scenario, Step
from quantumlayer.plan.session import Session, opening_steps
from quantumlayer.plan.shapes import Shapes
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.spec.routes import ADMIN, routes
from quantumlayer.spec.values import Spec

MAX_ITEMS = 12


def acceptance_suite(test_plan: TestPlan, spec: Spec) -> FileTree:
    """`run.py`, `scenarios.json`, `README.md`. Expectations hold where all are played in order on an empty database."""
    suite = _Suite(spec)
    data = [suite.scenario(scenario) for scenario in test_plan.scenarios]
    runner = Path(acceptance_runner.__file__).read_text(encoding="utf-8")
    files = {
        "run.py": runner,
        "scenarios.json": json.dumps(data, indent=1, ensure_ascii=True) + "\n",
        "README.md": _readme(test_plan, spec),
    }
    if table := client_table(spec):
        files["surface.json"] = json.dumps(table, indent=1, ensure_ascii=True) + "\n"
        files["surface_client.py"] = Path(surface_client.__file__).read_text(encoding="utf-8")
    return tree(files, executable=("run.py",))


class _Suite:
    """One model per time of day, on which all scenarios are played one after the other."""

    def __init__(self, spec: Spec) -> None:
        self._spec, self._routes, self._shapes, self._clock = spec, routes(spec), Shapes(spec), Clock()
        self._worlds = [World.new(spec, self._clock, start, tick) for start, tick in ORIGINS]
        self._varied = False

    def scenario(self, scenario: Scenario) -> dict[str, Any]:
        """The scenario as `run.py` reads it."""
        needs, steps = "", list(scenario.steps)
        if any(step.advance for step in steps):
            needs = "clock"
        else:
            played = [self._played(world, scenario) for world in self._worlds]
            if any(p is None for p in played):
                needs = "empty"
            else:
                self._worlds = [p for p in played if p is not None]
                steps = [self._expecting(step, index) for index, step in enumerate(steps)]
                # Which of different calls at once went through is not known here: later lists show rows of either.
                self._varied = self._varied or any(step.variants for step in steps)
        opening = [step for account in scenario.accounts for step in opening_steps(self._spec, account)]
        return {
            "id": scenario.id,
            "title": scenario.title,
            "requirements": list(scenario.requirements),
            "needs": needs,
            "admin": any(ADMIN in account.roles for account in scenario.accounts),
            "opening": [self._plain(step) for step in opening],
            "steps": [self._plain(step) for step in steps],
        }

    def _played(self, world: World, scenario: Scenario) -> World | None:
        """The world after the scenario, None where the rows of earlier ones change its course."""
        start = (world.moment + timedelta(seconds=1)).replace(microsecond=0)
        after = World(self._spec, self._clock, world.model.copy(), Session(start), start, tick=world.tick, routes=self._routes)
        try:
            for account in scenario.accounts:
                if after.open(account).status >= 400:
                    return None
            for step in scenario.steps:
                after.call(step)
                if (after.steps[-1].status, after.steps[-1].statuses) != (step.status, step.statuses):
                    return None
        except (Unsaved, KeyError):
            return None
        return after

    def _expecting(self, step: Step, index: int) -> Step:
        route = route_of(self._routes, step.method, step.path)
        expect = expectation(step, self._shapes.of(route) if route else {}, index, self._worlds, shared=True)
        if (
            isinstance(expect, dict)
            and isinstance(expect.get("items"), list)
            and (self._varied or len(expect["items"]) > MAX_ITEMS)
        ):
            expect = {**expect, "items": ANY}
        return step.model_copy(update={"expect": expect})

    def _plain(self, step: Step) -> dict[str, Any]:
        data = step.model_dump(mode="json", exclude_defaults=True)
        data |= {"method": step.method, "path": step.path, "status": step.status}
        body = data.get("body")
        if isinstance(body, dict) and body.get("password") == ADMINISTRATOR[1] and self._spec.auth:
            data["body"] = {**body, self._spec.auth.identifier: {"$admin": "identifier"}, "password": {"$admin": "password"}}
        return data


def _readme(test_plan: TestPlan, spec: Spec) -> str:
    def proving(requirement: str) -> Sequence[str]:
        return [s.id for s in test_plan.scenarios if requirement in s.requirements]

    rows = "\n".join(
        f"| {r.id} | {r.text.replace('|', chr(92) + '|').replace(chr(10), ' ')} | {', '.join(proving(r.id)) or '–'} |"
        for r in spec.requirements
    )
    return f"""# Acceptance scenarios

{len(test_plan.scenarios)} scenarios, derived from the specification alone. Start the application on an empty database, then:

    python run.py --url http://127.0.0.1:8000

`--admin IDENTIFIER:PASSWORD` (or `ADMIN_IDENTIFIER` and `ADMIN_PASSWORD`) is needed where roles are granted. `--only S012`
plays one scenario, `--verbose` prints every request. Exit code 0: all that could be played passed; 1: at least one failed.
Scenarios about the passage of time need the application's clock moved (`CLOCK_OFFSET_SECONDS`): they are reported as not run.

| requirement | text | scenarios |
|---|---|---|
{rows}
"""
