"""Serves the API on a port, with limits on what a connection may cost."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from quantumlayer.delivery.listening import allow_many_connections, bind, ports_from
from quantumlayer.server.api.app import create_app
from quantumlayer.server.api.office import Office, open_office
from quantumlayer.server.api.settings import Settings
from quantumlayer.server.child import READY
from quantumlayer.stores.home import Home

log = logging.getLogger("quantumlayer.api")
HEADER_SECONDS = 15.0
OPEN_FILES = 16384
MESSAGE_BYTES = 64 * 1024
GRACE_SECONDS = 5


class PunctualProtocol(HttpToolsProtocol):
    """Closes a connection whose request line and headers do not arrive: it would be held open for nothing."""

    def connection_made(self, transport: Any) -> None:
        """Starts the clock."""
        super().connection_made(transport)
        self._late = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def on_headers_complete(self) -> None:
        """They are here."""
        self._late.cancel()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clock."""
        self._late.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """Tells the supervisor when it is ready, and ends in peace when it is asked to."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop it; the framework would send them again to the process afterwards."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts connections from here on."""
        await super().startup(sockets)
        if self.started and sockets:
            print(READY, sockets[0].getsockname()[1], flush=True)


async def serve_api(settings: Settings, home: Home, temporal_address: Callable[[], str], *, exact: bool) -> None:
    """Until SIGTERM or SIGINT; open requests are finished first. `exact` refuses another port than the wanted one.

    Raises `EnvironmentError_` when it cannot listen.
    """
    allow_many_connections(OPEN_FILES)
    listener = bind(settings.host, [settings.port] if exact else ports_from(settings.port))
    if not settings.loopback:
        log.warning("serving other machines at %s: every call needs a token", settings.host)
    await http_server(open_office(settings, home, temporal_address)).serve(sockets=[listener])


def http_server(office: Office) -> Server:
    """The server of that office, not yet listening."""
    config = uvicorn.Config(
        create_app(office),
        http=PunctualProtocol,
        ws="websockets-sansio",
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return Server(config)
