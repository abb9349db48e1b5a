import asyncio
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from quantumlayer.errors import EnvironmentError_
from quantumlayer.ports.store import Drop, Producer
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.values import Owner, Run

OWNER = Owner(organisation="o", project="p", creator="c")


def a_run(run_id="r1", **fields):
    return Run(id=run_id, created_at=datetime.now(UTC), status="running", title="a", order={}, owner=OWNER).model_copy(
        update=fields
    )


def a_drop(digest="a" * 64, kind="spec", **fields):
    producer = Producer(component="x", version="1")
    return Drop(
        id=digest, run="r1", stage="requirements", kind=kind, version=0, created_at=datetime.now(UTC),
        producer=producer, size=1, media_type="application/json", parents=("b" * 64,),
    ).model_copy(update=fields)  # fmt: skip


async def test_a_run_comes_back_with_its_owner(metadata):
    run = a_run()
    await metadata.add_run(run)
    await metadata.add_run(a_run(title="another text"))
    assert await metadata.run("r1") == run
    assert await metadata.run("r2") is None
    assert await metadata.any_running()


async def test_an_ended_run_is_no_longer_running_and_an_older_execution_cannot_end_it(metadata):
    await metadata.add_run(a_run())
    await metadata.restart_run("r1", 2, {"again": True})
    await metadata.finish_run("r1", 1, "failed", {"old": True})
    assert (await metadata.run("r1")).status == "running"
    await metadata.finish_run("r1", 2, "verified", {"new": True})
    assert (await metadata.run("r1")).report == {"new": True}
    assert not await metadata.any_running()


@pytest.fixture
async def drops(metadata):
    """Stores drops whose bytes are in the ledger."""

    async def add(drop):
        await metadata.ledger.hold(drop.id, drop.size, OWNER)
        return await metadata.add_drop(drop, OWNER)

    return add


async def test_the_same_drop_twice_is_one_version_another_is_the_next(metadata, drops):
    first = await drops(a_drop())
    again = await drops(a_drop())
    second = await drops(a_drop("c" * 64))
    assert (first.version, again.version, second.version) == (1, 1, 2)
    assert [d.id for d in await metadata.drops("r1", current=True)] == ["c" * 64]


async def test_an_earlier_drop_made_current_again_is_a_new_version(metadata, drops):
    await drops(a_drop())
    await drops(a_drop("c" * 64))
    back = await drops(a_drop())
    assert back.version == 3
    assert [d.id for d in await metadata.drops("r1", current=True)] == ["a" * 64]


async def test_drops_stored_at_once_get_different_versions(metadata, drops):
    stored = await asyncio.gather(*(drops(a_drop(f"{n:064x}")) for n in range(20)))
    assert sorted(d.version for d in stored) == list(range(1, 21))
    assert len(await metadata.drops("r1", current=True)) == 1


WRITER = """
import asyncio, sys
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.values import Owner

async def main():
    metadata = Metadata(sys.argv[1])
    for n in range(40):
        await metadata.add_event("r1", f"{sys.argv[2]}/{n}", "log", {"n": n}, Owner())
asyncio.run(main())
"""


async def test_events_of_several_processes_are_numbered_without_gaps(metadata):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(metadata.path), str(n)]) for n in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    events = await metadata.events("r1")
    assert [e.number for e in events] == list(range(1, 121))
    assert [e.number for e in await metadata.events("r1", after=118)] == [119, 120]


async def test_the_same_event_told_twice_is_one(metadata):
    for _ in range(3):
        await metadata.add_event("r1", "key", "log", {}, OWNER)
    assert len(await metadata.events("r1")) == 1


async def test_news_tell_how_a_run_stands_and_what_is_new(metadata):
    assert await metadata.news("nobody") == (None, ())
    await metadata.add_run(a_run())
    assert await metadata.news("r1") == ("running", ())
    for key in "abc":
        await metadata.add_event("r1", key, "log", {"key": key}, OWNER)
    assert await metadata.news("r1") == ("running", await metadata.events("r1"))
    assert [event.number for event in (await metadata.news("r1", 1))[1]] == [2, 3]
    await metadata.finish_run("r1", 1, "verified", {})
    assert await metadata.news("r1", 3) == ("verified", ())


async def test_a_file_that_is_no_database_is_named_with_a_mend(tmp_path):
    path = tmp_path / "metadata.db"
    path.write_text("this is not a database, but a text that is long enough to be looked at\n" * 20)
    with pytest.raises(EnvironmentError_, match="metadata.db") as caught:
        await Metadata(path).prepare()
    assert "move" in caught.value.hint
