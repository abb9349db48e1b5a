"""HTTP towards an application that may be hostile: never follows redirects, never hangs, never reads without end."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from quantumlayer.errors import UserError

MAX_BODY = 4 * 1024 * 1024
DEADLINE = 10.0
IDLE = 1.0


@dataclass(frozen=True)
class Call:
    """One request as it goes over the wire. `path` is percent-encoded and without the query."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def target(self) -> str:
        """Path and query."""
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")


@dataclass(frozen=True)
class Answer:
    """What came back. `broken` says why there is no usable answer; `body` is the decoded JSON, None without content."""

    status: int = 0
    body: Any = None
    raw: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    broken: str = ""
    sent: float = 0.0
    received: float = 0.0

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Connection:
    """One keep-alive connection. Not for use by two threads."""

    def __init__(self, url: str, deadline: float = DEADLINE) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"not an HTTP address: {url!r}", hint="write it as http://host:port")
        self._secure = parts.scheme == "https"
        # Names below localhost are this machine (RFC 6761), whether or not its resolver knows that.
        host = "127.0.0.1" if parts.hostname.endswith(".localhost") else parts.hostname
        self._host = {"Host": parts.netloc.rpartition("@")[2]} if host != parts.hostname else {}
        self._address = (host, parts.port or (443 if self._secure else 80))
        self._prefix = parts.path.rstrip("/")
        self._deadline = deadline
        self._connection: http.client.HTTPConnection | None = None
        self._used = time.monotonic()

    def connect(self) -> None:
        """Opens the connection now, so that the next request leaves at once. Failures show at the request."""
        try:
            self._open()
        except OSError:
            self.close()

    def close(self) -> None:
        """Closes the connection; the next request opens another."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def send(self, call: Call) -> Answer:
        """The answer, or an `Answer` whose `broken` tells what went wrong. Never raises for what the application does."""
        if time.monotonic() - self._used > IDLE:
            self.close()
        reused = self._connection is not None
        answer = self._exchange(call)
        if answer.broken == _DROPPED and reused:
            # A server may close an idle connection just as we use it: that is not a fault, one fresh try decides.
            answer = self._exchange(call)
        self._used = time.monotonic()
        return answer

    def _open(self) -> http.client.HTTPConnection:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._connection = kind(*self._address, timeout=self._deadline)
            self._connection.connect()
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._connection

    def _exchange(self, call: Call) -> Answer:
        sent = time.time()
        watch: _Watch | None = None
        try:
            connection = self._open()
            watch = _WATCHDOG.watch(connection.sock, self._deadline)
            headers = {"Accept": "application/json", "Connection": "keep-alive", **self._host, **call.headers}
            if call.body is not None and not any(name.lower() == "content-type" for name in headers):
                headers["Content-Type"] = "application/json"
            connection.request(call.method, self._prefix + call.target, body=call.body, headers=headers)
            response = connection.getresponse()
            raw = _read(response)
            if watch.fired:
                raise TimeoutError
            if response.will_close:
                self.close()
        except (OSError, http.client.HTTPException, ValueError, _TooLarge) as error:
            self.close()
            late = watch is not None and watch.fired
            return Answer(broken=_reason(error, late, self._deadline), sent=sent, received=time.time())
        finally:
            if watch:
                _WATCHDOG.forget(watch)
        found = {name.lower(): value for name, value in response.getheaders()}
        return _decoded(response.status, raw, found, sent)


_DROPPED = "the connection was dropped without an answer"


class _TooLarge(Exception):
    pass


def _read(response: http.client.HTTPResponse) -> bytes:
    parts, size = [], 0
    while part := response.read1(65536):
        size += len(part)
        if size > MAX_BODY:
            raise _TooLarge(f"the answer is larger than {MAX_BODY // 1024 // 1024} MiB")
        parts.append(part)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    response.close()
    return b"".join(parts)


def _reason(error: Exception, late: bool, deadline: float) -> str:
    if late or isinstance(error, TimeoutError):
        return f"no complete answer within {deadline:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused: the application is not running"
    if isinstance(error, http.client.RemoteDisconnected | ConnectionResetError | BrokenPipeError):
        return _DROPPED
    if isinstance(error, http.client.IncompleteRead):
        return "the answer broke off in the middle"
    return str(error) if isinstance(error, _TooLarge) else f"not an HTTP answer: {type(error).__name__} {error}"[:300]


def _decoded(status: int, raw: bytes, headers: Mapping[str, str], sent: float) -> Answer:
    body, broken = None, ""
    if raw and "json" in headers.get("content-type", ""):
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            broken = "the body is not the JSON that its Content-Type promises"
    return Answer(status, body, raw, headers, broken, sent, time.time())


@dataclass(eq=False)
class _Watch:
    sock: socket.socket
    until: float
    fired: bool = False


class _Watchdog:
    """Socket timeouts count from the last byte, so a server that drips bytes would hold us for ever: this ends it."""

    def __init__(self) -> None:
        self._watches: set[_Watch] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, sock: socket.socket, seconds: float) -> _Watch:
        """Shuts the socket down after that many seconds unless forgotten before."""
        found = _Watch(sock, time.monotonic() + seconds)
        with self._lock:
            self._watches.add(found)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="judge-watchdog", daemon=True)
                self._thread.start()
        return found

    def forget(self, watch: _Watch) -> None:
        """The exchange is over."""
        with self._lock:
            self._watches.discard(watch)

    def _run(self) -> None:
        while True:
            time.sleep(0.25)
            with self._lock:
                late = [w for w in self._watches if w.until < time.monotonic()]
                self._watches.difference_update(late)
            for watch in late:
                watch.fired = True
                try:
                    watch.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


_WATCHDOG = _Watchdog()


def at_once(url: str, calls: Sequence[Call], deadline: float = DEADLINE) -> Sequence[Answer]:
    """Each request from a connection of its own, opened first and released together by a barrier; the answers in that order."""
    barrier = threading.Barrier(len(calls))
    answers: list[Answer] = [Answer(broken="not sent")] * len(calls)

    def one(index: int) -> None:
        connection = Connection(url, deadline)
        connection.connect()
        barrier.wait()
        answers[index] = connection.send(calls[index])
        connection.close()

    threads = [threading.Thread(target=one, args=(i,), daemon=True) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
