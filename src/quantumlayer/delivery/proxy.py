"""The preview proxy: `http://<id>.preview.localhost:<port>/` to the one application with that id, and to nothing else."""

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import hdrs, web

from quantumlayer.delivery.express import Express
from quantumlayer.delivery.forwarding import CONNECTIONS, PEER_IDLE_SECONDS, Way, mark_hop, open_session, pass_on
from quantumlayer.delivery.gate import Gate
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.keeper import UNUSED_SECONDS, Keeper, Launch
from quantumlayer.delivery.listening import LOOPBACK, allow_many_connections, bind, listen, ports_from
from quantumlayer.delivery.pages import answer, no_answer
from quantumlayer.delivery.registry import Registry
from quantumlayer.delivery.values import DOMAIN, HOST, Lease

log = logging.getLogger("quantumlayer.preview")
# What strangers send is no error of ours; what we get wrong is logged in `Proxy.handle`.
_quiet = logging.getLogger("quantumlayer.preview.http")
_quiet.setLevel(logging.CRITICAL)

ANYWHERE = ("0.0.0.0", "::", "")
DEFAULT_PORT = 8088
HEALTH, READY = "/.quantumlayer/health", "/.quantumlayer/ready"
OPEN_FILES = 65_536
HEADER_BYTES = 16 * 1024
IDLE_SECONDS = 30.0


class Proxy:
    """Answers requests from the applications that `keeper` keeps, and hands others to the proxy that does, over `peers`."""

    def __init__(self, registry: Registry, keeper: Keeper, peers: aiohttp.ClientSession) -> None:
        self._registry, self._keeper, self._peers, self._gate = registry, keeper, peers, Gate()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request of one client."""
        target = request.raw_path
        accept = request.headers.get(hdrs.ACCEPT, "")
        if not target.startswith("/"):
            return answer(400, "Bad request", "Only paths that begin with / are served here.", accept=accept)
        hosts = request.headers.getall(hdrs.HOST, [])
        match = HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if match is None and target in (HEALTH, READY):
            return await self._condition(target)
        if match is None:
            detail = f"Preview addresses look like http://<id>.{DOMAIN}/."
            return answer(404, "There is no preview here", detail, accept=accept)
        preview_id = match[1].lower()
        handed_on = mark_hop(request, self._keeper.lease.key)
        app = self._keeper.apps.get(preview_id)
        if app is None:
            lease = await self._registry.lease(preview_id)
            # Who hands a request on has looked just now; handing it back would go round for ever.
            if handed_on or lease is None or lease.holder == self._keeper.lease.holder:
                return await self._absent(preview_id, accept)
            return await self._pass_on(request, Way(self._peers, lease), target, preview_id)
        if app.preview.live and app.preview.password is not None:
            refusal = await self._gate.refusal(request, app.preview, target)
            if refusal is not None:
                return refusal
        if app.session is None and app.preview.live and app.preview.state == "idle":
            await self._keeper.awaken(app)
        if app.session is None or not app.preview.live:
            return await self._absent(preview_id, accept)
        with app.passing_on():
            return await self._pass_on(request, Way(app.session), target, preview_id)

    async def _pass_on(self, request: web.BaseRequest, way: Way, target: str, preview_id: str) -> web.StreamResponse:
        accept = request.headers.get(hdrs.ACCEPT, "")
        where = "the application" if way.lease is None else f"the proxy at {way.lease.address}"
        try:
            return await pass_on(request, way, target)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.info("%s of the preview %s… did not answer: %s", where, preview_id[:6], type(error).__name__)
            if request.writer.output_size > 0 or request.transport is None or request.transport.is_closing():
                raise ConnectionResetError from error
            return no_answer(accept)
        except Exception:
            log.exception("a request to %s of the preview %s… could not be passed on", where, preview_id[:6])
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


def sockets_on(host: str, first: int, last_port: int | None) -> tuple[list[socket.socket], int]:
    """Sockets on the port used last, `first`, or the next free one. Raises `EnvironmentError_` when none is free."""
    listener = bind(host, [*([last_port] if last_port else []), *ports_from(first)])
    sockets, port = [listener], int(listener.getsockname()[1])
    if host == LOOPBACK:
        with contextlib.suppress(OSError):
            sockets.append(listen("::1", port))
    return sockets, port


@contextlib.asynccontextmanager
async def running_proxy(
    registry: Registry,
    home: PreviewHome,
    launch: Launch,
    *,
    host: str = LOOPBACK,
    port: int = DEFAULT_PORT,
    advertise: str = "",
    unused_seconds: float = UNUSED_SECONDS,
) -> AsyncIterator[int]:
    """The proxy and the applications behind it, for as long as the context is open; gives the port it listens on.

    Other proxies of the same registry reach it at the host `advertise`, else at `host`.
    An application that nobody asked for in `unused_seconds` is stopped until the next request.
    Raises `EnvironmentError_` when another proxy holds this home or no port is free.
    """
    with home.only_proxy():
        allow_many_connections(OPEN_FILES)
        sockets, bound = sockets_on(host, port, home.port())
        reached = advertise or (socket.gethostname() if host in ANYWHERE else host)
        address = f"[{reached}]:{bound}" if ":" in reached else f"{reached}:{bound}"
        lease = Lease(holder=home.holder(), address=address, key=secrets.token_hex(16))
        keeper = Keeper(registry, home, launch, bound, lease, unused_seconds)
        peers = open_session(aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=PEER_IDLE_SECONDS))
        server = web.Server(
            Proxy(registry, keeper, peers).handle,
            access_log=None,
            logger=_quiet,
            keepalive_timeout=IDLE_SECONDS,
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
            auto_decompress=False,
        )
        loop = asyncio.get_running_loop()
        express: set[Express] = set()

        def client() -> Express:
            return Express(keeper.apps, server, express, IDLE_SECONDS)

        listeners = [await loop.create_server(client, sock=s) for s in sockets]
        with home.wakeable(keeper.wake):
            keeping = asyncio.create_task(keeper.run())
            home.record(bound)
            try:
                yield bound
            finally:
                for listener in listeners:
                    listener.close()
                await server.shutdown(timeout=1.0)
                for connection in tuple(express):
                    connection.close()
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
                await peers.close()
