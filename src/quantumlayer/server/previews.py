"""`ql proxy`: serves previews; each is a verified capsule's application in a sandbox of its own."""

import asyncio
import signal

from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blueprints import LiveBlueprints
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.launch import CapsuleLaunch
from quantumlayer.delivery.proxy import running_proxy
from quantumlayer.delivery.registry import Registry
from quantumlayer.server.child import READY
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata


async def serve_previews(home: Home, port: int, unused_seconds: float) -> None:
    """Until SIGTERM. Applications that nobody asked for in `unused_seconds` wait for the next request.

    Raises `EnvironmentError_` when another proxy serves this home or no port is free.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    languages = family("languages")
    launch = CapsuleLaunch(
        home.root,
        family("sandboxes").load("bubblewrap")(),
        {name: languages.load(name)() for name in languages.names},
        LiveBlueprints(home.root),
    )
    metadata = Metadata(home.database)
    await metadata.prepare()
    registry, previews = Registry(metadata.engine), PreviewHome(home.root)
    async with running_proxy(registry, previews, launch, port=port, unused_seconds=unused_seconds) as bound:
        print(READY, bound, flush=True)
        await stop.wait()
    await metadata.close()
