import sqlite3
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import quantumlayer.stores.access  # its tables belong to the same metadata
import quantumlayer.stores.spending  # noqa: F401  and these
from quantumlayer.delivery.table_registry import metadata as delivery
from quantumlayer.errors import EnvironmentError_
from quantumlayer.stores.database import Database
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.migrate import known_revisions
from quantumlayer.stores.schema import metadata as stores

# As written by the version that had no migrations.
LEGACY = """
CREATE TABLE runs (id VARCHAR(128) NOT NULL, created_at DATETIME NOT NULL, finished_at DATETIME, status VARCHAR(16) NOT NULL,
  execution INTEGER NOT NULL, title TEXT NOT NULL, "order" JSON NOT NULL, report JSON, organisation VARCHAR(128) NOT NULL,
  project VARCHAR(128) NOT NULL, creator VARCHAR(128) NOT NULL, PRIMARY KEY (id));
CREATE INDEX ix_runs_status ON runs (status);
CREATE INDEX ix_runs_created_at ON runs (created_at);
INSERT INTO runs VALUES ('old', '2026-11-01 10:00:00.000000', NULL, 'running', 1, 'A list',
  '{"stack": "python/fastapi", "author": "blueprint"}', NULL, 'local', 'default', 'local');
"""
STARTER = """
import asyncio, sys
from quantumlayer.stores.metadata import Metadata

async def main():
    metadata = Metadata(sys.argv[1])
    sys.stdin.readline()
    await metadata.prepare()
    print(len(await metadata.runs()))
asyncio.run(main())
"""


def _differences(connection):
    context = MigrationContext.configure(connection)
    return compare_metadata(context, [stores, delivery])  # type: ignore[arg-type]


async def test_the_migrations_make_the_tables_that_the_code_declares(metadata):
    """A change of a table without a migration fails here: add migrations/versions/NNNN_what_changes.py."""
    async with metadata.engine.connect() as connection:
        assert await connection.run_sync(_differences) == []


def test_every_table_says_whose_its_rows_are():
    owner = {"organisation", "project", "creator"}
    assert {table.name for m in (stores, delivery) for table in m.tables.values() if not owner <= set(table.c.keys())} == set()


async def test_preparing_again_changes_nothing(metadata):
    await metadata.prepare()
    rows = await metadata.database.read(text("SELECT version_num FROM alembic_version"))
    assert [row["version_num"] for row in rows] == [known_revisions()[-1]]


async def test_a_database_from_before_the_migrations_is_taken_over(tmp_path):
    path = tmp_path / "metadata.db"
    with sqlite3.connect(path) as old:
        old.executescript(LEGACY)
    metadata = Metadata(path)
    await metadata.prepare()
    assert [run.id for run in await metadata.runs()] == ["old"]
    rows = await metadata.database.read(text("SELECT stack, author FROM runs"))
    assert [dict(row) for row in rows] == [{"stack": "python/fastapi", "author": "blueprint"}]
    async with metadata.engine.connect() as connection:
        # Columns that were declared before (sizes as INTEGER, times) are the same to SQLite.
        assert await connection.run_sync(_differences) == []
    await metadata.close()


async def test_a_newer_schema_is_refused_and_left_alone(metadata, place):
    await metadata.database.write(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(EnvironmentError_, match="newer version of QuantumLayer") as caught:
        await Metadata(place).prepare()
    assert "install" in caught.value.hint
    assert caught.value.data == {"found": "9999", "known": known_revisions()[-1]}


def test_processes_that_start_at_once_migrate_once(place):
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", STARTER, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for starter in starters:
        starter.stdin.write(b"go\n")
        starter.stdin.flush()
    ended = [starter.communicate(timeout=60) for starter in starters]
    assert [(out.strip(), err) for out, err in ended] == [(b"0", b"")] * 4


async def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path):
    path = tmp_path / "metadata.db"
    with sqlite3.connect(path) as old:
        old.executescript(LEGACY + "CREATE TABLE blobs (foreign_thing TEXT);")
    before = _tables(path)
    with pytest.raises(EnvironmentError_):
        await Metadata(path).prepare()
    assert _tables(path) == before


def _tables(path):
    with sqlite3.connect(path) as connection:
        return sorted(row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))


async def test_a_database_that_does_not_answer_is_named_without_its_password():
    database = Database("postgresql://me:secret@127.0.0.1:1/x", patience=0.0)
    with pytest.raises(EnvironmentError_, match="does not answer") as caught:
        await database.read(text("SELECT 1"))
    assert "secret" not in caught.value.message
    assert "127.0.0.1:1/x" in caught.value.message
