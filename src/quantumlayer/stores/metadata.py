"""Runs, drops and events in a relational database that several processes share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from quantumlayer.ports.store import Drop, RunStatus
from quantumlayer.stores.database import database_errors, open_engine
from quantumlayer.stores.schema import drops, events, metadata, runs
from quantumlayer.stores.values import Event, EventKind, Owner, Run


class Metadata:
    """Each method is one short transaction that begins with its write, so that writers wait for each other and never clash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine: AsyncEngine = open_engine(path)

    async def prepare(self) -> None:
        """Creates missing tables."""
        with database_errors(self.path):
            async with self.engine.begin() as connection:
                await connection.run_sync(metadata.create_all)

    async def close(self) -> None:
        """Returns all connections."""
        await self.engine.dispose()

    async def add_run(self, run: Run) -> None:
        """Stores a new run; the same id again changes nothing."""
        row = run.model_dump(exclude={"owner"}) | run.owner.model_dump()
        await self._write(insert(runs).values(row).on_conflict_do_nothing())

    async def run(self, run_id: str) -> Run | None:
        """The run with that id."""
        rows = await self._read(select(runs).where(runs.c.id == run_id))
        return _run(rows[0]) if rows else None

    async def runs_starting_with(self, prefix: str) -> tuple[Run, ...]:
        """Runs whose id starts with the prefix, at most three, so that a short id can be told to be ambiguous."""
        query = select(runs).where(runs.c.id.startswith(prefix, autoescape=True)).limit(3)
        return tuple(_run(row) for row in await self._read(query))

    async def runs(self, limit: int = 50, status: RunStatus | None = None) -> tuple[Run, ...]:
        """Newest first."""
        query = select(runs).order_by(runs.c.created_at.desc(), runs.c.id).limit(limit)
        if status is not None:
            query = query.where(runs.c.status == status)
        return tuple(_run(row) for row in await self._read(query))

    async def finish_run(self, run_id: str, execution: int, status: RunStatus, report: Mapping[str, Any]) -> None:
        """Records how that execution of the run ended; a later execution is left alone."""
        query = update(runs).where(runs.c.id == run_id, runs.c.execution == execution)
        await self._write(query.values(status=status, report=dict(report), finished_at=datetime.now(UTC)))

    async def restart_run(self, run_id: str, execution: int, order: Mapping[str, Any]) -> None:
        """The run goes on as that execution with that order."""
        query = update(runs).where(runs.c.id == run_id, runs.c.execution == execution - 1)
        await self._write(query.values(status="running", execution=execution, order=dict(order), report=None, finished_at=None))

    async def add_drop(self, drop: Drop, owner: Owner) -> Drop:
        """Makes it the current one of its run, stage and kind, with the next version, unless it is so already."""
        same = (drops.c.run == drop.run, drops.c.stage == drop.stage, drops.c.kind == drop.kind)
        with database_errors(self.path):
            async with self.engine.begin() as connection:
                # A write first: it takes the lock, so that two writers cannot both read the same highest version.
                await connection.execute(update(drops).where(*same, drops.c.current).values(current=True))
                rows = await _rows(connection, select(drops).where(*same).order_by(drops.c.version.desc()))
                current = next((_drop(row) for row in rows if row["current"]), None)
                if current is not None and (current.id, current.parents) == (drop.id, drop.parents):
                    return current
                await connection.execute(update(drops).where(*same).values(current=False))
                stored = drop.model_copy(update={"version": rows[0]["version"] + 1 if rows else 1})
                await connection.execute(insert(drops).values(stored.model_dump() | owner.model_dump() | {"current": True}))
                return stored

    async def drops(self, run_id: str, *, current: bool = False) -> tuple[Drop, ...]:
        """The drops of a run in the order in which they were made."""
        query = select(drops).where(drops.c.run == run_id).order_by(drops.c.number)
        if current:
            query = query.where(drops.c.current)
        return tuple(_drop(row) for row in await self._read(query))

    async def drops_starting_with(self, prefix: str, run_id: str | None = None) -> tuple[Drop, ...]:
        """Drops whose id starts with the prefix, newest first."""
        query = select(drops).where(drops.c.id.startswith(prefix, autoescape=True)).order_by(drops.c.number.desc()).limit(100)
        if run_id is not None:
            query = query.where(drops.c.run == run_id)
        return tuple(_drop(row) for row in await self._read(query))

    async def add_event(self, run_id: str, key: str, kind: EventKind, data: Mapping[str, Any], owner: Owner) -> None:
        """Appends an event with the next number; the same key again changes nothing."""
        at = datetime.now(UTC)
        number = select(func.coalesce(func.max(events.c.number), 0) + 1).where(events.c.run == run_id).scalar_subquery()
        values = {"run": run_id, "number": number, "key": key, "at": at, "kind": kind, "data": dict(data)} | owner.model_dump()
        await self._write(insert(events).values(values).on_conflict_do_nothing(index_elements=["run", "key"]))

    async def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        """Events of a run with a higher number, in order."""
        columns = (events.c.run, events.c.number, events.c.at, events.c.kind, events.c.data)
        query = select(*columns).where(events.c.run == run_id, events.c.number > after).order_by(events.c.number)
        return tuple(Event.model_validate(dict(row)) for row in await self._read(query))

    async def unfinished(self) -> tuple[Run, ...]:
        """Runs that have not ended, oldest first."""
        return tuple(
            _run(row) for row in await self._read(select(runs).where(runs.c.status == "running").order_by(runs.c.created_at))
        )

    async def any_running(self) -> bool:
        """Whether a run has not ended."""
        return bool(await self._read(select(literal(1)).select_from(runs).where(runs.c.status == "running").limit(1)))

    async def _write(self, statement: Any) -> None:
        with database_errors(self.path):
            async with self.engine.begin() as connection:
                await connection.execute(statement)

    async def _read(self, query: Any) -> list[Any]:
        with database_errors(self.path):
            async with self.engine.connect() as connection:
                return await _rows(connection, query)


async def _rows(connection: AsyncConnection, query: Any) -> list[Any]:
    return list((await connection.execute(query)).mappings().all())


def _owned(row: Any) -> tuple[dict[str, Any], Owner]:
    fields = dict(row)
    return fields, Owner(organisation=fields.pop("organisation"), project=fields.pop("project"), creator=fields.pop("creator"))


def _run(row: Any) -> Run:
    fields, owner = _owned(row)
    return Run.model_validate(fields | {"owner": owner})


def _drop(row: Any) -> Drop:
    fields, _ = _owned(row)
    return Drop.model_validate({name: value for name, value in fields.items() if name not in ("number", "current")})
