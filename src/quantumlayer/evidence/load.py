"""An open-loop load generator: requests leave on schedule whether or not earlier ones were answered.

Latency counts from the scheduled moment, not from the moment of sending, so a stalled server cannot hide its stall by slowing
the generator down (coordinated omission). Every answer is read to its end, and its status compared with a correct server's.
"""

import asyncio
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import aiohttp

from quantumlayer.spec.http import HttpRequest

TIMEOUT = 5.0


@dataclass(frozen=True)
class Shot:
    """One request to send; `route` groups it, `expected` are the statuses of a correct server."""

    route: str
    request: HttpRequest
    expected: frozenset[int]


@dataclass(frozen=True)
class Sample:
    """What came of a shot. `seconds` from its scheduled moment to the last byte; `error` is empty where all was as expected."""

    route: str
    seconds: float
    error: str = ""


class Gun:
    """Sends shots to one server over kept-alive connections. An asynchronous context manager."""

    def __init__(self, url: str, connections: int = 32) -> None:
        self.url = url.rstrip("/")
        self.connections = connections

    async def __aenter__(self) -> "Gun":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self.connections),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._session.close()

    async def fire(self, shot: Shot, due: float | None = None) -> Sample:
        """Sends one, `due` (a `time.perf_counter` moment, None for now) or later. Never raises for what the server does."""
        due = time.perf_counter() if due is None else due
        request, error = shot.request, ""
        try:
            async with self._session.request(
                request.method,
                self.url + request.path,
                params=request.query,
                headers=request.headers,
                data=request.body or None,
                allow_redirects=False,
            ) as answer:
                await answer.read()
                if answer.status not in shot.expected:
                    error = f"status {answer.status}"
        except TimeoutError:
            error = "timed out"
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            error = type(failure).__name__
        return Sample(shot.route, time.perf_counter() - due, error)

    async def flat_out(self, shots: Iterable[Shot], seconds: float, users: int) -> list[Sample]:
        """As many as `users` at once manage in that time: a measure of capacity, not of latency."""
        waiting, end = iter(shots), time.perf_counter() + seconds
        samples: list[Sample] = []

        async def user() -> None:
            for shot in waiting:
                samples.append(await self.fire(shot))
                if time.perf_counter() >= end:
                    return

        await asyncio.gather(*(user() for _ in range(users)))
        return samples

    async def scheduled(self, shots: Sequence[Shot], rate: float) -> list[Sample]:
        """All shots, evenly spaced at `rate` a second."""
        begin = time.perf_counter() + 0.005
        tasks = []
        for number, shot in enumerate(shots):
            due = begin + number / rate
            if (ahead := due - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            tasks.append(asyncio.create_task(self.fire(shot, due)))
        return list(await asyncio.gather(*tasks))


def percentile(samples: Sequence[Sample], share: float) -> float | None:
    """The nearest-rank percentile in milliseconds, an error counting as slower than any answer.

    None where that rank is an error, or where there are fewer than `1 / (1 - share)` samples, too few to tell.
    """
    if len(samples) * (1 - share) < 1 - 1e-9:
        return None
    good = sorted(sample.seconds for sample in samples if not sample.error)
    rank = math.ceil(len(samples) * share - 1e-9)
    return round(good[rank - 1] * 1000, 3) if rank <= len(good) else None
