"""Ports: where drops live (bytes by digest) and what is known of runs (metadata)."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from quantumlayer.errors import EnvironmentError_


class Unreachable(EnvironmentError_):
    """A database or object store does not answer now; the same call may succeed later."""


class Producer(BaseModel):
    """Who made a drop."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    component: str
    version: str
    model: str | None = None
    blueprint: str | None = None
    digest: str | None = None


class Drop(BaseModel):
    """A content-addressed, immutable artifact of a stage. `id` is the SHA-256 of its bytes, in hex."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    run: str
    stage: str
    kind: str
    version: int
    parents: tuple[str, ...] = ()
    created_at: datetime
    producer: Producer
    size: int
    media_type: str
    metadata: dict[str, Any] = {}


RunStatus = Literal["running", "verified", "partial", "failed", "cancelled"]


class Stored(BaseModel):
    """Bytes that a store holds: their SHA-256 in hex, how many they are, when they were stored (UTC)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    size: int
    stored_at: datetime


class Blobs(Protocol):
    """Bytes by SHA-256, shared by any number of processes. `conformance/store` holds what every adapter promises.

    Every method raises `EnvironmentError_` when the disk or the object store fails, `Unreachable` when that may pass.
    """

    async def put(self, content: bytes) -> str:
        """Stores them (atomically, once) and returns the hex digest; damaged bytes under that digest are replaced."""
        ...

    async def get(self, digest: str) -> bytes:
        """Raises `UserError` when unknown or no digest, `EnvironmentError_` when the stored bytes do not match the digest."""
        ...

    async def delete(self, digest: str) -> None:
        """Forgets them; does nothing where there are none. Raises `UserError` for what is no digest."""
        ...

    def stored(self) -> AsyncIterator[Stored]:
        """All that is there, in no order; what is no drop of ours is passed over."""
        ...

    async def tidy(self, before: datetime) -> int:
        """Deletes what writers that were killed before that moment left half-written; how many bytes."""
        ...

    async def room(self) -> int | None:
        """How many bytes are free, None where that is not known or not limited."""
        ...
