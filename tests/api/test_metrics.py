import asyncio

from prometheus_client.parser import text_string_to_metric_families


async def samples(api):
    answer = await api.http.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


async def test_runs_stages_queue_previews_and_requests_are_counted(live):
    before = await samples(live)
    assert before["ql_runs", ("status", "running")] == 0 and before["ql_runs_waiting",] == 0
    await live.add_run("w-1", status="running")
    created = await live.http.post("/api/v1/runs", json={"text": "A to-do API: tasks have a title."})
    path = f"/api/v1/runs/{created.json()['id']}"
    async with asyncio.timeout(60):
        while (await live.http.get(path)).json()["status"] == "running":
            await asyncio.sleep(0.05)
    assert (await live.http.get("/nope")).status_code == 404
    for _ in range(2):
        found = await samples(live)
    stack = ("stack", "python/fastapi")
    assert found["ql_run_seconds_count", stack, ("status", "verified")] == 1
    assert found["ql_stage_seconds_count", ("stage", "frd"), ("status", "passed")] == 1
    assert found["ql_run_queue_seconds_count",] == 1
    assert found["ql_runs", ("status", "verified")] == 1 and found["ql_runs", ("status", "running")] == 1
    assert found["ql_runs_waiting",] == 1
    assert found["ql_previews", ("state", "ready")] == 0
    asked = {key: value for key, value in found.items() if key[0] == "ql_api_request_seconds_count"}
    routes = {dict(key[1:])["route"] for key in asked}
    assert "/api/v1/runs/{run_id}" in routes and "none" in routes and not any(created.json()["id"] in r for r in routes)


async def test_what_a_sandbox_ended_is_counted_once(live):
    run = await live.add_run(status="running")
    await live.office.metadata.add_event(run.id, "1/started", "run_started", {}, run.owner)
    data = {"stage": "sandbox validation", "program": "pytest", "outcome": "out_of_memory", "message": ""}
    await live.office.metadata.add_event(run.id, "1/sandbox validation/sandbox/1", "sandbox", data, run.owner)
    await live.office.metadata.finish_run(run.id, 1, "failed", {"report": {"seconds": 3.5, "stages": []}})
    for _ in range(3):
        found = await samples(live)
    assert found["ql_sandbox_failures_total", ("outcome", "out_of_memory")] == 1
    assert found["ql_run_seconds_sum", ("stack", "python/fastapi"), ("status", "failed")] == 3.5
