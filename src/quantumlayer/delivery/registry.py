"""The previews that exist, in a table of the metadata database, shared by every process that knows its address."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, Integer, MetaData, String, Table, Text, TypeDecorator, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from quantumlayer.delivery.values import LIVE, Preview, PreviewState


class Instant(TypeDecorator[datetime]):
    """A UTC time on every database: SQLite forgets the zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The stored time, in UTC."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


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
    Column("organisation", String(128), nullable=False),
    Column("project", String(128), nullable=False),
    Column("creator", String(128), nullable=False),
)


class Registry:
    """Reads and writes the table. Every method is one short transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def prepare(self) -> None:
        """Creates the table where it is missing."""
        async with self._engine.begin() as connection:
            await connection.run_sync(metadata.create_all)

    async def add(self, preview: Preview) -> Preview:
        """Stores it, or answers with the live preview that the same run has already."""
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
        """The preview with that id, whatever its state."""
        return await self._one(previews.c.id == preview_id)

    async def of_run(self, run: str) -> Preview | None:
        """The live preview of a run."""
        return await self._one(previews.c.live_run == run)

    async def all(self, *states: PreviewState) -> tuple[Preview, ...]:
        """Previews in any of the states (no state: all of them), newest first."""
        query = select(previews).order_by(previews.c.created_at.desc(), previews.c.id)
        if states:
            query = query.where(previews.c.state.in_(states))
        async with self._engine.connect() as connection:
            return tuple(_preview(row) for row in (await connection.execute(query)).mappings())

    async def change(self, preview_id: str, *, only: tuple[PreviewState, ...] = LIVE, **fields: Any) -> Preview | None:
        """Sets columns while the state is one of `only`; the row afterwards, or None where there was nothing to change."""
        if fields.get("state") not in (None, *LIVE):
            fields["live_run"] = None
        query = (
            update(previews).where(previews.c.id == preview_id, previews.c.state.in_(only)).values(fields).returning(previews)
        )
        async with self._engine.begin() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else _preview(row)

    async def count(self, preview_id: str, requests: int, at: datetime) -> None:
        """Adds to the number of requests that reached the application."""
        query = update(previews).where(previews.c.id == preview_id)
        async with self._engine.begin() as connection:
            await connection.execute(query.values(requests=previews.c.requests + requests, last_request_at=at))

    async def _one(self, condition: Any) -> Preview | None:
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(previews).where(condition))).mappings().one_or_none()
        return None if row is None else _preview(row)


def _preview(row: Any) -> Preview:
    fields = {name: value for name, value in row.items() if name != "live_run"}
    return Preview.model_validate(fields | {"capsule": Path(fields["capsule"])})
