"""A run's capsule as a file of this machine: the worker that sealed it may have been on another one."""

import asyncio
from pathlib import Path

from quantumlayer.capsule.write_capsule import write_capsule
from quantumlayer.pipeline.records import Records
from quantumlayer.pipeline.values import Finished
from quantumlayer.stores.digests import matches
from quantumlayer.stores.home import Home

KIND = "capsule"


async def local_capsule(records: Records, home: Home, run_id: str) -> Path | None:
    """The file below QL_HOME/capsules with the current capsule, fetched from the store where it is missing or another one.

    None where the run has no capsule. Raises `EnvironmentError_` when the store or the disk fails.
    """
    current = await records.metadata.drops(run_id, current=True)
    drop = next((drop for drop in current if drop.kind == KIND), None)
    if drop is None:
        return None
    path = home.capsules / f"{run_id}.capsule"
    if not await asyncio.to_thread(_holds, path, drop.id):
        await asyncio.to_thread(write_capsule, await records.blobs.get(drop.id), path)
    return path


async def with_local_capsule(records: Records, home: Home, finished: Finished) -> Finished:
    """The same with the capsule's path on this machine."""
    if finished.report.capsule is None:
        return finished
    path = await local_capsule(records, home, finished.report.run_id)
    return finished.model_copy(update={"report": finished.report.model_copy(update={"capsule": path and str(path)})})


def _holds(path: Path, digest: str) -> bool:
    try:
        return matches(path.read_bytes(), digest)
    except FileNotFoundError:
        return False
