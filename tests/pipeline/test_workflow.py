import asyncio
import json
import os

import pytest
from scripted import activities, copy, ended, forever, started
from temporalio import activity
from temporalio.exceptions import ApplicationError

from quantumlayer.errors import Bug, EnvironmentError_, UserError
from quantumlayer.pipeline.client import TITLE_LENGTH, title_of
from quantumlayer.pipeline.duty import on_duty
from quantumlayer.pipeline.serving import serving
from quantumlayer.pipeline.stages import NAMES
from quantumlayer.pipeline.values import Task
from quantumlayer.pipeline.workbench import NotRun, at_desk
from quantumlayer.request.values import Request
from quantumlayer.stores.digests import digest_of
from quantumlayer.stores.values import Owner


async def test_every_stage_runs_once_and_leaves_its_drop_with_its_lineage(runs, client):
    async with serving(client, activities(runs)):
        run = await started(runs, client)
        finished = await ended(runs, run)
    assert finished.report.status == "verified" and finished.exit_code == 0
    assert [s.name for s in finished.report.stages] == list(NAMES)
    assert {s.status for s in finished.report.stages} == {"passed"}
    drops = {d.stage: d for d in await runs.metadata.drops(run.id)}
    assert set(drops) == {"order", *NAMES}
    assert drops["frd"].parents == (drops["enhance"].id, json.loads(json.dumps(run.order))["inputs"]["request"])
    kinds = [e.kind for e in await runs.metadata.events(run.id)]
    assert kinds.count("stage_started") == kinds.count("stage_finished") == len(NAMES)


async def test_a_stage_that_told_its_end_before_its_worker_was_lost_is_not_done_anew(runs, client, tmp_path):
    done = []

    @activity.defn(name="code")
    async def code(task: Task):
        async with at_desk(task, runs.blobs, runs.metadata) as desk:
            done.append(await desk.save("code", os.urandom(8)))
        raise ApplicationError("what a killed worker cannot report")

    stages = activities(runs)
    stages[NAMES.index("code")] = code
    async with on_duty(runs, client, tmp_path / "workers") as duty, serving(client, stages, duty=duty):
        run = await started(runs, client)
        assert (await ended(runs, run)).report.status == "verified"
    assert [d.id for d in await runs.metadata.drops(run.id) if d.stage == "code"] == done and len(done) == 1
    assert not list((tmp_path / "workers").iterdir())


async def test_the_workflow_carries_ids_and_never_contents(runs, client):
    async def large(desk):
        await desk.save("brief", b"x" * 5_000_000)

    async with serving(client, activities(runs, enhance=large)):
        run = await started(runs, client)
        await ended(runs, run)
    history = await client.get_workflow_handle(run.id).fetch_history()
    assert sum(event.ByteSize() for event in history.events) < 200_000


@pytest.mark.parametrize(
    ("error", "kind", "exit_code"),
    [
        (UserError("no such thing", hint="write another"), "UserError", 2),
        (EnvironmentError_("no sandbox", hint="install one"), "EnvironmentError_", 4),
        (Bug("broken promise"), "Bug", 1),
        (ZeroDivisionError("by zero"), "ZeroDivisionError", 1),
    ],
)
async def test_a_stage_that_raises_ends_the_run_with_a_typed_problem_and_is_not_tried_again(
    runs, client, error, kind, exit_code
):
    tried = []

    async def fail(desk):
        tried.append(desk)
        raise error

    async with serving(client, activities(runs, structure=fail)):
        run = await started(runs, client)
        finished = await ended(runs, run)
    assert finished.report.status == "failed"
    assert (finished.problem.type, finished.exit_code) == (kind, exit_code)
    assert str(error) in finished.problem.message
    assert finished.problem.hint == getattr(error, "hint", "this is a bug in QuantumLayer; the worker's log holds the trace")
    assert len(tried) == 1
    stages = {s.name: s for s in finished.report.stages}
    assert stages["structure"].status == "failed"
    assert stages["code"].status == "not_run" and stages["code"].reason


async def test_a_stage_with_nothing_to_do_says_so_and_the_run_goes_on(runs, client):
    async def nothing(desk):
        raise NotRun("there is nothing to repair")

    async with serving(client, activities(runs, repair=nothing)):
        finished = await ended(runs, await started(runs, client))
    stages = {s.name: s for s in finished.report.stages}
    assert (stages["repair"].status, stages["repair"].reason) == ("not_run", "there is nothing to repair")
    assert stages["capsule"].status == "passed"


async def test_stages_that_do_not_need_each_other_run_at_the_same_time(runs, client):
    together = asyncio.Barrier(3)

    async def meet(desk):
        await asyncio.wait_for(together.wait(), 10)
        await copy(desk)

    async with serving(client, activities(runs, code=meet, test_plan=meet, infrastructure=meet)):
        finished = await ended(runs, await started(runs, client))
    assert finished.report.status == "verified"


async def test_heavy_stages_of_many_runs_take_turns_and_light_ones_do_not_wait_for_them(runs, client):
    at_work = most = planned = 0
    door = asyncio.Event()

    async def light(desk):
        nonlocal planned
        planned += 1
        if planned == 6:
            door.set()
        await copy(desk)

    async def heavy(desk):
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.wait_for(door.wait(), 20)
        await copy(desk)
        at_work -= 1

    bodies = {"structure": light, "semantic": heavy, "security": heavy, "sandbox_validation": heavy, "dependencies": heavy}
    async with serving(client, activities(runs, **bodies), heavy=2):
        orders = [await started(runs, client) for _ in range(6)]
        finished = await asyncio.gather(*(ended(runs, order, 60) for order in orders))
    assert {each.report.status for each in finished} == {"verified"}
    assert most == 2


async def test_a_cancelled_run_stops_its_stage_and_reports(runs, client):
    at_work, stopped = asyncio.Event(), asyncio.Event()

    async def long(desk):
        at_work.set()
        try:
            await forever(desk)
        finally:
            stopped.set()

    async with serving(client, activities(runs, sandbox_validation=long)):
        run = await started(runs, client)
        await asyncio.wait_for(at_work.wait(), 20)
        await runs.cancel(client, run)
        await asyncio.wait_for(stopped.wait(), 2)
        finished = await ended(runs, run)
    assert finished.report.status == "cancelled" and finished.exit_code == 130
    assert {s.name: s.status for s in finished.report.stages}["capsule"] == "not_run"


async def test_a_run_that_was_written_down_but_never_started_is_started_by_the_next_worker(runs, client):
    run = await runs.add(Request(text="x"), stack="none/none", author="blueprint", preview=False, ttl=60)
    async with serving(client, activities(runs)):
        await runs.start_missing(client)
        await runs.start_missing(client)
        assert (await ended(runs, run)).report.status == "verified"
    assert len([d for d in await runs.metadata.drops(run.id) if d.stage == "frd"]) == 1


async def test_a_rollback_keeps_what_does_not_depend_on_the_drop_and_redoes_the_rest(runs, client):
    ran = []

    async def counted(desk):
        ran.append(desk.task.stage)
        await copy(desk)

    async with serving(client, activities(runs, structure=counted, enhance=counted, code=counted)):
        run = await started(runs, client)
        await ended(runs, run)
        before = {d.stage: d for d in await runs.metadata.drops(run.id, current=True)}
        replacement = before["structure"].model_copy(update={"id": digest_of(b"mended by hand")})
        await runs.metadata.ledger.hold(replacement.id, 14, Owner())
        await runs.blobs.put(b"mended by hand")
        again = await runs.rollback(client, await runs.find(run.id), replacement)
        await ended(runs, again)
    after = {d.stage: d for d in await runs.metadata.drops(run.id, current=True)}
    assert ran == ["enhance", "structure", "code", "code"]
    assert after["structure"].id == replacement.id and after["structure"].version == 2
    assert after["code"].id != before["code"].id and after["structure"].id in after["code"].parents
    assert after["frd"] == before["frd"]


async def test_a_run_that_a_full_disk_ended_goes_on_where_it_stopped_once_there_is_room(runs, client):
    ran, full = [], True

    async def counted(desk):
        ran.append(desk.task.stage)
        await copy(desk)

    async def troubled(desk):
        await counted(desk)
        if full:
            raise EnvironmentError_("the disk is full", hint="free some disk space and run `ql resume`")

    async with serving(client, activities(runs, structure=counted, test_code=troubled, capsule=counted)):
        run = await started(runs, client)
        stopped = await ended(runs, run)
        assert stopped.report.status == "failed" and stopped.exit_code == 4 and stopped.stopped
        full = False
        again = await runs.resume(client, await runs.find(run.id))
        finished = await ended(runs, again)
        assert finished.report.status == "verified"
        assert ran == ["structure", "test code", "test code", "capsule"]
        # What came to its end stays.
        assert await runs.resume(client, await runs.find(run.id)) == await runs.find(run.id)
    assert ran == ["structure", "test code", "test code", "capsule"]
    assert {d.version for d in await runs.metadata.drops(run.id) if d.stage == "structure"} == {1}


async def test_a_request_that_cannot_be_built_is_not_taken_up_again(runs, client):
    async def refused(desk):
        raise UserError("this is no application")

    async with serving(client, activities(runs, enhance=refused)):
        run = await started(runs, client)
        assert (await ended(runs, run)).exit_code == 2
        again = await runs.resume(client, await runs.find(run.id))
    assert (again.execution, again.status) == (1, "failed")


def test_a_title_commands_no_terminal():
    assert title_of(Request(text="A to-do\x1b[2J API:\n\u202etasks\u202c")) == "A to-do [2J API: tasks"
    assert len(title_of(Request(text="x" * 1000))) == TITLE_LENGTH
