import asyncio
import contextlib
import os
import signal
import subprocess
import sys

import pytest

from quantumlayer.errors import EnvironmentError_
from quantumlayer.server import child as children
from quantumlayer.server import service as services
from quantumlayer.server.child import Child
from quantumlayer.server.service import Service, await_ready, only_supervisor, running_service
from quantumlayer.stores.home import Home


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture(params=["gone", "zombie"])
def dead_pid(request):
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    process.stdout.read()
    if request.param == "gone":
        process.wait()
    else:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid
    process.stdout.close()
    process.wait()


def test_the_record_of_a_killed_supervisor_is_not_taken_for_the_one_that_starts_now(home, dead_pid, monkeypatch):
    monkeypatch.setattr(services, "READY_PATIENCE", 0.2)
    with only_supervisor(home) as alone:
        assert alone
        Service(dead_pid, "ready", "code", temporal="127.0.0.1:1").write(home)
        assert running_service(home) is None
        with pytest.raises(EnvironmentError_, match="did not start"):
            asyncio.run(await_ready(home))


def test_a_living_supervisor_is_found_while_it_holds_the_lock(home):
    record = Service(os.getpid(), "ready", "code", temporal="127.0.0.1:1")
    with only_supervisor(home):
        record.write(home)
        assert running_service(home) == record
        assert asyncio.run(await_ready(home)) == record
    assert running_service(home) is None


PART = """
import asyncio, os
from quantumlayer.server import liveness

async def work():
    print(os.getpid(), "READY", sep="\\n", flush=True)
    await asyncio.Event().wait()

liveness.SIGN_SECONDS = 0.05
asyncio.run(liveness.alive(work()))
"""


@contextlib.asynccontextmanager
async def kept(argv):
    """A child that is kept, and what it printed."""
    child = Child("part", lambda: argv)
    keeping = asyncio.create_task(child.keep())
    try:
        async with asyncio.timeout(30):
            yield child
    finally:
        await child.stop()
        keeping.cancel()


async def another(child, known=()):
    """The pid of a process of that child that is ready and not known yet."""
    while not (child.ready.is_set() and child.tail and child.tail[-1] not in known):
        await asyncio.sleep(0.01)
    return child.tail[-1]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(children, "SIGN_SECONDS", 0.1)


async def test_a_child_that_is_stopped_is_killed_and_started_again(impatient):
    async with kept([sys.executable, "-c", PART]) as child:
        first = await another(child)
        os.kill(int(first), signal.SIGSTOP)
        assert await another(child, {first}) != first
        with pytest.raises(ProcessLookupError):
            os.kill(int(first), 0)


async def test_a_child_that_never_gives_a_sign_is_started_again(impatient):
    async with kept([sys.executable, "-c", PART.replace("liveness.alive(work())", "work()")]) as child:
        first = await another(child)
        assert await another(child, {first}) != first
