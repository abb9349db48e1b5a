"""Nothing that is needed is ever collected, whatever happens at the same time."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantumlayer.delivery.registry import open_registry
from quantumlayer.delivery.table_registry import TableRegistry
from quantumlayer.delivery.values import Preview
from quantumlayer.ports.store import Drop, Producer
from quantumlayer.stores.collector import Collector
from quantumlayer.stores.digests import digest_of
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.keep import keep_drop, keep_run
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.values import Owner, Run

NOW = timedelta(0)
DAYS = timedelta(days=1)


class Platform:
    """The stores, with runs and drops in few words."""

    def __init__(self, metadata, blobs):
        self.metadata, self.blobs = metadata, blobs
        self.registry = TableRegistry(metadata.engine)
        self.collector = Collector(metadata, blobs, self.registry, grace=NOW)

    async def run(self, run_id, status="verified", content=None):
        now = datetime.now(UTC)
        content = content or f"request of {run_id}".encode()
        run = Run(id=run_id, created_at=now, status="running", title=run_id, order={"inputs": {"request": digest_of(content)}})
        await keep_run(self.metadata, self.blobs, run, content, a_drop(run_id, content, "order", "request"))
        if status != "running":
            await self.metadata.finish_run(run_id, 1, status, {})
        return run_id

    async def drop(self, run_id, content, stage="code", parents=()):
        drop = a_drop(run_id, content, stage, "source", tuple(map(digest_of, parents)))
        return await keep_drop(self.metadata, self.blobs, content, drop, Owner())

    async def collect(self, older_than=NOW, **options):
        return await self.collector.collect(datetime.now(UTC) - older_than, **options)

    async def contents(self):
        return {await self.blobs.get(stored.id) async for stored in self.blobs.stored()}

    async def whole(self):
        """Whether every drop that is listed can be read."""
        for run in await self.metadata.runs(1000):
            for drop in await self.metadata.drops(run.id):
                await self.blobs.get(drop.id)


def a_drop(run_id, content, stage, kind, parents=()):
    return Drop(
        id=digest_of(content), run=run_id, stage=stage, kind=kind, version=0, parents=parents, created_at=datetime.now(UTC),
        producer=Producer(component="x", version="1"), size=len(content), media_type="application/octet-stream",
    )  # fmt: skip


@pytest.fixture
async def platform(metadata, tmp_path):
    return Platform(metadata, FolderBlobs(tmp_path / "drops"))


async def test_an_old_run_goes_with_all_it_made_and_a_young_one_stays(platform):
    await platform.run("old")
    await platform.drop("old", b"of the old one")
    await platform.drop("old", b"shared")
    assert (await platform.collect(DAYS)).runs == ()
    cut = datetime.now(UTC)
    await platform.run("young")
    await platform.drop("young", b"shared")
    collected = await platform.collector.collect(cut)
    assert collected.runs == ("old",)
    assert await platform.contents() == {b"request of young", b"shared"}
    assert (collected.contents, collected.bytes) == (2, len(b"of the old one") + len(b"request of old"))
    assert await platform.metadata.run("old") is None and await platform.metadata.events("old") == ()
    await platform.whole()


async def test_a_running_run_keeps_everything(platform):
    await platform.run("r", "running")
    for content in (b"first", b"second", b"third"):
        await platform.drop("r", content)
    assert (await platform.collect()).contents == 0
    assert await platform.contents() == {b"request of r", b"first", b"second", b"third"}


async def test_a_run_with_a_live_preview_is_kept_until_the_preview_is_over(platform):
    await platform.run("r")
    registry = platform.registry
    now = datetime.now(UTC)
    preview = Preview(id="p", run="r", capsule="/c", created_at=now, expires_at=now + timedelta(hours=1), state="ready")
    await registry.add(preview)
    assert (await platform.collect()).runs == ()
    await registry.change("p", state="revoked")
    assert (await platform.collect()).runs == ("r",)
    assert await registry.get("p") is None


async def test_a_run_whose_preview_is_registered_in_redis_is_kept_too(platform, redis_url):
    await platform.run("r")
    elsewhere = open_registry(platform.metadata.engine, redis_url)
    now = datetime.now(UTC)
    preview = Preview(id="p", run="r", capsule="/c", created_at=now, expires_at=now + timedelta(hours=1), state="ready")
    await elsewhere.add(preview)
    collector = Collector(platform.metadata, platform.blobs, elsewhere, grace=NOW)
    assert (await collector.collect(datetime.now(UTC))).runs == ()
    assert await collector.oldest_use() == now
    await elsewhere.change("p", state="revoked")
    assert (await collector.collect(datetime.now(UTC))).runs == ("r",)
    await elsewhere.close()


async def test_replaced_versions_go_but_not_what_a_current_drop_was_made_from(platform):
    await platform.run("r")
    await platform.drop("r", b"spec 1", "requirements")
    await platform.drop("r", b"code 1", parents=(b"spec 1",))
    await platform.drop("r", b"spec 2", "requirements")
    cut = datetime.now(UTC)
    await platform.metadata.restart_run("r", 2, {})
    await platform.metadata.finish_run("r", 2, "verified", {})
    collected = await platform.collector.collect(cut)
    # The code is still current, and it was made from the first spec.
    assert (collected.runs, collected.superseded, collected.contents) == ((), 0, 0)
    await platform.drop("r", b"code 2", parents=(b"spec 2",))
    collected = await platform.collector.collect(cut)
    assert (collected.superseded, collected.contents) == (2, 2)
    assert await platform.contents() == {b"request of r", b"spec 2", b"code 2"}


async def test_a_dry_run_tells_the_same_and_deletes_nothing(platform):
    for name in ("a", "b"):
        await platform.run(name)
        await platform.drop(name, b"shared")
        await platform.drop(name, f"only {name}".encode())
    before = await platform.contents()
    told = await platform.collect(dry_run=True)
    assert await platform.contents() == before
    done = await platform.collect()
    assert told.model_copy(update={"dry_run": False}) == done
    assert done.contents == 5 and await platform.contents() == set()


async def test_contents_of_another_database_are_told_and_left_alone(platform):
    await platform.blobs.put(b"of somebody else")
    collected = await platform.collect()
    assert (collected.contents, collected.unknown, collected.unknown_bytes) == (0, 1, 16)
    assert await platform.contents() == {b"of somebody else"}


async def test_a_rollback_before_the_sweep_keeps_the_run(platform):
    await platform.run("r")
    await platform.drop("r", b"one")
    expired = await platform.collector._expired(datetime.now(UTC))
    assert expired == ["r"]
    assert await platform.metadata.restart_run("r", 2, {})
    assert not await platform.collector._delete_run("r", datetime.now(UTC))
    await platform.collect()
    await platform.whole()
    assert b"one" in await platform.contents()


async def test_a_rollback_after_the_sweep_is_told(platform):
    await platform.run("r")
    await platform.collect()
    assert not await platform.metadata.restart_run("r", 2, {})


async def test_bytes_collected_between_storing_and_listing_are_stored_again(platform):
    await platform.run("r", "running")
    drop = a_drop("r", b"slow", "code", "source")
    await platform.metadata.ledger.hold(drop.id, drop.size, Owner())
    await platform.blobs.put(b"slow")
    collecting = platform.blobs.delete
    assert (await platform.collect()).contents == 1
    assert platform.blobs.delete == collecting
    await platform.drop("r", b"slow")
    await platform.whole()


class Paused:
    """Blobs whose every operation waits for its turn, so that a test decides what happens in which order."""

    def __init__(self, blobs, chance):
        self._blobs, self._chance = blobs, chance

    def __getattr__(self, name):
        inner = getattr(self._blobs, name)

        async def slowly(*arguments):
            await asyncio.sleep(self._chance.choice((0, 0, 0.001, 0.004)))
            result = await inner(*arguments)
            await asyncio.sleep(self._chance.choice((0, 0, 0.001, 0.004)))
            return result

        return slowly

    def stored(self):
        return self._blobs.stored()


CONTENTS = st.sampled_from([b"a", b"b", b"c"])
WRITERS = st.lists(st.lists(st.tuples(CONTENTS, st.booleans()), min_size=1, max_size=4), min_size=2, max_size=4)


async def interleave(metadata, blobs, writers, collectors, seed):
    """Writers that store few contents again and again, and end, beside collectors without any grace."""
    chance = random.Random(seed)
    platform = Platform(metadata, Paused(blobs, chance))
    name = random.Random().randbytes(6).hex()

    async def write(number, steps):
        run = await platform.run(f"{name}-{number}", "running")
        for content, ends in steps:
            await platform.drop(run, content)
            if ends:
                await platform.metadata.finish_run(run, 1, "verified", {})
                await asyncio.sleep(chance.choice((0, 0.002)))
                if not await platform.metadata.restart_run(run, 2, {}):
                    return
                await platform.metadata.finish_run(run, 2, "failed", {})
                return

    async def sweep():
        for _ in range(4):
            await platform.collect()
            await asyncio.sleep(chance.choice((0, 0.003)))

    await asyncio.gather(*(write(*each) for each in enumerate(writers)), *(sweep() for _ in range(collectors)))
    readable = Platform(metadata, blobs)
    await readable.whole()
    for run in await metadata.unfinished():
        await metadata.finish_run(run.id, run.execution, "failed", {})
    await readable.collect()
    assert await readable.contents() == set() and await metadata.ledger.known() == set()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writers=WRITERS, collectors=st.integers(1, 2), seed=st.integers(0, 2**16))
def test_a_drop_that_is_listed_can_be_read_whatever_is_collected_meanwhile(place, tmp_path, writers, collectors, seed):
    async def example():
        metadata = Metadata(place)
        await metadata.prepare()
        try:
            await interleave(metadata, FolderBlobs(tmp_path / "drops"), writers, collectors, seed)
        finally:
            await metadata.close()

    asyncio.run(example())
