import json
import os
import subprocess
import sys

SCRIPT = """
import asyncio, sys
from pathlib import Path
import httpx
from quantumlayer.ports.sandbox import Command, Mount, MIB, Limits
from quantumlayer.pipeline.client import connect
from quantumlayer.pipeline.serving import serving
from quantumlayer.pipeline.watched import Watched
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox
from quantumlayer.telemetry import switch
from tests.api.conftest import served
from tests.pipeline.scripted import activities, copy

async def main():
    home, temporal = Path(sys.argv[1]), sys.argv[2]
    switch.start("test")
    sandbox = Watched(BubblewrapSandbox())
    async def confined(desk):
        folder = home / "work"
        folder.mkdir(exist_ok=True)
        limits = Limits(memory=256 * MIB, wall_seconds=1.0)
        await sandbox.run(Command(("/bin/sh", "-c", "sleep 30"), "/work", (Mount(folder, "/work"),), limits=limits))
        await copy(desk)
    async with served(home, temporal) as api, serving(await connect(temporal), activities(api.office.runs, code=confined)):
        run = (await api.http.post("/api/v1/runs", json={"text": "A to-do API: tasks have a title."})).json()["id"]
        while (await api.http.get(f"/api/v1/runs/{run}")).json()["status"] == "running":
            await asyncio.sleep(0.05)
        told = await api.office.metadata.events(run)
        print("TOLD", [e.data["outcome"] for e in told if e.kind == "sandbox"], file=sys.stderr)
    switch.flush()

asyncio.run(main())
"""


def traced(temporal, home, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")} | variables
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(home), temporal],
        cwd=root,
        env=environment | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=120,
    )


def spans(output):
    decoder, found, at = json.JSONDecoder(), [], output.find("{")
    while at >= 0:
        value, end = decoder.raw_decode(output, at)
        found.append(value)
        at = output.find("{", end)
    return found


def test_one_trace_leads_from_the_api_through_workflow_and_activity_into_the_sandbox(temporal, tmp_path):
    done = traced(temporal, tmp_path / "home", OTEL_TRACES_EXPORTER="console")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "TOLD ['timed_out']" in done.stderr
    found = {span["context"]["span_id"]: span for span in spans(done.stdout)}
    sandbox = next(span for span in found.values() if span["name"] == "sandbox run")
    assert sandbox["attributes"]["outcome"] == "timed_out"
    names, span = [], sandbox
    while span is not None:
        names.append(span["name"])
        assert span["context"]["trace_id"] == sandbox["context"]["trace_id"]
        span = found.get((span["parent_id"] or "").removeprefix("0x")) or found.get(span["parent_id"])
    assert names[:3] == ["sandbox run", "RunActivity:code", "StartActivity:code"], names
    assert "StartWorkflow:Generate" in names and names[-1] == "POST /api/v1/runs", names
    workflow = [span for span in found.values() if span["name"] == "RunWorkflow:Generate"]
    assert [span["context"]["trace_id"] for span in workflow] == [sandbox["context"]["trace_id"]]


def test_without_the_variables_nothing_of_it_is_loaded():
    code = (
        "import sys, quantumlayer.pipeline.client, quantumlayer.cli.follow\n"
        "from quantumlayer.telemetry import switch\n"
        "switch.start('x'); assert switch.interceptors() == []\n"
        "print([m for m in sys.modules if m.startswith('opentelemetry')])"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
