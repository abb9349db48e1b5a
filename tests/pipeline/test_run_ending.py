"""What a run ends as."""

import pytest

from quantumlayer.author.values import Broken
from quantumlayer.pipeline.ending import status_of
from quantumlayer.pipeline.values import Ending, Order, Problem

ORDER = Order(run="r", stack="none/none", author="auto", inputs={})
STOPPED = Broken(subject="a", check="examples", error="wrong", attempts=2, stop="budget")


@pytest.mark.parametrize(
    ("problem", "cancelled", "broken", "status"),
    [
        (None, True, (), "cancelled"),
        (Problem(type="BudgetExceeded", message="used up", exit_code=3), False, (), "partial"),
        (Problem(type="BudgetExceeded", message="used up", exit_code=3), True, (), "cancelled"),
        (Problem(type="UserError", message="no"), False, (STOPPED,), "failed"),
        (None, False, (STOPPED,), "partial"),
        (None, False, (STOPPED.model_copy(update={"stop": "attempts"}),), "failed"),
        (None, False, (), "failed"),
    ],
)
def test_a_run_without_evidence(problem, cancelled, broken, status):
    ending = Ending(order=ORDER, outcomes=(), seconds=1, cancelled=cancelled, problem=problem)
    assert status_of(ending, None, (), broken) == status
