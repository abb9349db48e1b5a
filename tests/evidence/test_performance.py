"""Load runs against real servers on loopback: the reference model served over HTTP, whole, slow, wrong and dead."""

import asyncio
import json
import socket
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from quantumlayer.evidence.journey import plan_journey
from quantumlayer.evidence.load import Gun, Sample, Shot, percentile
from quantumlayer.evidence.performance import measure
from quantumlayer.plan.derivation.world import ADMINISTRATOR
from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.model import ReferenceModel, SystemClock
from quantumlayer.spec.yaml_form import load_spec

SPECS = Path(__file__).parents[1] / "specs"
LIBRARY = load_spec((SPECS / "library.yaml").read_text())


@asynccontextmanager
async def serving(handler):
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def modelled(spec, before=None):
    """A handler that answers as the model does, after whatever `before(request)` answers or waits for."""
    model = ReferenceModel(spec, SystemClock(), admin=ADMINISTRATOR if spec.roles else None)

    async def handle(request: web.Request) -> web.Response:
        if before and (answer := await before(request)) is not None:
            return answer
        headers = {k.lower(): v for k, v in request.headers.items()}
        answer = model.handle(HttpRequest(request.method, request.path, dict(request.query), headers, await request.read()))
        text = "" if answer.body is None else json.dumps(answer.body)
        return web.Response(status=answer.status, text=text, content_type="application/json")

    return handle


@pytest.mark.parametrize("name", ["library", "notes", "devices", "booking", "shortener"])
async def test_a_correct_server_is_measured(name):
    spec = load_spec((SPECS / f"{name}.yaml").read_text())
    async with serving(modelled(spec)) as url:
        result = await measure(url, spec, seconds=0.4)
    assert result.status == "ran" and result.error_share == 0 and not result.errors
    assert result.requests > 50 and result.capacity > result.rate > 0
    assert 0 < result.p50_ms <= result.p95_ms <= result.max_ms
    assert any(route.route.startswith("POST") for route in result.routes)
    assert sum(route.requests for route in result.routes) == result.requests


async def test_a_dead_port_is_errored_not_fast():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    result = await measure(f"http://127.0.0.1:{port}", LIBRARY)
    assert result.status == "errored" and "Cannot connect" in result.reason and result.met is None and result.p99_ms is None


async def test_a_server_that_says_yes_to_all_is_errored():
    async def yes(request):
        return web.json_response({"id": 1, "items": [], "total": 0})

    async with serving(yes) as url:
        result = await measure(url, LIBRARY)
    assert result.status == "errored" and "expected 201, got 200" in result.reason


async def test_errors_are_counted_and_miss_the_target():
    async def broken_report(request):
        return web.Response(status=500) if request.path == "/reports/loans-by-member" else None

    async with serving(modelled(LIBRARY, broken_report)) as url:
        result = await measure(url, LIBRARY, seconds=0.5)
    assert result.status == "ran" and 0.01 < result.error_share < 0.3 and result.met is False
    assert result.p99_ms is None and list(result.errors) == ["GET /reports/loans-by-member: status 500"]


async def test_a_stall_shows_in_the_tail_of_all_that_waited():
    """A closed loop would send nothing during the stall and see one slow request."""
    calls = 0

    async def stall(request):
        nonlocal calls
        calls += 1
        if calls == 40:
            time.sleep(0.3)
        return web.json_response({})

    shot = Shot("GET /", HttpRequest("GET", "/"), frozenset({200}))
    async with serving(stall) as url, Gun(url) as gun:
        samples = await gun.scheduled([shot] * 100, 200)
    slow = [s for s in samples if s.seconds > 0.05]
    assert len(slow) > 10 and percentile(samples, 0.95) > 100


async def test_the_target_is_compared():
    strict = LIBRARY.model_copy(update={"latency_p99_ms": 1})

    async def slowly(request):
        await asyncio.sleep(0.01)

    async with serving(modelled(LIBRARY, slowly)) as url:
        result = await measure(url, strict, seconds=0.5)
    assert result.met is False and result.p99_ms > 10 and result.target_p99_ms == 1


def test_percentiles_by_nearest_rank():
    samples = [Sample("r", n / 1000) for n in range(1, 101)]
    assert (percentile(samples, 0.5), percentile(samples, 0.95), percentile(samples, 0.99)) == (50, 95, 99)
    assert percentile(samples[:99], 0.99) is None
    worse = [*samples[:98], Sample("r", 0.001, "status 500"), Sample("r", 0.001, "timed out")]
    assert percentile(worse, 0.99) is None and percentile(worse, 0.98) == 98
    assert percentile([], 0.5) is None


def test_a_journey_names_what_it_leaves_out():
    journey = plan_journey(load_spec((SPECS / "ledger.yaml").read_text()))
    assert journey.left_out and all(journey.left_out.values())
    assert journey.reads and journey.writes
