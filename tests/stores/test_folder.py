import asyncio
import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.stores.folder import FolderBlobs


@pytest.fixture
def blobs(tmp_path):
    return FolderBlobs(tmp_path / "drops")


async def test_same_bytes_are_stored_once_and_come_back(blobs):
    ids = await asyncio.gather(*(blobs.put(b"hello") for _ in range(20)))
    assert set(ids) == {hashlib.sha256(b"hello").hexdigest()}
    assert await blobs.get(ids[0]) == b"hello"
    assert [p.name for p in blobs.folder.rglob("*") if p.is_file()] == [ids[0][2:]]


@given(content=st.binary(max_size=200))
def test_every_content_comes_back(tmp_path_factory, content):
    blobs = FolderBlobs(tmp_path_factory.getbasetemp() / "any")
    assert asyncio.run(blobs.get(asyncio.run(blobs.put(content)))) == content


async def test_a_damaged_drop_is_noticed_and_mended_by_storing_it_again(blobs):
    digest = await blobs.put(b"hello")
    path = blobs.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"hellO")
    with pytest.raises(EnvironmentError_, match="damaged"):
        await blobs.get(digest)
    assert await blobs.put(b"hello") == digest
    assert await blobs.get(digest) == b"hello"


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "A" * 64, "a" * 63, "0" * 62 + "/x"])
async def test_only_digests_are_looked_up(blobs, name):
    with pytest.raises(UserError, match="not a drop id"):
        await blobs.get(name)


async def test_an_unknown_drop_names_the_command_that_lists_them(blobs):
    with pytest.raises(UserError) as caught:
        await blobs.get("0" * 64)
    assert "ql drops" in caught.value.hint


async def test_a_full_disk_leaves_nothing_half_written(blobs, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentError_, match="No space left") as caught:
        await blobs.put(b"much")
    assert "free" in caught.value.hint
    assert [p for p in blobs.folder.rglob("*") if p.is_file()] == []
