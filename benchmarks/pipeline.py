"""What the pipeline itself costs: whole runs whose stages do nothing but store one drop, Temporal and the database included.

.venv/bin/python benchmarks/pipeline.py [RUNS]
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from temporalio import activity

from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.pipeline.serving import serving
from quantumlayer.pipeline.stages import STAGES
from quantumlayer.pipeline.values import Ending, Finished, Outcome, Report, Task
from quantumlayer.pipeline.workbench import at_desk
from quantumlayer.request.values import Request
from quantumlayer.server.supervisor import free_port, temporal_argv
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata


def empty_stages(runs: Runs) -> list[Callable[..., Any]]:
    """Activities with the names of the real ones, each storing one small drop."""

    def empty(name: str) -> Callable[..., Any]:
        @activity.defn(name=name)
        async def stage(task: Task) -> Outcome:
            async with at_desk(task, runs.blobs, runs.metadata) as desk:
                await desk.save(name.replace(" ", "_"), name.encode())
            return desk.outcome()

        return stage

    @activity.defn(name="finish")
    async def finish(ending: Ending) -> Finished:
        order = ending.order
        report = Report(run_id=order.run, status="verified", stack=order.stack, author=order.author, seconds=ending.seconds)
        await runs.metadata.finish_run(order.run, order.execution, "verified", Finished(report=report).as_data())
        return Finished(report=report)

    return [*(empty(stage.name) for stage in STAGES), finish]


async def measure(count: int) -> None:
    """Prints seconds per run and milliseconds per stage."""
    with tempfile.TemporaryDirectory() as folder:
        home, port = Home(Path(folder)), free_port()
        server = subprocess.Popen(temporal_argv(home, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            metadata = Metadata(home.database)
            await metadata.prepare()
            runs = Runs(metadata, FolderBlobs(home.blobs))
            began = time.perf_counter()
            client = await connect(f"127.0.0.1:{port}")
            print(f"Temporal up in {time.perf_counter() - began:.2f} s")
            async with serving(client, empty_stages(runs)):
                seconds = [await one(runs, client) for _ in range(count + 1)][1:]
            await metadata.close()
        finally:
            server.terminate()
            server.wait()
    per_stage = [1000 * s / len(STAGES) for s in seconds]
    print(f"runs {count}  seconds a run: median {statistics.median(seconds):.3f}, worst {max(seconds):.3f}")
    print(f"overhead a stage: median {statistics.median(per_stage):.1f} ms, worst {max(per_stage):.1f} ms (aim < 50 ms)")


async def one(runs: Runs, client: Any) -> float:
    """Seconds from the request to the report."""
    began = time.perf_counter()
    run = await runs.add(Request(text="nothing"), stack="none/none", author="blueprint", preview=False, ttl=60)
    await runs.start(client, run)
    async for _ in runs.events(run.id):
        pass
    return time.perf_counter() - began


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
    sys.stdout.flush()
    os._exit(0)
