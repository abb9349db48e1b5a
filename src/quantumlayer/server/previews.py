"""`ql proxy`: serves previews; each is a verified capsule's application in a sandbox of its own."""

import asyncio
import signal
from pathlib import Path

from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blobs import open_blobs
from quantumlayer.catalog.blueprints import LiveBlueprints
from quantumlayer.catalog.sandboxes import open_sandbox
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.launch import CapsuleLaunch
from quantumlayer.delivery.proxy import running_proxy
from quantumlayer.delivery.registry import open_registry
from quantumlayer.delivery.values import Preview
from quantumlayer.pipeline.capsules import local_capsule
from quantumlayer.pipeline.records import Records
from quantumlayer.server.child import READY
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata


async def serve_previews(home: Home, port: int, unused_seconds: float, *, host: str, advertise: str) -> None:
    """Until SIGTERM. Applications that nobody asked for in `unused_seconds` wait for the next request.

    Raises `EnvironmentError_` when another proxy serves this home or no port is free.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metadata = Metadata(home.database)
    await metadata.prepare()
    records = Records(metadata, open_blobs(home.drops))

    async def fetch(preview: Preview) -> Path:
        if preview.capsule.is_file():
            return preview.capsule
        return await local_capsule(records, home, preview.run) or preview.capsule

    languages = family("languages")
    launch = CapsuleLaunch(
        home.root,
        open_sandbox(),
        {name: languages.load(name)() for name in languages.names},
        LiveBlueprints(home.root),
        fetch,
    )
    registry = open_registry(metadata.engine, home.redis)
    serving = running_proxy(
        registry, PreviewHome(home.root), launch, host=host, port=port, advertise=advertise, unused_seconds=unused_seconds
    )
    async with serving as bound:
        print(READY, bound, flush=True)
        await stop.wait()
    await registry.close()
    await metadata.close()
