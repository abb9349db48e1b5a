"""Composition root: puts adapters and stores together and runs the pipeline's worker."""

import asyncio
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blobs import open_blobs
from quantumlayer.catalog.blueprints import LiveBlueprints
from quantumlayer.catalog.sandboxes import open_sandbox
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.previews import list_previews
from quantumlayer.delivery.registry import open_registry
from quantumlayer.pipeline.activities import Activities
from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.pipeline.duty import on_duty
from quantumlayer.pipeline.models import Models
from quantumlayer.pipeline.serving import serving
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.turns import TakingTurns, Turns
from quantumlayer.pipeline.watched import Watched
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.patient import PatientBlobs
from quantumlayer.stores.spending import SqlBook, SqlCircuits

IDLE_POLL_SECONDS = 2.0
THREADS = 16
# How long a stage waits for a database or object store that went away before its run fails.
PATIENCE = 300.0


async def open_toolbox(home: Home) -> Toolbox:
    """Loads every adapter. Raises `EnvironmentError_` when a chosen one cannot be loaded or two share a name."""
    metadata = Metadata(home.database, patience=PATIENCE)
    await metadata.prepare()
    previews = open_registry(metadata.engine, home.redis)
    languages, scanners = family("languages"), family("scanners")
    return Toolbox(
        home=home,
        blobs=PatientBlobs(open_blobs(home.drops), PATIENCE),
        metadata=metadata,
        previews=previews,
        preview_home=PreviewHome(home.root),
        sandbox=Watched(open_sandbox()),
        languages={name: languages.load(name)() for name in languages.names},
        scanners=tuple(scanners.load(name)() for name in scanners.names),
        blueprints=LiveBlueprints(home.root),
        models=Models(home.root, SqlBook(metadata.database), SqlCircuits(metadata.database)),
    )


async def work(home: Home, address: str, *, idle_exit: int | None, heavy: int | None = None) -> bool:
    """Carries out stages, so many `heavy` ones at once, until SIGTERM or until nobody needed it for `idle_exit` seconds.

    Whether it ended for that. Raises `EnvironmentError_` when an adapter, a store or Temporal is missing.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="stage"))
    tools, client = await asyncio.gather(open_toolbox(home), connect(address))
    runs = Runs(tools.metadata, tools.blobs)
    turns = TakingTurns(Turns(home.turns))
    async with (
        on_duty(runs, client, home.workers, turns) as duty,
        serving(client, Activities(tools).all, heavy, duty),
    ):
        print("READY", flush=True)
        await runs.start_missing(client)
        idle = asyncio.create_task(_idle(tools, idle_exit))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({idle, stopped}, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
    await tools.models.close()
    await tools.metadata.close()
    return not stop.is_set()


async def _idle(tools: Toolbox, seconds: int | None) -> None:
    since = time.monotonic()
    while seconds is None or time.monotonic() - since < seconds:
        await asyncio.sleep(IDLE_POLL_SECONDS)
        if await tools.metadata.any_running() or await list_previews(tools.previews):
            since = time.monotonic()
