"""A real HTTP server that speaks the providers' protocols, and misbehaves when it is told to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from quantumlayer.conformance.llm.protocols import MESSAGES, PROTOCOLS, TROUBLES, Protocol, Said

Kind = Literal[
    "answer",
    "busy",
    "broken",
    "overloaded",
    "wrong_key",
    "no_such_model",
    "too_large",
    "no_money",
    "hang",
    "drip",
    "cut",
    "reset",
    "html",
    "bad_json",
    "empty",
]
# Long past any timeout of a test; the client is gone by then.
FOREVER = 60.0
DRIP_SECONDS = 0.2


@dataclass(frozen=True)
class Scene:
    """What the server does with one request. `text` is what the model says; `retry_after` in seconds goes with "busy"."""

    kind: Kind = "answer"
    text: str = "All is well."
    cut: bool = False
    retry_after: float | None = None


@dataclass
class Request:
    """What arrived. `gone` once the client closed the connection before it had the whole answer."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    gone: bool = False


@dataclass
class Wire:
    """The server. `scenes` are played one a request, the last one for ever; `requests` are what arrived."""

    url: str = ""
    scenes: list[Scene] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def play(self, *scenes: Scene) -> None:
        """Forgets what was, and plays these."""
        self.scenes, self.requests = list(scenes), []

    def arrived(self) -> bool:
        """Whether a request came."""
        return bool(self.requests)

    def left(self) -> bool:
        """Whether the client of the first request closed its connection early."""
        return self.requests[0].gone

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        protocol = next((p for p in PROTOCOLS if request.path.endswith(p.ends)), None)
        if protocol is None:
            return web.json_response({"error": {"message": f"no such path: {request.path}"}}, status=404)
        raw = await request.read()
        arrived = Request(request.path, dict(request.headers), json.loads(raw or b"{}"))
        scene = self.scenes[min(len(self.requests), len(self.scenes) - 1)] if self.scenes else Scene()
        self.requests.append(arrived)
        try:
            return await _perform(scene, protocol, request, arrived)
        except (asyncio.CancelledError, ConnectionError):
            arrived.gone = True
            raise


@asynccontextmanager
async def serve_wire() -> AsyncIterator[Wire]:
    """A server on a free port of the loopback."""
    wire = Wire()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", wire.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    wire.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield wire
    finally:
        await runner.cleanup()


async def _perform(scene: Scene, protocol: Protocol, request: web.Request, arrived: Request) -> web.StreamResponse:
    said = Said(scene.text, scene.cut, tool=_wants_tool(arrived.body))
    streams = protocol.streams(request.path, arrived.body)
    match scene.kind:
        case "answer" if streams:
            return await _stream(request, list(protocol.events(said)))
        case "answer":
            return web.json_response(protocol.whole(said))
        case "hang":
            await asyncio.sleep(FOREVER)
        case "drip":
            return await _drip(request, protocol, said, streams)
        case "cut" | "reset":
            return await _broken_off(request, protocol, said, streams, scene.kind)
        case "html":
            return web.Response(text="<html><body>Welcome to the proxy</body></html>", content_type="text/html")
        case "bad_json":
            return web.Response(
                text='data: {"id": "x", "choices": [{\n\n' if streams else '{"id": "x", ', content_type=_type(streams)
            )
        case "empty":
            return web.Response(text="", content_type=_type(streams))
    return _trouble(scene, protocol)


def _trouble(scene: Scene, protocol: Protocol) -> web.Response:
    speaker = "openai" if protocol.name.startswith("openai") else protocol.name
    status, code = TROUBLES[scene.kind][speaker]
    message = MESSAGES.get(scene.kind, {}).get(speaker, f"this is the trouble {scene.kind}")
    headers = {} if scene.retry_after is None else {"Retry-After": f"{scene.retry_after:g}"}
    return web.json_response(protocol.error(message, code), status=status, headers=headers)


async def _stream(request: web.Request, events: list[bytes], pause: float = 0.0) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events:
        await response.write(event)
        await asyncio.sleep(pause)
    await response.write_eof()
    return response


async def _drip(request: web.Request, protocol: Protocol, said: Said, streams: bool) -> web.StreamResponse:
    """So slow that every wait between two bytes is short, and the whole is not."""
    if streams:
        events = list(protocol.events(said))
        middle = len(events) // 2
        return await _stream(
            request, [*events[:middle], *(b": still here\n\n" for _ in range(300)), *events[middle:]], DRIP_SECONDS
        )
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for byte in json.dumps(protocol.whole(said)).encode():
        await response.write(bytes([byte]))
        await asyncio.sleep(DRIP_SECONDS)
    return response


async def _broken_off(request: web.Request, protocol: Protocol, said: Said, streams: bool, kind: str) -> web.StreamResponse:
    """Half an answer; then the end of the connection, which is orderly ("cut") or not ("reset")."""
    response = web.StreamResponse(headers={"Content-Type": _type(streams)})
    await response.prepare(request)
    events = list(protocol.events(said))
    whole = json.dumps(protocol.whole(said)).encode()
    await response.write(b"".join(events[: len(events) // 2]) if streams else whole[: len(whole) // 2])
    if kind == "reset" and request.transport is not None:
        request.transport.abort()
    else:
        await response.write_eof()
    return response


def _type(streams: bool) -> str:
    return "text/event-stream" if streams else "application/json"


def _wants_tool(body: dict[str, Any]) -> bool:
    return bool(body.get("tools"))
