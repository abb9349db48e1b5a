"""Deriving a plan takes a bounded number of calls of the model, however hopeless a goal is."""

from pathlib import Path

import pytest

from quantumlayer.plan.plan_tests import derived, finished
from quantumlayer.spec.yaml_form import load_spec

TESTS = Path(__file__).parent.parent
SPECS = [*sorted((TESTS / "specs").glob("*.yaml")), TESTS / "specs" / "hostile" / "names.yaml"]
HOPELESS = """
version: 1
name: Hopeless
entities:
  depot:
    plural: depots
    fields:
      name: {type: string}
      ready: {type: boolean, default: "false", writable: never}
    operations: {create: {}}
  parcel:
    plural: parcels
    fields:
      depot: {type: reference, to: depot}
      other: {type: reference, to: depot, inverse: others}
      weight: {type: integer, min: 1}
      kind: {type: enum, values: [small, large, huge]}
    rules:
      ready: {check: "self.depot.ready && self.other.ready && self.weight > 3 && self.kind == 'huge'", message: never}
    operations: {create: {}, read: {}, list: {}, update: {}, delete: {}}
"""


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_every_spec_takes_few_calls(path: Path) -> None:
    deriver, _ = derived(load_spec(path.read_bytes(), str(path)))
    assert 0 < deriver.start.work.calls < 7_000


def test_a_goal_that_nothing_reaches_is_given_up_and_says_so() -> None:
    deriver, clock = derived(load_spec(HOPELESS))
    assert deriver.start.work.calls < 5_000
    reasons = {u.goal: u.reason for u in finished(deriver, clock).unreached}
    assert "ready" in reasons["create:parcel.create"]


def test_without_calls_the_searches_say_that_they_were_cut_short() -> None:
    deriver, clock = derived(load_spec(SPECS[0].read_bytes()), calls=0)
    assert {u.reason.partition(" after")[0].split(": ")[-1] for u in finished(deriver, clock).unreached} >= {
        "the search was cut short"
    }


def test_the_same_spec_gives_the_same_plan() -> None:
    spec = load_spec((TESTS / "specs" / "inventory.yaml").read_bytes())
    assert finished(*derived(spec)) == finished(*derived(spec))
