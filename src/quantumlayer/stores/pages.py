"""Pages of runs for lists: only what a line shows is read, never the reports."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import and_, func, or_, select

from quantumlayer.errors import UserError
from quantumlayer.ports.store import Drop, RunStatus
from quantumlayer.stores.database import database_errors
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.schema import drops, events, runs
from quantumlayer.stores.values import Event, Owner

CHUNK = 200
_COUNTED = runs.alias("counted")


class RunLine(BaseModel):
    """One line of a list of runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    status: RunStatus
    title: str
    stack: str
    execution: int
    created_at: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Filters:
    """All that are given must hold. `text` is looked for in the title, whatever its case."""

    status: RunStatus | None = None
    stack: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Page:
    """Lines, how many there are in all, and where the next page starts; None on the last one."""

    lines: tuple[RunLine, ...]
    total: int
    cursor: str | None


@dataclass(frozen=True)
class Ended:
    """A run that has ended, as far as statistics care. `queued` is how long it waited for its first stage, in seconds."""

    run: str
    execution: int
    status: str
    stack: str
    seconds: float
    stages: tuple[dict[str, Any], ...]
    queued: float | None
    sandbox_failures: tuple[str, ...]


class Pages:
    """Reads what one owner's organisation and project holds."""

    def __init__(self, store: Metadata) -> None:
        self._store = store

    async def runs(self, owner: Owner | None, filters: Filters, limit: int, cursor: str | None = None) -> Page:
        """Newest first, after the cursor of an earlier page; of everybody where no owner is given.

        Raises `UserError` for a cursor that we never gave.
        """
        where = _conditions(owner, filters)
        shown = [*where]
        if cursor is not None:
            at, last = _read_cursor(cursor)
            shown.append(or_(runs.c.created_at < at, and_(runs.c.created_at == at, runs.c.id < last)))
        # Page and total in one statement: each costs a way to the database's thread and back.
        total = select(func.count()).select_from(_COUNTED).where(*_conditions(owner, filters, _COUNTED)).scalar_subquery()
        columns = [runs.c[name] for name in RunLine.model_fields]
        query = (
            select(*columns, total.label("total"))
            .where(*shown)
            .order_by(runs.c.created_at.desc(), runs.c.id.desc())
            .limit(limit + 1)
        )
        rows = [dict(row) for row in await self._read(query)]
        if not rows:
            counts = await self._read(select(func.count().label("total")).select_from(runs).where(*where))
            return Page((), counts[0]["total"], None)
        totals = [row.pop("total") for row in rows]
        lines = tuple(RunLine.model_validate(row) for row in rows[:limit])
        return Page(lines, totals[0], _cursor(lines[-1]) if len(rows) > limit else None)

    async def drop(self, owner: Owner, drop_id: str, run: str | None = None) -> Drop | None:
        """The drop with exactly that id, the newest where several runs made the same bytes."""
        where = [drops.c.id == drop_id, drops.c.organisation == owner.organisation, drops.c.project == owner.project]
        if run is not None:
            where.append(drops.c.run == run)
        rows = await self._read(select(drops).where(*where).order_by(drops.c.number.desc()).limit(1))
        return Drop.model_validate({name: rows[0][name] for name in Drop.model_fields}) if rows else None

    async def events(self, positions: dict[str, int], limit: int) -> tuple[Event, ...]:
        """Events of several runs, each after the number given for it; at most `limit` in all, those of a run in order."""
        wanted = or_(*(and_(events.c.run == run, events.c.number > after) for run, after in positions.items()))
        columns = (events.c.run, events.c.number, events.c.at, events.c.kind, events.c.data)
        query = select(*columns).where(wanted).order_by(events.c.run, events.c.number).limit(limit)
        return tuple(Event.model_validate(dict(row)) for row in await self._read(query))

    async def running(self, ids: list[str]) -> set[str]:
        """Those of the runs that have not ended."""
        rows = await self._read(select(runs.c.id).where(runs.c.id.in_(ids), runs.c.status == "running"))
        return {row["id"] for row in rows}

    async def statuses(self) -> dict[str, int]:
        """How many runs there are of each status, whoever's they are."""
        query = select(runs.c.status, func.count().label("count")).group_by(runs.c.status)
        return {row["status"]: row["count"] for row in await self._read(query)}

    async def waiting(self) -> int:
        """Runs that have been asked for and of which no stage has started."""
        begun = select(events.c.run).where(events.c.run == runs.c.id, events.c.kind == "stage_started").exists()
        query = select(func.count().label("count")).select_from(runs).where(runs.c.status == "running", ~begun)
        return (await self._read(query))[0]["count"]

    async def ended_since(self, moment: datetime, limit: int = 5000) -> tuple[Ended, ...]:
        """Runs that ended then or later, whoever's they are."""
        found = await self._read(select(runs).where(runs.c.finished_at >= moment).order_by(runs.c.finished_at).limit(limit))
        told: dict[str, list[Any]] = {row["id"]: [] for row in found}
        kinds = ("run_started", "stage_started", "sandbox")
        columns = (events.c.run, events.c.key, events.c.kind, events.c.at, events.c.data)
        for start in range(0, len(found), CHUNK):
            ids = [row["id"] for row in found[start : start + CHUNK]]
            query = (
                select(*columns).where(events.c.run.in_(ids), events.c.kind.in_(kinds)).order_by(events.c.run, events.c.number)
            )
            for event in await self._read(query):
                told[event["run"]].append(event)
        return tuple(_ended(row, told[row["id"]]) for row in found)

    async def _read(self, query: Any) -> list[Any]:
        with database_errors(self._store.path):
            async with self._store.engine.connect() as connection:
                return list((await connection.execute(query)).mappings().all())


def _ended(row: Any, told: list[Any]) -> Ended:
    report = (row["report"] or {}).get("report", {})
    of_this = [event for event in told if event["key"].startswith(f"{row['execution']}/")]
    asked = next((event["at"] for event in of_this if event["kind"] == "run_started"), None)
    begun = next((event["at"] for event in of_this if event["kind"] == "stage_started"), None)
    return Ended(
        run=row["id"],
        execution=row["execution"],
        status=row["status"],
        stack=row["order"]["stack"],
        seconds=report.get("seconds", 0.0),
        stages=tuple(report.get("stages", ())),
        queued=(begun - asked).total_seconds() if asked and begun else None,
        sandbox_failures=tuple(event["data"]["outcome"] for event in of_this if event["kind"] == "sandbox"),
    )


def _conditions(owner: Owner | None, filters: Filters, table: Any = runs) -> list[Any]:
    where: list[Any] = []
    if owner is not None:
        where += [table.c.organisation == owner.organisation, table.c.project == owner.project]
    if filters.status is not None:
        where.append(table.c.status == filters.status)
    if filters.stack is not None:
        where.append(table.c.stack == filters.stack)
    if filters.text:
        where.append(table.c.title.icontains(filters.text, autoescape=True))
    if filters.since is not None:
        where.append(table.c.created_at >= filters.since)
    if filters.until is not None:
        where.append(table.c.created_at < filters.until)
    return where


def _cursor(line: RunLine) -> str:
    return base64.urlsafe_b64encode(f"{line.created_at.isoformat()} {line.id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, last = text.split(" ")
        moment = datetime.fromisoformat(at)
    except (binascii.Error, ValueError):
        moment, last = None, ""
    if moment is None or moment.tzinfo is None:
        raise UserError("the cursor is none that a page gave", hint="take `next` of the page before, or leave it out")
    return moment, last
