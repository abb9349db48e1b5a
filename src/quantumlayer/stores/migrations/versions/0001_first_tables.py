"""Runs, drops, events and previews, as databases had them before there were migrations: those are taken over as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Creates the tables that are missing."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("execution", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("order", sa.JSON, nullable=False),
        sa.Column("report", sa.JSON),
        *_owner(),
        if_not_exists=True,
    )
    op.create_table(
        "drops",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("run", sa.String(128), nullable=False),
        sa.Column("stage", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("current", sa.Boolean, nullable=False),
        sa.Column("parents", sa.JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("producer", sa.JSON, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.String(128), nullable=False),
        sa.Column("metadata", sa.JSON, nullable=False),
        *_owner(),
        sa.UniqueConstraint("run", "stage", "kind", "version"),
        if_not_exists=True,
    )
    op.create_index("ix_drops_id", "drops", ["id"], if_not_exists=True)
    op.create_index("drops_of_run", "drops", ["run", "current"], if_not_exists=True)
    op.create_table(
        "events",
        sa.Column("run", sa.String(128), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        *_owner(),
        sa.UniqueConstraint("run", "key"),
        if_not_exists=True,
    )
    op.create_table(
        "previews",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("run", sa.String(128), nullable=False),
        sa.Column("live_run", sa.String(128), unique=True),
        sa.Column("capsule", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("environment", sa.JSON, nullable=False),
        sa.Column("port", sa.Integer),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("last_request_at", INSTANT),
        *_owner(),
        if_not_exists=True,
    )
    op.create_index("ix_previews_run", "previews", ["run"], if_not_exists=True)
    op.create_index("ix_previews_state", "previews", ["state"], if_not_exists=True)


def _owner() -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(128), nullable=False) for name in ("organisation", "project", "creator"))
