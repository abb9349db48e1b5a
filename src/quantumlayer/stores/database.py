"""Opens the metadata database. One place decides how SQLite is made safe for several processes at once."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from quantumlayer.errors import EnvironmentError_

BUSY_SECONDS = 20.0


def open_engine(path: Path) -> AsyncEngine:
    """An engine on the SQLite file: write-ahead log, waiting for other writers. Raises `EnvironmentError_`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentError_(
            f"cannot create {path.parent}: {error.strerror}", hint="set QL_HOME to a folder that you may write to"
        ) from error
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine.sync_engine, "connect", _prepare_connection)
    return engine


def _prepare_connection(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


@contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Turns what the machine did to the database into an `EnvironmentError_` that names the mend."""
    try:
        yield
    except (OperationalError, DatabaseError) as error:
        cause = error.orig
        code = getattr(cause, "sqlite_errorcode", None)
        if code is None:
            raise
        raise EnvironmentError_(f"the metadata database {path} failed: {cause}", hint=_hint(code, path)) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise EnvironmentError_(f"no space left for {path}", hint="free some disk space and run `ql resume`") from error


def _hint(code: int, path: Path) -> str:
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return "free some disk space and run `ql resume`"
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"move {path} away; capsules and drops in the same folder are not touched"
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return f"make {path.parent} writable, or set QL_HOME to another folder"
    return "see whether another process holds the file, then try again"
