"""Stands before every operation: who calls, from where, how often, and how slowly."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from quantumlayer.errors import QuantumLayerError
from quantumlayer.server.api.metrics import Metrics
from quantumlayer.server.api.problems import Refused, problem
from quantumlayer.server.api.settings import LOCAL_NAMES, Settings
from quantumlayer.stores.access import SCOPES, Access, Scope
from quantumlayer.stores.values import Owner

log = logging.getLogger("quantumlayer.api")
PUBLIC = frozenset({"/health", "/ready", "/version", "/api/v1/openapi.json"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_BYTES = 2_000_000
CREATION_BYTES = 25_000_000
CREATION = ("POST", "/api/v1/runs")
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
# A peer that takes nothing or sends nothing for so long is let go.
SEND_SECONDS = 30.0
RECEIVE_SECONDS = 30.0
TOKEN_SECONDS = 1.0
TOKENS_KEPT = 4096
PROTOCOL = "quantumlayer"
_BEARER_PROTOCOL = "bearer."
_SECURE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True)
class Caller:
    """Who calls, as far as operations care. `id` is what limits count."""

    id: str
    owner: Owner
    scopes: tuple[Scope, ...]


class Guard:
    """An ASGI middleware, the outermost. Its refusals are problems too, also to a WebSocket handshake."""

    def __init__(self, app: ASGIApp, settings: Settings, access: Access, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._door = Door(settings, access)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Lets it through, or answers 401, 403, 404, 421 or 429."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            limits = await self._door.check(scope)
        except Refused as refused:
            await refused.response()(scope, receive, send)
            return
        except QuantumLayerError as error:
            await problem(503, error.message, error.hint)(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        receiving = _patient_receive(receive) if scope["type"] == "http" else receive
        try:
            await self._app(scope, receiving, _patient_send(noting, limits))
        finally:
            if scope["type"] == "http":
                self._metrics.count_request(scope, status, began)


class Door:
    """Decides about one request."""

    def __init__(self, settings: Settings, access: Access) -> None:
        self._settings, self._access = settings, access
        self._limits = Limits(settings)
        self._known: dict[str, tuple[float, Caller]] = {}

    async def check(self, scope: AsgiScope) -> dict[str, str]:
        """Puts the caller into the scope's state; headers for the answer. Raises `Refused`."""
        headers, path = Headers(scope=scope), scope["path"]
        if any(character < " " for character in path):
            raise Refused(404, "there is nothing at this path", "paths hold no control characters")
        method = scope.get("method", "GET")
        caller = await self._caller(scope, headers, path)
        scope.setdefault("state", {})["caller"] = caller
        _check_size(headers, method, path)
        needed: Scope = "read" if method in SAFE else "write"
        if path not in PUBLIC and needed not in caller.scopes:
            raise Refused(403, f"this token may not {needed}", "make one with: ql token create --scope")
        return await self._limits.count(caller.id, method, path)

    async def _caller(self, scope: AsgiScope, headers: Headers, path: str) -> Caller:
        secret = _secret(headers)
        address = (scope.get("client") or ("unknown", 0))[0]
        if secret is not None:
            return await self._bearer(secret)
        if self._settings.loopback and not any(name in headers for name in FORWARDED):
            _check_local(headers, self._settings.names)
            return Caller(f"address:{address}", Owner(), SCOPES)
        if path in PUBLIC:
            return Caller(f"address:{address}", Owner(), ())
        raise Refused(
            401,
            "a bearer token is needed",
            "make one with: ql token create NAME, and send it as Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": "Bearer"},
        )

    async def _bearer(self, secret: str) -> Caller:
        known = self._known.get(secret)
        if known is not None and time.monotonic() - known[0] < TOKEN_SECONDS:
            return known[1]
        token = await self._access.of_secret(secret)
        if token is None:
            self._known.pop(secret, None)
            raise Refused(
                401,
                "the token is unknown, expired or revoked",
                "list them with: ql token list",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        if len(self._known) >= TOKENS_KEPT:
            self._known.clear()
        caller = Caller(f"token:{token.id}", token.owner, token.scopes)
        self._known[secret] = time.monotonic(), caller
        return caller


class Limits:
    """Counts the calls of each caller in windows that slide."""

    def __init__(self, settings: Settings) -> None:
        storage = storage_from_string(settings.storage)
        assert isinstance(storage, Storage)
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._requests = parse(settings.requests) if settings.requests else None
        self._creations = parse(settings.creations) if settings.creations else None

    async def count(self, caller: str, method: str, path: str) -> dict[str, str]:
        """Headers that tell the caller where it stands. Raises `Refused` with 429 beyond the limit."""
        limit, name = self._requests, "requests"
        if (method, path) == CREATION and self._creations is not None:
            limit, name = self._creations, "creations"
        if limit is None or path in PUBLIC:
            return {}
        allowed = await self._limiter.hit(limit, name, caller)
        stats = await self._limiter.get_window_stats(limit, name, caller)
        wait = max(1, round(stats.reset_time - time.time()))
        headers = {
            "RateLimit-Policy": f'"{name}";q={limit.amount};w={_seconds(limit)}',
            "RateLimit": f'"{name}";r={max(0, stats.remaining)};t={wait}',
        }
        if not allowed:
            detail = f"more than {limit.amount} {name} in {_seconds(limit)} seconds"
            raise Refused(429, detail, f"try again in {wait} s", headers=headers | {"Retry-After": str(wait)})
        return headers


def _seconds(limit: RateLimitItem) -> int:
    return limit.get_expiry()


def _secret(headers: Headers) -> str | None:
    """The token of the header, or of the WebSocket's protocols, which is all that a browser lets a page send."""
    kind, _, secret = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and secret.startswith("ql_"):
        return secret.strip()
    offered = [p.strip() for p in headers.get("sec-websocket-protocol", "").split(",")]
    return next((p.removeprefix(_BEARER_PROTOCOL) for p in offered if p.startswith(_BEARER_PROTOCOL)), None)


def _check_size(headers: Headers, method: str, path: str) -> None:
    """Refuses before the first byte what says itself that it is too large; the rest is counted as it comes."""
    most = CREATION_BYTES if (method, path) == CREATION else BODY_BYTES
    length = headers.get("content-length", "0")
    if not length.isdigit() or len(length) > 18 or int(length) > most:
        raise Refused(413, f"the body is too large: at most {most:,} bytes are read here", "send less, or split it")


def _check_local(headers: Headers, names: frozenset[str]) -> None:
    """Without a token only this machine's own programs are served: not a page of a foreign site in this machine's browser."""
    host = headers.get("host", "")
    if _name(host) not in LOCAL_NAMES | names:
        raise Refused(421, f"this server is not {host[:100]!r}", "call it as 127.0.0.1 or localhost, or name it with --name")
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        raise Refused(403, "a page of another site asked for this", "call the API from a program, or with a token")
    if origin is None and headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Refused(403, "a page of another site asked for this", "call the API from a program, or with a token")


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _patient_send(send: Send, limits: dict[str, str]) -> Send:
    extra: Sequence[tuple[str, str]] = [*_SECURE.items(), *limits.items()]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in extra:
                headers.setdefault(name, value)
        async with asyncio.timeout(SEND_SECONDS):
            await send(message)

    return sending


def _patient_receive(receive: Receive) -> Receive:
    whole = False

    async def receiving() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout(RECEIVE_SECONDS):
                message = await receive()
        except TimeoutError:
            raise Refused(408, "the body did not arrive", f"send it within {RECEIVE_SECONDS:.0f} s") from None
        whole = not message.get("more_body", False)
        return message

    return receiving
