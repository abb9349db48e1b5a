"""Requests and answers that need nothing of the proxy but to be passed on: parsed, checked, and written anew.

Nothing here is passed on as the bytes that came: what one side and the other would read differently cannot get through.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

import httptools

from quantumlayer.delivery.forwarding import COOKIE_DOMAIN, FORWARDED, HOP, HOP_BY_HOP
from quantumlayer.delivery.gate import COOKIE, HEADER

HEAD_BYTES, HEADERS = 16 * 1024, 100
METHODS = frozenset((b"GET", b"OPTIONS", b"POST", b"PUT", b"PATCH", b"DELETE"))
Header = tuple[bytes, bytes]
_HOP_BY_HOP = frozenset(name.encode() for name in HOP_BY_HOP)
_FORWARDED = frozenset(name.encode() for name in FORWARDED)
_SPECIAL = (_HOP_BY_HOP - {b"connection"}) | {b"expect", HOP.lower().encode(), HEADER.lower().encode()}
_COOKIE, _COOKIE_DOMAIN = COOKIE.encode(), re.compile(COOKIE_DOMAIN.pattern.encode(), re.IGNORECASE)
_BODILESS = (204, 304)


class Plain(NamedTuple):
    """A request of which the application alone has to know. `headers` are those that it is to see, without `X-Forwarded-*`."""

    method: bytes
    target: bytes
    host: bytes
    headers: list[Header]
    body: bytes

    def written(self, remote: bytes) -> bytes:
        """What is sent to the application on behalf of the client at that address."""
        lines = [b"%b %b HTTP/1.1" % (self.method, self.target), *(b"%b: %b" % header for header in self.headers)]
        lines += [b"X-Forwarded-For: " + remote, b"X-Forwarded-Host: " + self.host, b"X-Forwarded-Proto: http", b"", self.body]
        return b"\r\n".join(lines)


class _Request:
    """What the parser finds."""

    def __init__(self) -> None:
        self.target, self.body = b"", b""
        self.headers: list[Header] = []
        self.begun = self.whole = 0

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.whole += 1


def plain_request(received: bytes) -> Plain | None:
    """The one whole request that was received; None where it is anything but plain, so that others have to look at it."""
    head = received[: received.find(b"\r\n\r\n") + 4]
    lines = head.count(b"\r\n")
    if not 4 < len(head) <= HEAD_BYTES or lines > HEADERS or not head.isascii() or b"\0" in head:
        return None
    if lines != head.count(b"\n") or lines != head.count(b"\r") or b"\n " in head or b"\n\t" in head:
        return None
    found = _Request()
    parser = httptools.HttpRequestParser(found)
    try:
        parser.feed_data(received)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    method = parser.get_method()
    if (found.begun, found.whole) != (1, 1) or parser.get_http_version() != "1.1" or method not in METHODS:
        return None
    if not found.target.startswith(b"/"):
        return None
    return _checked(method, found)


def _checked(method: bytes, found: _Request) -> Plain | None:
    hosts, kept = [], []
    for header in found.headers:
        name, value = header[0].lower(), header[1]
        if name in _SPECIAL or (name == b"connection" and value.lower() != b"keep-alive"):
            return None
        if name == b"cookie" and _COOKIE in value:
            return None
        # People get a page of ours where the application has none.
        if name == b"accept" and found.target == b"/" and b"text/html" in value:
            return None
        if name == b"host":
            hosts.append(value)
        if name != b"connection" and name not in _FORWARDED:
            kept.append(header)
    return Plain(method, found.target, hosts[0], kept, found.body) if len(hosts) == 1 else None


def answer_head(status: int, reason: bytes, headers: Iterable[Header]) -> tuple[bytes, bool]:
    """What is sent to the client before the body, and whether the body is to be sent in chunks."""
    named: set[bytes] = set()
    for name, value in headers:
        if name.lower() == b"connection":
            named |= {each.strip().lower() for each in value.split(b",")}
    lines, told = [b"HTTP/1.1 %d %b" % (status, reason)], set()
    for name, value in headers:
        lower = name.lower()
        if lower in _HOP_BY_HOP or lower in named:
            continue
        told.add(lower)
        # A cookie for the whole domain would be sent to the previews of others.
        lines.append(b"%b: %b" % (name, _COOKIE_DOMAIN.sub(b"", value) if lower == b"set-cookie" else value))
    # The address is the key to the preview: it should not travel to linked sites.
    if b"referrer-policy" not in told:
        lines.append(b"Referrer-Policy: same-origin")
    chunked = b"content-length" not in told and status not in _BODILESS
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
    return b"\r\n".join((*lines, b"", b"")), chunked
