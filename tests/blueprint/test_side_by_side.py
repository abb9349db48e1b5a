"""Two applications are asked the same, and where they answer differently is told."""

import asyncio
import dataclasses
import json

from quantumlayer.conformance.blueprint.side_by_side import differences
from quantumlayer.conformance.blueprint.specs import reference_spec
from quantumlayer.conformance.blueprint.transcript import Transcript, recorded
from quantumlayer.evidence.judge.served_model import ServedModel, application
from quantumlayer.plan.plan_tests import plan_tests

SPEC = reference_spec(None, "todo")
WHOLE = plan_tests(SPEC)
PLAN = WHOLE.model_copy(update={"scenarios": WHOLE.scenarios[:25]})


def heard(change=lambda request, answer: answer) -> Transcript:
    """What the reference model answers, each answer as `change` makes it."""
    served = ServedModel(SPEC)
    right = served.answer
    served.answer = lambda request: change(request, right(request))
    try:
        return asyncio.run(recorded(application(served, None), SPEC, PLAN, seed=0, operations=40))
    finally:
        served.close()


def test_the_same_application_answers_alike_and_another_is_told_apart():
    first = heard()
    assert len(first.heard) > 60 and all(status in ("passed", "not_run") for status, _ in first.checks.values())
    assert list(differences(first, heard())) == []
    assert Transcript.load(first.dump()) == Transcript.load(json.dumps(json.loads(first.dump())))

    def changed(request, answer):
        if answer.status == 201:
            return dataclasses.replace(answer, body=answer.body | {"extra": 1})
        return (
            dataclasses.replace(answer, status=200, body={}) if request.method == "DELETE" and answer.status == 204 else answer
        )

    found = list(differences(first, heard(changed)))
    assert {"body.extra", "check"} <= {one.where for one in found}
    assert all(one.request.startswith(("POST", "DELETE")) for one in found if one.where in ("body.extra", "status"))
