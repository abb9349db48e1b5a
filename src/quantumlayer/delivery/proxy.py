"""The preview proxy: `http://<id>.preview.localhost:<port>/` to the one application with that id, and to nothing else."""

import asyncio
import contextlib
import logging
import re
import resource
import socket
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from quantumlayer.delivery.gate import Gate, without_key
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.keeper import UNUSED_SECONDS, App, Keeper, Launch
from quantumlayer.delivery.pages import answer, explorer
from quantumlayer.delivery.registry import Registry
from quantumlayer.delivery.values import DOMAIN
from quantumlayer.errors import EnvironmentError_

log = logging.getLogger("quantumlayer.preview")
# What strangers send is no error of ours; what we get wrong is logged in `Proxy.handle`.
_quiet = logging.getLogger("quantumlayer.preview.http")
_quiet.setLevel(logging.CRITICAL)

APP = "http://app"
DEFAULT_PORT = 8088
PORTS_TRIED = 100
HEALTH, READY = "/.quantumlayer/health", "/.quantumlayer/ready"
OPEN_FILES = 65_536
MAX_MESSAGE = 16 * 1024 * 1024
HEADER_BYTES = 16 * 1024
IDLE_SECONDS = 30.0
CHUNK_PATIENCE = 60.0
_HOST = re.compile(rf"([a-z2-7]{{32}})\.{re.escape(DOMAIN)}(?::\d+)?", re.IGNORECASE)
_HOP_BY_HOP = frozenset(
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
_FORWARDED = frozenset(
    {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-real-ip"}
)
_HANDSHAKE = frozenset({f"sec-websocket-{part}" for part in ("key", "version", "extensions", "protocol", "accept")})
_COOKIE_DOMAIN = re.compile(r";\s*domain=[^;]*", re.IGNORECASE)


class Proxy:
    """Answers requests from the applications that `keeper` keeps."""

    def __init__(self, registry: Registry, keeper: Keeper) -> None:
        self._registry, self._keeper, self._gate = registry, keeper, Gate()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request of one client."""
        target = request.raw_path
        accept = request.headers.get(hdrs.ACCEPT, "")
        if not target.startswith("/"):
            return answer(400, "Bad request", "Only paths that begin with / are served here.", accept=accept)
        hosts = request.headers.getall(hdrs.HOST, [])
        match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if match is None and target in (HEALTH, READY):
            return await self._condition(target)
        if match is None:
            detail = f"Preview addresses look like http://<id>.{DOMAIN}/."
            return answer(404, "There is no preview here", detail, accept=accept)
        preview_id = match[1].lower()
        app = self._keeper.apps.get(preview_id)
        if app is not None and app.preview.live and app.preview.password is not None:
            refusal = await self._gate.refusal(request, app.preview, target)
            if refusal is not None:
                return refusal
        if app is not None and app.session is None and app.preview.live and app.preview.state == "idle":
            await self._keeper.awaken(app)
        if app is None or app.session is None or not app.preview.live:
            return await self._absent(preview_id, accept)
        with app.passing_on():
            return await self._pass_on(request, app, app.session, target)

    async def _pass_on(
        self, request: web.BaseRequest, app: App, session: aiohttp.ClientSession, target: str
    ) -> web.StreamResponse:
        accept = request.headers.get(hdrs.ACCEPT, "")
        try:
            if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
                return await _bridge(request, session, target)
            return await _forward(request, session, target)
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            log.info("the application of run %s did not answer: %s", app.preview.run, type(error).__name__)
            if request.writer.output_size > 0 or request.transport is None or request.transport.is_closing():
                raise ConnectionResetError from error
            detail = "It may be restarting. Try again in a second."
            return answer(502, "The application did not answer", detail, accept=accept, retry_after=1)
        except Exception:
            log.exception("the preview of run %s: a request could not be passed on", app.preview.run)
            raise

    async def _condition(self, target: str) -> web.Response:
        """For whoever watches the proxy itself: it lives; with READY, it also reaches its registry."""
        if target == READY:
            try:
                await self._registry.all("starting")
            except Exception as error:
                log.warning("the registry does not answer: %s", error)
                return answer(503, "Not ready", "The registry of previews does not answer.", accept="", retry_after=1)
        serving = sum(app.session is not None for app in self._keeper.apps.values())
        return web.json_response({"status": "ok", "applications": serving}, headers={"Cache-Control": "no-store"})

    async def _absent(self, preview_id: str, accept: str) -> web.Response:
        preview = await self._registry.get(preview_id)
        if preview is None:
            detail = "Nothing is known under this address. Check that it was copied in full."
            return answer(404, "There is no such preview", detail, accept=accept)
        if not preview.live:
            how = (
                "was ended by its owner"
                if preview.state == "revoked"
                else f"ended at {preview.expires_at:%Y-%m-%d %H:%M:%S} UTC"
            )
            return answer(410, "This preview is over", f"It {how}. Ask for a new one.", accept=accept)
        if preview.state == "failed":
            detail = "The application could not be started, or stopped too often. This is the last it said:"
            return answer(502, "This preview is broken", detail, accept=accept, output=preview.message, retry_after=60)
        return answer(503, "Starting", "The application is starting. Try again in a second.", accept=accept, retry_after=1)


def _passed_on(headers: CIMultiDictProxy[str], *dropped: frozenset[str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for value in headers.getall(hdrs.CONNECTION, ()) for name in value.split(",")}
    without = _HOP_BY_HOP.union(named, *dropped)
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in without)


def _request_headers(request: web.BaseRequest, *dropped: frozenset[str]) -> CIMultiDict[str]:
    headers = without_key(_passed_on(request.headers, _FORWARDED, *dropped))
    headers["X-Forwarded-For"] = request.remote or ""
    headers["X-Forwarded-Host"] = request.headers[hdrs.HOST]
    headers["X-Forwarded-Proto"] = "http"
    return headers


def _response_headers(upstream: aiohttp.ClientResponse) -> CIMultiDict[str]:
    headers = _passed_on(upstream.headers)
    # A cookie for the whole domain would be sent to the previews of others.
    if cookies := headers.popall(hdrs.SET_COOKIE, None):
        for cookie in cookies:
            headers.add(hdrs.SET_COOKIE, _COOKIE_DOMAIN.sub("", cookie))
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


async def _forward(request: web.BaseRequest, session: aiohttp.ClientSession, target: str) -> web.StreamResponse:
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    headers = _request_headers(request, frozenset({"expect"}))
    body = _chunks(request) if request.body_exists else None
    url = URL(APP + target, encoded=True)
    async with session.request(request.method, url, headers=headers, data=body, allow_redirects=False) as upstream:
        if upstream.status == 404 and target == "/" and request.method == hdrs.METH_GET and _wants_page(request):
            return explorer()
        if upstream.status < 200:
            raise aiohttp.ClientPayloadError(f"status {upstream.status} to a request that asked for no upgrade")
        response = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=_response_headers(upstream))
        if request.method == hdrs.METH_HEAD or upstream.status in (204, 304):
            await response.prepare(request)
            return response
        await response.prepare(request)
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


def _wants_page(request: web.BaseRequest) -> bool:
    """Whether a browser asks. An API has nothing at its root; people who open it get a page to try it with."""
    return "text/html" in request.headers.get(hdrs.ACCEPT, "")


async def _bridge(request: web.BaseRequest, session: aiohttp.ClientSession, target: str) -> web.StreamResponse:
    offered = [p.strip() for v in request.headers.getall(hdrs.SEC_WEBSOCKET_PROTOCOL, ()) for p in v.split(",") if p.strip()]
    try:
        upstream = await session.ws_connect(
            URL(APP + target, encoded=True),
            protocols=offered,
            headers=_request_headers(request, _HANDSHAKE),
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
        ways = [asyncio.create_task(_pump(client, upstream)), asyncio.create_task(_pump(upstream, client))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
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


def bind(first: int, last_port: int | None) -> tuple[list[socket.socket], int]:
    """Loopback sockets on the port used last, `first`, or the next free one. Raises `EnvironmentError_` when none is free."""
    candidates = ([last_port] if last_port else []) + list(range(first, min(first + PORTS_TRIED, 65536)))
    for port in candidates:
        try:
            sockets = [socket.create_server(("127.0.0.1", port), backlog=1024)]
        except OSError:
            continue
        with contextlib.suppress(OSError):
            sockets.append(socket.create_server(("::1", port), family=socket.AF_INET6, backlog=1024))
        return sockets, port
    raise EnvironmentError_(
        f"no free port from {first} to {candidates[-1]} for the preview proxy", hint="name another one with --port"
    )


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.asynccontextmanager
async def running_proxy(
    registry: Registry,
    home: PreviewHome,
    launch: Launch,
    *,
    port: int = DEFAULT_PORT,
    unused_seconds: float = UNUSED_SECONDS,
) -> AsyncIterator[int]:
    """The proxy and the applications behind it, for as long as the context is open; gives the port it listens on.

    An application that nobody asked for in `unused_seconds` is stopped until the next request.
    Raises `EnvironmentError_` when another proxy holds this home or no port is free.
    """
    with home.only_proxy():
        _allow_many_connections()
        sockets, bound = bind(port, home.port())
        keeper = Keeper(registry, home, launch, bound, unused_seconds)
        server = web.Server(
            Proxy(registry, keeper).handle,
            access_log=None,
            logger=_quiet,
            keepalive_timeout=IDLE_SECONDS,
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
            auto_decompress=False,
        )
        loop = asyncio.get_running_loop()
        listeners = [await loop.create_server(server, sock=s) for s in sockets]
        with home.wakeable(keeper.wake):
            keeping = asyncio.create_task(keeper.run())
            home.record(bound)
            try:
                yield bound
            finally:
                for listener in listeners:
                    listener.close()
                await server.shutdown(timeout=1.0)
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
