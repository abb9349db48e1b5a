"""Brings the metadata database to the schema of this version. Alembic is imported only when there is something to do."""

import importlib
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from quantumlayer.errors import EnvironmentError_
from quantumlayer.stores.database import Database, shown

MIGRATIONS = Path(__file__).with_name("migrations")
TURN = "quantumlayer/migrate"
_VERSION = text("SELECT version_num FROM alembic_version")


def known_revisions() -> tuple[str, ...]:
    """The numbers of the migrations in order; the last one is this version's schema."""
    return tuple(sorted(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")))


async def migrate(database: Database) -> None:
    """Does what is missing, in one transaction, one process at a time; a second one finds it done.

    Raises `EnvironmentError_` when a newer version of QuantumLayer wrote the database, or it cannot be reached.
    """
    known = known_revisions()
    found = await _revision(database)
    if found is None or found != known[-1]:
        _refuse_newer(database, found, known)
        await database.transact(lambda connection: _upgrade(database, connection, known), turn=TURN)


async def _revision(database: Database) -> str | None:
    """The revision of the database, None where it has none yet."""
    try:
        rows = await database.read(_VERSION)
    except ProgrammingError:
        return None  # PostgreSQL: there is no such table
    except EnvironmentError_ as error:
        if isinstance(error.__cause__, OperationalError) and "no such table" in str(error.__cause__):
            return None
        raise
    return rows[0]["version_num"] if rows else None


async def _upgrade(database: Database, connection: AsyncConnection, known: tuple[str, ...]) -> None:
    try:
        async with connection.begin_nested():
            found = (await connection.execute(_VERSION)).scalar_one_or_none()
    except DBAPIError:
        found = None
    if found == known[-1]:
        return
    _refuse_newer(database, found, known)
    await connection.run_sync(_run_alembic)


def _run_alembic(connection: Connection) -> None:
    command, config = importlib.import_module("alembic.command"), importlib.import_module("alembic.config")
    settings = config.Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")


def _refuse_newer(database: Database, found: str | None, known: tuple[str, ...]) -> None:
    if found is not None and found not in known:
        raise EnvironmentError_(
            f"the metadata database {shown(database.place)} was written by a newer version of QuantumLayer"
            f" (its schema is {found}, this version knows {known[-1]})",
            hint="install that version or a newer one, or use another database; nothing was changed",
            found=found,
            known=known[-1],
        )
