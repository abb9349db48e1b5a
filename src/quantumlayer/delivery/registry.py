"""The previews that exist and who runs them, shared by every process that knows where it is kept."""

import importlib
from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from quantumlayer.delivery.table_registry import TableRegistry
from quantumlayer.delivery.values import LIVE, Lease, Preview, PreviewState


class Registry(Protocol):
    """Every method is atomic, and raises `EnvironmentError_` or the database's own error when it cannot be reached."""

    async def prepare(self) -> None:
        """Creates what is missing."""
        ...

    async def close(self) -> None:
        """Returns its connections."""
        ...

    async def add(self, preview: Preview) -> Preview:
        """Stores it, or answers with the live preview that the same run has already."""
        ...

    async def get(self, preview_id: str) -> Preview | None:
        """The preview with that id, whatever its state."""
        ...

    async def of_run(self, run: str) -> Preview | None:
        """The live preview of a run."""
        ...

    async def all(self, *states: PreviewState) -> tuple[Preview, ...]:
        """Previews in any of the states (no state: all of them), newest first."""
        ...

    async def change(self, preview_id: str, *, only: tuple[PreviewState, ...] = LIVE, **fields: Any) -> Preview | None:
        """Sets fields while the state is one of `only`; the preview afterwards, or None where there was nothing to change.

        A preview that is over gives up its run and its lease.
        """
        ...

    async def count(self, preview_id: str, requests: int, at: datetime) -> None:
        """Adds to the number of requests that reached the application."""
        ...

    async def claim(self, preview_ids: Collection[str], lease: Lease, seconds: float) -> frozenset[str]:
        """Takes each that nobody else holds for so many seconds from now, or goes on holding it; those that are held."""
        ...

    async def lease(self, preview_id: str) -> Lease | None:
        """Who holds it now."""
        ...


def open_registry(engine: AsyncEngine, redis_url: str = "") -> Registry:
    """In Redis or Valkey at that URL, else in the metadata database. Raises `UserError` for what is no such URL."""
    if not redis_url:
        return TableRegistry(engine)
    # The client takes a while to import, and few need it.
    return importlib.import_module("quantumlayer.delivery.redis_registry").RedisRegistry(redis_url)
