"""Follows a run to its end, whatever happens to the service meanwhile."""

import asyncio
import importlib
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rich.console import Console

from quantumlayer.catalog.blobs import open_blobs
from quantumlayer.cli.progress import Progress, progress
from quantumlayer.errors import EnvironmentError_
from quantumlayer.pipeline.capsules import with_local_capsule
from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.pipeline.values import Finished
from quantumlayer.server.service import ensure_service, is_locked, read_service, running_service
from quantumlayer.stores.home import Home, default_home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.values import Run
from quantumlayer.telemetry import switch

WATCH_SECONDS = 1.0
CANCEL_PATIENCE = 20.0
Ask = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Desk:
    """The stores of this machine's home."""

    home: Home
    metadata: Metadata
    runs: Runs


async def open_desk() -> Desk:
    """Opens the metadata of the home, creating it where it is missing."""
    home = default_home()
    metadata = Metadata(home.database)
    await metadata.prepare()
    return Desk(home, metadata, Runs(metadata, open_blobs(home.drops)))


def asker(desk: Desk, run: Run) -> Ask:
    """Asks the person at this terminal what the run waits for."""
    # Loaded only here: what reads documents takes longer to load than to follow a run.
    return importlib.import_module("quantumlayer.cli.asking").Asker(desk, run).ask


async def start_and_follow(desk: Desk, run: Run, *, quiet: bool, ask: Ask | None = None) -> Finished:
    """Makes sure that the service and the run's workflow are there, shows progress, gives the end.

    `ask` is called whenever the run begins to wait for a person.
    Ctrl-C cancels the run. Raises `EnvironmentError_` when the service was stopped on purpose.
    """
    switch.start("cli")
    await _start(desk, run)
    with progress(Console(stderr=True), quiet) as shown:
        following = asyncio.create_task(_show(desk, run, shown, ask))
        watching = asyncio.create_task(_watch(desk, run))
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, _once(lambda: _cancel(desk, run, following)))
        try:
            await asyncio.wait({following, watching}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done() and not following.done():
                watching.result()
            await following
        finally:
            watching.cancel()
            following.cancel()
    finished = await desk.runs.finished(run.id)
    if finished is None:
        raise EnvironmentError_(f"the run {run.id} has no report", hint=f"continue it with: ql resume {run.id}")
    return await with_local_capsule(desk.runs, desk.home, finished)


async def _start(desk: Desk, run: Run) -> None:
    others = len(await desk.metadata.unfinished()) > 1
    service = await ensure_service(desk.home, busy=others)
    await desk.runs.start(await connect(service.temporal), run)


async def _show(desk: Desk, run: Run, shown: Progress, ask: Ask | None) -> None:
    async for event in desk.runs.events(run.id):
        shown.show(event)
        if ask is not None and event.kind == "awaiting":
            with shown.paused():
                await ask()


async def _watch(desk: Desk, run: Run) -> None:
    """Starts the service again when it died; gives up with an error when somebody stopped it."""
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        if is_locked(desk.home):
            continue
        service = read_service(desk.home)
        if service is not None and service.state == "stopped":
            raise EnvironmentError_("the service was stopped", hint=f"continue the run with: ql resume {run.id}")
        if service is not None and service.state == "failed":
            raise EnvironmentError_(service.message, hint=service.hint or f"see {desk.home.logs}/service.log")
        await _start(desk, run)


async def _cancel(desk: Desk, run: Run, following: asyncio.Task[None]) -> None:
    service = running_service(desk.home)
    if service is not None:
        current = await desk.runs.find(run.id)
        if current.status == "running":
            await desk.runs.cancel(await connect(service.temporal), current)
    await asyncio.wait({following}, timeout=CANCEL_PATIENCE)
    following.cancel()


def _once(action: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    tasks: list[asyncio.Future[None]] = []

    def call() -> None:
        if not tasks:
            tasks.append(asyncio.ensure_future(action()))

    return call
