"""Two machines share one Temporal, one PostgreSQL and one object store; one of them dies in the middle of a run."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys

import httpx
import pytest
from scripted import ended, started

from quantumlayer.catalog.blobs import open_blobs
from quantumlayer.pipeline.client import Runs
from quantumlayer.pipeline.stages import NAMES
from quantumlayer.stores.home import default_home
from quantumlayer.stores.metadata import Metadata

# A machine: its own QL_HOME, the stores and the queue of all. It says which stages it carries out.
MACHINE = """
import asyncio, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from scripted import activities, copy
from quantumlayer.catalog.blobs import open_blobs
from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.pipeline.serving import serving
from quantumlayer.pipeline.stages import NAMES
from quantumlayer.stores.home import default_home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.patient import PatientBlobs

async def slowly(desk):
    print(desk.task.stage, flush=True)
    await asyncio.sleep(0.25)
    await copy(desk)

async def main():
    home = default_home()
    metadata = Metadata(home.database, patience=30)
    await metadata.prepare()
    runs = Runs(metadata, PatientBlobs(open_blobs(home.drops), 30))
    async with serving(await connect(sys.argv[1]), activities(runs, **{n.replace(" ", "_"): slowly for n in NAMES})):
        print("READY", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def shared(postgresql, s3_endpoint, monkeypatch):
    """The addresses that all machines are given."""
    httpx.put(f"{s3_endpoint}/shared").raise_for_status()
    addresses = {
        "QL_DATABASE_URL": postgresql,
        "QL_DROPS_URL": "s3://shared/drops",
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    for name, value in addresses.items():
        monkeypatch.setenv(name, value)


@contextlib.contextmanager
def machine(temporal, folder):
    process = subprocess.Popen(
        [sys.executable, "-c", MACHINE, temporal, os.path.dirname(__file__)],
        stdout=subprocess.PIPE,
        env=os.environ | {"QL_HOME": str(folder)},
        text=True,
    )
    try:
        assert process.stdout.readline() == "READY\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.matrix
async def test_a_run_goes_on_when_the_machine_that_worked_on_it_dies(shared, temporal, client, tmp_path, monkeypatch):
    monkeypatch.setenv("QL_HOME", str(tmp_path / "asking"))
    home = default_home()
    metadata = Metadata(home.database)
    await metadata.prepare()
    runs = Runs(metadata, open_blobs(home.drops))
    with machine(temporal, tmp_path / "one") as one:
        run = await started(runs, client)
        worked = [await asyncio.to_thread(one.stdout.readline) for _ in range(3)]
        os.kill(one.pid, signal.SIGKILL)
    with machine(temporal, tmp_path / "two") as two:
        finished = await ended(runs, run, 60)
        two.kill()
        took_over = two.stdout.read().split("\n")
    assert finished.report.status == "verified"
    assert [name.strip() for name in worked] == list(NAMES[:3])
    # The stage at which the first machine died was begun anew; what it had finished was not.
    assert took_over[0] == NAMES[2] and not set(NAMES[:2]) & set(took_over)
    made = await metadata.drops(run.id)
    assert {drop.stage for drop in made} == {"order", *NAMES} and {drop.version for drop in made} == {1}
    for drop in made:
        await runs.blobs.get(drop.id)
    assert not (tmp_path / "one" / "drops").exists() and not (tmp_path / "two" / "metadata.db").exists()
    await metadata.close()
