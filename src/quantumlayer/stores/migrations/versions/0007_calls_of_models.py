"""Calls to models are accounted, organisations have budgets for them, and breakers are seen by all."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Makes three tables."""
    op.create_table(
        "model_calls",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("run", sa.String(128), nullable=False),
        sa.Column("stage", sa.String(64), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("language", sa.String(64)),
        sa.Column("model", sa.String(300), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_usd", sa.Float),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        *_owner(),
    )
    op.create_index("model_calls_of_run", "model_calls", ["run", "at"])
    op.create_index("model_calls_of_organisation", "model_calls", ["organisation", "at"])
    op.create_index("model_calls_by_age", "model_calls", ["at"])
    op.create_table(
        "model_budgets",
        sa.Column("organisation", sa.String(128), primary_key=True),
        sa.Column("tokens", sa.BigInteger),
        sa.Column("usd", sa.Float),
        *_owner()[1:],
    )
    op.create_table(
        "model_circuits",
        sa.Column("model", sa.String(300), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("opened_at", sa.Float),
        *_owner(),
    )


def _owner() -> tuple["sa.Column[str]", ...]:
    return tuple(sa.Column(name, sa.String(128), nullable=False) for name in ("organisation", "project", "creator"))
