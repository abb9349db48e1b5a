"""The promises of a store, held against a folder and against an object store."""

import contextlib
import itertools
import os
import secrets
import subprocess
from pathlib import Path

import httpx
import pytest
from obstore.store import S3Store

from quantumlayer.conformance.store import TRIALS, Bench, run_trial
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.s3 import S3Blobs

_numbers = itertools.count(1)


def folder_bench(folder):
    async def tamper(digest, content):
        path = FolderBlobs(folder).path(digest)
        path.chmod(0o644)
        path.write_bytes(content)

    async def plant(name, content):
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    @contextlib.asynccontextmanager
    async def full():
        small = folder.parent / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], capture_output=True)
        assert mounted.returncode == 0, mounted.stderr
        try:
            yield FolderBlobs(small / "drops")
        finally:
            subprocess.run(["umount", small], check=True)

    may_mount = os.geteuid() == 0
    return Bench(FolderBlobs, str(folder), tamper, plant, full if may_mount else None, "only root can make a small disk")


def s3_bench(endpoint, monkeypatch):
    bucket = f"drops-{next(_numbers)}-{secrets.token_hex(4)}"
    httpx.put(f"{endpoint}/{bucket}").raise_for_status()
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    by_hand = S3Store(bucket, prefix="pre/fix", endpoint=endpoint, client_options={"allow_http": True})

    async def plant(name, content):
        await by_hand.put_async(name, content)

    async def tamper(digest, content):
        await plant(f"{digest[:2]}/{digest[2:]}", content)

    return Bench(S3Blobs, f"s3://{bucket}/pre/fix", tamper, plant)


@pytest.fixture(params=["folder", "s3"])
def bench(request, tmp_path, monkeypatch):
    if request.param == "s3":
        return s3_bench(request.getfixturevalue("s3_endpoint"), monkeypatch)
    return folder_bench(tmp_path / "drops")


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
async def test_the_store_keeps_its_promises(trial, bench):
    check = await run_trial(bench, trial)
    if trial.name == "full_is_told" and bench.full is None:
        assert (check.status, bool(check.message)) == ("not_run", True)
    else:
        assert check.status == "passed", check.message
