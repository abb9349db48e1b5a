"""Writes what a run made into a folder of the user's, all or nothing."""

import asyncio
import os
import secrets
import shutil
from pathlib import Path

from quantumlayer.cli.follow import Desk
from quantumlayer.errors import EnvironmentError_
from quantumlayer.files.archive import unpack
from quantumlayer.files.values import FileTree
from quantumlayer.files.write_files import write_files
from quantumlayer.pipeline.values import Finished

KINDS = ("source", "tests", "docs", "infrastructure")


async def write_out(desk: Desk, finished: Finished, folder: Path) -> Finished:
    """Puts the run's files there and says so in the report; a run that made none leaves the folder as it was."""
    drops = {drop.kind: drop for drop in await desk.metadata.drops(finished.report.run_id, current=True)}
    trees = [unpack(await desk.runs.blobs.get(drops[kind].id)) for kind in KINDS if kind in drops]
    if not trees:
        return finished
    await asyncio.to_thread(_write_whole, trees[0].merged(*trees[1:]), folder)
    return finished.model_copy(update={"report": finished.report.model_copy(update={"out": str(folder)})})


def _write_whole(tree: FileTree, folder: Path) -> None:
    draft = folder.parent / f".{folder.name}.{secrets.token_hex(4)}"
    try:
        draft.mkdir(parents=True)
        write_files(tree, draft)
        if folder.is_dir():
            folder.rmdir()
        os.rename(draft, folder)
    except OSError as error:
        raise EnvironmentError_(
            f"cannot write {folder}: {error.strerror}", hint="the sources are in the capsule too"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
