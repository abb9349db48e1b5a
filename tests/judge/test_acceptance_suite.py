"""The acceptance folder of a capsule runs anywhere: played by its own script against right and wrong applications."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from builders import ADMIN, plan_of, running, spec_named

from quantumlayer.evidence.acceptance_suite import acceptance_suite
from quantumlayer.files.write_files import write_files


async def played(name: str, folder: Path, fault=None) -> subprocess.CompletedProcess[str]:
    write_files(acceptance_suite(plan_of(name), spec_named(name)), folder)
    async with running(spec_named(name), fault) as app:
        command = [sys.executable, "-I", str(folder / "run.py"), "--url", app.url, "--admin", ":".join(ADMIN)]
        return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", ["library", "expenses", "devices"])
async def test_a_right_application_passes(name: str, tmp_path: Path) -> None:
    done = await played(name, tmp_path / "acceptance")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "0 failed" in done.stdout
    scenarios = json.loads((tmp_path / "acceptance" / "scenarios.json").read_text())
    assert len(scenarios) == len(plan_of(name).scenarios)
    assert [s["needs"] for s in scenarios if s["needs"] == "empty"] == []


async def test_a_wrong_application_fails_with_the_step(tmp_path: Path) -> None:
    def fault(served, right):
        def answer(request):
            got = right(request)
            if got.status == 409:
                return type(got)(201, {"id": 1}, {})
            return got

        return answer

    done = await played("library", tmp_path / "acceptance", fault)
    assert done.returncode == 1
    assert "expected 409, got 201" in done.stdout


def test_nothing_answers(tmp_path: Path) -> None:
    write_files(acceptance_suite(plan_of("todo"), spec_named("todo")), tmp_path / "a")
    done = subprocess.run([sys.executable, str(tmp_path / "a" / "run.py"), "--url", "http://127.0.0.1:9"], capture_output=True)
    assert done.returncode == 2
