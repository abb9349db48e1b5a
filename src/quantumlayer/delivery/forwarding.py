"""How one request passes through the proxy: to an application, or to the proxy that runs it."""

import asyncio
import hmac
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from quantumlayer.delivery.gate import without_key
from quantumlayer.delivery.pages import answer, explorer
from quantumlayer.delivery.values import Lease

CONNECTIONS = 512
HEADER_BYTES = 64 * 1024
MAX_MESSAGE = 16 * 1024 * 1024
CHUNK_PATIENCE = 60.0
# Servers commonly close idle connections after 5 s; giving them up earlier avoids sending a POST into a closing one.
IDLE_SECONDS = 2.0
# Ours are kept longer than that (`proxy.IDLE_SECONDS`).
PEER_IDLE_SECONDS = 15.0
# Shows a proxy that the request comes from another one, with the key of its lease.
HOP = "X-QuantumLayer-Hop"
_FROM_PEER = web.RequestKey("from_peer", bool)
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
FORWARDED = frozenset(
    {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-real-ip"}
)
_HANDSHAKE = frozenset({f"sec-websocket-{part}" for part in ("key", "version", "extensions", "protocol", "accept")})
COOKIE_DOMAIN = re.compile(r";\s*domain=[^;]*", re.IGNORECASE)


@dataclass(frozen=True)
class Way:
    """Where a request goes. `session` reaches one application and nothing else; with a `lease`, the proxy that has it."""

    session: aiohttp.ClientSession
    lease: Lease | None = None

    def url(self, target: str) -> URL:
        """The address of a raw path there."""
        return URL(f"http://{'app' if self.lease is None else self.lease.address}{target}", encoded=True)

    def headers(self, request: web.BaseRequest, *dropped: frozenset[str]) -> CIMultiDict[str]:
        """What is sent of the request's headers: an application does not learn what opened its gate."""
        headers = _passed_on(request.headers, FORWARDED, frozenset({HOP.lower()}), *dropped)
        if self.lease is None:
            headers = without_key(headers)
        else:
            headers[HOP] = self.lease.key
        headers.extend(_forwarded(request))
        return headers


def open_session(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    """A client that adds and changes nothing of its own."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        read_bufsize=256 * 1024,
        max_line_size=HEADER_BYTES,
        max_field_size=HEADER_BYTES,
    )


def mark_hop(request: web.BaseRequest, key: str) -> bool:
    """Whether another proxy sent the request, which knows `key`; then what it says of the client is believed."""
    request[_FROM_PEER] = hmac.compare_digest(request.headers.get(HOP, "").encode(), key.encode())
    return request[_FROM_PEER]


async def pass_on(request: web.BaseRequest, way: Way, target: str) -> web.StreamResponse:
    """The answer, sent on while it comes in. Raises `aiohttp.ClientError`, `OSError` or `TimeoutError` when there is none."""
    if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
        return await _bridge(request, way, target)
    return await _forward(request, way, target)


def _forwarded(request: web.BaseRequest) -> dict[str, str]:
    own = {"x-forwarded-for": request.remote or "", "x-forwarded-host": request.headers[hdrs.HOST], "x-forwarded-proto": "http"}
    told = request.headers if request.get(_FROM_PEER) else {}
    return {name.title(): told.get(name, value) for name, value in own.items()}


def _passed_on(headers: CIMultiDictProxy[str], *dropped: frozenset[str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for value in headers.getall(hdrs.CONNECTION, ()) for name in value.split(",")}
    without = HOP_BY_HOP.union(named, *dropped)
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in without)


def _response_headers(upstream: aiohttp.ClientResponse) -> CIMultiDict[str]:
    headers = _passed_on(upstream.headers)
    # A cookie for the whole domain would be sent to the previews of others.
    if cookies := headers.popall(hdrs.SET_COOKIE, None):
        for cookie in cookies:
            headers.add(hdrs.SET_COOKIE, COOKIE_DOMAIN.sub("", cookie))
    # The address is the key to the preview: it should not travel to linked sites.
    headers.setdefault("Referrer-Policy", "same-origin")
    return headers


async def _chunks(request: web.BaseRequest) -> AsyncIterator[bytes]:
    while True:
        async with asyncio.timeout(CHUNK_PATIENCE):
            chunk = await request.content.readany()
        if not chunk:
            return
        yield chunk


async def _forward(request: web.BaseRequest, way: Way, target: str) -> web.StreamResponse:
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    headers = way.headers(request, frozenset({"expect"}))
    body = _chunks(request) if request.body_exists else None
    async with way.session.request(
        request.method, way.url(target), headers=headers, data=body, allow_redirects=False
    ) as upstream:
        if upstream.status == 404 and way.lease is None and target == "/" and _wants_page(request):
            return explorer()
        if upstream.status < 200:
            raise aiohttp.ClientPayloadError(f"status {upstream.status} to a request that asked for no upgrade")
        headers, begun = _response_headers(upstream), upstream.content.read_nowait()
        if begun and len(begun) == upstream.content_length:
            # All of it came with its headers, and leaves with them: half the work for the small answers of an API.
            return web.Response(status=upstream.status, reason=upstream.reason, headers=headers, body=begun)
        response = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=headers)
        if request.method == hdrs.METH_HEAD or upstream.status in (204, 304):
            await response.prepare(request)
            return response
        await response.prepare(request)
        if begun:
            await response.write(begun)
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


def _wants_page(request: web.BaseRequest) -> bool:
    """Whether a browser asks. An API has nothing at its root; people who open it get a page to try it with."""
    return request.method == hdrs.METH_GET and "text/html" in request.headers.get(hdrs.ACCEPT, "")


async def _bridge(request: web.BaseRequest, way: Way, target: str) -> web.StreamResponse:
    offered = [p.strip() for v in request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, ()) for p in v.split(",") if p.strip()]
    try:
        upstream = await way.session.ws_connect(
            way.url(target),
            protocols=offered,
            headers=way.headers(request, _HANDSHAKE),
            max_msg_size=MAX_MESSAGE,
            autoping=False,
        )
    except aiohttp.WSServerHandshakeError as refused:
        accept = request.headers.get(hdrs.ACCEPT, "")
        status = refused.status if 400 <= refused.status < 600 else 502
        return answer(status, "No WebSocket here", "The application refused the WebSocket.", accept=accept)
    async with upstream:
        client = web.WebSocketResponse(
            protocols=(upstream.protocol,) if upstream.protocol else (), max_msg_size=MAX_MESSAGE, autoping=False
        )
        await client.prepare(request)
        pumps = [asyncio.create_task(_pump(client, upstream)), asyncio.create_task(_pump(upstream, client))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await client.close(code=_close_code(upstream.close_code))
        return client


Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pump(source: Socket, target: Socket) -> None:
    while True:
        message = await source.receive()
        match message.type:
            case aiohttp.WSMsgType.TEXT:
                await target.send_str(message.data)
            case aiohttp.WSMsgType.BINARY:
                await target.send_bytes(message.data)
            case aiohttp.WSMsgType.PING:
                await target.ping(message.data)
            case aiohttp.WSMsgType.PONG:
                await target.pong(message.data)
            case _:
                await target.close(code=_close_code(source.close_code))
                return


def _close_code(code: int | None) -> int:
    """The code to send on: 1005, 1006 and 1015 only ever mean that none was sent."""
    return 1000 if code in (None, 1005) else 1011 if code in (1006, 1015) else code
