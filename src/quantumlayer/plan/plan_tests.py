"""Derives the test plan of a spec, with the reference model as the oracle. Deterministic: same spec, same plan."""

from typing import Any

from quantumlayer.plan.derivation.brevity import Brevity
from quantumlayer.plan.derivation.deriver import Deriver
from quantumlayer.plan.derivation.finish import Finisher
from quantumlayer.plan.derivation.goals_access import access_goals
from quantumlayer.plan.derivation.goals_fields import field_goals
from quantumlayer.plan.derivation.goals_lists import list_goals
from quantumlayer.plan.derivation.goals_more import concurrency_goals, relation_goals, time_goals
from quantumlayer.plan.derivation.goals_routes import route_goals
from quantumlayer.plan.derivation.goals_rules import rule_goals, state_goals, unique_goals
from quantumlayer.plan.derivation.goals_units import unit_goals
from quantumlayer.plan.derivation.maker import Maker
from quantumlayer.plan.derivation.search import Search
from quantumlayer.plan.derivation.world import Clock, World
from quantumlayer.plan.scenario import Scenario
from quantumlayer.plan.shapes import Shapes
from quantumlayer.plan.test_plan import TestPlan, Unreached
from quantumlayer.spec.compiled import Compiled
from quantumlayer.spec.values import Spec


def plan_tests(spec: Spec, plan: Any = None, *, salt: int = 0) -> TestPlan:
    """Scenarios for every coverage goal of a checked spec, and the goals that no scenario reaches, each with its reason.

    The author's `plan` is not looked at: what an application must do follows from the spec alone. `salt` shifts all values that
    must be unique, so that a database that has seen the plan before can be judged again.
    """
    deriver, clock = derived(spec, salt)
    return finished(deriver, clock)


def plan_races(spec: Spec, salt: int) -> tuple[Scenario, ...]:
    """The scenarios of `plan_tests` in which calls arrive at once, with other values; the same goals, other ids."""
    deriver, clock = _deriver(spec, salt, None)
    hits = rule_goals(deriver) + unique_goals(deriver) + state_goals(deriver)
    deriver.drafts.clear()
    concurrency_goals(deriver, hits)
    return finished(deriver, clock).scenarios


def derived(spec: Spec, salt: int = 0, calls: int | None = None) -> tuple[Deriver, Clock]:
    """Drafts for every goal, found with at most `calls` calls of the model in all searches (None: as many as usual)."""
    deriver, clock = _deriver(spec, salt, calls)
    route_goals(deriver)
    field_goals(deriver)
    unit_goals(deriver)
    hits = rule_goals(deriver) + unique_goals(deriver) + state_goals(deriver)
    access_goals(deriver)
    list_goals(deriver)
    relation_goals(deriver)
    time_goals(deriver)
    concurrency_goals(deriver, hits)
    return deriver, clock


def _deriver(spec: Spec, salt: int, calls: int | None) -> tuple[Deriver, Clock]:
    clock = Clock()
    start, maker, compiled = World.new(spec, clock), Maker(spec, salt), Compiled(spec)
    deriver = Deriver(spec, maker, compiled, Search(maker, compiled, start, calls), start)
    deriver.search.learn()
    return deriver, clock


def finished(deriver: Deriver, clock: Clock) -> TestPlan:
    """The drafts as scenarios, without those whose outcome depends on when they are played."""
    finisher = Finisher(deriver.spec, Shapes(deriver.spec, deriver.compiled), deriver.maker.routes, clock)
    scenarios: list[Scenario] = []
    brevity = Brevity()
    for draft in deriver.drafts:
        scenario = finisher.scenario(draft, len(scenarios) + 1)
        if scenario is None:
            deriver.miss(draft.goal, "its outcome depends on the hour or day at which it is played", draft.requirements)
        else:
            scenarios.append(brevity.shortened(scenario))
    reached = {s.goal for s in scenarios}
    unreached = [u for u in deriver.unreached if u.goal not in reached]
    return TestPlan(scenarios=tuple(scenarios), unreached=(*unreached, *_unproved(deriver.spec, scenarios, unreached)))


def _unproved(spec: Spec, scenarios: list[Scenario], unreached: list[Unreached]) -> list[Unreached]:
    """Understood requirements that no element of the spec names, so that nothing can prove them."""
    named = {r for s in scenarios for r in s.requirements} | {r for u in unreached for r in u.requirements}
    return [
        Unreached(
            goal=f"requirement:{r.id}", reason="no part of the specification says that it satisfies this", requirements=(r.id,)
        )
        for r in spec.requirements
        if r.understood and r.id not in named
    ]
