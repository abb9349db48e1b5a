"""The mock: a spec served over HTTP by its reference model, in memory, seconds before any code exists."""

import asyncio
import contextlib
import json
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from aiohttp import hdrs, web

from quantumlayer.errors import EnvironmentError_
from quantumlayer.spec.http import HttpRequest, HttpResponse
from quantumlayer.spec.model.clock import SystemClock
from quantumlayer.spec.model.surface import model_of
from quantumlayer.spec.model.unknown import settled
from quantumlayer.spec.values import Spec

MAX_BODY_BYTES = 1_000_000
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def application(spec: Spec, *, clock_offset: float = 0, admin: tuple[str, str] | None = None) -> web.Application:
    """An aiohttp application that answers as the model does. The rows live as long as it."""
    model = model_of(spec, SystemClock(clock_offset), admin)
    counts: Counter[tuple[str, int]] = Counter()

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/metrics" and request.method == "GET":
            return web.Response(text=_metrics(counts), headers={"content-type": _PROMETHEUS})
        try:
            found = model.handle(await _as_request(request))
        except web.HTTPRequestEntityTooLarge:
            found = _too_large()
        counts[request.method if request.method in hdrs.METH_ALL else "OTHER", found.status] += 1
        return _as_response(replace(found, body=settled(found.body)) if spec.units else found)

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_route("*", "/{path:.*}", answer)
    return app


async def serve(
    spec: Spec,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    clock_offset: float = 0,
    admin: tuple[str, str] | None = None,
    ready: Callable[[str], Awaitable[None] | None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGINT, SIGTERM or `stop`; running requests are finished first.

    `port` 0 takes a free one; `ready` is called with the URL once it answers. Raises `EnvironmentError_` if it cannot listen.
    """
    stopping = stop or asyncio.Event()
    runner = web.AppRunner(application(spec, clock_offset=clock_offset, admin=admin), handle_signals=False, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            reason = error.strerror or str(error)
            raise EnvironmentError_(
                f"cannot listen on {host}:{port}: {reason}", hint="choose another port with --port"
            ) from None
        with _stopped_by_signals(stopping):
            if ready and (pending := ready(_url(runner, host))) is not None:
                await pending
            await stopping.wait()
    finally:
        await runner.cleanup()


def _url(runner: web.AppRunner, host: str) -> str:
    shown = f"[{host}]" if ":" in host else "127.0.0.1" if host in ("", "0.0.0.0") else host
    return f"http://{shown}:{runner.addresses[0][1]}"


@contextlib.contextmanager
def _stopped_by_signals(stopping: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    handled = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stopping.set)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


async def _as_request(request: web.Request) -> HttpRequest:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return HttpRequest(request.method, request.rel_url.raw_path, dict(request.query), headers, await request.read())


def _as_response(found: HttpResponse) -> web.Response:
    headers = dict(found.headers)
    if found.body is None:
        return web.Response(status=found.status, headers=headers)
    headers.setdefault("content-type", "application/json")
    return web.Response(status=found.status, body=json.dumps(found.body, ensure_ascii=False).encode(), headers=headers)


def _too_large() -> HttpResponse:
    body = {"type": "about:blank", "title": "Content Too Large", "status": 413, "detail": f"At most {MAX_BODY_BYTES} bytes."}
    return HttpResponse(413, body, {"content-type": "application/problem+json"})


def _metrics(counts: Counter[tuple[str, int]]) -> str:
    lines = ["# HELP http_requests_total Requests answered.", "# TYPE http_requests_total counter"]
    for (method, status), count in sorted(counts.items()):
        lines.append(f'http_requests_total{{method="{method}",status="{status}"}} {count}')
    return "\n".join(lines) + "\n"
