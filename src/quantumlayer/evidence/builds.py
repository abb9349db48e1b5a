"""What builds left, kept for whoever runs the same sources on this machine next: the load test, a preview, its restart."""

import contextlib
import os
import shutil
from pathlib import Path

from quantumlayer.files.claimed_folder import SUFFIX, claimed_folder
from quantumlayer.files.copied_tree import copy_tree

KEPT = 8


class Builds:
    """The cache below `home`/cache/builds: the newest few. Any number of processes may use it at once."""

    def __init__(self, home: Path) -> None:
        self._root = home / "cache" / "builds"

    def take(self, digest: str, project: Path) -> bool:
        """Lays what a build of the same left into the project's folder; False where none is kept, whatever was laid there."""
        entry = self._root / digest
        try:
            os.utime(entry)
            copy_tree(entry, project)
        except OSError:
            return False
        return True

    def keep(self, digest: str, project: Path) -> None:
        """Keeps the project's folder as it is. Where that cannot be done, the next one builds again."""
        final = self._root / digest
        if final.exists():
            return
        with contextlib.suppress(OSError), claimed_folder(self._root) as folder:
            copy_tree(project, folder)
            folder.rename(final)
            self._forget()

    def _forget(self) -> None:
        entries = [entry for entry in self._root.iterdir() if entry.is_dir() and not entry.with_suffix(SUFFIX).exists()]
        for entry in sorted(entries, key=lambda entry: entry.stat().st_mtime, reverse=True)[KEPT:]:
            shutil.rmtree(entry, ignore_errors=True)
