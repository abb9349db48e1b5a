"""What the operator of a server decides."""

import ipaddress
from dataclasses import dataclass

from limits import parse

from quantumlayer.errors import UserError

DEFAULT_PORT = 8080
REQUESTS = "6000/minute"
CREATIONS = "600/minute"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Settings:
    """`requests` and `creations` are limits for each caller (`600/minute`), empty for none. `judge_targets` are HOST:PORT pairs
    that may be judged besides our own previews. `names` are host names under which the server is reached."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    requests: str = REQUESTS
    creations: str = CREATIONS
    judge_targets: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    storage: str = "async+memory://"

    def __post_init__(self) -> None:
        """Raises `UserError` for a limit that cannot be read."""
        for limit in (self.requests, self.creations):
            try:
                parse(limit) if limit else None
            except ValueError:
                raise UserError(f"{limit!r} is no rate limit", hint="write it as 600/minute, or leave it empty") from None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server. Only then is a caller trusted without a token."""
        return self.host == "localhost" or _is_loopback(self.host)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
