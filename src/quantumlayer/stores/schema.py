"""The tables of the metadata database. Every row carries organisation, project and creator.

A change here needs a migration: `migrations/versions/NNNN_what_changes.py`, the next number (see docs/storage.md).
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from quantumlayer.delivery.table_registry import Instant


def owner_columns() -> tuple[Column[str], Column[str], Column[str]]:
    """New columns for one table: whose row it is."""
    return (
        Column("organisation", String(128), nullable=False),
        Column("project", String(128), nullable=False),
        Column("creator", String(128), nullable=False),
    )


metadata = MetaData()
runs = Table(
    "runs",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("status", String(16), nullable=False),
    Column("execution", Integer, nullable=False),
    Column("title", Text, nullable=False),
    # Copies of what the order says, so that lists need not read the order.
    Column("stack", String(128), nullable=False, server_default=""),
    Column("author", String(16), nullable=False, server_default=""),
    Column("order", JSON, nullable=False),
    Column("report", JSON),
    *owner_columns(),
    Index("runs_by_age", "created_at", "id"),
    Index("runs_by_status", "status", "created_at", "id"),
    # Lists and their totals come from these alone: rows are long, and what belongs to whom stands behind the report.
    Index("runs_of_owner", "organisation", "project", "created_at", "id"),
    Index("runs_of_owner_by_status", "organisation", "project", "status", "created_at", "id"),
)
drops = Table(
    "drops",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), ForeignKey("blobs.id", name="drops_are_stored"), nullable=False),
    Column("run", String(128), nullable=False),
    Column("stage", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("current", Boolean, nullable=False),
    Column("parents", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("producer", JSON, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("metadata", JSON, nullable=False),
    *owner_columns(),
    UniqueConstraint("run", "stage", "kind", "version"),
    Index("ix_drops_id", "id"),
    Index("drops_of_run", "run", "current"),
    Index("drops_of_organisation", "organisation", "id", "size"),
)
events = Table(
    "events",
    metadata,
    Column("run", String(128), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # The same fact told twice (an activity that was retried) is one event.
    Column("key", String(200), nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("data", JSON, nullable=False),
    *owner_columns(),
    UniqueConstraint("run", "key"),
)
# What the object store holds. Drops refer to it, so that the database itself refuses to forget bytes that are needed.
blobs = Table(
    "blobs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    # When somebody last stored these bytes: the collector leaves young ones alone, their drop may be on its way.
    Column("touched_at", Instant, nullable=False, index=True),
    *owner_columns(),
)
quotas = Table(
    "quotas",
    metadata,
    Column("organisation", String(128), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("project", String(128), nullable=False),
    Column("creator", String(128), nullable=False),
)
