"""Opens the metadata database, SQLite or PostgreSQL. One place decides how it is made safe for several processes at once."""

import errno
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.ports.store import Unreachable
from quantumlayer.stores.patient import patiently

BUSY_SECONDS = 20.0
# A process that is stopped within a transaction, or whose machine is gone, holds its locks no longer than this.
IDLE_TRANSACTION = "15s"
CONNECT_SECONDS = 5.0
POOL = 8
POOL_OVERFLOW = 24
# How long a caller waits for a database that went away. A worker waits longer: giving up would fail the run.
PATIENCE = 5.0
EXAMPLES = "write it as postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:///PATH"
T = TypeVar("T")


def database_url(place: str | Path) -> URL:
    """Where the database is, with the driver that we use. A path is a SQLite file. Raises `UserError` for any other kind."""
    if isinstance(place, Path) or "://" not in place:
        return URL.create("sqlite+aiosqlite", database=str(place))
    try:
        url = make_url(place)
    except (ArgumentError, ValueError):
        # The text may hold a password, so it is not shown.
        raise UserError("the database URL cannot be read", hint=EXAMPLES) from None
    match url.get_backend_name():
        case "sqlite" if url.database:
            return url.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            query = dict(url.query)
            if "sslmode" in query:
                query["ssl"] = query.pop("sslmode")
            return url.set(drivername="postgresql+asyncpg", query=query)
    raise UserError(f"{url.drivername!r} is no database that can be used", hint=EXAMPLES)


def shown(place: str | Path) -> str:
    """The place for people: a path, or a URL without its password."""
    url = database_url(place)
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def open_engine(place: str | Path) -> AsyncEngine:
    """An engine; on SQLite with a write-ahead log and patience for other writers. Raises `EnvironmentError_`, `UserError`."""
    url = database_url(place)
    if url.get_backend_name() == "postgresql":
        return create_async_engine(
            url,
            pool_size=POOL,
            max_overflow=POOL_OVERFLOW,
            pool_pre_ping=True,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "server_settings": {
                    "application_name": "quantumlayer",
                    "idle_in_transaction_session_timeout": IDLE_TRANSACTION,
                },
            },
        )
    parent = Path(url.database or "").absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentError_(
            f"cannot create {parent}: {error.strerror}", hint="set QL_HOME to a folder that you may write to"
        ) from error
    engine = create_async_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine.sync_engine, "connect", _prepare_connection)
    return engine


def _prepare_connection(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Of several first openers, SQLite lets one switch the journal and tells the others at once that they are too many."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if (error.sqlite_errorcode & 0xFF) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


class Database:
    """An engine whose every use is one short transaction, tried again while the server is away.

    So each transaction must be one that can be repeated: what it did before the connection broke may have been stored.
    """

    def __init__(self, place: str | Path, *, patience: float = PATIENCE) -> None:
        self.place = place
        self.patience = patience
        self.engine = open_engine(place)

    @property
    def postgresql(self) -> bool:
        """Whether it is PostgreSQL; else it is SQLite."""
        return self.engine.dialect.name == "postgresql"

    async def read(self, query: Any, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """The rows as mappings. Raises `EnvironmentError_`; `Unreachable` when the server stays away."""

        async def body() -> list[Any]:
            async with self.engine.connect() as connection:
                return list((await connection.execute(query, parameters)).mappings().all())

        return await self._patiently(body)

    async def write(self, *statements: Any) -> int:
        """Executes them in one transaction; how many rows the last one touched. Raises as `read`."""

        async def body(connection: AsyncConnection) -> int:
            touched = 0
            for statement in statements:
                touched = (await connection.execute(statement)).rowcount
            return touched

        return await self.transact(body)

    async def transact(self, body: Callable[[AsyncConnection], Awaitable[T]], *, turn: str | None = None) -> T:
        """What the body gives, in one transaction that takes its turn among all that name the same `turn`.

        SQLite has one writer at a time anyway. Raises as `read`.
        """

        async def whole() -> T:
            async with self.engine.begin() as connection:
                if not self.postgresql:
                    # The lock first: a transaction that began by reading could not wait for another writer.
                    await connection.exec_driver_sql("BEGIN IMMEDIATE")
                elif turn is not None:
                    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:turn, 0))"), {"turn": turn})
                return await body(connection)

        return await self._patiently(whole)

    def insert(self, table: Any) -> Any:
        """An insert that knows `ON CONFLICT`: each dialect has its own construct."""
        return postgresql.insert(table) if self.postgresql else sqlite.insert(table)

    async def close(self) -> None:
        """Returns all connections."""
        await self.engine.dispose()

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        async def told() -> T:
            with database_errors(self.place):
                return await work()

        return await patiently(told, self.patience)


@contextmanager
def database_errors(place: str | Path) -> Iterator[None]:
    """Turns what the machine did to the database into an `EnvironmentError_` that names the mend."""
    try:
        yield
    except DBAPIError as error:
        cause: Any = error.orig
        code = getattr(cause, "sqlite_errorcode", None)
        if code is not None and code & 0xFF == sqlite3.SQLITE_BUSY:
            raise Unreachable(
                f"the metadata database {shown(place)} is locked by another process",
                hint="is a process of QuantumLayer stopped, or another program at work in it? Runs go on when it is free",
            ) from error
        if code is not None and not isinstance(cause, sqlite3.IntegrityError):
            raise EnvironmentError_(
                f"the metadata database {shown(place)} failed: {cause}", hint=_hint(code, shown(place))
            ) from error
        state = str(getattr(cause, "sqlstate", None) or "")
        if _away(error, state):
            raise _unreachable(place, cause) from error
        if state.startswith(("28", "3D", "42501")):
            raise EnvironmentError_(
                f"the metadata database {shown(place)} refuses: {cause}",
                hint="check the user, the password and the database's name",
            ) from error
        if state.startswith("53"):
            raise EnvironmentError_(
                f"the metadata database {shown(place)} is out of resources: {cause}", hint="free space or connections there"
            ) from error
        raise
    except TimeoutError as error:
        raise _unreachable(place, "no answer in time") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise EnvironmentError_(
                f"no space left for {shown(place)}", hint="free some disk space and run `ql resume`"
            ) from error
        if database_url(place).get_backend_name() != "postgresql":
            raise
        raise _unreachable(place, os.strerror(error.errno) if error.errno else error) from error


def _away(error: DBAPIError, state: str) -> bool:
    """Whether the server went away, is not up yet or gave us up (08, 57P, 25P03): not what it says of a statement."""
    return error.connection_invalidated or state.startswith(("08", "57P", "25P03")) or isinstance(error, InterfaceError)


def _unreachable(place: str | Path, why: object) -> Unreachable:
    return Unreachable(
        f"the metadata database {shown(place)} does not answer: {why}",
        hint="is it running, and QL_DATABASE_URL right? Runs go on when it is back",
    )


def _hint(code: int, path: str) -> str:
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return "free some disk space and run `ql resume`"
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"move {path} away; capsules and drops in the same folder are not touched"
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return f"make {Path(path).parent} writable, or set QL_HOME to another folder"
    return "see whether another process holds the file, then try again"
