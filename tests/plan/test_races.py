"""Calls at once are judged in several rounds: each has the same goals and other values."""

import pytest

from quantumlayer.conformance.blueprint.specs import reference_spec
from quantumlayer.plan.plan_tests import plan_races, plan_tests


@pytest.mark.parametrize("name", ["library", "booking", "expenses"])
def test_a_further_round_races_for_the_same_goals_with_other_values(name: str) -> None:
    spec = reference_spec(None, name)
    first = {s.goal: s for s in plan_tests(spec).scenarios if s.level == "concurrency"}
    again, third = ({s.goal: s for s in plan_races(spec, salt)} for salt in (1, 2))
    assert first.keys() == again.keys() == third.keys() != set()
    for goal in first:
        bodies = {str([(step.body, step.variants) for step in plan[goal].steps]) for plan in (first, again, third)}
        accounts = {str(plan[goal].accounts) for plan in (first, again, third)}
        assert len(bodies) == 3 or len(accounts) == 3
