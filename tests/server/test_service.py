import asyncio
import contextlib
import os
import signal
import subprocess
import sys

import psutil
import pytest

from quantumlayer.errors import EnvironmentError_
from quantumlayer.server import child as children
from quantumlayer.server import service as services
from quantumlayer.server.child import Child
from quantumlayer.server.service import Service, await_ready, only_supervisor, running_service
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.values import Owner


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


# Holds the database's lock when it is stopped.
HOLDER = """
import asyncio, os, signal, sys
from quantumlayer.server import liveness
from quantumlayer.stores.metadata import Metadata

async def stop(connection):
    print("READY", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)

liveness.SIGN_SECONDS = 0.05
asyncio.run(liveness.alive(Metadata(sys.argv[1]).database.transact(stop)))
"""


@contextlib.asynccontextmanager
async def kept(*argvs):
    """A child that is kept, each start with the next of those."""
    starts = iter(argvs)
    child = Child("part", lambda: next(starts))
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
    async with kept(*[[sys.executable, "-c", PART]] * 2) as child:
        first = await another(child)
        os.kill(int(first), signal.SIGSTOP)
        assert await another(child, {first}) != first
        with pytest.raises(ProcessLookupError):
            os.kill(int(first), 0)


async def test_a_child_that_never_gives_a_sign_is_started_again(impatient):
    async with kept(*[[sys.executable, "-c", PART.replace("liveness.alive(work())", "work()")]] * 2) as child:
        first = await another(child)
        assert await another(child, {first}) != first


async def test_a_child_that_is_killed_at_work_is_started_again_however_often(monkeypatch):
    monkeypatch.setattr(children, "PAUSES", (0.0,))
    kills = children.CRASHES + 2
    async with kept(*[[sys.executable, "-c", PART]] * (kills + 1)) as child:
        known = set()
        for _ in range(kills):
            known.add(pid := await another(child, known))
            os.kill(int(pid), signal.SIGKILL)
        assert await another(child, known) not in known


@pytest.mark.parametrize("program", ["raise SystemExit('no flux')", "print('READY', flush=True)\nraise SystemExit('no flux')"])
async def test_a_child_that_keeps_crashing_by_itself_is_given_up(program, monkeypatch):
    monkeypatch.setattr(children, "PAUSES", (0.0,))
    child = Child("part", lambda: [sys.executable, "-c", program])
    with pytest.raises(EnvironmentError_, match="part keeps crashing: no flux"):
        await child.keep()


async def test_a_child_may_say_a_line_of_any_length():
    program = "print('READY', flush=True)\nprint('x' * 1_000_000)\nprint('end')"
    child = Child("part", lambda: [sys.executable, "-c", program])
    assert await child.keep() == 0
    assert child.tail[-1] == "end"


async def test_a_child_that_is_stopped_within_a_transaction_holds_the_others_up_until_it_is_killed(impatient, home):
    metadata = Metadata(home.database)
    await metadata.prepare()
    holder = [sys.executable, "-c", HOLDER, home.database]
    async with kept(holder, [sys.executable, "-c", PART]) as child:
        await child.ready.wait()
        await metadata.add_event("r", "waited", "log", {}, Owner())
        await another(child)
    assert [event.number for event in await metadata.events("r")] == [1]
    await metadata.close()


FORKS = """
import os, signal, sys, time
from quantumlayer.server import successor

def work():
    with open(sys.argv[1], "a") as log:
        print(os.getpid(), file=log)
    if log_lines() == 1:
        time.sleep(successor.YOUNG_SECONDS + 0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    return 7

def log_lines():
    return len(open(sys.argv[1]).readlines())

successor.YOUNG_SECONDS = 0.1
parent, code = os.getpid(), successor.with_successors(work)
if os.getpid() == parent:
    print("ended with", code, flush=True)
os._exit(code)
"""


def test_a_fork_that_is_killed_has_a_successor_and_its_end_is_the_parents(tmp_path):
    log = tmp_path / "log"
    ended = subprocess.run([sys.executable, "-c", FORKS, log], capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (7, "ended with 7\n"), ended.stderr
    assert len(set(log.read_text().split())) == 2


def test_forks_that_are_killed_at_once_again_and_again_have_no_more_successors(tmp_path):
    log = tmp_path / "log"
    program = FORKS.replace("if log_lines() == 1:", "if True:").replace("time.sleep(successor.YOUNG_SECONDS + 0.1)", "pass")
    program = program.replace("YOUNG_SECONDS = 0.1", "YOUNG_SECONDS = 60")
    ended = subprocess.run([sys.executable, "-c", program, log], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 128 + signal.SIGKILL, ended.stderr
    assert len(set(log.read_text().split())) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_end_of_the_parent_is_the_end_of_the_fork(tmp_path, number):
    # A shell lets what it starts in the background ignore SIGINT.
    program = (
        "import os, signal, time\nfrom quantumlayer.server.successor import with_successors\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def work():\n    print(os.getpid(), flush=True)\n    time.sleep(60)\n    return 0\n"
        "os._exit(with_successors(work))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        fork = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(number)
        assert parent.wait(20) != 0
        fork.wait(20)
