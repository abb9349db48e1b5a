"""What is S3's alone; the promises of every store are in the conformance suite."""

import asyncio
import contextlib
import threading
import time
from datetime import timedelta

import httpx
import pytest

from quantumlayer.catalog.blobs import open_blobs
from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.ports.store import Unreachable
from quantumlayer.server.supervisor import free_port
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.patient import PatientBlobs
from quantumlayer.stores.s3 import S3Blobs


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "key")


async def test_a_store_that_comes_back_is_waited_for(s3_server, monkeypatch):
    port = free_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    store, done = S3Blobs("s3://late", patience=timedelta(seconds=0.2)), threading.Event()

    def serve():
        time.sleep(0.5)
        with s3_server(port) as endpoint:
            httpx.put(f"{endpoint}/late").raise_for_status()
            done.wait()

    with pytest.raises(Unreachable, match="late") as caught:
        await store.put(b"early")
    assert "AWS_ENDPOINT_URL" in caught.value.hint
    serving = asyncio.create_task(asyncio.to_thread(serve))
    try:
        patient = PatientBlobs(store, 30.0)
        while True:
            # The server may answer before the bucket is there; that is no outage, so it is told at once.
            with contextlib.suppress(EnvironmentError_):
                assert await patient.get(await patient.put(b"late")) == b"late"
                break
    finally:
        done.set()
        await serving


async def test_a_bucket_that_is_not_there_is_named_with_a_mend(s3_endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    with pytest.raises(EnvironmentError_, match="no-such-bucket") as caught:
        await S3Blobs("s3://no-such-bucket").put(b"x")
    assert not isinstance(caught.value, Unreachable)
    assert "bucket" in caught.value.hint


@pytest.mark.parametrize("place", ["gs://bucket", "s3://", "s3://bucket/../other", "s3://UPPER", "folder://x", "s3://b/a//b"])
def test_an_address_that_is_none_is_refused(place):
    with pytest.raises(UserError) as caught:
        open_blobs(place)
    assert "s3://" in caught.value.hint


def test_a_path_is_a_folder(tmp_path):
    for place in (str(tmp_path), f"file://{tmp_path}"):
        opened = open_blobs(place)
        assert isinstance(opened, FolderBlobs)
        assert opened.folder == tmp_path
