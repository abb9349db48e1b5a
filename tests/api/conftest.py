import asyncio
import contextlib
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
import uvloop
from aiohttp import web

from quantumlayer.delivery.listening import listen
from quantumlayer.files.archive import pack
from quantumlayer.files.values import FileTree
from quantumlayer.pipeline.client import connect
from quantumlayer.pipeline.serving import serving
from quantumlayer.ports.store import Drop, Producer
from quantumlayer.server.api.office import Office, open_office
from quantumlayer.server.api.serve import http_server
from quantumlayer.server.api.settings import Settings
from quantumlayer.server.supervisor import free_port, temporal_argv
from quantumlayer.stores.digests import digest_of
from quantumlayer.stores.home import Home
from quantumlayer.stores.keep import keep_drop
from quantumlayer.stores.values import Owner, Run
from tests.pipeline.scripted import activities

TREE = "application/vnd.quantumlayer.tree+tar+zstd"


def pytest_asyncio_loop_factories():
    """The loop that `ql server` runs in."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass(frozen=True)
class Api:
    """A real server on a real port, and what stands behind it."""

    url: str
    office: Office
    http: httpx.AsyncClient

    @property
    def events_url(self):
        return self.url.replace("http", "ws", 1)

    async def add_run(self, run_id="20260101-000000-0000000001", *, status="verified", owner=Owner(), title="a run", **fields):
        created = fields.pop("created_at", datetime.now(UTC))
        order = {"run": run_id, "stack": "python/fastapi", "author": "blueprint", "inputs": {}}
        run = Run(id=run_id, created_at=created, status=status, title=title, order=order, owner=owner, **fields)
        await self.office.metadata.add_run(run)
        return run

    async def add_drop(self, run, kind, content, *, media_type="application/json", stage="code"):
        if isinstance(content, dict):
            content, media_type = pack(FileTree(content)), TREE
        drop = Drop(
            id=digest_of(content),
            run=run.id,
            stage=stage,
            kind=kind,
            version=0,
            created_at=datetime.now(UTC),
            producer=Producer(component=stage, version="1"),
            size=len(content),
            media_type=media_type,
        )
        return await keep_drop(self.office.metadata, self.office.blobs, content, drop, run.owner)

    async def add_events(self, run, count, first=1):
        for number in range(first, first + count):
            await self.office.metadata.add_event(run.id, f"log/{number}", "log", {"message": f"line {number}"}, run.owner)


@pytest.fixture(scope="session")
def temporal(tmp_path_factory):
    """HOST:PORT of one Temporal server for all tests."""
    home, port = Home(tmp_path_factory.mktemp("temporal")), free_port()
    with subprocess.Popen(temporal_argv(home, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        yield f"127.0.0.1:{port}"
        server.kill()


@contextlib.asynccontextmanager
async def served(home, temporal="127.0.0.1:1", **settings):
    """The API of that home for as long as the context is open."""
    settings = {"requests": "", "creations": "", **settings}
    office = open_office(Settings(**settings), Home(home), lambda: temporal)
    server = http_server(office)
    server.capture_signals = contextlib.nullcontext
    port = free_port()
    listener = listen("127.0.0.1", port)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.005)
        assert not running.done(), running.result()
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        yield Api(url, office, http)
    server.should_exit = True
    await running


@pytest.fixture
async def api(tmp_path):
    async with served(tmp_path / "home") as api:
        yield api


@pytest.fixture
async def live(tmp_path, temporal):
    """An API with Temporal and a worker whose stages copy."""
    async with served(tmp_path / "home", temporal) as api, serving(await connect(temporal), activities(api.office.runs)):
        yield api


@pytest.fixture
def ql_server(tmp_path, temporal):
    """Starts the real command; gives its process and its address."""
    started = []

    def start(*words, port=0):
        environment = os.environ | {"QL_HOME": str(tmp_path / "home")}
        process = subprocess.Popen(
            [sys.executable, "-m", "quantumlayer.cli.main", "server", "--temporal", temporal, "--port", str(port), *words],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        for line in process.stdout:
            if line.startswith("READY"):
                return process, int(line.split()[1])
        raise AssertionError(f"ended with {process.wait()}")

    yield start
    for process in started:
        process.kill()
        process.wait()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
async def aiohttp_site():
    """Serves aiohttp applications on free ports."""
    runners = []

    async def serve(application):
        runner = web.AppRunner(application)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner.addresses[0][1]

    yield serve
    for runner in runners:
        await runner.cleanup()
