"""Garbage collection: runs past their retention, versions that nothing needs, bytes that no drop refers to.

What is deleted is looked at again in the transaction that deletes it, so a run that is taken up meanwhile keeps all it has.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from quantumlayer.delivery.previews import list_previews
from quantumlayer.delivery.registry import Registry
from quantumlayer.delivery.table_registry import previews
from quantumlayer.delivery.values import LIVE
from quantumlayer.ports.store import Blobs
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.schema import blobs as blobs_table
from quantumlayer.stores.schema import drops, events, runs

# Bytes that were announced this recently may belong to a drop on its way. Only to spare that writer a second try.
GRACE = timedelta(minutes=1)


class Collected(BaseModel):
    """What was deleted, or with `dry_run` would be. `bytes` counts the drops' contents; `superseded` are drops of kept runs.

    `unknown` are contents of the store that this database never heard of: another one may, so they are left alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    runs: tuple[str, ...] = ()
    superseded: int = 0
    contents: int = 0
    bytes: int = 0
    unknown: int = 0
    unknown_bytes: int = 0
    dry_run: bool = False


class Collector:
    """Works on a database and its store of drops, beside any number of running workers and other collectors."""

    def __init__(self, metadata: Metadata, blobs: Blobs, registry: Registry, *, grace: timedelta = GRACE) -> None:
        self._metadata, self._database, self._blobs, self._grace = metadata, metadata.database, blobs, grace
        self._registry = registry

    async def collect(self, before: datetime, *, dry_run: bool = False) -> Collected:
        """Deletes what ended, or was superseded, before that moment and is not needed by a live run, preview or kept run.

        Raises `EnvironmentError_` as the stores do; what was deleted by then is deleted as a whole.
        """
        expired = await self._expired(before)
        superseded = await self._superseded(before, expired)
        young = datetime.now(UTC) - self._grace
        unneeded = await self._unneeded(young, expired, [number for numbers in superseded.values() for number in numbers])
        gone, dropped = expired, sum(map(len, superseded.values()))
        if not dry_run:
            gone = [run for run in expired if await self._delete_run(run, before)]
            dropped = sum([await self._delete_drops(run, numbers) for run, numbers in superseded.items()])
            await self._delete_ended_previews(before)
            unneeded = await self._erase(await self._metadata.ledger.unneeded(young), young)
            await self._blobs.tidy(datetime.now(UTC) - timedelta(hours=1))
        unknown = await self._unknown()
        return Collected(
            runs=tuple(gone),
            superseded=dropped,
            contents=len(unneeded),
            bytes=sum(unneeded.values()),
            unknown=len(unknown),
            unknown_bytes=sum(unknown.values()),
            dry_run=dry_run,
        )

    async def oldest_use(self) -> datetime:
        """Since when runs and previews that are live now may have used what is cached; now where there are none."""
        running = select(func.min(runs.c.created_at).label("at")).where(runs.c.status == "running")
        times = [row["at"] for row in await self._database.read(running)]
        times += [preview.created_at for preview in await list_previews(self._registry)]
        return min([at for at in times if at is not None], default=datetime.now(UTC))

    async def _expired(self, before: datetime) -> list[str]:
        rows = await self._database.read(select(runs.c.id).where(*await self._over(before)).order_by(runs.c.id))
        return [row["id"] for row in rows]

    async def _superseded(self, before: datetime, expired: Collection[str]) -> dict[str, list[int]]:
        """Rows by run: neither current, nor of what a current drop was made from, nor young, nor of a run that goes on."""
        old = (~drops.c.current, drops.c.created_at < before)
        ended = select(runs.c.id).where(runs.c.id == drops.c.run, runs.c.status != "running").exists()
        candidates = await self._database.read(select(drops.c.run).where(*old, ended).distinct())
        found: dict[str, list[int]] = {}
        for run in {row["run"] for row in candidates} - set(expired):
            columns = (drops.c.number, drops.c.id, drops.c.current, drops.c.parents, drops.c.created_at)
            rows = await self._database.read(select(*columns).where(drops.c.run == run))
            needed = _lineage(rows)
            if numbers := [r["number"] for r in rows if r["id"] not in needed and r["created_at"] < before]:
                found[run] = numbers
        return found

    async def _unneeded(self, young: datetime, expired: Iterable[str], superseded: Iterable[int]) -> dict[str, int]:
        """What will be unneeded once these runs and drops are gone."""
        gone, rows_gone = set(expired), set(superseded)
        columns = (blobs_table.c.id, blobs_table.c.size, drops.c.run, drops.c.number)
        joined = blobs_table.outerjoin(drops, drops.c.id == blobs_table.c.id)
        found, needed = {}, set()
        for row in await self._database.read(select(*columns).select_from(joined).where(blobs_table.c.touched_at < young)):
            found[row["id"]] = row["size"]
            if row["number"] is not None and row["run"] not in gone and row["number"] not in rows_gone:
                needed.add(row["id"])
        return {digest: size for digest, size in found.items() if digest not in needed}

    async def _over(self, before: datetime) -> tuple[Any, ...]:
        """Runs that ended before that moment, and of which no preview is live."""
        served = select(previews.c.id).where(previews.c.run == runs.c.id, _live()).exists()
        # The registry may be elsewhere, where a transaction of the database does not see it.
        elsewhere = runs.c.id.in_([preview.run for preview in await list_previews(self._registry)])
        return runs.c.status != "running", runs.c.finished_at < before, ~served, ~elsewhere

    async def _delete_run(self, run: str, before: datetime) -> bool:
        over = await self._over(before)

        async def body(connection: AsyncConnection) -> bool:
            if (await connection.execute(delete(runs).where(runs.c.id == run, *over))).rowcount == 0:
                return False
            for table in (drops, events, previews):
                await connection.execute(delete(table).where(table.c.run == run))
            return True

        return await self._database.transact(body, turn=run)

    async def _delete_drops(self, run: str, numbers: list[int]) -> int:
        """A rollback may have made one of them current, and the run go on."""
        ended = select(runs.c.id).where(runs.c.id == run, runs.c.status != "running").exists()

        columns = (drops.c.number, drops.c.id, drops.c.current, drops.c.parents)

        async def body(connection: AsyncConnection) -> int:
            rows = (await connection.execute(select(*columns).where(drops.c.run == run))).mappings().all()
            needed = _lineage(rows)
            still = [row["number"] for row in rows if row["number"] in numbers and row["id"] not in needed]
            return (await connection.execute(delete(drops).where(drops.c.number.in_(still), ended))).rowcount

        return await self._database.transact(body, turn=run)

    async def _delete_ended_previews(self, before: datetime) -> None:
        await self._database.write(delete(previews).where(~_live(), previews.c.expires_at < before))

    async def _erase(self, unneeded: Mapping[str, int], young: datetime) -> dict[str, int]:
        erased = {}
        for digest, size in unneeded.items():
            if await self._metadata.ledger.forget(digest, young, lambda digest=digest: self._blobs.delete(digest)):
                erased[digest] = size
        return erased

    async def _unknown(self) -> dict[str, int]:
        stored = {found.id: found.size async for found in self._blobs.stored()}
        known = await self._metadata.ledger.known()
        return {digest: size for digest, size in stored.items() if digest not in known}


def _live() -> Any:
    return previews.c.state.in_(LIVE) & (previews.c.expires_at > datetime.now(UTC))


def _lineage(rows: Iterable[Any]) -> set[str]:
    """The ids of all current drops, and of everything that they were made from."""
    rows = list(rows)
    parents: dict[str, set[str]] = {}
    for row in rows:
        parents.setdefault(row["id"], set()).update(row["parents"])
    needed: set[str] = set()
    waiting = [row["id"] for row in rows if row["current"]]
    while waiting:
        if (digest := waiting.pop()) not in needed:
            needed.add(digest)
            waiting.extend(parents.get(digest, ()))
    return needed
