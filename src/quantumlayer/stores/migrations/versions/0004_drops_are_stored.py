"""The database itself refuses to forget bytes that a drop refers to."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Writes down the bytes of all drops, then ties the drops to them."""
    op.drop_column("blobs", "state")
    op.execute(
        "INSERT INTO blobs (id, size, touched_at, organisation, project, creator)"
        " SELECT id, max(size), max(created_at), min(organisation), min(project), min(creator) FROM drops GROUP BY id"
    )
    with op.batch_alter_table("drops") as drops:
        drops.create_foreign_key("drops_are_stored", "blobs", ["id"], ["id"])
