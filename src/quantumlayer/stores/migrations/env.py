"""Alembic's entry: runs the migrations on the connection that it is given."""

from alembic import context

from quantumlayer.delivery.table_registry import metadata as delivery
from quantumlayer.stores.schema import metadata as stores

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[stores, delivery],
    # SQLite changes a table by copying it.
    render_as_batch=True,
)
context.run_migrations()
