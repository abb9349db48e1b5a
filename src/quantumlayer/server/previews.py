"""`ql proxy`: serves previews; each is a verified capsule's application in a sandbox of its own."""

import asyncio
import signal

from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.proxy import running_proxy
from quantumlayer.pipeline.launch import CapsuleLaunch
from quantumlayer.server.child import READY
from quantumlayer.stores.home import Home
from quantumlayer.worker import open_toolbox


async def serve_previews(home: Home, port: int) -> None:
    """Until SIGTERM. Raises `EnvironmentError_` when another proxy serves this home or no port is free."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tools = await open_toolbox(home)
    async with running_proxy(tools.previews, PreviewHome(home.root), CapsuleLaunch(tools), port=port) as bound:
        print(READY, bound, flush=True)
        await stop.wait()
    await tools.metadata.close()
