"""A preview: a verified application, really running for a while, behind an address that nobody can guess."""

import base64
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from quantumlayer.errors import UserError

PreviewState = Literal["starting", "ready", "idle", "failed", "expired", "revoked"]
LIVE: tuple[PreviewState, ...] = ("starting", "ready", "idle", "failed")
DOMAIN = "preview.localhost"
HOST = re.compile(rf"([a-z2-7]{{32}})\.{re.escape(DOMAIN)}(?::\d+)?", re.IGNORECASE)
MIN_TTL = timedelta(seconds=1)
MAX_TTL = timedelta(days=7)


class Preview(BaseModel):
    """One row of the registry. `id` is 160 random bits and the only thing that opens the preview; times are UTC.

    `message` explains "failed" (with the last the application wrote); `port` is where the proxy listens once it is ready;
    `environment` is what the application gets besides its database, such as the administrator's name and password;
    an "idle" one is started by the next request; `password` is the hash of what visitors must know, None for nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    run: str
    capsule: Path
    created_at: datetime
    expires_at: datetime
    state: PreviewState = "starting"
    message: str = ""
    environment: dict[str, str] = {}
    password: str | None = None
    port: int | None = None
    requests: int = 0
    last_request_at: datetime | None = None
    organisation: str = "local"
    project: str = "default"
    creator: str = "local"

    @property
    def live(self) -> bool:
        """Whether its time is not over and nobody revoked it."""
        return self.state in LIVE and self.expires_at > now()

    @property
    def url(self) -> str | None:
        """Where a browser finds it, None before the proxy took it on."""
        return None if self.port is None else f"http://{self.id}.{DOMAIN}:{self.port}/"


class Lease(BaseModel):
    """Which proxy runs a preview's application. `holder` stays the same when it is started again with the same QL_HOME.

    `address` is the HOST:PORT where other proxies reach it; `key` shows it that a request comes from one of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    holder: str
    address: str
    key: str


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """160 random bits as 32 lower-case letters and digits: a host name label, whose case nobody keeps."""
    return base64.b32encode(secrets.token_bytes(20)).decode().lower()


def checked_ttl(ttl: timedelta) -> timedelta:
    """The time to live itself. Raises `UserError` when it is under a second or over seven days."""
    if not MIN_TTL <= ttl <= MAX_TTL:
        raise UserError(f"a preview cannot live for {ttl}", hint="choose a time between 1 second and 7 days, such as 1h")
    return ttl
