import asyncio
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from quantumlayer.account.values import Budget, Call, Payer, Spent
from quantumlayer.stores.spending import SqlBook


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


async def test_calls_of_models_are_counted(api):
    book, payer = SqlBook(api.office.metadata.database), Payer("run-1")
    for outcome, tokens, money in (("answered", 10, 0.25), ("answered", 20, None), ("failed", 0, 0.0)):
        facts = {"run": "run-1", "stage": "code", "role": "coder", "model": "m:a", "outcome": outcome, "at": datetime.now(UTC)}
        call = Call(**facts, input_tokens=tokens, output_tokens=tokens, cost_usd=money, seconds=1.5)
        await book.settle(await book.reserve(payer, Spent(), Budget(), 60), payer, call)
    await book.reserve(payer, Spent(tokens=999), Budget(), 60)
    found = await samples(api)
    of = ("model", "m:a"), ("role", "coder")
    assert found["ql_model_calls_total", of[0], ("outcome", "answered"), of[1]] == 2
    assert found["ql_model_calls_total", of[0], ("outcome", "failed"), of[1]] == 1
    assert found["ql_model_tokens_total", ("direction", "in"), *of] == 30
    assert found["ql_model_usd_total", *of] == 0.25
