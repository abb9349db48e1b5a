"""QL_HOME: where everything that QuantumLayer keeps on this machine lives."""

import os
from pathlib import Path

from platformdirs import user_data_path


class Home:
    """The paths below QL_HOME. Nothing is created before it is written."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.database = self.root / "metadata.db"
        self.blobs = self.root / "drops"
        self.capsules = self.root / "capsules"
        self.caches = self.root / "cache"
        self.logs = self.root / "logs"
        self.service = self.root / "service.json"
        self.lock = self.root / "service.lock"
        self.temporal_database = self.root / "temporal.db"


def default_home() -> Home:
    """`$QL_HOME`, else the user's data folder."""
    chosen = os.environ.get("QL_HOME")
    return Home(Path(chosen).expanduser() if chosen else user_data_path("quantumlayer", appauthor=False))
