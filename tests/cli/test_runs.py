"""Whole runs through the real command, with everything real behind it."""

import asyncio
import json
import os
import shutil
import signal
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import pytest

from quantumlayer.stores.metadata import Metadata

pytestmark = pytest.mark.slow

TODO = (
    "A to-do API: tasks have a title, optional notes, a due date, a priority (low, medium, high) and a done flag. "
    "List tasks filtered by done and priority, newest first."
)
SMALL = "Notes have a title and a text."
LINE = {"type": "object", "additionalProperties": False}
TEXT, NUMBER, NULL_OR_TEXT = {"type": "string"}, {"type": "number"}, {"type": ["string", "null"]}
# The object of the design's contract, member for member.
CONTRACT = LINE | {
    "properties": {
        "run_id": TEXT,
        "status": {"enum": ["verified", "partial", "failed", "cancelled"]},
        "stack": TEXT,
        "author": TEXT,
        "model": NULL_OR_TEXT,
        "stages": {
            "type": "array",
            "items": LINE
            | {
                "properties": {
                    "name": TEXT,
                    "status": {"enum": ["passed", "failed", "skipped", "not_run"]},
                    "seconds": NUMBER,
                    "drop": NULL_OR_TEXT,
                    "reason": TEXT,
                }
            },
        },
        "requirements": {
            "type": "array",
            "items": LINE
            | {
                "properties": {
                    "id": TEXT,
                    "text": TEXT,
                    "status": {"enum": ["met", "unmet", "unverified"]},
                    "evidence": {"type": "array", "items": TEXT},
                }
            },
        },
        "scores": LINE | {"properties": {"qa": {"type": ["integer", "null"]}, "security": NULL_OR_TEXT}},
        "coverage": {"type": ["number", "null"]},
        "capsule": NULL_OR_TEXT,
        "out": NULL_OR_TEXT,
        "preview_url": NULL_OR_TEXT,
        "seconds": NUMBER,
        "cost_usd": NUMBER,
    },
    "minProperties": 14,
}


def fetch(url, data=None):
    """Browsers and curl resolve every name below .localhost themselves; Python asks the system, which may not know it."""
    parts = urllib.parse.urlsplit(url)
    local = parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()
    request = urllib.request.Request(local, data, {"content-type": "application/json", "host": parts.netloc})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, json.load(answer)


def stages_of(report):
    return {stage["name"]: stage for stage in report["stages"]}


def from_metadata(ql, method, *words):
    """What the stores say: asking for it by command takes longer than some stages."""

    async def ask():
        metadata = Metadata(ql.home / "metadata.db")
        try:
            await metadata.prepare()
            return await getattr(metadata, method)(*words)
        finally:
            await metadata.close()

    return asyncio.run(ask())


def start_run(ql, *words):
    """`ql generate` in the background, and the id of the run that it started."""
    before = {run.id for run in from_metadata(ql, "runs")}
    running = ql.start("generate", *words)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if new := {run.id for run in from_metadata(ql, "runs")} - before:
            return running, new.pop()
        time.sleep(0.1)
    running.kill()
    raise AssertionError(f"no run was started: {running.communicate()}")


def wait_for_stage(ql, running, run, name, seconds=240):
    """Returns once that run, which the command `running` follows, works at that stage."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        events = from_metadata(ql, "events", run)
        if any(e.kind == "stage_started" and e.data["stage"] == name for e in events):
            return
        assert running.poll() is None, f"{run} was given up before {name}: {running.communicate()}"
        time.sleep(0.1)
    raise AssertionError(f"{run} did not come to {name}")


def children(pid):
    """Processes by their command's first words, of the supervisor with that pid."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                words = (folder / "cmdline").read_bytes().decode().split("\0")
            except (OSError, ValueError):
                continue
            # A dead one that nobody has waited for has no words.
            if parent == pid and len(words) > 3:
                found["temporal" if words[0].endswith("temporal") else words[3]] = int(folder.name)
    return found


def supervisor(ql):
    return json.loads((ql.home / "service.json").read_text())["pid"]


def alive(pid):
    try:
        return "Z" not in (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_a_sentence_becomes_a_verified_running_application(warm, tmp_path):
    out = tmp_path / "todo"
    answer = warm("generate", TODO, "--json", "--out", out, seconds=400)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    report = json.loads(answer.stdout)
    jsonschema.validate(report, CONTRACT)
    assert report["status"] == "verified" and report["out"] == str(out)
    assert {r["status"] for r in report["requirements"]} == {"met"} and all(r["evidence"] for r in report["requirements"])
    assert report["coverage"] >= 0.8 and report["scores"]["qa"] == 100 and report["scores"]["security"]
    assert {n for n, s in stages_of(report).items() if s["status"] != "passed"} == {"repair", "deploy"}

    base = report["preview_url"].rstrip("/")
    status, task = fetch(
        f"{base}/tasks", json.dumps({"title": "Try it", "due_date": "2030-01-02", "priority": "high"}).encode()
    )
    assert status == 201 and task["title"] == "Try it"
    assert fetch(f"{base}/tasks?done=false&priority=high")[1]["total"] == 1

    assert (out / "app").is_dir() and (out / "Dockerfile").is_file() and (out / "Makefile").is_file()
    assert warm("verify", report["capsule"]).returncode == 0
    tampered = bytearray(Path(report["capsule"]).read_bytes())
    tampered[len(tampered) // 2] ^= 1
    (tmp_path / "tampered.capsule").write_bytes(tampered)
    assert warm("verify", tmp_path / "tampered.capsule").returncode == 1

    shown = json.loads(warm("show", report["run_id"][:18], "--json").stdout)
    assert shown | {"out": None} == report | {"out": None}
    drops = json.loads(warm("drops", report["run_id"], "--json").stdout)
    assert {"spec", "source", "evidence", "sbom", "sarif", "capsule"} <= {d["kind"] for d in drops}
    assert "preview" in warm("preview", "list").stdout
    assert warm("preview", "stop", report["run_id"]).returncode == 0
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            fetch(f"{base}/health")
        except urllib.error.HTTPError as error:
            if error.code == 410:
                break
        time.sleep(0.1)
    else:
        raise AssertionError("the preview did not end")


def test_a_spec_file_is_generated_as_it_is(warm, tmp_path):
    spec = tmp_path / "notes.yaml"
    spec.write_text(
        "version: 1\nname: Notes\nrequirements:\n  R1: Notes have a unique title.\nentities:\n  note:\n    plural: notes\n"
        "    fields:\n      title: {type: string, unique: true, satisfies: [R1]}\n"
        "    operations: {create: , read: , list: }\n    satisfies: [R1]\n"
    )
    answer = warm("generate", "--file", spec, "--json", "--no-preview", seconds=400)
    report = json.loads(answer.stdout)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert [(r["id"], r["text"]) for r in report["requirements"]] == [("R1", "Notes have a unique title.")]
    assert stages_of(report)["preview"]["reason"] and report["preview_url"] is None


def test_two_at_once_on_a_machine_without_service_share_one(warm, ql):
    shutil.copytree(warm.home / "cache", ql.home / "cache", copy_function=os.link, symlinks=True)
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(ql, "generate", SMALL, "--no-preview", *words, seconds=500) for words in ((), ("--json",))]
        plain, machine = (each.result() for each in asked)
    assert (plain.returncode, machine.returncode) == (0, 0), [a.stdout + a.stderr for a in (plain, machine)]
    assert "VERIFIED" in plain.stdout and "sandbox validation" in plain.stdout and ".capsule" in plain.stdout
    assert "passed  requirements" in plain.stderr
    runs = [run["run_id"] for run in json.loads(ql("runs", "--json").stdout)]
    assert len(runs) == 2 and json.loads(machine.stdout)["run_id"] in runs
    reports = [json.loads(ql("show", run, "--json").stdout) for run in runs]
    first, second = (stages_of(r)["code"]["drop"] for r in reports)
    assert first == second
    assert set(children(supervisor(ql))) == {"temporal", "worker", "proxy"}


def test_a_run_outlives_its_worker_and_its_service_and_nothing_is_done_twice(warm):
    running, run = start_run(warm, SMALL, "--json")
    wait_for_stage(warm, running, run, "dependencies")
    first = children(supervisor(warm))["worker"]
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while (old := children(supervisor(warm))).get("worker", first) == first and time.monotonic() < deadline:
        time.sleep(0.05)
    assert old["worker"] != first
    wait_for_stage(warm, running, run, "sandbox validation")
    running.send_signal(signal.SIGKILL)
    os.kill(supervisor(warm), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in old.values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in old.values())
    running.communicate()

    answer = warm("resume", run, "--json", seconds=400)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    report = json.loads(answer.stdout)
    assert report["run_id"] == run and report["status"] == "verified"
    drops = json.loads(warm("drops", run, "--json").stdout)
    assert {d["version"] for d in drops} == {1}
    previews = [p for p in json.loads(warm("preview", "list", "--all", "--json").stdout) if p["run"] == run]
    assert len(previews) == 1


def test_ctrl_c_cancels_the_run_and_its_sandbox_dies(warm):
    running, run = start_run(warm, SMALL, "--json", "--no-preview")
    wait_for_stage(warm, running, run, "sandbox validation")
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 130 and json.loads(output)["status"] == "cancelled"
    assert time.monotonic() - began < 30
    assert json.loads(warm("show", run, "--json").stdout)["status"] == "cancelled"
    assert not list((warm.home / "work").glob("*"))
