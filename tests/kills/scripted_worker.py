"""A worker process of scripted stages that carries the moments: HOME ADDRESS SILENCE.

PYTHONPATH names `injected` and `pipeline`. Its workflows take an attempt for lost after SILENCE seconds.
"""

import asyncio
import sys
from pathlib import Path

import failpoints
from scripted import activities, copy

from quantumlayer.pipeline import stages
from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.pipeline.duty import on_duty
from quantumlayer.pipeline.serving import serving
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata


async def slowly(desk):
    try:
        await asyncio.sleep(1)
        await copy(desk)
    finally:
        failpoints.reached("left capsule")


async def main(home, address):
    metadata = Metadata(home.database)
    await metadata.prepare()
    runs = Runs(metadata, FolderBlobs(home.blobs))
    client = await connect(address)
    async with (
        on_duty(runs, client, home.workers) as duty,
        serving(client, activities(runs, capsule=slowly), duty=duty),
    ):
        await runs.start_missing(client)
        await asyncio.Event().wait()


failpoints.install()
stages.SILENCE_SECONDS = float(sys.argv[3])
asyncio.run(main(Home(Path(sys.argv[1])), sys.argv[2]))
