"""Who burdens a machine and who measures on it take turns."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from quantumlayer.pipeline.turns import Turns

HOLD = """
import asyncio, sys
from pathlib import Path
from quantumlayer.pipeline.turns import Turns

async def main():
    async with Turns(Path(sys.argv[1])).beside():
        print("in", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def closed(folder: Path) -> bool:
    """Whether nobody comes in any more."""
    with (folder / "gate").open("ab") as gate:
        try:
            fcntl.flock(gate, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


async def test_many_are_beside_each_other_and_one_alone(tmp_path: Path) -> None:
    turns, told, leave = Turns(tmp_path), [], asyncio.Event()

    async def burden(name: str) -> None:
        async with turns.beside():
            told.append(f"{name} in")
            await leave.wait()
        told.append(f"{name} out")

    async def measuring() -> None:
        async with turns.alone() as alone:
            told.append(f"alone {alone}")

    burdens = [asyncio.create_task(burden(name)) for name in "ab"]
    while len(told) < 2:
        await asyncio.sleep(0.01)
    measured = asyncio.create_task(measuring())
    while not closed(tmp_path):
        await asyncio.sleep(0.01)
    # The gate is closed: who comes now waits until the one that wants to be alone was.
    late = asyncio.create_task(burden("c"))
    await asyncio.sleep(0)
    assert sorted(told) == ["a in", "b in"]
    leave.set()
    await asyncio.gather(*burdens, measured, late)
    assert told.index("alone True") > max(told.index("a out"), told.index("b out"))
    assert told.index("c in") > told.index("alone True")


async def test_who_is_not_left_alone_is_told(tmp_path: Path) -> None:
    turns = Turns(tmp_path)
    async with turns.beside():
        async with turns.alone(patience=0.1) as alone:
            assert not alone
        async with turns.beside():
            pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_who_dies_at_work_keeps_nobody_waiting(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"in\n"
        async with Turns(tmp_path).alone(patience=0.1) as alone:
            assert not alone
        os.kill(process.pid, number)
        async with Turns(tmp_path).alone() as alone:
            assert alone
