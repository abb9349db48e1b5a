"""Brings the metadata database to the newest schema: Alembic's scripts, and how they are applied on start."""
