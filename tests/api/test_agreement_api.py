"""Runs that wait for a person, over HTTP: a real server, a real Temporal, stages that copy."""

import asyncio

from quantumlayer.pipeline.client import connect
from quantumlayer.pipeline.serving import serving
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Brief, Request
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.frd import Frd
from quantumlayer.stores.values import Owner
from tests.api.conftest import served
from tests.api.test_runs import ended
from tests.pipeline.scripted import activities

TEXT = "Books have a title. Members can borrow at most 3 books. Members can borrow at most 5 books."


async def brief(desk):
    await desk.save("brief", enhance(await desk.load("request", Request)))


async def frd(desk):
    await desk.save("frd", draft_frd(await desk.load("brief", Brief)))


async def requirements(desk):
    await desk.save("spec", draft_spec(await desk.load("frd", Frd)))


async def awaited(api, run, document):
    async with asyncio.timeout(30):
        while True:
            found = (await api.http.get(f"/api/v1/runs/{run}/awaited")).json()
            if found["document"] == document:
                return found
            await asyncio.sleep(0.03)


async def test_questions_are_answered_and_documents_approved_over_http(tmp_path, temporal):
    async with served(tmp_path / "home", temporal) as api:
        stages = activities(api.office.runs, enhance=brief, frd=frd, requirements=requirements)
        async with serving(await connect(temporal), stages):
            body = {"text": TEXT, "preview": False, "interactive": True, "answer_within": 60}
            run = (await api.http.post("/api/v1/runs", json=body)).json()["id"]
            place = f"/api/v1/runs/{run}/decisions"
            first = await awaited(api, run, "frd")
            assert first["questions"][0]["about"] == ["R2", "R3"] and "Books have a title" in first["text"]
            for odd, status in [
                ({"act": "answer", "drop": first["drop"]}, 422),
                ({"act": "approve", "drop": first["drop"], "reason": "because"}, 422),
                ({"act": "answer", "drop": first["drop"], "answers": {"Q7": "yes"}}, 422),
                ({"act": "edit", "drop": first["drop"], "text": "["}, 422),
                ({"act": "approve", "drop": "0" * 64}, 409),
                ({"act": "sign", "drop": first["drop"]}, 422),
            ]:
                refused = await api.http.post(place, json=odd)
                assert refused.status_code == status and refused.headers["content-type"] == "application/problem+json", odd
            second = await api.http.post(place, json={"act": "answer", "drop": first["drop"], "answers": {"Q1": "R3"}})
            assert second.status_code == 200 and second.json()["questions"] == [] and "5 books" in second.json()["text"]
            approved = await api.http.post(place, json={"act": "approve", "drop": second.json()["drop"]})
            assert approved.json()["document"] is None
            spec = await awaited(api, run, "spec")
            rejected = await api.http.post(place, json={"act": "reject", "drop": spec["drop"], "reason": "not now"})
            assert rejected.status_code == 200
            shown = await ended(api, run)
            late = await api.http.post(place, json={"act": "approve", "drop": spec["drop"]})
            assert late.status_code == 409
    assert shown["status"] == "cancelled"
    assert shown["problem"]["message"] == "local (address:127.0.0.1) rejected the specification: not now"


async def test_the_specification_is_edited_and_approved_over_http(tmp_path, temporal):
    async with served(tmp_path / "home", temporal) as api:
        stages = activities(api.office.runs, enhance=brief, frd=frd, requirements=requirements)
        async with serving(await connect(temporal), stages):
            body = {"text": "Books have a title.", "preview": False, "interactive": True, "answer_within": 60}
            run = (await api.http.post("/api/v1/runs", json=body)).json()["id"]
            place = f"/api/v1/runs/{run}/decisions"
            first = await awaited(api, run, "frd")
            await api.http.post(place, json={"act": "approve", "drop": first["drop"]})
            spec = await awaited(api, run, "spec")
            for text, told in [
                (spec["text"].replace("title", "publisher.name"), "publisher"),
                (spec["text"].replace("type: string", "type: strnig"), "strnig"),
                (spec["text"] + "secrets: {}\n", "secrets"),
                ("", "missing"),
            ]:
                refused = await api.http.post(place, json={"act": "edit", "drop": spec["drop"], "text": text})
                assert refused.status_code == 422 and told in refused.text, refused.text
            answered = await api.http.post(place, json={"act": "answer", "drop": spec["drop"], "answers": {"Q1": "R1"}})
            assert answered.status_code == 422 and "edit the specification" in answered.text
            assert (await api.http.get(f"/api/v1/runs/{run}/awaited")).json()["drop"] == spec["drop"]
            text = spec["text"].replace("name: Books", "name: Town Books")
            edited = await api.http.post(place, json={"act": "edit", "drop": spec["drop"], "text": text})
            assert edited.status_code == 200 and "name: Town Books" in edited.json()["text"]
            stale = await api.http.post(place, json={"act": "approve", "drop": spec["drop"]})
            assert stale.status_code == 409
            await api.http.post(place, json={"act": "approve", "drop": edited.json()["drop"]})
            shown = await ended(api, run)
    assert shown["status"] == "verified"


async def test_what_is_not_yours_is_not_there(api):
    mine, other = await api.add_run(status="running"), Owner(organisation="other")
    theirs = await api.add_run("20260101-000000-0000000002", status="running", owner=other)
    nothing = await api.http.get(f"/api/v1/runs/{mine.id}/awaited")
    assert nothing.status_code == 200 and nothing.json()["document"] is None
    assert (
        await api.http.post(f"/api/v1/runs/{mine.id}/decisions", json={"act": "approve", "drop": "0" * 64})
    ).status_code == 409
    assert (await api.http.get(f"/api/v1/runs/{theirs.id}/awaited")).status_code == 404
