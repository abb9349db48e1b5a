"""Ports: where drops live (bytes by digest) and what is known of runs (metadata)."""

from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict


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


class Blobs(Protocol):
    """Bytes by SHA-256."""

    async def put(self, content: bytes) -> str:
        """Stores (atomically, once) and returns the hex digest. Raises `EnvironmentError_` when the disk is full."""
        ...

    async def get(self, digest: str) -> bytes:
        """Raises `UserError` when unknown, `EnvironmentError_` when the stored bytes do not match the digest."""
        ...
