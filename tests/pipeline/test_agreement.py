"""Runs that wait for a person: on the real workflow, worker and stores, with documents that are really drafted."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from scripted import activities, ended, started
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from quantumlayer.errors import UserError
from quantumlayer.pipeline.approval.decide import awaited, decide, document_text, waiting
from quantumlayer.pipeline.approval.values import Agreement, Reply
from quantumlayer.pipeline.codecs import decode
from quantumlayer.pipeline.serving import serving
from quantumlayer.pipeline.workflow import Generate
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Brief, Request
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.frd import Frd
from quantumlayer.spec.values import Spec

TEXT = (
    "A library: books have a title. Members can borrow at most 3 books. Members can borrow at most 5 books. "
    "The price is computed by magic."
)


async def brief(desk):
    await desk.save("brief", enhance(await desk.load("request", Request)))


async def frd(desk):
    await desk.save("frd", draft_frd(await desk.load("brief", Brief)))


async def requirements(desk):
    await desk.save("spec", draft_spec(await desk.load("frd", Frd)))


DRAFTING = {"enhance": brief, "frd": frd, "requirements": requirements}


async def waits(runs, run, document, other_than=None, seconds=30):
    """What waits, once it is that document and not the one before."""

    async def look():
        while True:
            found = await awaited(runs, await runs.find(run.id))
            if found is not None and found.document == document and found.drop != other_than:
                return found
            await asyncio.sleep(0.02)

    return await asyncio.wait_for(look(), seconds)


async def trail(runs, run):
    found = [d for d in await runs.metadata.drops(run.id, current=True) if d.kind.endswith("_agreement")]
    return [entry for drop in found for entry in decode(await runs.blobs.get(drop.id), tuple[Agreement, ...])]


async def test_questions_are_asked_documents_approved_and_all_of_it_written_down(runs, client):
    async with serving(client, activities(runs, **DRAFTING)):
        run = await started(runs, client, TEXT, patience=60)
        first = await waits(runs, run, "frd")
        assert [q.about for q in first.questions] == [("R2", "R3"), ("R4",)]
        second = await decide(
            runs, client, run, first, "answered", "ada", Reply(answers={"Q1": "R3", "Q2": "Books have a price."})
        )
        assert second.document == "frd" and second.drop != first.drop and second.questions == ()
        assert await decide(runs, client, run, second, "approved", "bob") is None
        third = await waits(runs, run, "spec")
        text = (await document_text(runs, third)).replace("name: Library", "name: Town Library")
        fourth = await decide(runs, client, run, third, "edited", "ada", Reply(text=text))
        await decide(runs, client, run, fourth, "approved", "ada")
        finished = await ended(runs, run)
        history = await client.get_workflow_handle(run.id).fetch_history()
    assert finished.report.status == "verified"
    current = {(d.stage, d.kind): d for d in await runs.metadata.drops(run.id, current=True)}
    spec = decode(await runs.blobs.get(current["requirements", "spec"].id), Spec)
    assert spec.name == "Town Library" and "price" in spec.entities["book"].fields
    assert current["requirements", "spec"].id in current["structure", "structure"].parents
    entries = await trail(runs, run)
    assert [(e.document, e.act, e.by) for e in entries] == [
        ("frd", "answered", "ada"),
        ("frd", "approved", "bob"),
        ("spec", "edited", "ada"),
        ("spec", "approved", "ada"),
    ]
    assert entries[1].before == entries[1].after == current["frd", "frd"].id == second.drop
    assert entries[0].answers["Q1"] == "R3" and entries[0].before == first.drop and entries[0].after == second.drop
    assert "price" not in history.to_json(), "texts stay out of the workflow"
    replayed = WorkflowHistory.from_json(run.id, history.to_json())
    await Replayer(workflows=[Generate], data_converter=pydantic_data_converter).replay_workflow(replayed)


async def test_a_rejected_document_ends_the_run_with_who_and_why(runs, client):
    async with serving(client, activities(runs, **DRAFTING)):
        run = await started(runs, client, TEXT, patience=60)
        await decide(runs, client, run, await waits(runs, run, "frd"), "rejected", "ada", Reply(reason="too vague"))
        finished = await ended(runs, run)
    assert finished.report.status == "cancelled" and finished.exit_code == 130
    assert finished.problem.message == "ada rejected the requirements: too vague"
    stages = {s.name: s for s in finished.report.stages}
    assert stages["frd"].reason == finished.problem.message and stages["requirements"].status == "not_run"
    assert [(e.act, e.reason) for e in await trail(runs, run)] == [("rejected", "too vague")]


async def test_a_run_that_nobody_answers_ends_and_says_so(runs, client):
    async with serving(client, activities(runs, **DRAFTING)):
        run = await started(runs, client, TEXT, patience=1)
        finished = await ended(runs, run)
    assert finished.report.status == "cancelled"
    assert (
        finished.problem.message == "nobody decided about the requirements in time"
        and "--answer-within" in finished.problem.hint
    )
    assert [(e.act, e.by) for e in await trail(runs, run)] == [("expired", "")]
    with pytest.raises(UserError, match="ended"):
        await waiting(runs, await runs.find(run.id))


async def test_what_cannot_be_taken_changes_nothing(runs, client):
    async with serving(client, activities(runs, **DRAFTING)):
        run = await started(runs, client, TEXT, patience=60)
        first = await waits(runs, run, "frd")
        for reply, told in [
            (Reply(answers={"Q9": "yes"}), "no open question 'Q9'"),
            (Reply(answers={"Q1": " "}), "no text"),
            (Reply(answers={"Q1": "x" * 5000}), "at most"),
            (Reply(answers={"Q2": "Книги имеют цену и название и автора."}), "script"),
            (Reply(), "no answer"),
        ]:
            with pytest.raises(UserError, match=told):
                await decide(runs, client, run, first, "answered", "ada", reply)
        for text in ("- a list", "requirements: {}", "name: x\nrequirements: {R1: [1]}", "name: x\nsecrets: {}", "\0", ""):
            with pytest.raises(UserError):
                await decide(runs, client, run, first, "edited", "ada", Reply(text=text))
        assert (await waits(runs, run, "frd")).drop == first.drop and await trail(runs, run) == []
        second = await decide(runs, client, run, first, "answered", "ada", Reply(answers={"Q2": "drop"}))
        with pytest.raises(UserError, match="changed meanwhile"):
            await decide(runs, client, run, first, "approved", "bob")
        await decide(runs, client, run, second, "approved", "bob")
        assert await decide(runs, client, run, second, "approved", "bob") is None, "said twice is once"
        with pytest.raises(UserError, match="any more"):
            await decide(runs, client, run, second, "rejected", "carl")
        spec = await waits(runs, run, "spec")
        with pytest.raises(UserError, match="entities"):
            await decide(runs, client, run, spec, "edited", "ada", Reply(text="name: x\nentitys: {}"))
        with pytest.raises(UserError, match="read before"):
            await decide(runs, client, run, spec, "answered", "ada", Reply(answers={"Q1": "yes"}))
        await runs.cancel(client, run)
        assert (await ended(runs, run)).report.status == "cancelled"


async def test_two_people_at_once_decide_once(runs, client):
    async with serving(client, activities(runs, **DRAFTING)):
        run = await started(runs, client, TEXT, patience=60)
        first = await waits(runs, run, "frd")
        done = await asyncio.gather(
            *(decide(runs, client, run, first, "approved", f"person {n}") for n in range(4)), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in done) == ["NoneType", "UserError", "UserError", "UserError"]
        assert len(await trail(runs, run)) == 1
        await runs.cancel(client, run)
        await ended(runs, run)


async def test_a_run_waits_on_when_its_worker_ends_and_another_begins(runs, client):
    async with serving(client, activities(runs, **DRAFTING)):
        run = await started(runs, client, TEXT, patience=60)
        first = await waits(runs, run, "frd")
    deciding = asyncio.create_task(decide(runs, client, run, first, "approved", "ada"))
    async with serving(client, activities(runs, **DRAFTING)):
        await asyncio.wait_for(deciding, 20)
        await decide(runs, client, run, await waits(runs, run, "spec"), "approved", "ada")
        assert (await ended(runs, run)).report.status == "verified"
    assert [e.act for e in await trail(runs, run)] == ["approved", "approved"]
    assert len([d for d in await runs.metadata.drops(run.id) if d.kind == "frd"]) == 1


WORKER = """
import asyncio, sys
from pathlib import Path
from scripted import activities
from test_agreement import DRAFTING
from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.pipeline.serving import serving
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.metadata import Metadata

async def main(home, address):
    runs = Runs(Metadata(home / "metadata.db"), FolderBlobs(home / "drops"))
    async with serving(await connect(address), activities(runs, **DRAFTING)):
        await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.matrix
async def test_a_killed_worker_forgets_neither_what_waits_nor_what_was_decided(runs, client, temporal, tmp_path):
    def worker():
        path = os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH", ""))))
        return subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path), temporal], env=os.environ | {"PYTHONPATH": path})

    with worker() as first:
        run = await started(runs, client, TEXT, patience=120)
        waiting_ = await waits(runs, run, "frd")
        answered = await decide(runs, client, run, waiting_, "answered", "ada", Reply(answers={"Q1": "R3", "Q2": "drop"}))
        first.kill()
    deciding = asyncio.create_task(decide(runs, client, run, answered, "approved", "ada"))
    with worker() as second:
        await asyncio.wait_for(deciding, 40)
        await decide(runs, client, run, await waits(runs, run, "spec"), "approved", "bob")
        assert (await ended(runs, run)).report.status == "verified"
        second.kill()
    assert [e.by for e in await trail(runs, run)] == ["ada", "ada", "bob"]
    assert [d.version for d in await runs.metadata.drops(run.id) if d.kind == "frd"] == [1, 2]


async def test_a_rollback_asks_again_only_about_what_is_made_anew(runs, client):
    async with serving(client, activities(runs, **DRAFTING)):
        run = await started(runs, client, TEXT, patience=60)
        first = await waits(runs, run, "frd")
        second = await decide(runs, client, run, first, "answered", "ada", Reply(answers={"Q1": "R3", "Q2": "drop"}))
        await decide(runs, client, run, second, "approved", "ada")
        await decide(runs, client, run, await waits(runs, run, "spec"), "approved", "ada")
        await ended(runs, run)
        kept = next(d for d in await runs.metadata.drops(run.id, current=True) if d.kind == "frd")
        assert kept.id == second.drop and kept.version == 2
        again = await runs.rollback(client, await runs.find(run.id), kept)
        await decide(runs, client, again, await waits(runs, again, "spec"), "approved", "bob")
        finished = await ended(runs, again)
    assert finished.report.status == "verified"
    assert json.loads(json.dumps(again.order))["kept"]["frd"]["drops"]["frd"] == second.drop
