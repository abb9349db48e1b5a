"""Many runs submitted at once through the API: all must end. Throughput, queue time and memory, with several worker processes.

Usage: python benchmarks/throughput.py [--runs 4] [--workers 1,2,4] [--seconds 3600] [--file F] [--again]

`--runs 100` is the measure of the issue. Each run is a whole one, without a preview, of the smallest request there is: no stage
is left out. Resumable row by row: what was measured is kept as lines of JSON in F (default: ql-throughput.jsonl in the
temporary folder) and not repeated unless --again; what the service says is in a file of the same name with the suffix .log.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from table import show

from quantumlayer.pipeline.timing import Timing, timing
from quantumlayer.server.service import read_service
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata

PROMPT = "Notes have a title."
START_SECONDS = 120.0


class Memory(threading.Thread):
    """Looks every half second how much a process and all below it hold, what they share counted once."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak, self._root, self._ended = 0, psutil.Process(pid), threading.Event()

    def run(self) -> None:
        """Until `end`. Reading it costs processor time that the runs then lack."""
        while not self._ended.wait(2.0):
            total = 0
            for process in [self._root, *self._root.children(recursive=True)]:
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, total)

    def end(self) -> int:
        """The most, in bytes."""
        self._ended.set()
        return self.peak


async def measure(runs: int, workers: int, patience: float, log: Path) -> list[Any]:
    """One row of the table. The service has its own home; its caches are warmed by one run before. `log` is what it says."""
    with tempfile.TemporaryDirectory(prefix="ql-throughput-") as folder, log.open("wb") as said:
        home = Home(Path(folder) / "home")
        words = ["up", "--workers", str(workers), "--api-port", str(18900 + workers)]
        service = subprocess.Popen(
            [sys.executable, "-m", "quantumlayer.cli.main", *words],
            env=os.environ | {"QL_HOME": str(home.root), "QL_API_CREATIONS": "", "QL_API_REQUESTS": ""},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            url = await ready(home)
            async with aiohttp.ClientSession(url) as api:
                await all_ended(api, [await create(api)], patience)
                memory = Memory(service.pid)
                memory.start()
                began = time.perf_counter()
                ids = await asyncio.gather(*(create(api) for _ in range(runs)))
                accepted = time.perf_counter() - began
                outcomes = await all_ended(api, ids, patience)
                seconds = time.perf_counter() - began
            times = [await _timing(home, run) for run in ids]
            queued, totals = sorted(each.queued for each in times), sorted(each.total for each in times)
            return [
                workers,
                f"{len(outcomes)} of {runs}",
                ", ".join(f"{outcomes.count(o)} {o}" for o in sorted(set(outcomes))),
                f"{accepted:.1f}",
                f"{totals[len(totals) // 2]:.0f}",
                f"{seconds:.0f}",
                f"{runs / seconds * 60:.1f}",
                f"{queued[min(len(queued) - 1, int(len(queued) * 0.95))]:.1f}",
                f"{memory.end() / 1e6:.0f}",
            ]
        finally:
            service.terminate()
            service.wait(60)


async def ready(home: Home) -> str:
    """The address of the API, once previews are served too."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        service = read_service(home)
        if service is not None and service.api_port is not None and service.proxy_port is not None:
            return f"http://127.0.0.1:{service.api_port}"
        await asyncio.sleep(0.1)
    raise SystemExit(f"the service did not start within {START_SECONDS:.0f} s")


async def create(api: aiohttp.ClientSession) -> str:
    """The id of a new run without a preview."""
    async with api.post("/api/v1/runs", json={"text": PROMPT, "preview": False}) as answer:
        assert answer.status == 201, await answer.text()
        return (await answer.json())["id"]


async def all_ended(api: aiohttp.ClientSession, ids: list[str], patience: float) -> list[str]:
    """The status of those that ended in time."""
    waiting, outcomes = list(ids), []
    until = time.monotonic() + patience
    # One at a time: asking for all of them again and again would be a load of its own.
    while waiting and time.monotonic() < until:
        async with api.get(f"/api/v1/runs/{waiting[0]}") as answer:
            status = (await answer.json())["status"]
        if status == "running":
            await asyncio.sleep(0.5)
        else:
            waiting.pop(0)
            outcomes.append(status)
    return outcomes


async def _timing(home: Home, run: str) -> Timing:
    metadata = Metadata(home.database)
    events = await metadata.events(run)
    await metadata.close()
    return timing(run, events)


def main() -> None:
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--seconds", type=float, default=3600.0, help="How long to wait for the runs of one row.")
    parser.add_argument("--file", type=Path, default=Path(tempfile.gettempdir()) / "ql-throughput.jsonl")
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    if arguments.again:
        arguments.file.unlink(missing_ok=True)
    lines = arguments.file.read_text().splitlines() if arguments.file.exists() else []
    kept = {(found["runs"], found["row"][0]): found["row"] for found in map(json.loads, lines)}
    rows = []
    for workers in map(int, arguments.workers.split(",")):
        row = kept.get((arguments.runs, workers))
        if row is None:
            row = asyncio.run(measure(arguments.runs, workers, arguments.seconds, arguments.file.with_suffix(".log")))
            with arguments.file.open("a") as file:
                file.write(json.dumps({"runs": arguments.runs, "row": row}) + "\n")
        rows.append(row)
    columns = ("workers", "ended", "as", "accepted s", "half ended s", "all ended s", "runs/min", "p95 queue s", "peak MB")
    show(f"{arguments.runs} runs at once", columns, rows)
    if any(not str(row[1]).startswith(f"{arguments.runs} ") for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
