"""Alembic's environment: the application's own engine and models."""

from alembic import context

from app.database import connect
from app.models import Base
from app.settings import get_settings

engine = context.config.attributes.get("engine") or connect(get_settings().database_url)

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
