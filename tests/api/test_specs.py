import pytest

from quantumlayer.server.api.views import SPEC
from quantumlayer.spec.model.server import application
from quantumlayer.spec.yaml_form import load_spec
from tests.api.conftest import served

YAML = {"content-type": "application/yaml"}


async def test_a_spec_is_checked_and_its_mistakes_are_placed(api):
    found = (await api.http.post("/api/v1/spec/check", content=SPEC, headers=YAML)).json()
    assert found["name"] == "todo" and found["entities"] == ["task"]
    assert {"method": "POST", "path": "/tasks"} in found["routes"]
    wrong = await api.http.post("/api/v1/spec/check", content=SPEC.replace("title: string", "title: strng"), headers=YAML)
    assert wrong.status_code == 422 and wrong.headers["content-type"] == "application/problem+json"
    error = wrong.json()["errors"][0]
    assert "task" in error["where"] and error["line"] == 8


async def test_the_reference_model_answers_calls_one_after_the_other(api):
    calls = [
        {"method": "POST", "path": "/tasks", "body": {"title": "Buy milk"}},
        {"method": "GET", "path": "/tasks"},
        {"method": "POST", "path": "/tasks", "body": {}},
        {"method": "GET", "path": "/nope"},
    ]
    answers = (await api.http.post("/api/v1/spec/mock", json={"spec": SPEC, "calls": calls})).json()["items"]
    assert [a["status"] for a in answers] == [201, 200, 422, 404]
    assert answers[1]["body"]["items"][0]["title"] == "Buy milk"


async def test_a_run_is_a_mock_as_soon_as_its_spec_is_there(api):
    run = await api.add_run(status="running")
    path = f"/api/v1/runs/{run.id}/mock"
    assert (await api.http.get(f"{path}/tasks")).status_code == 409
    await api.add_drop(run, "spec", load_spec(SPEC).model_dump_json().encode(), stage="requirements")
    made = await api.http.post(f"{path}/tasks", json={"title": "Ünïcode"})
    assert made.status_code == 201 and made.json()["title"] == "Ünïcode"
    assert (await api.http.get(f"{path}/tasks", params={"limit": 1})).json()["total"] == 1
    refused = await api.http.post(f"{path}/tasks", content=b"{", headers={"content-type": "application/json"})
    assert refused.status_code == 400 and refused.headers["content-type"] == "application/problem+json"
    assert (await api.http.delete(f"{path}/tasks/{made.json()['id']}")).status_code == 204
    await api.http.post(f"{path}/tasks", json={"title": "again"})
    assert (await api.http.delete(path)).status_code == 204
    assert (await api.http.get(f"{path}/tasks")).json()["total"] == 0


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://127.0.0.1:8080/", 403),
        ("http://169.254.169.254/latest/meta-data", 403),
        ("http://localhost:22", 403),
        ("http://[::1]:80/", 403),
        ("https://example.com/", 403),
        ("http://evil.example@allowed.example:80/", 422),
        ("http://user:password@allowed.example:80/", 422),
        ("file:///etc/passwd", 422),
        ("gopher://127.0.0.1:70/", 422),
        ("http://allowed.example:99999/", 422),
        ("http://[", 422),
        ("//allowed.example", 422),
        ("http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.preview.localhost:22/", 422),
        ("http://allowed.example:81/", 403),
        ("http://allowed.example.evil.example:80/", 403),
        ("http://2130706433:8080/", 403),
    ],
)
async def test_nothing_is_judged_but_what_the_operator_allows(tmp_path, url, status):
    async with served(tmp_path / "home", judge_targets=frozenset({"allowed.example:80"})) as api:
        answer = await api.http.post("/api/v1/judgements", json={"spec": SPEC, "url": url})
        assert answer.status_code == status, answer.text


async def test_an_allowed_application_is_judged(tmp_path, aiohttp_site):
    port = await aiohttp_site(application(load_spec(SPEC)))
    async with served(tmp_path / "home", judge_targets=frozenset({f"127.0.0.1:{port}"})) as api:
        answer = await api.http.post("/api/v1/judgements", json={"spec": SPEC, "url": f"http://127.0.0.1:{port}"}, timeout=120)
    found = answer.json()
    assert answer.status_code == 200, answer.text
    assert found["status"] in ("verified", "partial") and all(c["status"] != "failed" for c in found["checks"])
