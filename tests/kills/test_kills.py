"""Runs whose worker or Temporal server is killed in the middle: real processes, scripted stages. `trial.py` has real ones."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from trial import Grounds

from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.pipeline.serving import serving
from quantumlayer.pipeline.stages import NAMES, SILENCE_SECONDS
from quantumlayer.ports.sandbox import Command, Mount
from quantumlayer.request.values import Request
from quantumlayer.sandboxes.bubblewrap.adapter import BubblewrapSandbox
from quantumlayer.server.supervisor import free_port, temporal_argv
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata

sys.path.append(str(Path(__file__).parents[1] / "pipeline"))

from scripted import activities, ended, started

WORKER = Path(__file__).with_name("scripted_worker.py")
SCRIPTED, INJECTED = Path(__file__).parents[1] / "pipeline", Path(__file__).with_name("injected")


class Site:
    """A home, a Temporal server and a worker that can be killed and started again."""

    def __init__(self, folder, stack, silence):
        self.silence = silence
        self.home, self.port, self.stack = Home(folder / "home"), free_port(), stack
        self.plan = folder / "kill.json"
        self.processes = {}

    def start(self, name):
        argv = {
            "temporal": temporal_argv(self.home, self.port),
            "worker": [sys.executable, str(WORKER), str(self.home.root), f"127.0.0.1:{self.port}", str(self.silence)],
        }[name]
        path = os.pathsep.join(filter(None, (str(INJECTED), str(SCRIPTED), os.environ.get("PYTHONPATH", ""))))
        environment = os.environ | {"QL_KILL_PLAN": str(self.plan), "PYTHONPATH": path}
        process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.stack.enter_context(process)
        self.stack.callback(process.kill)
        self.processes[name] = process

    async def carried_out(self):
        """Until the moment of the plan has come."""
        while not self.plan.with_suffix(".0.done").exists():
            await asyncio.sleep(0.02)

    async def start_again(self, names):
        """What was killed, as soon as it is dead."""
        await self.carried_out()
        for name in names:
            self.processes[name].wait()
            self.start(name)


@contextmanager
def site(folder, silence=SILENCE_SECONDS):
    with ExitStack() as stack:
        made = Site(folder, stack, silence)
        made.home.root.mkdir()
        made.start("temporal")
        yield made


async def open_runs(place):
    """The stores of the home, once its Temporal answers."""
    metadata = Metadata(place.home.database)
    await metadata.prepare()
    await connect(f"127.0.0.1:{place.port}")
    return Runs(metadata, FolderBlobs(place.home.blobs))


async def nothing_is_doubled(runs, run):
    """Each stage has one drop, whole, and told its beginning and end once. Closes the stores."""
    drops = await runs.metadata.drops(run.id)
    assert Counter(d.stage for d in drops if d.stage in NAMES) == dict.fromkeys(NAMES, 1)
    assert {d.version for d in drops} == {1}
    for drop in drops:
        await runs.blobs.get(drop.id)
    told = Counter((e.kind, e.data.get("stage")) for e in await runs.metadata.events(run.id))
    assert set(told.values()) == {1}
    await runs.metadata.close()


async def killed(folder, moment, *victims):
    """A whole run, at whose moment the victims are killed; what is there afterwards. Silence would be noticed too late."""
    with site(folder, silence=600) as place:
        kill = ["self" if name == "worker" else place.processes[name].pid for name in victims]
        place.plan.write_text(json.dumps({"moments": [moment], "kill": kill}))
        runs = await open_runs(place)
        run = await runs.add(Request(text="anything"), stack="none/none", author="blueprint", preview=False, ttl=60)
        place.start("worker")
        await place.start_again(victims)
        finished = await ended(runs, run, 120)
        assert finished.report.status == "verified"
        await nothing_is_doubled(runs, run)


@pytest.mark.parametrize(
    ("moment", "victims"),
    [
        ("half-written code", ["worker"]),
        ("finished structure", ["worker", "temporal"]),
        ("finish", ["worker"]),
    ],
)
async def test_a_killed_run_goes_on_and_does_nothing_twice(tmp_path, moment, victims):
    await killed(tmp_path, moment, *victims)


# Slow, and alone: who is stopped there is within no transaction of another stage (see tests/server for one who is).
SLOW = "capsule"


@contextmanager
def stalled(process):
    """Stopped but alive and connected, as on a machine that swaps or sleeps."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def attempts_are_over(place, at_least):
    """Until every attempt at the slow stage that began has been left: also those given away meanwhile."""
    log = place.plan.with_suffix(".log")
    async with asyncio.timeout(60):
        while True:
            text = log.read_text()
            began = text.count(f'"started {SLOW}')
            if began >= at_least and text.count(f'"left {SLOW}') == began:
                return
            await asyncio.sleep(0.05)


async def in_slow_stage(place):
    """A run whose only worker has begun the slow stage."""
    place.plan.write_text(json.dumps({"moments": [f"started {SLOW}"], "kill": []}))
    runs = await open_runs(place)
    run = await runs.add(Request(text="anything"), stack="none/none", author="blueprint", preview=False, ttl=60)
    place.start("worker")
    await place.carried_out()
    return runs, run


async def test_a_worker_that_stalls_and_comes_back_does_nothing_twice(tmp_path):
    """It finds its stage given to another, which ended the run meanwhile."""
    with site(tmp_path, silence=2) as place:
        runs, run = await in_slow_stage(place)
        first = place.processes["worker"]
        with stalled(first):
            place.start("worker")
            assert (await ended(runs, run, 120)).report.status == "verified"
        await attempts_are_over(place, 2)
        assert first.poll() is None
        await nothing_is_doubled(runs, run)


@pytest.mark.matrix
async def test_a_worker_that_stalls_alone_goes_on_and_does_nothing_twice(tmp_path):
    """It finds its stage to be done anew, by itself."""
    with site(tmp_path, silence=2) as place:
        runs, run = await in_slow_stage(place)
        handle = (await connect(f"127.0.0.1:{place.port}")).get_workflow_handle(run.id)
        with stalled(place.processes["worker"]):
            async with asyncio.timeout(60):
                while (await handle.describe()).raw_description.pending_activities[0].attempt == 1:
                    await asyncio.sleep(0.05)
        assert (await ended(runs, run, 60)).report.status == "verified"
        await attempts_are_over(place, 2)
        await nothing_is_doubled(runs, run)


@pytest.mark.matrix
@pytest.mark.parametrize("victims", [["worker"], ["temporal"], ["worker", "temporal"]], ids="+".join)
@pytest.mark.parametrize("edge", ["started", "unrecorded", "finished"])
@pytest.mark.parametrize("stage", NAMES)
async def test_killed_at_every_stage(tmp_path, stage, edge, victims):
    await killed(tmp_path, f"{edge} {stage.replace(' ', '_') if edge == 'unrecorded' else stage}", *victims)


async def test_cancelling_ends_the_whole_process_tree_in_the_sandbox_at_once(tmp_path):
    mark = f"9{os.getpid()}{time.time_ns()}"

    async def long(desk):
        script = "import os, time; os.fork(); os.setsid() if not os.fork() else 0; time.sleep(600)"
        argv = (os.path.realpath(sys.executable), "-c", script, mark)
        await BubblewrapSandbox().run(Command(argv, "/work", (Mount(tmp_path, "/work", True),)))

    def alive():
        return [p for p in psutil.process_iter(["cmdline"]) if mark in " ".join(p.info["cmdline"] or ())]

    with site(tmp_path) as place:
        metadata = Metadata(place.home.database)
        await metadata.prepare()
        runs, client = Runs(metadata, FolderBlobs(place.home.blobs)), await connect(f"127.0.0.1:{place.port}")
        async with serving(client, activities(runs, sandbox_validation=long)):
            run = await started(runs, client)
            async with asyncio.timeout(60):
                while len(alive()) < 4:
                    await asyncio.sleep(0.05)
            await runs.cancel(client, run)
            async with asyncio.timeout(20):
                while alive():
                    await asyncio.sleep(0.02)
            assert (await ended(runs, run)).report.status == "cancelled"
        await metadata.close()


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("moment", "victim"),
    [
        ("started sandbox validation", "worker"),
        ("started sandbox validation", "stopped worker"),
        ("half-written source", "service"),
        ("half-written capsule file", "service"),
        ("preview asked for", "worker"),
        ("preview starts", "proxy"),
        ("preview starts", "service"),
        ("finish", "temporal"),
    ],
)
def test_the_real_service_keeps_its_promise(tmp_path, moment, victim):
    with Grounds(tmp_path / "home") as grounds:
        (result,) = grounds.trial([moment], victim)
    assert result.good, result
