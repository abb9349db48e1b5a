"""One proxy runs a preview's application, also where several share the database."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

COLUMNS = {
    "holder": sa.String(64),
    "holder_address": sa.String(256),
    "holder_key": sa.String(64),
    "held_until": sa.DateTime(timezone=True),
}


def upgrade() -> None:
    """Adds who runs it; whoever starts first takes the previews that exist."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("previews")}
    for name, kind in COLUMNS.items():
        if name not in there:
            op.add_column("previews", sa.Column(name, kind))
