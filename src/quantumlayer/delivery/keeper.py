"""Keeps the applications of live previews running: starts, watches, restarts, ends them. The registry says what should be."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol

import aiohttp

from quantumlayer.delivery.forwarding import CONNECTIONS, IDLE_SECONDS, open_session
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.lane import Lane
from quantumlayer.delivery.registry import Registry
from quantumlayer.delivery.values import LIVE, Lease, Preview, now
from quantumlayer.errors import QuantumLayerError
from quantumlayer.evidence.application import NotServing, Serving
from quantumlayer.ports.sandbox import Completed, Running

log = logging.getLogger("quantumlayer.preview")

POLL_SECONDS = 0.5
AWAKE_POLL_SECONDS = 0.03
TICK_SECONDS = 1.0
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
CALM_SECONDS = 60.0
FAREWELL_SECONDS = 1.0
# An application that nobody asked for so long is stopped until somebody does.
UNUSED_SECONDS = 900.0
AWAKE_SECONDS = 20.0
TAIL_CHARACTERS = 2000
# A proxy that has been silent for so long may have its previews taken over by another one.
LEASE_SECONDS = 15.0
CLAIM_SECONDS = 4.0


class Launch(Protocol):
    """How to run a preview's application. `folder` belongs to this preview alone and outlives restarts."""

    def __call__(self, preview: Preview, folder: Path) -> contextlib.AbstractAsyncContextManager[Serving]:
        """Entering starts it and waits until it is healthy, leaving stops it.

        Raises `NotServing` when it does not become healthy, another `QuantumLayerError` when it cannot be started at all.
        """
        ...


class Crashed(Exception):
    """The application ended. `calm` says that it had run well for a while before."""

    def __init__(self, message: str, *, calm: bool = False) -> None:
        super().__init__(message)
        self.calm = calm


class Unused(Exception):
    """Nobody has asked for the application for a while."""


@dataclass
class App:
    """A preview that this process keeps. `session` and `lane` reach its application and nothing else; None while it is down."""

    preview: Preview
    was_ready: bool
    session: aiohttp.ClientSession | None = None
    lane: Lane | None = None
    requests: int = 0
    task: asyncio.Task[None] | None = None
    passing: set["asyncio.Task[object]"] = field(default_factory=set)
    used_at: float = field(default_factory=time.monotonic)

    @contextlib.contextmanager
    def passing_on(self) -> Iterator[None]:
        """Counts the request of the current task, and lets it be ended with the application."""
        task = asyncio.current_task()
        assert task is not None
        self.requests += 1
        self.passing.add(task)
        try:
            yield
        finally:
            self.passing.discard(task)
            self.used_at = time.monotonic()

    async def end_requests(self) -> None:
        """Waits a moment for requests that see the application's end by themselves, then breaks off the rest."""
        passing = tuple(self.passing)
        try:
            if passing:
                await asyncio.wait(passing, timeout=FAREWELL_SECONDS)
        finally:
            for task in passing:
                task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)


class Keeper:
    """Brings what runs in line with the registry, for as long as `run` runs. A preview is kept by whoever has its lease."""

    def __init__(
        self,
        registry: Registry,
        home: PreviewHome,
        launch: Launch,
        port: int,
        lease: Lease,
        unused_seconds: float = UNUSED_SECONDS,
    ) -> None:
        self.apps: dict[str, App] = {}
        self.lease = lease
        # By preview: when its lease was asked for last, and whether it is ours.
        self._claims: dict[str, tuple[float, bool]] = {}
        self._unused_seconds = unused_seconds
        self._registry, self._home, self._launch, self._port = registry, home, launch, port
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look at the registry now."""
        self._woken.set()

    async def awaken(self, app: App) -> None:
        """Starts an application that is idle, and waits until it serves or cannot."""
        deadline = time.monotonic() + AWAKE_SECONDS
        while app.session is None and app.preview.live and app.preview.state != "failed" and time.monotonic() < deadline:
            if app.preview.state == "idle":
                app.preview = await self._registry.change(app.preview.id, state="starting", only=("idle",)) or app.preview
                self.wake()
            await asyncio.sleep(AWAKE_POLL_SECONDS)

    async def run(self) -> None:
        """Until cancelled; then every application is stopped, to be restored by the next proxy."""
        await self._remove_orphans()
        try:
            while True:
                self._woken.clear()
                try:
                    await self._reconcile()
                except Exception:
                    log.exception("cannot bring the previews in line; trying again")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
        finally:
            await asyncio.gather(*(self._stop(app) for app in self.apps.values()))

    async def _remove_orphans(self) -> None:
        wanted = {p.id for p in await self._registry.all(*LIVE)}
        for orphan in set(self._home.folders()) - wanted:
            self._home.remove(orphan)

    async def _reconcile(self) -> None:
        live: dict[str, Preview] = {}
        for preview in await self._registry.all(*LIVE):
            if preview.live:
                live[preview.id] = preview
            else:
                await self._registry.change(preview.id, state="expired")
                self.apps.setdefault(preview.id, App(preview, was_ready=False))
        await self._claim(live)
        ours = [preview for preview in live.values() if self._claims[preview.id][1]]
        await asyncio.gather(*(self._end(preview_id) for preview_id in self.apps.keys() - {p.id for p in ours}))
        for preview in ours:
            app = self.apps.setdefault(preview.id, App(preview, was_ready=preview.port is not None))
            app.preview = preview
            if preview.state not in ("failed", "idle") and (app.task is None or app.task.done()):
                app.task = asyncio.create_task(self._keep(app))
        self._wake_for(live.values())

    async def _claim(self, live: Collection[str]) -> None:
        """Goes on serving what it serves while the registry does not answer: then nobody can take it over either."""
        self._claims = {preview_id: claim for preview_id, claim in self._claims.items() if preview_id in live}
        began = time.monotonic()
        due = [i for i in live if i not in self._claims or began - self._claims[i][0] > CLAIM_SECONDS]
        ours = await self._registry.claim(due, self.lease, LEASE_SECONDS)
        self._claims |= {preview_id: (began, preview_id in ours) for preview_id in due}

    def _wake_for(self, live: Collection[Preview]) -> None:
        left = min(((p.expires_at - now()).total_seconds() for p in live), default=POLL_SECONDS)
        if left < POLL_SECONDS:
            asyncio.get_running_loop().call_later(max(left, 0.0), self.wake)

    async def _end(self, preview_id: str) -> None:
        app = self.apps[preview_id]
        await self._stop(app)
        self._home.remove(preview_id)
        del self.apps[preview_id]

    async def _stop(self, app: App) -> None:
        if app.task is not None:
            app.task.cancel()
            await asyncio.gather(app.task, return_exceptions=True)
        await self._flush(app)

    async def _keep(self, app: App) -> None:
        preview_id, crashes = app.preview.id, 0
        while True:
            try:
                await self._live(app)
            except Unused:
                log.info("the preview of run %s is idle", app.preview.run)
                app.preview = await self._registry.change(preview_id, state="idle") or app.preview
                return
            except Crashed as crash:
                reason, crashes = str(crash), 1 if crash.calm else crashes + 1
            except NotServing as error:
                reason, crashes = error.message, crashes + 1
                self._home.write_log(preview_id, reason.encode())
            except QuantumLayerError as error:
                reason, crashes = f"{error.message}\n{error.hint}".strip(), len(PAUSES) + 1
            except Exception as error:
                log.exception("the preview of run %s cannot be kept", app.preview.run)
                reason, crashes = f"internal error: {error!r}", len(PAUSES) + 1
            if not app.was_ready or crashes > len(PAUSES):
                log.warning("the preview of run %s failed: %s", app.preview.run, reason)
                await self._registry.change(preview_id, state="failed", message=reason)
                return
            log.warning("the preview of run %s starts again in %s s: %s", app.preview.run, PAUSES[crashes - 1], reason)
            await self._registry.change(preview_id, state="starting", message=reason)
            await asyncio.sleep(PAUSES[crashes - 1])

    async def _live(self, app: App) -> NoReturn:
        """One life of the application, from its start to its end. Raises `Crashed` at the end."""
        folder = self._home.folder(app.preview.id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        # A session that is closed while an answer is read leaves the reader waiting for ever (aiohttp forgets the body's
        # stream), so it outlives the application and every request to it.
        async with contextlib.AsyncExitStack() as afterwards, self._launch(app.preview, folder) as serving:
            session = await afterwards.enter_async_context(_session(serving.socket))
            lane = Lane(serving.socket)
            afterwards.push_async_callback(app.end_requests)
            afterwards.push_async_callback(lane.end, FAREWELL_SECONDS)
            await self._watch(app, serving.running, session, lane)

    async def _watch(self, app: App, running: Running, session: aiohttp.ClientSession, lane: Lane) -> NoReturn:
        end = asyncio.create_task(running.wait())
        try:
            app.session, app.lane, app.was_ready = session, lane, True
            app.used_at = born = time.monotonic()
            written = None
            await self._registry.change(app.preview.id, state="ready", message="", port=self._port)
            while not end.done():
                await asyncio.wait({end}, timeout=TICK_SECONDS)
                await self._flush(app)
                if (output := running.output()) != written:
                    self._home.write_log(app.preview.id, output)
                    written = output
                used_at = max(app.used_at, lane.used_at)
                if not app.passing and not lane.busy and time.monotonic() - used_at > self._unused_seconds:
                    raise Unused
            raise Crashed(_told(end.result(), running), calm=time.monotonic() - born > CALM_SECONDS)
        finally:
            app.session = app.lane = None
            end.cancel()
            self._home.write_log(app.preview.id, running.output())

    async def _flush(self, app: App) -> None:
        if app.requests:
            requests, app.requests = app.requests, 0
            await self._registry.count(app.preview.id, requests, now())


def _session(socket: Path) -> aiohttp.ClientSession:
    return open_session(aiohttp.UnixConnector(str(socket), limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS))


def _told(completed: Completed, running: Running) -> str:
    how = f"exit code {completed.exit_code}" if completed.outcome == "exited" else completed.outcome.replace("_", " ")
    return f"the application ended ({how})\n{_tail(running)}"


def _tail(running: Running) -> str:
    return running.output().decode(errors="replace")[-TAIL_CHARACTERS:].strip()
