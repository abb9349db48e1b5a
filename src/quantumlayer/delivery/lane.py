"""Connections to one application over which plain requests are passed on, one at a time each, and kept for the next."""

import asyncio
import time
from collections import deque
from pathlib import Path
from typing import Protocol, cast

import httptools

from quantumlayer.delivery.forwarding import IDLE_SECONDS
from quantumlayer.delivery.plain import Header, answer_head

CONNECT_SECONDS = 5.0


class Client(Protocol):
    """Who asked."""

    def take(self, data: bytes) -> None:
        """A part of the answer."""
        ...

    def answered(self) -> None:
        """That was all of it."""
        ...

    def unanswered(self) -> None:
        """There is no answer, or no more of it."""
        ...


class Lane:
    """`socket` is the application's. Every method returns at once."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._idle: deque[Connection] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self.busy: set[Connection] = set()
        self.used_at = time.monotonic()

    def ask(self, request: bytes, client: Client) -> "Connection":
        """Sends the request; the client hears of the answer. What is returned can be paused, or given up."""
        now = time.monotonic()
        while self._idle:
            connection = self._idle.pop()
            if (
                connection.transport is not None
                and not connection.transport.is_closing()
                and now - connection.since < IDLE_SECONDS
            ):
                break
        else:
            connection = Connection(self)
            connecting = asyncio.get_running_loop().create_task(self._connect(connection))
            self._connecting.add(connecting)
            connecting.add_done_callback(self._connecting.discard)
        self.busy.add(connection)
        connection.ask(request, client)
        return connection

    async def _connect(self, connection: "Connection") -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.get_running_loop().create_unix_connection(lambda: connection, str(self._socket))
        except OSError:
            connection.connection_lost(None)

    def rest(self, connection: "Connection") -> None:
        """Keeps it for the next request, and lets those go that nobody needed for a while."""
        self._idle.append(connection)
        while connection.since - self._idle[0].since > IDLE_SECONDS:
            self._idle.popleft().give_up()

    async def end(self, patience: float) -> None:
        """Waits so long for answers that are on their way, then breaks off the rest."""
        deadline = time.monotonic() + patience
        while self.busy and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        for connection in (*self.busy, *self._idle):
            connection.give_up()
        self._idle.clear()


class Connection(asyncio.Protocol):
    """The parser calls `on_…` while it is fed."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._request, self._client = b"", None
        self._given_up = False
        self.transport: asyncio.Transport | None = None
        self.since = 0.0
        self._reset()

    def _reset(self) -> None:
        self._reason = b""
        self._headers: list[Header] = []
        self._out: list[bytes] = []
        self._begun = self._whole = self._chunked = self._sized = self._keep = False

    def ask(self, request: bytes, client: Client) -> None:
        """As `Lane.ask`."""
        self._client: Client | None = client
        self._reset()
        if self.transport is None:
            self._request = request
        else:
            self.transport.write(request)

    def give_up(self) -> None:
        """Nobody wants the answer any more."""
        self._given_up = True
        if self.transport is not None:
            self.transport.abort()

    def pause(self) -> None:
        """The client cannot take more for now."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume(self) -> None:
        """It can again."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends what has waited for it."""
        self.transport = cast(asyncio.Transport, transport)
        if self._given_up:
            self.transport.abort()
        else:
            self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Passes on what it means."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # Also what nobody asked for.
            self.give_up()
            return
        if self._client is None:
            self.give_up()
            return
        if self._out:
            self._client.take(b"".join(self._out))
            self._out.clear()
        if self._whole:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of an answer whose length was not told, of one that is not whole, or of a pause."""
        client, self._client = self._client, None
        self._lane.busy.discard(self)
        if client is None:
            return
        if self._begun and not self._sized and exc is None and not self._given_up:
            client.take(b"0\r\n\r\n")
            client.answered()
        else:
            client.unanswered()

    def _finish(self) -> None:
        client, self._client = self._client, None
        self._lane.busy.discard(self)
        self.since = self._lane.used_at = time.monotonic()
        if self._keep:
            self._lane.rest(self)
        else:
            self.give_up()
        assert client is not None
        client.answered()

    def on_message_begin(self) -> None:
        """Of an answer, for which somebody should have asked."""
        if self._client is None or self._whole:
            raise ValueError("nobody asked")

    def on_status(self, reason: bytes) -> None:
        """The words after the number."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of many."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """An answer begins, or an announcement of one, which is dropped."""
        status = self._parser.get_status_code()
        if status == 101:
            raise ValueError("no upgrade was asked for")
        if status >= 200:
            head, self._chunked = answer_head(status, self._reason, self._headers)
            self._sized = not self._chunked or any(name.lower() == b"transfer-encoding" for name, _ in self._headers)
            self._begun, self._keep = True, self._parser.should_keep_alive()
            self._out.append(head)
        self._reason, self._headers = b"", []

    def on_body(self, body: bytes) -> None:
        """A part of it."""
        self._out += (b"%x\r\n" % len(body), body, b"\r\n") if self._chunked else (body,)

    def on_message_complete(self) -> None:
        """Of the answer, not of an announcement."""
        if self._begun:
            self._whole = True
            if self._chunked:
                self._out.append(b"0\r\n\r\n")
