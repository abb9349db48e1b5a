"""What `ql gc` does on one machine: the shared collection, and the capsules, caches and work folders of its QL_HOME."""

import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from quantumlayer.delivery.registry import Registry
from quantumlayer.evidence.stale_environments import Deleted, delete_stale_downloads, delete_stale_environments
from quantumlayer.files.claimed_folder import delete_abandoned
from quantumlayer.ports.store import Blobs
from quantumlayer.stores.collector import GRACE, Collected, Collector
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata


class Cleaned(BaseModel):
    """What was deleted, or with `dry_run` would be; sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    older_than_seconds: float
    collected: Collected
    capsules: int = 0
    capsule_bytes: int = 0
    environments: int = 0
    environment_bytes: int = 0
    downloads: int = 0
    download_bytes: int = 0

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.collected.bytes + self.capsule_bytes + self.environment_bytes + self.download_bytes


async def clean(
    home: Home,
    metadata: Metadata,
    blobs: Blobs,
    registry: Registry,
    older_than: timedelta,
    *,
    dry_run: bool = False,
    grace: timedelta = GRACE,
) -> Cleaned:
    """Deletes what is older and not needed. Raises `EnvironmentError_` as the stores do."""
    before = datetime.now(UTC) - older_than
    collector = Collector(metadata, blobs, registry, grace=grace)
    # Looked at first: what starts to be used after this moment is younger than it.
    unused = min(before, await collector.oldest_use()).timestamp()
    collected = await collector.collect(before, dry_run=dry_run)
    environments = delete_stale_environments(home.caches, unused, dry_run=dry_run)
    downloads = delete_stale_downloads(home.caches, unused, dry_run=dry_run)
    capsules = _delete_capsules(home, collected.runs, dry_run)
    if not dry_run:
        work = home.root / "work"
        delete_abandoned(work)
        _delete_old(home.caches / "hypothesis", unused)
    return Cleaned(
        older_than_seconds=older_than.total_seconds(),
        collected=collected,
        capsules=capsules.count,
        capsule_bytes=capsules.bytes,
        environments=environments.count,
        environment_bytes=environments.bytes,
        downloads=downloads.count,
        download_bytes=downloads.bytes,
    )


def _delete_capsules(home: Home, gone: Iterable[str], dry_run: bool) -> Deleted:
    deleted = Deleted()
    for run in gone:
        path = home.capsules / f"{run}.capsule"
        with contextlib.suppress(FileNotFoundError):
            deleted += Deleted(1, path.stat().st_size)
            if not dry_run:
                path.unlink()
    return deleted


def _delete_old(folder: Path, before: float) -> None:
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
