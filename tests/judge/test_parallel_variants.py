"""Parallel calls that refer to different rows: derived for limits, told apart by the judge, printed for the generated tests."""

import threading
import time

from builders import SHORT, failures, judged, spec_named

from quantumlayer.evidence.acceptance_suite import acceptance_suite
from quantumlayer.evidence.judge.served_model import Handler, ServedModel
from quantumlayer.languages.python.scenarios import printed_scenario, scenario_names
from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.plan.scenario import Scenario, Step
from quantumlayer.spec.http import HttpRequest, HttpResponse


def the_race() -> tuple[Scenario, Step]:
    plan = plan_tests(spec_named("library"))
    scenario = next(s for s in plan.scenarios if s.goal == "race:rule:loan.max_open")
    return scenario, next(s for s in scenario.steps if s.parallel > 1)


def limit_checked_too_early(served: ServedModel, right: Handler) -> Handler:
    """Calls that arrive together are told apart by their book only: the limit is forgotten for all but the first."""
    lock, accepted, at = threading.Lock(), list[dict](), [0.0]

    def answer(request: HttpRequest) -> HttpResponse:
        with lock:
            got = right(request)
            if request.method != "POST" or request.path != "/loans":
                return got
            now = time.monotonic()
            if got.status == 201 and isinstance(got.body, dict):
                accepted.append(got.body)
                at[0] = now
            elif "at most 5" in str(got.body) and now - at[0] < 0.3:
                row = {**accepted[-1], "id": 90_000 + len(accepted)}
                accepted.append(row)
                return HttpResponse(201, row, {"location": f"/loans/{row['id']}"})
            return got

    return answer


def test_each_call_at_the_limit_is_about_a_book_of_its_own() -> None:
    _, step = the_race()
    books = [str(body["book_id"]) for body in step.variants]
    assert len(books) == len(set(books)) == step.parallel
    assert len({str(body["member_id"]) for body in step.variants}) == 1
    assert step.statuses == (201, *[409] * (step.parallel - 1))


def test_the_calls_of_a_step_are_single_calls() -> None:
    _, step = the_race()
    assert [call.body for call in step.calls] == list(step.variants)
    assert all(call.parallel == 1 and not call.variants and call.save is None for call in step.calls)
    assert Step(method="GET", path="/loans").calls == (Step(method="GET", path="/loans"),)
    assert len(Step(method="POST", path="/loans", body={"a": 1}, parallel=3).calls) == 3


def test_the_printed_test_sends_every_body() -> None:
    scenario, step = the_race()
    names = scenario_names(scenario)
    text = next(line for line in printed_scenario(scenario, names, None).splitlines() if "call_at_once" in line)
    compile(text.strip(), "printed", "exec")
    assert text.count('"book_id"') == step.parallel and " json=" not in text
    assert all(names.saved[body["book_id"]["$ref"].partition(".")[0]] in text for body in step.variants)


def test_the_acceptance_suite_carries_the_bodies() -> None:
    spec = spec_named("library")
    suite = acceptance_suite(plan_tests(spec), spec)
    assert b'"variants"' in suite.files["scenarios.json"]


async def test_a_limit_that_is_checked_too_early_is_caught() -> None:
    found = failures(await judged("library", limit_checked_too_early, budget=SHORT))
    assert any("times at once" in check.message for check in found)


async def test_a_correct_application_passes() -> None:
    assert not failures(await judged("library", budget=SHORT))
