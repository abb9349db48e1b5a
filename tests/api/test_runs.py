import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx

from quantumlayer.stores.values import Owner
from tests.api.conftest import served

TEXT = "A to-do API: tasks have a title and a done flag."


async def ended(api, run_id):
    async with asyncio.timeout(60):
        while True:
            run = (await api.http.get(f"/api/v1/runs/{run_id}")).json()
            if run["status"] != "running":
                return run
            await asyncio.sleep(0.05)


async def test_a_run_is_created_shown_and_ends_with_its_report(live):
    created = await live.http.post("/api/v1/runs", json={"text": TEXT, "preview": False})
    assert created.status_code == 201, created.text
    assert created.headers["location"] == f"/api/v1/runs/{created.json()['id']}"
    assert created.json()["status"] == "running" and created.json()["title"] == TEXT
    run = await ended(live, created.json()["id"])
    assert run["status"] == "verified" and run["report"]["run_id"] == run["id"]
    assert [s["status"] for s in run["stages"]] == ["passed"] * 18
    drops = (await live.http.get(f"/api/v1/runs/{run['id']}/drops")).json()
    assert drops["total"] == 19  # the request, and one of each stage


async def test_a_form_with_files_makes_a_run_of_them(live):
    spec = b"name: notes\nentities:\n  note:\n    plural: notes\n    fields:\n      title: {type: string, required: true}\n"
    files = [("file", ("wish.txt", TEXT.encode())), ("schema", ("db.sql", b"CREATE TABLE task (id int);"))]
    created = await live.http.post("/api/v1/runs", data={"text": "Please.", "preview": "false"}, files=files)
    assert created.status_code == 201, created.text
    run = await live.office.metadata.run(created.json()["id"])
    asked = json.loads(await live.office.blobs.get(run.order["inputs"]["request"]))
    assert asked["text"] == f"Please.\n\n{TEXT}" and asked["files"][0]["kind"] == "sql"
    only_spec = await live.http.post("/api/v1/runs", files=[("spec", ("../../etc/notes.yaml", spec))])
    assert only_spec.status_code == 201, only_spec.text
    run = await live.office.metadata.run(only_spec.json()["id"])
    asked = json.loads(await live.office.blobs.get(run.order["inputs"]["request"]))
    assert [f["name"] for f in asked["files"]] == ["notes.yaml"]


async def test_the_same_key_and_body_is_one_run_however_often_and_at_once(live):
    async def ask(text=TEXT):
        return await live.http.post("/api/v1/runs", json={"text": text}, headers={"Idempotency-Key": "k-1"})

    answers = await asyncio.gather(*(ask() for _ in range(5)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1
    assert (await live.http.get("/api/v1/runs")).json()["total"] == 1
    other = await ask("Something else: books have a title.")
    assert other.status_code == 422 and "Idempotency-Key" in other.json()["detail"]
    await ended(live, answers[0].json()["id"])
    assert (await ask()).headers["idempotency-replayed"] == "true"
    assert (await ask()).json()["status"] == "verified"


async def test_a_run_is_kept_while_temporal_is_away_and_starts_when_it_is_back(tmp_path, temporal, monkeypatch):
    monkeypatch.setattr("quantumlayer.server.api.temporal.PATIENCE", 1.0)
    monkeypatch.setattr("quantumlayer.server.api.temporal.RETRY_SECONDS", 0.1)
    address = ["127.0.0.1:1"]
    async with served(tmp_path / "home") as api:
        api.office.temporal._address = lambda: address[0]
        created = await api.http.post("/api/v1/runs", json={"text": TEXT})
        assert created.status_code == 201
        ready = await api.http.get("/ready")
        assert ready.status_code == 503 and ready.json()["parts"]["database"] == "ok"
        refused = await api.http.post(f"/api/v1/runs/{created.json()['id']}/cancel")
        assert refused.status_code == 503 and refused.headers["content-type"] == "application/problem+json"
        address[0] = temporal
        async with asyncio.timeout(20):
            while api.office.temporal._late:
                await asyncio.sleep(0.05)
        assert (await api.http.get("/ready")).status_code == 200
        assert (await api.http.post(f"/api/v1/runs/{created.json()['id']}/cancel")).status_code == 202


async def test_lists_come_page_by_page_newest_first_and_hold_only_ones_own(api):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(25):
        status = "verified" if number % 5 else "failed"
        await api.add_run(
            f"r-{number:02}", status=status, created_at=start + timedelta(minutes=number // 2), title=f"Run {number}"
        )
    await api.add_run("other", owner=Owner(project="another"))
    seen, cursor = [], None
    while True:
        page = await api.http.get("/api/v1/runs", params={"limit": 10} | ({"cursor": cursor} if cursor else {}))
        seen += [line["id"] for line in page.json()["items"]]
        assert page.json()["total"] == 25
        cursor = page.json()["next"]
        if cursor is None:
            break
        assert f"cursor={cursor}" in page.headers["link"]
    assert seen == [f"r-{n:02}" for n in sorted(range(25), key=lambda n: (n // 2, n), reverse=True)]
    failed = (await api.http.get("/api/v1/runs", params={"status": "failed"})).json()
    assert failed["total"] == 5 and {r["status"] for r in failed["items"]} == {"failed"}
    assert (await api.http.get("/api/v1/runs", params={"text": "rUN 2"})).json()["total"] == 6
    assert (await api.http.get("/api/v1/runs", params={"text": "%"})).json()["total"] == 0
    assert (await api.http.get("/api/v1/runs", params={"stack": "go/chi"})).json()["total"] == 0
    late = {"since": "2026-01-01T01:10:00+01:00", "until": "2026-01-01T00:12:00Z"}
    assert {r["id"] for r in (await api.http.get("/api/v1/runs", params=late)).json()["items"]} == {
        "r-20",
        "r-21",
        "r-22",
        "r-23",
    }


async def test_what_was_seen_is_not_sent_again(api):
    run = await api.add_run()
    for path in ("/api/v1/runs", f"/api/v1/runs/{run.id}"):
        first = await api.http.get(path)
        again = await api.http.get(path, headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
        assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == first.headers["etag"]
        assert (await api.http.get(path, headers={"If-None-Match": '"x"'})).status_code == 200


async def test_cancel_resume_and_rollback(live):
    created = await live.http.post("/api/v1/runs", json={"text": TEXT})
    path = f"/api/v1/runs/{created.json()['id']}"
    assert (await live.http.post(f"{path}/resume")).status_code == 202
    run = await ended(live, created.json()["id"])
    assert (await live.http.post(f"{path}/cancel")).status_code == 409
    assert (await live.http.post(f"{path}/resume")).json()["status"] == "verified"
    drops = (await live.http.get(f"{path}/drops", params={"current": True})).json()["items"]
    drop = next(d for d in drops if d["stage"] == "structure")
    missing = await live.http.post(f"{path}/rollback", json={"drop": "0" * 64})
    assert missing.status_code == 404
    again = await live.http.post(f"{path}/rollback", json={"drop": drop["id"]})
    assert again.status_code == 202 and again.json()["execution"] == 2
    assert (await live.http.post(f"{path}/rollback", json={"drop": drop["id"]})).status_code == 409
    assert (await ended(live, run["id"]))["execution"] == 2


async def test_a_cancelled_run_ends_cancelled(tmp_path, temporal):
    async with served(tmp_path / "home", temporal) as api:
        created = await api.http.post("/api/v1/runs", json={"text": TEXT})
        assert (await api.http.post(f"/api/v1/runs/{created.json()['id']}/cancel")).status_code == 202


async def test_others_runs_are_not_there(api):
    run = await api.add_run(owner=Owner(organisation="theirs"))
    drop = await api.add_drop(run, "source", {"a.py": b"secret"})
    for path in (
        f"runs/{run.id}",
        f"runs/{run.id}/drops",
        f"runs/{run.id}/events",
        f"runs/{run.id}/capsule",
        f"drops/{drop.id}",
    ):
        assert (await api.http.get(f"/api/v1/{path}")).status_code == 404
    assert (await api.http.get(f"/api/v1/drops/{drop.id}/content")).status_code == 404
    assert (await api.http.post("/api/v1/previews", json={"run": run.id})).status_code == 404


async def test_the_real_command_serves_and_refuses_a_port_in_use(ql_server):
    process, port = ql_server()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        assert (await http.get("/ready")).json() == {"status": "ok", "parts": {"database": "ok", "temporal": "ok"}}
    process.terminate()
    assert process.wait(10) == 0
