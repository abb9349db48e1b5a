"""Which bytes the object store holds, for whom, and how many they may be. It decides between who stores and who deletes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from quantumlayer.stores.database import Database
from quantumlayer.stores.schema import blobs, drops, quotas
from quantumlayer.stores.values import Owner


@dataclass(frozen=True)
class Usage:
    """What an organisation's drops take, each content counted once, in bytes; `quota` None where there is no limit."""

    organisation: str
    bytes: int
    quota: int | None


class Ledger:
    """Every method is one short transaction. Raises `EnvironmentError_` as `Metadata` does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hold(self, digest: str, size: int, owner: Owner) -> None:
        """Announces that these bytes are about to be stored; waits for a collector that is just deleting them."""
        now = datetime.now(UTC)
        row = {"id": digest, "size": size, "touched_at": now} | owner.model_dump()
        statement = self._database.insert(blobs).values(row)
        await self._database.write(statement.on_conflict_do_update(index_elements=["id"], set_={"touched_at": now}))

    async def unneeded(self, before: datetime) -> dict[str, int]:
        """Bytes that no drop refers to and nobody stored since: digests with sizes."""
        query = select(blobs.c.id, blobs.c.size).where(blobs.c.touched_at < before, _unreferenced())
        return {row["id"]: row["size"] for row in await self._database.read(query)}

    async def forget(self, digest: str, before: datetime, erase: Callable[[], Awaitable[None]]) -> bool:
        """Erases the bytes if they are still unneeded; whether they were.

        Who wants to store the same bytes meanwhile waits, and then stores them anew.
        """

        async def body(connection: AsyncConnection) -> bool:
            still = (blobs.c.id == digest, blobs.c.touched_at < before, _unreferenced())
            if (await connection.execute(delete(blobs).where(*still))).rowcount == 0:
                return False
            await erase()
            return True

        try:
            return await self._database.transact(body)
        except IntegrityError:
            return False  # a drop that refers to them came in between

    async def known(self) -> set[str]:
        """All digests that were announced."""
        return {row["id"] for row in await self._database.read(select(blobs.c.id))}

    async def usage(self, organisation: str) -> Usage:
        """What the organisation's drops take now."""
        distinct = select(drops.c.id, func.max(drops.c.size).label("size")).where(drops.c.organisation == organisation)
        each = distinct.group_by(drops.c.id).subquery()
        rows = await self._database.read(select(func.coalesce(func.sum(each.c.size), 0).label("bytes")))
        return Usage(organisation, int(rows[0]["bytes"]), await self.quota(organisation))

    async def quota(self, organisation: str) -> int | None:
        """How many bytes the organisation's drops may take, None where there is no limit."""
        rows = await self._database.read(select(quotas.c.bytes).where(quotas.c.organisation == organisation))
        return rows[0]["bytes"] if rows else None

    async def limit(self, organisation: str, quota: int | None, owner: Owner) -> None:
        """Sets the quota of an organisation in bytes, None for no limit."""
        if quota is None:
            await self._database.write(delete(quotas).where(quotas.c.organisation == organisation))
            return
        row = {"organisation": organisation, "bytes": quota, "project": owner.project, "creator": owner.creator}
        statement = self._database.insert(quotas).values(row)
        await self._database.write(statement.on_conflict_do_update(index_elements=["organisation"], set_={"bytes": quota}))

    async def limited(self) -> tuple[str, ...]:
        """Organisations that have a quota."""
        rows = await self._database.read(select(quotas.c.organisation).order_by(quotas.c.organisation))
        return tuple(row["organisation"] for row in rows)


def _unreferenced() -> Any:
    return ~select(drops.c.number).where(drops.c.id == blobs.c.id).exists()
