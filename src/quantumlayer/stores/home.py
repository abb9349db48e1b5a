"""QL_HOME: where everything that QuantumLayer keeps on this machine lives, and the addresses of what it shares with others."""

import hashlib
import os
from pathlib import Path

from platformdirs import user_data_path

DATABASE = "QL_DATABASE_URL"
DROPS = "QL_DROPS_URL"
REDIS = "REDIS_URL"


class Home:
    """The paths below QL_HOME. Nothing is created before it is written.

    `database` is the URL of the metadata database, `drops` a folder or the URL of an object store (`s3://BUCKET/PREFIX`);
    both are in QL_HOME unless they are given. `redis` is the URL where previews are registered, empty for the database.
    """

    def __init__(self, root: Path, database: str = "", drops: str = "", redis: str = "") -> None:
        self.root = root.absolute()
        self.database = _absolute(database) or str(self.root / "metadata.db")
        self.drops = _absolute(drops) or str(self.root / "drops")
        self.redis = redis
        self.blobs = self.root / "drops"
        self.capsules = self.root / "capsules"
        self.caches = self.root / "cache"
        self.logs = self.root / "logs"
        self.workers = self.root / "workers"
        self.turns = self.root / "turns"
        self.service = self.root / "service.json"
        self.lock = self.root / "service.lock"
        self.temporal_database = self.root / "temporal.db"

    @property
    def stores(self) -> str:
        """The same for processes that use the same stores; tells nothing of the passwords in their addresses."""
        return hashlib.sha256(f"{self.database}\n{self.drops}\n{self.redis}".encode()).hexdigest()[:16]


def _absolute(place: str) -> str:
    """The service does not work where its commands are typed."""
    return str(Path(place).expanduser().absolute()) if place and "://" not in place else place


def default_home() -> Home:
    """`$QL_HOME`, else the user's data folder; `$QL_DATABASE_URL`, `$QL_DROPS_URL` and `$REDIS_URL` where they are set."""
    chosen = os.environ.get("QL_HOME")
    root = Path(chosen).expanduser() if chosen else user_data_path("quantumlayer", appauthor=False)
    return Home(root, os.environ.get(DATABASE, ""), os.environ.get(DROPS, ""), os.environ.get(REDIS, ""))
