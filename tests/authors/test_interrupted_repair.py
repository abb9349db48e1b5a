"""A worker that is killed in the middle of a repair: its successor goes on, and asks the model for nothing twice."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from said import NOTES, faulty_notes

from quantumlayer.conformance.llm.wire import Scene, serve_wire

pytestmark = pytest.mark.matrix
QL = Path(sys.executable).with_name("ql")
MODELS = """
[roles]
coder = "openai-compatible:wire"
[models."openai-compatible:wire"]
base_url = "{url}/v1"
context_tokens = 100000
usd_per_million_input = 1.0
usd_per_million_output = 2.0
"""


def kept(home):
    """How often the repair wrote down how far it came."""
    try:
        with sqlite3.connect(f"file:{home / 'metadata.db'}?mode=ro", uri=True) as rows:
            return rows.execute("SELECT count(*) FROM drops WHERE kind = 'attempts'").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


async def until(holds, process):
    while not holds():
        assert process.returncode is None, (await process.communicate())[1].decode()
        await asyncio.sleep(0.1)


def kill_workers(home):
    """SIGKILL for every worker of the service."""
    service = json.loads((home / "service.json").read_text())["pid"]
    processes = [p.info for p in psutil.process_iter(["pid", "ppid", "cmdline"])]
    workers = [found["pid"] for found in processes if found["ppid"] == service and "worker" in (found["cmdline"] or ())]
    assert workers
    for worker in workers:
        os.kill(worker, signal.SIGKILL)


async def test_attempts_and_answers_outlive_the_worker(tmp_path):
    home, spec = tmp_path / "home", tmp_path / "notes.yaml"
    home.mkdir()
    spec.write_text(NOTES)
    answer, edit = faulty_notes(tmp_path)
    async with serve_wire() as wire:
        wire.play(Scene(text=answer), Scene(text="I think it is fine."), Scene(text=edit), Scene(text="never asked for"))
        (home / "models.toml").write_text(MODELS.format(url=wire.url))
        words = ("generate", "--file", spec, "--author", "model", "--json", "--no-preview")
        environment = os.environ | {"QL_HOME": str(home)}
        process = await asyncio.create_subprocess_exec(
            QL, *words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            # The first answer, its refusal, and the second answer, whose checks have only begun.
            await until(lambda: kept(home) >= 3, process)
            kill_workers(home)
            out, log = await process.communicate()
        finally:
            subprocess.run([QL, "down"], env=environment, capture_output=True, timeout=60)
    report = json.loads(out or b"{}")
    assert (process.returncode, report.get("status")) == (0, "verified"), (report, log.decode())
    assert len(wire.requests) == 3 and kept(home) == 3
    assert {s["name"]: s["status"] for s in report["stages"]}["repair"] == "passed"
