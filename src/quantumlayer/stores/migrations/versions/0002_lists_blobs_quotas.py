"""Lists of runs that read no orders; what the object store holds; quotas."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Adds them, and fills in what lists show of the runs that are there."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    for name, length in (("stack", 128), ("author", 16)):
        op.add_column("runs", sa.Column(name, sa.String(length), nullable=False, server_default=""))
        of_order = f"\"order\"->>'{name}'" if postgresql else f"json_extract(\"order\", '$.{name}')"
        op.execute(f"UPDATE runs SET {name} = coalesce({of_order}, '')")
    for replaced in ("ix_runs_created_at", "ix_runs_status"):
        op.drop_index(replaced, "runs", if_exists=True)
    op.create_index("runs_by_age", "runs", ["created_at", "id"])
    op.create_index("runs_by_status", "runs", ["status", "created_at", "id"])
    op.create_index("runs_of_owner", "runs", ["organisation", "project", "created_at", "id"], if_not_exists=True)
    by_status = ["organisation", "project", "status", "created_at", "id"]
    op.create_index("runs_of_owner_by_status", "runs", by_status, if_not_exists=True)
    op.create_index("drops_of_organisation", "drops", ["organisation", "id", "size"])
    op.create_table(
        "blobs",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("touched_at", INSTANT, nullable=False),
        *_owner(),
    )
    op.create_index("ix_blobs_touched_at", "blobs", ["touched_at"])
    op.create_table(
        "quotas",
        sa.Column("organisation", sa.String(128), primary_key=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("project", sa.String(128), nullable=False),
        sa.Column("creator", sa.String(128), nullable=False),
    )


def _owner() -> tuple[sa.Column[str], ...]:
    return tuple(sa.Column(name, sa.String(128), nullable=False) for name in ("organisation", "project", "creator"))
