"""The database and its transactions: one per request, so that rules hold however many requests arrive at once."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.errors import Problem, invalid

Result = TypeVar("Result")
Model = TypeVar("Model")

MAX_ATTEMPTS = 16
_BUSY_SECONDS = 30
_SERIALIZATION_FAILURE, _DEADLOCK = "40001", "40P01"
_UNIQUE_VIOLATION, _SQLITE_UNIQUE = "23505", ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")


class Database:
    """An engine with the two ways to use it."""

    def __init__(self, url: str) -> None:
        self.engine = connect(url)
        self._turn = Lock()
        if self.engine.dialect.name == "sqlite":
            self._writing = self.engine.execution_options(begin="BEGIN IMMEDIATE")
            self._reading = self.engine
        else:
            self._writing = self.engine.execution_options(isolation_level="SERIALIZABLE")
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ")

    def write(self, action: Callable[[Session], Result]) -> Result:
        """Runs `action` in one serialisable transaction, again where PostgreSQL asks for it. Those that lost take turns."""
        for attempt in range(MAX_ATTEMPTS):
            try:
                with self._turn if attempt else nullcontext():
                    return self._write_once(action)
            except IntegrityError as error:
                raise _conflict(error) from error
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in (_SERIALIZATION_FAILURE, _DEADLOCK):
                    raise
                time.sleep(0.002 * 2 ** min(attempt, 6))
        raise Problem(503, "Too many requests change the same rows at once. Try again.")

    def _write_once(self, action: Callable[[Session], Result]) -> Result:
        with Session(self._writing, expire_on_commit=False) as session, session.begin():
            return action(session)

    def read(self, action: Callable[[Session], Result]) -> Result:
        """Runs `action` on one consistent view of the data."""
        with Session(self._reading, expire_on_commit=False) as session, session.begin():
            return action(session)

    def ping(self) -> None:
        """Raises where the database does not answer."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))


def connect(url: str) -> Engine:
    """An engine for `sqlite:///file` or `postgresql://…`."""
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=10)
    engine = create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False}, pool_size=20)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _conflict(error: IntegrityError) -> Problem:
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", "")
    if code == _UNIQUE_VIOLATION or code in _SQLITE_UNIQUE:
        return Problem(409, "Another resource has the same values where they must be unique.")
    return Problem(409, "Other resources refer to this one.")


def find(session: Session, model: type[Model], *where: ColumnElement[bool]) -> Model | None:
    """The row that matches, None where there is none."""
    return session.scalars(select(model).where(*where)).one_or_none()


def referred(session: Session, model: type[Model], field: str, *where: ColumnElement[bool]) -> Model:
    """The row that a request refers to; 422 where there is none that the caller may see."""
    row = find(session, model, *where)
    if row is None:
        raise invalid(field, "There is no such resource.")
    return row


def count(session: Session, key: InstrumentedAttribute[Any], *where: ColumnElement[bool]) -> int:
    """How many rows match."""
    return session.execute(select(func.count(key)).where(*where)).scalar_one()


def exists(session: Session, key: InstrumentedAttribute[Any], *where: ColumnElement[bool]) -> bool:
    """Whether a row matches."""
    return session.execute(select(key).where(*where).limit(1)).first() is not None
