"""A worker process of scripted stages that carries the moments: HOME ADDRESS. PYTHONPATH names `injected` and `pipeline`."""

import asyncio
import sys
from pathlib import Path

import failpoints
from scripted import activities, copy

from quantumlayer.pipeline.client import Runs, connect
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
    async with serving(await connect(address), activities(runs, capsule=slowly)):
        await runs.start_missing(await connect(address))
        await asyncio.Event().wait()


failpoints.install()
asyncio.run(main(Home(Path(sys.argv[1])), sys.argv[2]))
