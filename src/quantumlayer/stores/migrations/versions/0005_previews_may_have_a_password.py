"""Previews may have a password."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds its hash; previews that exist have none."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("previews")}
    if "password" not in there:
        op.add_column("previews", sa.Column("password", sa.String(256)))
