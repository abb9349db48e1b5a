"""Wrong applications are caught: faults planted around the model, and a sample of the mutants of every spec."""

import dataclasses
import json
import threading
import time

import pytest
from builders import SHORT, Fault, failures, judged, spec_named

from quantumlayer.evidence.judge import Budget
from quantumlayer.evidence.judge.served_model import Handler, ServedModel
from quantumlayer.evidence.mutants import mutants
from quantumlayer.spec.http import HttpRequest, HttpResponse

FIRST = Budget(random=1.5, shrink=0, failures=1)


def changed(test, **change) -> Fault:
    """Answers for which `test` holds are changed."""

    def plant(served: ServedModel, right: Handler) -> Handler:
        def answer(request: HttpRequest) -> HttpResponse:
            got = right(request)
            return dataclasses.replace(got, **{k: v(got) for k, v in change.items()}) if test(request, got) else got

        return answer

    return plant


def without_query(name: str) -> Fault:
    def plant(served: ServedModel, right: Handler) -> Handler:
        return lambda r: right(dataclasses.replace(r, query={k: v for k, v in r.query.items() if k != name}))

    return plant


def is_list(request: HttpRequest, got: HttpResponse) -> bool:
    return got.status == 200 and isinstance(got.body, dict) and "items" in got.body


def status(wrong: int):
    return lambda got: wrong


def later(text: str) -> str:
    return text.replace("T10:", "T12:")


def race(served: ServedModel, right: Handler) -> Handler:
    """A check that looks before others have written: concurrent creations of loans see an old state."""
    stale: dict[str, object] = {}

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or request.path != "/loans":
            return right(request)
        body, now = request.body, time.monotonic()
        same = stale.get("body") == body and now - float(str(stale.get("at", 0))) < 0.5
        if same:
            row = dict(stale["row"])  # type: ignore[call-overload]
            row["id"] = 10_000 + threading.get_ident() % 10_000
            return HttpResponse(201, row, {"location": f"/loans/{row['id']}"})
        got = right(request)
        if got.status == 201:
            stale.update(body=body, at=now, row=got.body)
        return got

    return answer


FAULTS: dict[str, tuple[str, Fault]] = {
    "created is 200": ("todo", changed(lambda r, g: g.status == 201, status=status(200))),
    "deleted is 200": ("todo", changed(lambda r, g: g.status == 204, status=status(200))),
    "invalid is 400": ("todo", changed(lambda r, g: g.status == 422, status=status(400))),
    "conflict is 422": ("library", changed(lambda r, g: g.status == 409, status=status(422))),
    "not found is 200": ("todo", changed(lambda r, g: g.status == 404, status=status(200))),
    "total is the page": ("todo", changed(is_list, body=lambda g: {**g.body, "total": len(g.body["items"])})),
    "total is one more": ("todo", changed(is_list, body=lambda g: {**g.body, "total": g.body["total"] + 1})),
    "limit ignored": ("todo", without_query("limit")),
    "offset ignored": ("todo", without_query("offset")),
    "sort ignored": ("library", without_query("sort")),
    "search ignored": ("library", without_query("q")),
    "filter ignored": ("todo", without_query("priority")),
    "no location": ("todo", changed(lambda r, g: g.status == 201, headers=lambda g: {})),
    "not a problem": ("todo", changed(lambda r, g: g.status == 422, headers=lambda g: {"content-type": "application/json"})),
    "no detail": ("todo", changed(lambda r, g: g.status == 404, body=lambda g: {"error": "not found"})),
    "secret shown": (
        "notes",
        changed(lambda r, g: g.status == 201 and "auth" in r.path, body=lambda g: {**g.body, "password_hash": "$argon2id$x"}),
    ),
    "reversed": ("todo", changed(is_list, body=lambda g: {**g.body, "items": g.body["items"][::-1]})),
    "wrong instants": (
        "booking",
        changed(lambda r, g: g.status == 200, body=lambda g: json.loads(later(json.dumps(g.body)))),
    ),
    "number as text": (
        "library",
        changed(
            lambda r, g: g.status == 200 and g.body and "year" in g.body, body=lambda g: {**g.body, "year": str(g.body["year"])}
        ),
    ),
    "race in a limit": ("library", race),
    "dead token lives": ("notes", changed(lambda r, g: g.status == 401 and r.path == "/auth/me", status=status(200))),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_caught(name: str) -> None:
    spec, fault = FAULTS[name]
    found = failures(await judged(spec, fault, budget=FIRST))
    assert found
    assert all(check.message for check in found)


async def test_the_counterexample_names_the_sixth_loan() -> None:
    spec = spec_named("library")
    loan = spec.entities["loan"]
    rule = loan.rules["max_open"].model_copy(update={"check": loan.rules["max_open"].check.replace("<= 5", "<= 6")})
    wrong = loan.model_copy(update={"rules": {**loan.rules, "max_open": rule}})
    evidence = await judged(
        "library", spec=spec.model_copy(update={"entities": {**spec.entities, "loan": wrong}}), budget=SHORT
    )
    check = next(c for c in failures(evidence) if c.requirements == ("R4",))
    assert check.message == "POST /loans the 6th time: expected 409 (rule:loan.max_open), got 201"
    assert check.counterexample.splitlines()[-1].strip() == "expected 409 (rule:loan.max_open), got 201"


@pytest.mark.parametrize("name", ["todo", "library", "booking", "shortener"])
async def test_a_mutant_of_every_spec_is_caught(name: str) -> None:
    """Every eleventh mutant; `benchmarks/judge.py --mutants` runs all and lists the survivors."""
    survivors = []
    for mutant in list(mutants(spec_named(name)))[3::11]:
        if not failures(await judged(name, spec=mutant.spec, budget=Budget(random=0.8, shrink=0, failures=1))):
            survivors.append(mutant.name)
    assert set(survivors) <= EQUIVALENT


EQUIVALENT = {
    "entities.booking.operations.cancel.guards.in_time.check: <= → < at 16",
    "entities.link.fields.expired.value: <= → < at 43",
}
"""Mutants that differ for one instant only, which no HTTP call can hit."""
