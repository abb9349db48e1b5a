"""`ql gc` on one machine, quotas, and the guards at the door of a run."""

import os
import time
from datetime import timedelta

import pytest

from quantumlayer.cli.sizes import parse_size, shown_size
from quantumlayer.delivery.table_registry import TableRegistry
from quantumlayer.errors import UserError
from quantumlayer.evidence.stale_environments import delete_stale_downloads, delete_stale_environments, marked_as_used
from quantumlayer.pipeline.client import Runs
from quantumlayer.request.values import Request
from quantumlayer.stores import space
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.retention import clean
from quantumlayer.stores.space import OutOfSpace, check_space
from quantumlayer.stores.values import Owner

NOTHING = timedelta(0)
OLD = time.time() - 40 * 24 * 3600


@pytest.fixture
async def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
async def runs(home):
    metadata = Metadata(home.database)
    await metadata.prepare()
    yield Runs(metadata, FolderBlobs(home.drops))
    await metadata.close()


def environment(home, name, used):
    folder = home.caches / "environments" / name
    (folder / "installed").mkdir(parents=True)
    (folder / "installed" / "file").write_bytes(b"x" * 1000)
    (folder / "whole.json").write_text("{}")
    os.utime(folder / "whole.json", (used, used))
    return folder


async def ask(runs, text="A list of things", owner=Owner()):
    return await runs.add(Request(text=text), stack="python/fastapi", author="blueprint", preview=False, ttl=60, owner=owner)


def cleaned_by(home, runs, older_than, **more):
    return clean(home, runs.metadata, runs.blobs, TableRegistry(runs.metadata.engine), older_than, **more)


async def test_old_runs_go_with_their_capsules_and_unused_caches(home, runs):
    run = await ask(runs)
    await runs.metadata.finish_run(run.id, 1, "verified", {})
    home.capsules.mkdir()
    capsule, foreign = home.capsules / f"{run.id}.capsule", home.capsules / "not-of-ours.capsule"
    capsule.write_bytes(b"c" * 50)
    foreign.write_bytes(b"f")
    old, new = environment(home, "old", OLD), environment(home, "new", time.time())
    (abandoned := home.root / "work" / "0123").mkdir(parents=True)
    abandoned.with_suffix(".claim").touch()

    assert (await cleaned_by(home, runs, timedelta(days=30), dry_run=True)).environments == 1
    assert old.exists() and abandoned.exists()
    cleaned = await cleaned_by(home, runs, timedelta(days=30))
    assert (cleaned.environments, cleaned.capsules, cleaned.collected.runs) == (1, 0, ())
    assert cleaned.environment_bytes >= 1000
    assert new.exists() and not old.exists() and not abandoned.exists()

    cleaned = await cleaned_by(home, runs, NOTHING, grace=NOTHING)
    assert (cleaned.capsules, cleaned.capsule_bytes, cleaned.collected.runs) == (1, 50, (run.id,))
    assert not capsule.exists() and foreign.exists() and not new.exists()
    assert [stored async for stored in runs.blobs.stored()] == []


async def test_what_a_run_that_goes_on_may_use_stays(home, runs):
    await ask(runs)
    used_by_it = environment(home, "used", time.time() + 1)
    unused = environment(home, "unused", OLD)
    cleaned = await cleaned_by(home, runs, NOTHING, grace=NOTHING)
    assert (cleaned.collected.runs, cleaned.collected.contents) == ((), 0)
    assert used_by_it.exists() and not unused.exists()


def test_an_environment_that_is_being_taken_is_not_deleted(home):
    entry = environment(home, "taken", OLD)
    with marked_as_used(entry):
        pass
    assert delete_stale_environments(home.caches, time.time() - 60).count == 0
    assert (entry / "installed" / "file").exists()


def test_downloads_go_as_a_whole_when_nobody_used_them(home):
    for name, used in (("uv", OLD), ("other", time.time())):
        folder = home.caches / "downloads" / "python" / name
        folder.mkdir(parents=True)
        (folder / "wheel").write_bytes(b"w" * 10)
        os.utime(folder, (used, used))
    assert delete_stale_downloads(home.caches, time.time() - 60, dry_run=True).bytes == 10
    assert delete_stale_downloads(home.caches, time.time() - 60).count == 1
    assert sorted(p.name for p in (home.caches / "downloads" / "python").iterdir()) == ["other"]


async def test_a_used_up_quota_refuses_the_next_run_of_that_organisation_alone(runs):
    theirs, ledger = Owner(organisation="theirs"), runs.metadata.ledger
    first = await ask(runs, owner=theirs)
    size = (await runs.metadata.drops(first.id))[0].size
    assert (await ledger.usage("theirs")).bytes == size
    await ledger.limit("theirs", size, theirs)
    with pytest.raises(OutOfSpace, match="theirs") as caught:
        await ask(runs, "Another list", theirs)
    assert caught.value.exit_code == 4 and "ql gc" in caught.value.hint
    assert len(await runs.metadata.runs()) == 1
    await ask(runs, "Another list", Owner(organisation="ours"))
    await ledger.limit("theirs", None, theirs)
    await ask(runs, "Another list", theirs)
    assert (await ledger.usage("theirs")).quota is None


async def test_the_same_content_counts_once(runs):
    await ask(runs)
    once = (await runs.metadata.ledger.usage("local")).bytes
    await ask(runs)
    assert (await runs.metadata.ledger.usage("local")).bytes == once > 0


async def test_too_little_space_refuses_a_run_before_anything_is_written(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(space, "FREE_BYTES", 2**62)
    with pytest.raises(OutOfSpace, match="MiB are free") as caught:
        await ask(runs)
    assert caught.value.exit_code == 4 and "ql gc" in caught.value.hint
    assert await runs.metadata.runs() == () and [stored async for stored in runs.blobs.stored()] == []
    with pytest.raises(OutOfSpace):
        check_space(tmp_path / "not" / "there" / "yet")


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("1000", 1000), ("500MB", 500_000_000), ("1.5 GiB", 3 * 2**29), ("2k", 2000)]
)
def test_sizes_are_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "1 XB", "1e9", "ten"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UserError):
        parse_size(text)


def test_sizes_are_shown():
    assert [shown_size(size) for size in (0, 1023, 1024, 5 * 2**30, 3 * 2**50)] == [
        "0 bytes", "1023 bytes", "1.0 KiB", "5.0 GiB", "3072.0 TiB",
    ]  # fmt: skip


async def test_what_a_run_starts_from_is_a_drop_of_it(runs):
    run = await ask(runs)
    stored = await runs.metadata.drops(run.id)
    assert [(drop.stage, drop.kind, drop.version) for drop in stored] == [("order", "request", 1)]
    assert Request.model_validate_json(await runs.blobs.get(stored[0].id)).text == "A list of things"
