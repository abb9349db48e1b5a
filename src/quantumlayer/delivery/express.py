"""The fast way through the proxy: plain requests to running applications, without a task or an object of a framework for each.

All else is left to `proxy.Proxy`: at the first request that is not plain, the connection is handed to its server for good, with
all the bytes that nobody has answered yet.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

from quantumlayer.delivery.forwarding import CONNECTIONS
from quantumlayer.delivery.keeper import App
from quantumlayer.delivery.lane import Connection, Lane
from quantumlayer.delivery.pages import no_answer
from quantumlayer.delivery.plain import Plain, plain_request
from quantumlayer.delivery.values import HOST

# These can be asked again where the application went away before it answered.
_SAFE = (b"GET", b"OPTIONS")


def _unanswered() -> bytes:
    refusal = no_answer(accept="")
    assert isinstance(refusal.body, bytes)
    lines = ["HTTP/1.1 502 Bad Gateway", *(f"{name}: {value}" for name, value in refusal.headers.items())]
    return "\r\n".join((*lines, f"Content-Length: {len(refusal.body)}", "", "")).encode() + refusal.body


class Express(asyncio.Protocol):
    """One connection of a client. `full` makes the protocol that it is handed to; it stands in `open` until then."""

    def __init__(
        self, apps: Mapping[str, App], full: Callable[[], asyncio.Protocol], open: set["Express"], idle_seconds: float
    ) -> None:
        self._apps, self._full, self._open, self._idle_seconds = apps, full, open, idle_seconds
        self._received, self._later = b"", b""
        self._asked: Connection | None = None
        self._begun = self._paused = self._gone = False
        self._remote = b""
        self._used_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self.transport, self._loop = cast(asyncio.Transport, transport), asyncio.get_running_loop()
        peer = self.transport.get_extra_info("peername")
        self._remote = peer[0].encode() if peer else b""
        self._open.add(self)
        self._used_at = self._loop.time()
        self._timer = self._loop.call_later(self._idle_seconds, self._look)

    def data_received(self, data: bytes) -> None:
        """One request at a time: what comes meanwhile waits."""
        if self._asked is None and not self._paused:
            self._begin(data)
        else:
            self._later += data
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The application may stop, too."""
        self._leave()
        if self._asked is not None:
            self._asked.give_up()

    def pause_writing(self) -> None:
        """The client takes less than it is sent."""
        self._paused = True
        if self._asked is not None:
            self._asked.pause()

    def resume_writing(self) -> None:
        """It caught up."""
        self._paused = False
        if self._asked is not None:
            self._asked.resume()
        else:
            self._next()

    def take(self, data: bytes) -> None:
        """See `lane.Client`."""
        self._begun = True
        self.transport.write(data)

    def answered(self) -> None:
        """See `lane.Client`."""
        self._asked = None
        self._used_at = self._loop.time()
        self._next()

    def unanswered(self) -> None:
        """See `lane.Client`."""
        self._asked = None
        if self._gone:
            return
        if self._begun:
            # So that nobody takes it for whole, or waits for the rest.
            self.transport.abort()
        elif self._received.split(b" ", 1)[0] in _SAFE:
            self._hand_over(self._received + self._later)
        else:
            self.transport.write(_unanswered())
            self._next()

    def close(self) -> None:
        """The proxy ends."""
        self.transport.abort()

    def _begin(self, received: bytes) -> None:
        request = plain_request(received)
        lane = None if request is None else self._lane(request)
        if request is None or lane is None:
            self._hand_over(received)
            return
        self._received, self._begun = received, False
        self._asked = lane.ask(request.written(self._remote), self)

    def _lane(self, request: Plain) -> Lane | None:
        """That of the application, where nothing stands before it."""
        match = HOST.fullmatch(request.host.decode())
        app = self._apps.get(match[1].lower()) if match else None
        if app is None or app.lane is None or app.preview.password is not None or not app.preview.live:
            return None
        if len(app.lane.busy) >= CONNECTIONS:
            return None
        app.requests += 1
        return app.lane

    def _next(self) -> None:
        if self._later and not self._paused:
            received, self._later = self._later, b""
            self.transport.resume_reading()
            self._begin(received)

    def _hand_over(self, received: bytes) -> None:
        self._leave()
        full = self._full()
        self.transport.set_protocol(full)
        self.transport.resume_reading()
        full.connection_made(self.transport)
        full.data_received(received)

    def _leave(self) -> None:
        self._gone = True
        self._timer.cancel()
        self._open.discard(self)

    def _look(self) -> None:
        left = self._used_at + self._idle_seconds - self._loop.time()
        if self._asked is None and left <= 0:
            self.transport.close()
        else:
            self._timer = self._loop.call_later(max(left, 1.0), self._look)
