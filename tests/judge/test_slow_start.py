"""An application that takes long to start is not blamed for when it made its administrator."""

from datetime import UTC, datetime

import pytest
from builders import spec_named

from quantumlayer.evidence.judge.compare import Comparison
from quantumlayer.plan.shapes import Shapes

BORN = 1_790_000_000.0


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(BORN + seconds, UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("model", "application", "same"), [(0, -14, True), (0, 3, True), (0, -90, False), (0, 9, False), (30, 16, False)]
)
def test_only_what_was_made_at_the_start_may_be_older(model: float, application: float, same: bool) -> None:
    comparison = Comparison(Shapes(spec_named("todo")), born=BORN)
    assert comparison._same(stamp(model), stamp(application)) is same
