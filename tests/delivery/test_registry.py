"""What holds of a registry of previews, wherever it is kept."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.previews import revoke
from quantumlayer.delivery.registry import open_registry
from quantumlayer.delivery.values import LIVE, Lease, Preview, new_id, now
from quantumlayer.errors import EnvironmentError_, UserError

ONE, OTHER = (Lease(holder=name, address=f"{name}:1", key=f"key of {name}") for name in ("one", "other"))


def a_preview(run="run1", seconds=60, **fields):
    start = now()
    return Preview(
        id=new_id(), run=run, capsule=Path("/c"), created_at=start, expires_at=start + timedelta(seconds=seconds), **fields
    )


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def places(request, tmp_path):
    """The address of the database, and of Redis where that is used instead."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql").replace("postgresql://", "postgresql+asyncpg://"), ""
    redis_url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    return f"sqlite+aiosqlite:///{tmp_path}/metadata.db", redis_url


@pytest.fixture
async def registry(places):
    engine = create_async_engine(places[0])
    found = open_registry(engine, places[1])
    await found.prepare()
    yield found
    await found.close()
    await engine.dispose()


async def test_what_is_stored_comes_back(registry):
    preview = a_preview(environment={"ADMIN_PASSWORD": "ä"}, password="hash", creator="somebody")
    assert await registry.add(preview) == preview
    assert await registry.get(preview.id) == await registry.of_run("run1") == preview
    assert await registry.get("nosuch") is None and await registry.of_run("nosuch") is None


async def test_of_many_at_once_for_a_run_one_is_stored(registry):
    added = await asyncio.gather(*(registry.add(a_preview()) for _ in range(8)))
    assert len({preview.id for preview in added}) == 1
    assert len(await registry.all()) == 1


async def test_a_preview_that_is_over_gives_up_its_run_and_its_lease(registry, tmp_path):
    preview = await registry.add(a_preview())
    assert await registry.claim([preview.id], ONE, 60) == {preview.id}
    await revoke(registry, PreviewHome(tmp_path), preview.id)
    assert await registry.lease(preview.id) is None
    assert await registry.of_run("run1") is None
    assert (await registry.get(preview.id)).state == "revoked"
    assert await registry.change(preview.id, state="ready") is None
    assert (await registry.add(a_preview())).id != preview.id


async def test_previews_are_listed_by_state_newest_first(registry):
    previews = [await registry.add(a_preview(f"run{number}")) for number in range(4)]
    await registry.change(previews[1].id, state="ready")
    await registry.change(previews[2].id, state="revoked")
    assert [p.run for p in await registry.all()] == ["run3", "run2", "run1", "run0"]
    assert [p.run for p in await registry.all(*LIVE)] == ["run3", "run1", "run0"]
    assert [p.run for p in await registry.all("ready", "revoked")] == ["run2", "run1"]


async def test_no_count_is_lost_between_other_changes(registry):
    preview = await registry.add(a_preview())
    counts = [registry.count(preview.id, 3, now()) for _ in range(10)]
    changes = [registry.change(preview.id, message=str(number)) for number in range(10)]
    await asyncio.gather(*counts, *changes)
    assert (await registry.get(preview.id)).requests == 30


async def test_one_holder_at_a_time_until_it_is_silent(registry):
    ids = [(await registry.add(a_preview(f"run{number}"))).id for number in range(3)]
    taken = await asyncio.gather(registry.claim(ids, ONE, 1.0), registry.claim(ids, OTHER, 1.0))
    assert taken[0] | taken[1] == set(ids) and not taken[0] & taken[1]
    first, second = (ONE, OTHER) if taken[0] else (OTHER, ONE)
    assert await registry.claim(ids, second, 1.0) == (taken[1] if taken[0] else taken[0]) - (taken[0] or taken[1])
    assert await registry.lease(ids[0]) in (ONE, OTHER)
    restarted = first.model_copy(update={"address": "elsewhere:2", "key": "new"})
    kept = taken[0] or taken[1]
    assert await registry.claim(kept, restarted, 0.5) == kept
    assert await registry.lease(min(kept)) == restarted
    await asyncio.sleep(0.6)
    assert await registry.lease(min(kept)) is None
    assert await registry.claim(kept, second, 60) == kept


async def test_nothing_is_claimed_of_nothing(registry):
    assert await registry.claim([], ONE, 60) == frozenset()
    assert await registry.claim(["nosuch"], ONE, 60) <= {"nosuch"}
    assert await registry.get("nosuch") is None


async def test_a_redis_that_is_not_there_or_no_address_is_told(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/metadata.db")
    with pytest.raises(EnvironmentError_, match="does not answer"):
        await open_registry(engine, "redis://127.0.0.1:1").prepare()
    with pytest.raises(UserError, match="REDIS_URL") as refused:
        open_registry(engine, "http://:secret@127.0.0.1")
    assert "secret" not in str(refused.value)
    await engine.dispose()
