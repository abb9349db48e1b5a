"""The registry of previews in Redis or Valkey: proxies on several machines need no database in common."""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import datetime
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from quantumlayer.delivery.values import LIVE, Lease, Preview, PreviewState
from quantumlayer.errors import EnvironmentError_, UserError

# The braces put all keys into one slot of a cluster, where transactions over several of them are possible.
PREFIX = "{quantumlayer}:"
ALL, ALIVE = f"{PREFIX}previews", f"{PREFIX}live"
# How long an address answers 410 before it is forgotten.
OVER_SECONDS = 30 * 24 * 3600
RETRIES = 4
ANSWER_SECONDS = 5.0
EXAMPLE = "write it as redis://HOST:PORT/0, rediss:// for TLS"
_CLAIM = """
local held = redis.call('GET', KEYS[1])
if held and cjson.decode(held).holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


class RedisRegistry:
    """Implements `registry.Registry`. A preview is one JSON value; leases are keys that Redis lets expire.

    What is stored are the rows of live previews: let Redis keep them over a restart (`appendonly yes`).
    """

    def __init__(self, url: str) -> None:
        try:
            # The client's types do not know what decode_responses does.
            self._redis: Any = Redis.from_url(
                url,
                decode_responses=True,
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
                retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), RETRIES),
                retry_on_error=[RedisConnectionError, RedisTimeoutError],
            )
        except ValueError:
            # The text may hold a password, so it is not shown.
            raise UserError("REDIS_URL cannot be read", hint=EXAMPLE) from None
        self._claim = self._redis.register_script(_CLAIM)

    async def prepare(self) -> None:
        """Nothing has to be made; tells early when nobody answers."""
        async with _redis_errors():
            await self._redis.ping()

    async def close(self) -> None:
        """See `Registry`."""
        await self._redis.aclose()

    async def add(self, preview: Preview) -> Preview:
        """See `Registry`."""
        run = _run(preview.run)

        async def body(pipe: Any) -> Preview:
            existing = await _read(pipe, await pipe.get(run))
            if existing is not None:
                return existing
            pipe.multi()
            pipe.set(_key(preview.id), preview.model_dump_json())
            pipe.set(run, preview.id)
            pipe.zadd(ALL, {preview.id: preview.created_at.timestamp()})
            pipe.sadd(ALIVE, preview.id)
            return preview

        return await self._transact(body, run)

    async def get(self, preview_id: str) -> Preview | None:
        """See `Registry`."""
        async with _redis_errors():
            return await _read(self._redis, preview_id)

    async def of_run(self, run: str) -> Preview | None:
        """See `Registry`."""
        async with _redis_errors():
            return await _read(self._redis, await self._redis.get(_run(run)))

    async def all(self, *states: PreviewState) -> tuple[Preview, ...]:
        """See `Registry`."""
        async with _redis_errors():
            only_live = bool(states) and set(states) <= set(LIVE)
            ids = list(await self._redis.smembers(ALIVE) if only_live else await self._redis.zrange(ALL, 0, -1))
            rows = await self._redis.mget([_key(preview_id) for preview_id in ids]) if ids else []
            if forgotten := [preview_id for preview_id, row in zip(ids, rows, strict=True) if row is None]:
                await self._redis.zrem(ALL, *forgotten)
                await self._redis.srem(ALIVE, *forgotten)
        found = (Preview.model_validate_json(row) for row in rows if row is not None)
        wanted = [preview for preview in found if not states or preview.state in states]
        return tuple(sorted(wanted, key=lambda preview: (-preview.created_at.timestamp(), preview.id)))

    async def change(self, preview_id: str, *, only: tuple[PreviewState, ...] = LIVE, **fields: Any) -> Preview | None:
        """See `Registry`."""

        async def body(pipe: Any) -> Preview | None:
            before = await _read(pipe, preview_id)
            if before is None or before.state not in only:
                return None
            after = before.model_copy(update=fields)
            over = after.state not in LIVE
            pipe.multi()
            pipe.set(_key(preview_id), after.model_dump_json(), ex=OVER_SECONDS if over else None)
            if over:
                pipe.srem(ALIVE, preview_id)
                pipe.delete(_run(before.run), _lease(preview_id))
            return after

        return await self._transact(body, _key(preview_id))

    async def count(self, preview_id: str, requests: int, at: datetime) -> None:
        """See `Registry`."""

        async def body(pipe: Any) -> None:
            before = await _read(pipe, preview_id)
            if before is not None:
                after = before.model_copy(update={"requests": before.requests + requests, "last_request_at": at})
                pipe.multi()
                pipe.set(_key(preview_id), after.model_dump_json(), keepttl=True)

        await self._transact(body, _key(preview_id))

    async def claim(self, preview_ids: Collection[str], lease: Lease, seconds: float) -> frozenset[str]:
        """See `Registry`."""
        arguments = [lease.holder, json.dumps(lease.model_dump()), int(seconds * 1000)]
        async with _redis_errors():
            return frozenset([i for i in sorted(preview_ids) if await self._claim(keys=[_lease(i)], args=arguments)])

    async def lease(self, preview_id: str) -> Lease | None:
        """See `Registry`."""
        async with _redis_errors():
            held = await self._redis.get(_lease(preview_id))
        return None if held is None else Lease.model_validate_json(held)

    async def _transact(self, body: Callable[[Any], Awaitable[Any]], *watched: str) -> Any:
        """Reads what is watched, then writes; from the start again where another process wrote meanwhile."""
        async with _redis_errors():
            return await self._redis.transaction(body, *watched, value_from_callable=True)


@contextlib.asynccontextmanager
async def _redis_errors() -> AsyncIterator[None]:
    try:
        yield
    except RedisError as error:
        raise EnvironmentError_(
            f"the registry of previews in Redis does not answer: {error}", hint="is it running, and REDIS_URL right?"
        ) from error


async def _read(redis: Any, preview_id: str | None) -> Preview | None:
    row = await redis.get(_key(preview_id)) if preview_id is not None else None
    return None if row is None else Preview.model_validate_json(row)


def _key(preview_id: str) -> str:
    return f"{PREFIX}preview:{preview_id}"


def _run(run: str) -> str:
    return f"{PREFIX}run:{run}"


def _lease(preview_id: str) -> str:
    return f"{PREFIX}lease:{preview_id}"
