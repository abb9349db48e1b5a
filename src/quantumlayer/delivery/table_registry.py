"""The registry of previews in tables of the metadata database."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from quantumlayer.delivery.values import LIVE, Lease, Preview, PreviewState, now


class Instant(TypeDecorator[datetime]):
    """A UTC time on every database: SQLite forgets the zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time in UTC, so that SQLite, which compares texts, orders times rightly."""
        return value.astimezone(UTC) if value is not None and value.tzinfo is not None else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The stored time, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()
previews = Table(
    "previews",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("run", String(128), nullable=False, index=True),
    # The run again while the preview is live: its uniqueness makes opening idempotent, also for two processes at once.
    Column("live_run", String(128), unique=True),
    Column("capsule", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("message", Text, nullable=False, default=""),
    Column("environment", JSON, nullable=False),
    Column("password", String(256)),
    Column("port", Integer),
    Column("requests", Integer, nullable=False, default=0),
    Column("last_request_at", Instant),
    # Which proxy runs the application, and until when nobody else may.
    Column("holder", String(64)),
    Column("holder_address", String(256)),
    Column("holder_key", String(64)),
    Column("held_until", Instant),
    Column("organisation", String(128), nullable=False),
    Column("project", String(128), nullable=False),
    Column("creator", String(128), nullable=False),
)


class TableRegistry:
    """Implements `registry.Registry`. Every method is one short transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def prepare(self) -> None:
        """Creates the tables where they are missing."""
        async with self._engine.begin() as connection:
            await connection.run_sync(metadata.create_all)

    async def add(self, preview: Preview) -> Preview:
        """See `Registry`."""
        row = preview.model_dump() | {"capsule": str(preview.capsule), "live_run": preview.run}
        try:
            async with self._engine.begin() as connection:
                await connection.execute(previews.insert().values(row))
        except IntegrityError:
            if (existing := await self.of_run(preview.run)) is not None:
                return existing
            raise
        return preview

    async def get(self, preview_id: str) -> Preview | None:
        """See `Registry`."""
        return await self._one(previews.c.id == preview_id)

    async def of_run(self, run: str) -> Preview | None:
        """See `Registry`."""
        return await self._one(previews.c.live_run == run)

    async def all(self, *states: PreviewState) -> tuple[Preview, ...]:
        """See `Registry`."""
        query = select(previews).order_by(previews.c.created_at.desc(), previews.c.id)
        if states:
            query = query.where(previews.c.state.in_(states))
        async with self._engine.connect() as connection:
            return tuple(_preview(row) for row in (await connection.execute(query)).mappings())

    async def change(self, preview_id: str, *, only: tuple[PreviewState, ...] = LIVE, **fields: Any) -> Preview | None:
        """See `Registry`."""
        if fields.get("state") not in (None, *LIVE):
            fields["live_run"] = None
        query = (
            update(previews).where(previews.c.id == preview_id, previews.c.state.in_(only)).values(fields).returning(previews)
        )
        async with self._engine.begin() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else _preview(row)

    async def count(self, preview_id: str, requests: int, at: datetime) -> None:
        """See `Registry`."""
        query = update(previews).where(previews.c.id == preview_id)
        async with self._engine.begin() as connection:
            await connection.execute(query.values(requests=previews.c.requests + requests, last_request_at=at))

    async def claim(self, preview_ids: Collection[str], lease: Lease, seconds: float) -> frozenset[str]:
        """See `Registry`. Clocks of machines that share a database must agree to a second or so."""
        if not preview_ids:
            return frozenset()
        free = or_(previews.c.holder.is_(None), previews.c.holder == lease.holder, previews.c.held_until < now())
        wanted = (previews.c.id.in_(preview_ids), previews.c.state.in_(LIVE), free)
        until = now() + timedelta(seconds=seconds)
        taken = update(previews).where(*wanted).returning(previews.c.id)
        fields = {"holder": lease.holder, "holder_address": lease.address, "holder_key": lease.key, "held_until": until}
        async with self._engine.begin() as connection:
            return frozenset((await connection.execute(taken.values(fields))).scalars())

    async def lease(self, preview_id: str) -> Lease | None:
        """See `Registry`."""
        held = (previews.c.id == preview_id, previews.c.state.in_(LIVE), previews.c.held_until > now())
        query = select(previews.c.holder, previews.c.holder_address, previews.c.holder_key).where(*held)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else Lease(holder=row[0], address=row[1], key=row[2])

    async def close(self) -> None:
        """The engine belongs to the metadata."""

    async def _one(self, condition: Any) -> Preview | None:
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(previews).where(condition))).mappings().one_or_none()
        return None if row is None else _preview(row)


def _preview(row: Any) -> Preview:
    fields = {name: value for name, value in row.items() if name in Preview.model_fields}
    return Preview.model_validate(fields | {"capsule": Path(fields["capsule"])})
