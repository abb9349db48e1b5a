"""Units in a spec: what is refused, what the reference model knows of them, and what the judge makes of an application."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from quantumlayer.evidence.judge import App, Budget, judge
from quantumlayer.evidence.judge.served_model import ServedModel, application
from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.model import model_of
from quantumlayer.spec.model.clock import SystemClock
from quantumlayer.spec.model.unknown import ANY, settled
from quantumlayer.spec.problems import SpecError
from quantumlayer.spec.yaml_form import dump_spec, load_spec

TEXT = (Path(__file__).parent / "parcels.yaml").read_text()
SPEC = load_spec(TEXT)
PLAN = plan_tests(SPEC)
CALL = "parcel_price(self.weight, self.zone)"


def test_the_yaml_form_keeps_units():
    assert load_spec(dump_spec(SPEC)) == SPEC


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("parcel_price:", "slug:", "is a function or a word"),
        ("zone: string}", "zone: boolean}", "is no boolean"),
        ("answer: 500}", "answer: 5.5}", "is no integer"),
        ("weight: 1001, zone: A", "weight: 1000, zone: A", "the same input and another answer"),
        ("weight: 1001, zone: A", "weight: 1001", "all of them and no more"),
        ("sort: [weight]", "sort: [price]", "no list may be filtered, sorted or searched"),
        (f'"{CALL}"', f'"{CALL} + 1"', "nothing may be computed with it"),
        ("writable: never, default", "default", "nobody else may write it"),
        ("type: integer, writable: never", "type: integer, min: 1, writable: never", "could not be decided"),
        (f"default: \"{CALL}\"", f"value: \"{CALL}\"", "is a unit, whose answer is stored"),
        ("operations:", "rules: {low: {check: self.price < 10, message: Low.}}\n    operations:", "no expression may read it"),
        (CALL, "parcel_price(self.zone, self.weight)", "no matching overload"),
    ],
)  # fmt: skip
def test_what_could_not_be_decided_is_refused(old, new, message):
    assert old in TEXT
    with pytest.raises(SpecError) as caught:
        load_spec(TEXT.replace(old, new, 1))
    assert message in caught.value.message


def made(model, weight, zone="A"):
    body = json.dumps({"recipient": "Ann", "weight": weight, "zone": zone}).encode()
    return model.handle(HttpRequest("POST", "/parcels", {}, {"content-type": "application/json"}, body)).body


def test_the_reference_model_knows_the_examples_and_nothing_else():
    model = model_of(SPEC, SystemClock(0), None)
    assert made(model, 1000)["price"] == 500
    assert made(model, 77)["price"] == ANY
    assert settled(made(model, 77))["price"] is None


def right(weight, zone):
    base = 500 if weight <= 1000 else 900 if weight <= 5000 else 1500
    return base * 120 // 100 if zone == "B" else base * 2 if zone == "C" else base


def filled(value, price):
    """Answers of the model with a price where it knows none."""
    if isinstance(value, dict) and "price" in value:
        return {**value, "price": price(value["weight"], value["zone"])}
    if isinstance(value, dict):
        return {key: filled(inner, price) for key, inner in value.items()}
    return [filled(inner, price) for inner in value] if isinstance(value, list) else value


async def verdict(price):
    served = ServedModel(SPEC)
    by_model = served.answer

    def answer(request):
        found = by_model(request)
        return replace(found, body=filled(found.body, price)) if request.path.startswith("/parcels") else found

    served.answer = answer
    try:
        app: App = application(served, None)
        return (await judge(SPEC, app, PLAN, budget=Budget(random=0.4, shrink=1.0))).failed()
    finally:
        served.close()


async def test_an_application_with_the_unit_passes_the_judge():
    assert await verdict(right) == ()


@pytest.mark.parametrize("wrong", [lambda w, z: right(w, z) + (w == 1000), lambda w, z: str(right(w, z)), lambda w, z: None])
async def test_a_wrong_answer_to_an_example_or_one_of_another_type_is_caught(wrong):
    assert await verdict(wrong)


def test_the_plan_gives_every_example():
    (scenario,) = [s for s in PLAN.scenarios if s.goal == "unit:parcel_price"]
    assert scenario.requirements == ("R2",)
    assert [s.expect["price"] for s in scenario.steps if isinstance(s.expect, dict)] == [500, 900, 1080, 3000]
