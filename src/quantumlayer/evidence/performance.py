"""The performance stage: a short load run against the running application, compared with the specification's target."""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import aiohttp
from pydantic import BaseModel, ConfigDict

from quantumlayer.errors import Bug
from quantumlayer.evidence.journey import Call, Journey, plan_journey
from quantumlayer.evidence.load import TIMEOUT, Gun, Sample, Shot, percentile
from quantumlayer.plan.clients import Speaker, client_of
from quantumlayer.plan.scenario import Step
from quantumlayer.plan.session import Session, opening_steps
from quantumlayer.plan.surface_client import Inexpressible
from quantumlayer.spec.http import HttpResponse
from quantumlayer.spec.routes import ADMIN
from quantumlayer.spec.values import Spec

READ_SHARE = 0.8
ERROR_BUDGET = 0.01
LOAD_SHARE = 0.5
WARM_UP_SECONDS = 0.3
USERS = 8
MAX_RATE = 2000.0
SEED = 20
ENOUGH = 100  # requests for a 99th percentile
MAX_SECONDS = 5.0


class Value(BaseModel):
    """Frozen; unknown members are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RouteLoad(Value):
    """One route under load. Times in milliseconds, None where there are too few samples for that percentile."""

    route: str
    requests: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None


class PerformanceResult(Value):
    """What was measured. Percentiles are in milliseconds over all requests, an error counting as slower than any answer.

    `rate` is the offered load, `capacity` what the server managed flat out, `throughput` what it answered rightly under the
    offered load, all per second. `met`: p99 within the target and at most 1 % errors; None where there were too few requests.
    """

    status: Literal["ran", "not_run", "errored"]
    reason: str = ""
    target_p99_ms: int
    seconds: float = 0.0
    requests: int = 0
    rate: float = 0.0
    capacity: float = 0.0
    throughput: float = 0.0
    error_share: float = 0.0
    errors: dict[str, int] = {}
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    routes: tuple[RouteLoad, ...] = ()
    left_out: dict[str, str] = {}
    met: bool | None = None


async def measure(url: str, spec: Spec, *, seconds: float = 0.6, admin: tuple[str, str] | None = None) -> PerformanceResult:
    """Plays the spec's journey against `url`: sets the scene, finds the capacity, then offers half of it for `seconds`
    (up to five where a slow server needs them for enough requests).

    `admin` is the administrator's identifier and password where the application was started with one. Never raises for what the
    server does: a dead or wrong server is "errored" with the reason.
    """
    began = time.perf_counter()
    journey = await asyncio.to_thread(plan_journey, spec)
    if not journey.reads:
        return PerformanceResult(
            status="not_run", reason="the specification has nothing to read", target_p99_ms=spec.latency_p99_ms
        )
    async with Gun(url) as gun:
        try:
            speaker = Speaker(client_of(spec))
            session = await _set_scene(gun, spec, journey, admin, speaker)
            reads = _shots(speaker, session, journey.reads, journey)
            writes = _shots(speaker, session, journey.writes, journey)
        except SceneFailed as failure:
            return PerformanceResult(
                status="errored", reason=str(failure), target_p99_ms=spec.latency_p99_ms, left_out=journey.left_out
            )
        start = time.perf_counter()
        warm = await gun.flat_out(itertools.cycle(reads), WARM_UP_SECONDS, USERS)
        capacity = sum(not s.error for s in warm) / (time.perf_counter() - start)
        if not capacity:
            reason = f"no request was answered as expected: {dict(Counter(s.error for s in warm))}"
            return PerformanceResult(
                status="errored", reason=reason, target_p99_ms=spec.latency_p99_ms, left_out=journey.left_out
            )
        rate = min(MAX_RATE, max(1.0, capacity * LOAD_SHARE))
        enough = min(MAX_SECONDS, max(seconds, (ENOUGH + 1) / rate))
        shots = _mix(reads, writes, max(1, int(rate * enough)))
        start = time.perf_counter()
        samples = await gun.scheduled(shots, rate)
        took = time.perf_counter() - start
    return _result(spec, journey, samples, rate=rate, capacity=capacity, took=took, began=began)


class SceneFailed(Exception):
    """The server did not answer the calls that set the scene as a correct one does."""


async def _set_scene(gun: Gun, spec: Spec, journey: Journey, admin: tuple[str, str] | None, speaker: Speaker) -> Session:
    session = Session(datetime.now(UTC).replace(microsecond=0))
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as client:
        for account in journey.accounts:
            if admin and ADMIN in account.roles and spec.auth:
                account = account.model_copy(update={"registration": {spec.auth.identifier: admin[0], "password": admin[1]}})
            for step in opening_steps(spec, account):
                await _play(client, gun.url, session, step, speaker)
        for step in journey.scene:
            await _play(client, gun.url, session, step, speaker)
    return session


async def _play(client: aiohttp.ClientSession, url: str, session: Session, step: Step, speaker: Speaker) -> None:
    try:
        request, sent = speaker.request(session, step)
    except Inexpressible as reason:
        raise SceneFailed(f"{step.method} {step.path}: {reason}") from reason
    what = f"{request.method} {request.path}"
    try:
        async with client.request(
            request.method,
            url + request.path,
            params=request.query,
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
        ) as answer:
            text = await answer.text(errors="replace")
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise SceneFailed(f"{what}: {type(error).__name__} {error}".strip()) from error
    wanted = speaker.outer_status(sent, step.status)
    if answer.status != wanted:
        raise SceneFailed(f"{what}: expected {wanted}, got {answer.status}: {text[:200]}")
    try:
        body = json.loads(text) if text else None
    except ValueError as error:
        raise SceneFailed(f"{what}: the answer is not JSON") from error
    _, told, _, wrong = speaker.heard(sent, answer.status, body, {}, HttpResponse(step.status))
    if wrong:
        raise SceneFailed(f"{what}: {wrong}")
    session.learn(step, told)


def _shots(speaker: Speaker, session: Session, calls: Sequence[Call], journey: Journey) -> list[Shot]:
    """The calls as they go over the wire; what clients have no request for is left out."""
    found = []
    for call in calls:
        try:
            request, sent = speaker.request(session, call.step)
        except Inexpressible as reason:
            journey.left_out[call.route] = str(reason)
            continue
        except Bug as missing:
            raise SceneFailed(f"{call.route}: {missing.message}") from missing
        found.append(Shot(call.route, request, frozenset(speaker.outer_status(sent, status) for status in call.expected)))
    return found


def _mix(reads: Sequence[Shot], writes: Sequence[Shot], number: int) -> list[Shot]:
    """`number` shots, the same for equal inputs. A create is sent once; updates and reads come again."""
    once = [shot for shot in writes if shot.request.method == "POST"]
    again = [shot for shot in writes if shot.request.method != "POST"]
    writing = min(len(once), round(number * (1 - READ_SHARE)))
    chosen = once[:writing]
    if again:
        chosen += itertools.islice(itertools.cycle(again), round(number * (1 - READ_SHARE)) - writing)
    chosen += itertools.islice(itertools.cycle(reads), number - len(chosen))
    random.Random(SEED).shuffle(chosen)
    return chosen


def _result(
    spec: Spec, journey: Journey, samples: Sequence[Sample], *, rate: float, capacity: float, took: float, began: float
) -> PerformanceResult:
    good = [s.seconds for s in samples if not s.error]
    p99 = percentile(samples, 0.99)
    error_share = 1 - len(good) / len(samples)
    within = p99 is not None and p99 <= spec.latency_p99_ms and error_share <= ERROR_BUDGET
    return PerformanceResult(
        status="ran",
        target_p99_ms=spec.latency_p99_ms,
        seconds=round(time.perf_counter() - began, 3),
        requests=len(samples),
        rate=round(rate, 1),
        capacity=round(capacity, 1),
        throughput=round(len(good) / took, 1),
        error_share=round(error_share, 4),
        errors=dict(sorted(Counter(f"{s.route}: {s.error}" for s in samples if s.error).items())),
        p50_ms=percentile(samples, 0.5),
        p95_ms=percentile(samples, 0.95),
        p99_ms=p99,
        max_ms=round(max(good) * 1000, 3) if good else None,
        routes=_by_route(samples),
        left_out=journey.left_out,
        met=within if len(samples) >= ENOUGH else None,
    )


def _by_route(samples: Sequence[Sample]) -> tuple[RouteLoad, ...]:
    found = []
    for route in sorted({s.route for s in samples}):
        mine = [s for s in samples if s.route == route]
        errors = sum(bool(s.error) for s in mine)
        p50, p95 = percentile(mine, 0.5), percentile(mine, 0.95)
        found.append(RouteLoad(route=route, requests=len(mine), errors=errors, p50_ms=p50, p95_ms=p95))
    return tuple(found)
