"""What calls to models take and may take, and which models are left alone: shared by every process of the database."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from quantumlayer.account.values import Budget, Call, Payer, Spent, check
from quantumlayer.gateway.breakers import Circuit
from quantumlayer.stores.database import Database
from quantumlayer.stores.schema import Instant, metadata, owner_columns
from quantumlayer.stores.values import Owner

RESERVED = "reserved"
_TEXT = 500

model_calls = Table(
    "model_calls",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("run", String(128), nullable=False),
    Column("stage", String(64), nullable=False),
    Column("role", String(32), nullable=False),
    Column("language", String(64)),
    Column("model", String(300), nullable=False),
    # "reserved" until the call has ended; its tokens are then the most that it may take, all in `output_tokens`.
    Column("outcome", String(16), nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cost_usd", Float),
    Column("seconds", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    # What a killed process reserved counts until then.
    Column("expires_at", Instant),
    *owner_columns(),
    Index("model_calls_of_run", "run", "at"),
    Index("model_calls_of_organisation", "organisation", "at"),
    Index("model_calls_by_age", "at"),
)
model_budgets = Table(
    "model_budgets",
    metadata,
    Column("organisation", String(128), primary_key=True),
    Column("tokens", BigInteger),
    Column("usd", Float),
    Column("project", String(128), nullable=False),
    Column("creator", String(128), nullable=False),
)
model_circuits = Table(
    "model_circuits",
    metadata,
    Column("model", String(300), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("opened_at", Float),
    *owner_columns(),
)


@dataclass(frozen=True)
class Totals:
    """Calls of one model in one role that ended alike, added up."""

    model: str
    role: str
    outcome: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    seconds: float


class SqlBook:
    """A `Book` in the metadata database. An organisation's budget is for the calendar month, UTC.

    Every method raises `EnvironmentError_` when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, payer: Payer, wanted: Spent, budget: Budget, seconds: float) -> str:
        """As `Book` says."""
        now = datetime.now(UTC)
        number = uuid.uuid4().hex
        row = {
            **_owner(payer),
            "id": number,
            "run": payer.run,
            "stage": "",
            "role": "",
            "model": "",
            "outcome": RESERVED,
            "input_tokens": 0,
            "output_tokens": wanted.tokens,
            "cost_usd": wanted.usd,
            "seconds": 0.0,
            "reason": "",
            "at": now,
            "expires_at": now + timedelta(seconds=seconds),
        }

        async def body(connection: AsyncConnection) -> str:
            if budget != Budget():
                check("run", budget, await _spent(connection, now, model_calls.c.run == payer.run), wanted)
            rows = await connection.execute(_budget_of(payer.organisation))
            if (found := rows.mappings().first()) is not None:
                of_month = (model_calls.c.organisation == payer.organisation, model_calls.c.at >= _month(now))
                allowed = Budget(tokens=found["tokens"], usd=found["usd"])
                check("organisation", allowed, await _spent(connection, now, *of_month), wanted)
            await connection.execute(model_calls.insert().values(row))
            return number

        return await self._database.transact(body, turn=f"models/{payer.organisation}")

    async def settle(self, reservation: str, payer: Payer, call: Call) -> None:
        """As `Book` says."""
        row = {**_owner(payer), **call.model_dump(), "id": reservation, "expires_at": None, "reason": call.reason[:_TEXT]}
        insert = self._database.insert(model_calls).values(row)
        await self._database.write(insert.on_conflict_do_update(index_elements=["id"], set_=row))

    async def calls(self, run: str) -> tuple[Call, ...]:
        """As `Book` says."""
        query = select(model_calls).where(model_calls.c.outcome != RESERVED, model_calls.c.run == run)
        rows = await self._database.read(query.order_by(model_calls.c.at, model_calls.c.id))
        return tuple(Call.model_validate({name: row[name] for name in Call.model_fields}) for row in rows)

    async def totals(self) -> tuple[Totals, ...]:
        """The ended calls of this month by model, role and outcome."""
        names = (model_calls.c.model, model_calls.c.role, model_calls.c.outcome)
        sums = ("input_tokens", "output_tokens", "cost_usd", "seconds")
        added = [func.coalesce(func.sum(model_calls.c[name]), 0).label(name) for name in sums]
        query = select(*names, func.count().label("calls"), *added).group_by(*names)
        where = (model_calls.c.at >= _month(datetime.now(UTC)), model_calls.c.outcome != RESERVED)
        return tuple(Totals(**row) for row in await self._database.read(query.where(*where)))

    async def spent(self, organisation: str) -> Spent:
        """What the organisation's calls took this month, with what is reserved now."""
        now = datetime.now(UTC)
        of_month = (model_calls.c.organisation == organisation, model_calls.c.at >= _month(now))
        return _sum(await self._database.read(_total(now, *of_month)))

    async def budget(self, organisation: str) -> Budget:
        """What the organisation may spend in a month."""
        rows = await self._database.read(_budget_of(organisation))
        return Budget(tokens=rows[0]["tokens"], usd=rows[0]["usd"]) if rows else Budget()

    async def limit(self, organisation: str, budget: Budget, owner: Owner) -> None:
        """Sets what the organisation may spend in a month; no limit at all where both are None."""
        if budget == Budget():
            await self._database.write(delete(model_budgets).where(model_budgets.c.organisation == organisation))
            return
        row = {**owner.model_dump(), "organisation": organisation, **budget.model_dump()}
        insert = self._database.insert(model_budgets).values(row)
        await self._database.write(insert.on_conflict_do_update(index_elements=["organisation"], set_=budget.model_dump()))


class SqlCircuits:
    """`Circuits` in the metadata database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, model: str) -> Circuit | None:
        """As `Circuits` says."""
        rows = await self._database.read(select(model_circuits).where(model_circuits.c.model == model))
        return _circuit(rows[0]) if rows else None

    async def keep(self, circuit: Circuit) -> None:
        """As `Circuits` says."""
        state = {"state": circuit.state, "failures": circuit.failures, "opened_at": circuit.opened_at}
        insert = self._database.insert(model_circuits).values({"model": circuit.model, **state, **Owner().model_dump()})
        await self._database.write(insert.on_conflict_do_update(index_elements=["model"], set_=state))

    async def all(self) -> Sequence[Circuit]:
        """As `Circuits` says."""
        return [_circuit(row) for row in await self._database.read(select(model_circuits).order_by(model_circuits.c.model))]


def _circuit(row: Any) -> Circuit:
    return Circuit(row["model"], row["state"], row["failures"], row["opened_at"])


def _owner(payer: Payer) -> dict[str, str]:
    return {"organisation": payer.organisation, "project": payer.project, "creator": payer.creator}


def _month(now: datetime) -> datetime:
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _budget_of(organisation: str) -> Any:
    return select(model_budgets.c.tokens, model_budgets.c.usd).where(model_budgets.c.organisation == organisation)


def _total(now: datetime, *where: Any) -> Any:
    counts = or_(model_calls.c.expires_at.is_(None), model_calls.c.expires_at > now)
    tokens = func.coalesce(func.sum(model_calls.c.input_tokens + model_calls.c.output_tokens), 0).label("tokens")
    return select(tokens, func.coalesce(func.sum(model_calls.c.cost_usd), 0.0).label("usd")).where(counts, *where)


async def _spent(connection: AsyncConnection, now: datetime, *where: Any) -> Spent:
    return _sum(list((await connection.execute(_total(now, *where))).mappings().all()))


def _sum(rows: list[Any]) -> Spent:
    return Spent(tokens=int(rows[0]["tokens"]), usd=float(rows[0]["usd"]))
