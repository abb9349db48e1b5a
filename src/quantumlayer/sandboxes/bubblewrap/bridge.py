"""The host's end of a sandboxed server: a TCP port and a Unix socket, each connection spliced to one inside."""

import asyncio
import collections
import functools
import os
import socket
import threading
import uuid
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar, cast

from quantumlayer.sandboxes.bubblewrap.identity import runtime_folder

HIGH_WATER = 256 * 1024
# A Unix socket refuses who comes while so many wait, at once; that must be more than callers keep open.
BACKLOG = 2048
T = TypeVar("T")


@functools.cache
def _relay_loop() -> asyncio.AbstractEventLoop:
    """One loop in a thread of its own for all bridges: a caller that blocks its own loop is still served."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="sandbox relay", daemon=True).start()
    return loop


@functools.cache
def _sockets() -> Path:
    """Where the Unix sockets are, without those that killed processes left."""
    folder = runtime_folder()
    for left in folder.glob("*-*.sock"):
        pid = left.name.partition("-")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            left.unlink(missing_ok=True)
    return folder


async def _there(work: Coroutine[Any, Any, T]) -> T:
    """Awaits the coroutine in the relay's loop."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, _relay_loop()))


class NobodyListens(ConnectionError):
    """The server inside does not accept connections (yet)."""


class Bridge:
    """Asks the relay inside for connected sockets. What comes from inside is not trusted: only TCP sockets are taken."""

    def __init__(self, control: socket.socket) -> None:
        control.setblocking(False)
        self._control = control
        self._unsent = b""
        self._waiting: collections.deque[asyncio.Future[socket.socket]] = collections.deque()
        self._servers: list[asyncio.Server] = []
        self._splices: set[_Splice] = set()
        self._loop = _relay_loop()
        self.port = 0
        self.socket = _sockets() / f"{os.getpid()}-{uuid.uuid4().hex[:12]}.sock"

    async def open(self) -> None:
        """Starts to listen on a free TCP port of the loopback and on the Unix socket."""
        await _there(self._open())

    async def connect(self) -> socket.socket:
        """A non-blocking socket connected to the server inside. Raises `NobodyListens`."""
        return await _there(self.connected())

    def terminate(self) -> None:
        """Asks the server to stop, if it is still there."""
        self._loop.call_soon_threadsafe(self._send, b"t")

    async def close(self) -> None:
        """Ends all connections and takes port and socket away. Idempotent."""
        await _there(self._close())

    async def _open(self) -> None:
        self._loop.add_reader(self._control, self._answered)
        tcp = await self._loop.create_server(self._accept, "127.0.0.1", 0, backlog=BACKLOG)
        self._servers.append(tcp)
        self.port = tcp.sockets[0].getsockname()[1]
        self._servers.append(await self._loop.create_unix_server(self._accept, str(self.socket), backlog=BACKLOG))
        self.socket.chmod(0o600)

    async def connected(self) -> socket.socket:
        """As `connect`, for callers in the relay's loop."""
        waiter: asyncio.Future[socket.socket] = self._loop.create_future()
        self._waiting.append(waiter)
        self._send(b"c")
        return await waiter

    async def _close(self) -> None:
        self._hang_up()
        for server in self._servers:
            server.close()
        for splice in tuple(self._splices):
            splice.abort()
        self.socket.unlink(missing_ok=True)
        await asyncio.sleep(0)

    def _accept(self) -> "_Splice":
        return _Splice(self)

    def _send(self, messages: bytes = b"") -> None:
        """Sends what it can now, the rest as soon as the relay has read some."""
        self._unsent += messages
        try:
            self._unsent = self._unsent[self._control.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up()
            return
        if self._unsent:
            self._loop.add_writer(self._control, self._send)
        else:
            self._loop.remove_writer(self._control)

    def _hang_up(self) -> None:
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control)
            self._loop.remove_writer(self._control)
            self._control.close()
        while self._waiting:
            _fail(self._waiting.popleft())

    def _answered(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, 1, 4)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        peers = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        if not message:
            self._hang_up()
        elif self._waiting:
            waiter = self._waiting.popleft()
            tcp = len(peers) == 1 and peers[0].family in (socket.AF_INET, socket.AF_INET6)
            if tcp and peers[0].type == socket.SOCK_STREAM and not waiter.done():
                peers[0].setblocking(False)
                waiter.set_result(peers.pop())
            else:
                _fail(waiter)
        for peer in peers:
            peer.close()

    def remember(self, splice: "_Splice") -> None:
        """Keeps a connection until it ends, to end it with the bridge."""
        self._splices.add(splice)

    def forget(self, splice: "_Splice") -> None:
        """The connection has ended."""
        self._splices.discard(splice)


def _fail(waiter: "asyncio.Future[socket.socket]") -> None:
    if not waiter.done():
        waiter.set_exception(NobodyListens("nobody listens inside the sandbox"))


class _Splice(asyncio.Protocol):
    """One side of a connection; what it reads goes to `peer`, whose slowness pauses it. Half-closing is passed on."""

    def __init__(self, bridge: Bridge, peer: "_Splice | None" = None) -> None:
        self._bridge, self._peer = bridge, peer
        self._transport: asyncio.Transport | None = None
        self._ended = False
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are transports by what they can do, not by their class.
        self._transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._bridge.remember(self)
        if self._peer is None:
            transport.pause_reading()
            self._joining = asyncio.ensure_future(self._join())
        else:
            self._peer.meet(self)

    async def _join(self) -> None:
        try:
            inside = await self._bridge.connected()
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: _Splice(self._bridge, self), sock=inside)
        except OSError:
            self.abort()

    def meet(self, peer: "_Splice") -> None:
        """The connection inside stands: bytes may flow."""
        self._peer = peer
        if self._transport is None or self._transport.is_closing():
            peer.abort()
        else:
            self.data_received(self._early)
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self._peer and self._peer._transport:
            self._peer._transport.write(data)
        elif self._transport:  # before Python 3.11.4 a transport reads on when paused in connection_made
            self._early += data
            self._transport.resume_reading()
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._ended = True
        if self._peer and self._peer._transport and not self._peer._transport.is_closing():
            self._peer._transport.write_eof()
        return not (self._peer is None or self._peer._ended)

    def pause_writing(self) -> None:
        if self._peer and self._peer._transport:
            self._peer._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._peer and self._peer._transport and not self._peer._transport.is_closing():
            self._peer._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._bridge.forget(self)
        if self._peer and self._peer._transport:
            self._peer._transport.close() if exc is None else self._peer._transport.abort()

    def abort(self) -> None:
        """Ends this side at once; the other follows."""
        if self._transport:
            self._transport.abort()
