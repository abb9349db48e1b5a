"""Runs, drops and events in a relational database that several processes share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import and_, bindparam, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from quantumlayer.ports.store import Drop, RunStatus
from quantumlayer.stores.database import PATIENCE, Database
from quantumlayer.stores.ledger import Ledger
from quantumlayer.stores.migrate import migrate
from quantumlayer.stores.schema import drops, events, runs
from quantumlayer.stores.values import Event, EventKind, Owner, Run

DIGEST_LENGTH = 64
_EVENT = (events.c.run, events.c.number, events.c.at, events.c.kind, events.c.data)
# Asked ten times a second by everyone who follows a run, so it is made once.
_NEWS = (
    select(runs.c.status, *_EVENT)
    .select_from(runs.outerjoin(events, and_(events.c.run == runs.c.id, events.c.number > bindparam("after"))))
    .where(runs.c.id == bindparam("run"))
    .order_by(events.c.number)
)


class Metadata:
    """Each method is one short transaction that can be repeated: the same twice is the same once.

    `place` is the URL of the database, or the path of a SQLite file. Every method raises `EnvironmentError_` when the
    database cannot be used; `ports.store.Unreachable`, one of them, when it does not answer for `patience` seconds.
    """

    def __init__(self, place: str | Path, *, patience: float = PATIENCE) -> None:
        self.path = place
        self.database = Database(place, patience=patience)
        self.engine: AsyncEngine = self.database.engine
        self.ledger = Ledger(self.database)

    async def prepare(self) -> None:
        """Brings the schema up to date. Raises `EnvironmentError_` when a newer version wrote the database."""
        await migrate(self.database)

    async def close(self) -> None:
        """Returns all connections."""
        await self.database.close()

    async def add_run(self, run: Run, inputs: tuple[Drop, ...] = ()) -> None:
        """Stores a new run with the drops that it starts from; the same id again changes nothing."""
        row = run.model_dump(exclude={"owner"}) | run.owner.model_dump()
        row |= {"stack": str(run.order.get("stack") or ""), "author": str(run.order.get("author") or "")}

        async def body(connection: AsyncConnection) -> None:
            added = await connection.execute(self.database.insert(runs).values(row).on_conflict_do_nothing())
            for drop in inputs if added.rowcount else ():
                await self._make_current(connection, drop, run.owner)

        await self.database.transact(body, turn=run.id)

    async def run(self, run_id: str) -> Run | None:
        """The run with that id."""
        rows = await self.database.read(select(runs).where(runs.c.id == run_id))
        return _run(rows[0]) if rows else None

    async def runs_starting_with(self, prefix: str) -> tuple[Run, ...]:
        """Runs whose id starts with the prefix, at most three, so that a short id can be told to be ambiguous."""
        query = select(runs).where(runs.c.id.startswith(prefix, autoescape=True)).limit(3)
        return tuple(_run(row) for row in await self.database.read(query))

    async def runs(self, limit: int = 50, status: RunStatus | None = None) -> tuple[Run, ...]:
        """Newest first."""
        query = select(runs).order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit)
        if status is not None:
            query = query.where(runs.c.status == status)
        return tuple(_run(row) for row in await self.database.read(query))

    async def finish_run(self, run_id: str, execution: int, status: RunStatus, report: Mapping[str, Any]) -> None:
        """Records how that execution of the run ended; a later execution is left alone."""
        query = update(runs).where(runs.c.id == run_id, runs.c.execution == execution)
        await self.database.write(query.values(status=status, report=dict(report), finished_at=datetime.now(UTC)))

    async def restart_run(
        self, run_id: str, execution: int, order: Mapping[str, Any], drop: Drop | None = None, owner: Owner = Owner()
    ) -> bool:
        """The run goes on as that execution with that order, the drop being current again; False where it is not as expected.

        Raises `IntegrityError` when the bytes of the drop were deleted meanwhile.
        """
        expected = (runs.c.id == run_id, runs.c.execution == execution - 1)
        again = {"status": "running", "execution": execution, "order": dict(order), "report": None, "finished_at": None}

        async def body(connection: AsyncConnection) -> bool:
            if (await connection.execute(update(runs).where(*expected).values(again))).rowcount == 0:
                return False
            if drop is not None:
                await self._make_current(connection, drop, owner)
            return True

        return await self.database.transact(body, turn=run_id)

    async def add_drop(self, drop: Drop, owner: Owner) -> Drop:
        """Makes it the current one of its run, stage and kind, with the next version, unless it is so already.

        Its bytes must be in the ledger. Raises `IntegrityError` when they are not: `keep_drop` does both.
        """
        return await self.database.transact(lambda connection: self._make_current(connection, drop, owner), turn=drop.run)

    async def _make_current(self, connection: AsyncConnection, drop: Drop, owner: Owner) -> Drop:
        same = (drops.c.run == drop.run, drops.c.stage == drop.stage, drops.c.kind == drop.kind)
        rows = (await connection.execute(select(drops).where(*same).order_by(drops.c.version.desc()))).mappings().all()
        current = next((_drop(row) for row in rows if row["current"]), None)
        if current is not None and (current.id, current.parents) == (drop.id, drop.parents):
            return current
        await connection.execute(update(drops).where(*same).values(current=False))
        stored = drop.model_copy(update={"version": rows[0]["version"] + 1 if rows else 1})
        await connection.execute(drops.insert().values(stored.model_dump() | owner.model_dump() | {"current": True}))
        return stored

    async def drops(self, run_id: str, *, current: bool = False) -> tuple[Drop, ...]:
        """The drops of a run in the order in which they were made."""
        query = select(drops).where(drops.c.run == run_id).order_by(drops.c.number)
        if current:
            query = query.where(drops.c.current)
        return tuple(_drop(row) for row in await self.database.read(query))

    async def drops_starting_with(self, prefix: str, run_id: str | None = None) -> tuple[Drop, ...]:
        """Drops whose id starts with the prefix, newest first, at most a hundred."""
        # A range, because no database answers LIKE from the index that it has anyway.
        first, last = (prefix.ljust(DIGEST_LENGTH, filler) for filler in "0f")
        where = [drops.c.id.between(first, last), drops.c.id.startswith(prefix, autoescape=True)]
        if run_id is not None:
            where.append(drops.c.run == run_id)
        return tuple(
            _drop(row)
            for row in await self.database.read(select(drops).where(*where).order_by(drops.c.number.desc()).limit(100))
        )

    async def add_event(self, run_id: str, key: str, kind: EventKind, data: Mapping[str, Any], owner: Owner) -> None:
        """Appends an event with the next number; the same key again changes nothing."""
        await self.add_events(run_id, {key: data}, kind, owner)

    async def add_events(self, run_id: str, new: Mapping[str, Mapping[str, Any]], kind: EventKind, owner: Owner) -> None:
        """Appends events, their data by their keys, in that order with the next numbers; a key that is there adds none."""
        at = datetime.now(UTC)
        number = select(func.coalesce(func.max(events.c.number), 0) + 1).where(events.c.run == run_id).scalar_subquery()
        common = {"run": run_id, "number": number, "at": at, "kind": kind} | owner.model_dump()

        async def body(connection: AsyncConnection) -> None:
            for key, data in new.items():
                row = common | {"key": key, "data": dict(data)}
                statement = self.database.insert(events).values(row)
                await connection.execute(statement.on_conflict_do_nothing(index_elements=["run", "key"]))

        await self.database.transact(body, turn=run_id)

    async def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        """Events of a run with a higher number, in order."""
        query = select(*_EVENT).where(events.c.run == run_id, events.c.number > after).order_by(events.c.number)
        return tuple(Event.model_validate(dict(row)) for row in await self.database.read(query))

    async def event(self, run_id: str, key: str) -> Event | None:
        """The event that was added under that key."""
        rows = await self.database.read(select(*_EVENT).where(events.c.run == run_id, events.c.key == key))
        return Event.model_validate(dict(rows[0])) if rows else None

    async def news(self, run_id: str, after: int = 0) -> tuple[RunStatus | None, tuple[Event, ...]]:
        """How the run stands, None where there is none, and its `events` as of that moment: one query, for those who wait."""
        rows = [dict(row) for row in await self.database.read(_NEWS, {"run": run_id, "after": after})]
        status = [row.pop("status") for row in rows]
        return (status[0] if rows else None), tuple(Event.model_validate(row) for row in rows if row["number"] is not None)

    async def unfinished(self) -> tuple[Run, ...]:
        """Runs that have not ended, oldest first."""
        query = select(runs).where(runs.c.status == "running").order_by(runs.c.created_at)
        return tuple(_run(row) for row in await self.database.read(query))

    async def any_running(self) -> bool:
        """Whether a run has not ended."""
        query = select(literal(1)).select_from(runs).where(runs.c.status == "running").limit(1)
        return bool(await self.database.read(query))


def _owned(row: Any) -> tuple[dict[str, Any], Owner]:
    fields = dict(row)
    return fields, Owner(organisation=fields.pop("organisation"), project=fields.pop("project"), creator=fields.pop("creator"))


def _run(row: Any) -> Run:
    fields, owner = _owned(row)
    return Run.model_validate({name: fields[name] for name in fields if name not in ("stack", "author")} | {"owner": owner})


def _drop(row: Any) -> Drop:
    fields, _ = _owned(row)
    return Drop.model_validate({name: value for name, value in fields.items() if name not in ("number", "current")})
