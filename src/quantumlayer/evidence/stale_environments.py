"""Deletes installed dependencies and downloads that nobody has used for a while; those who use one meanwhile keep it."""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = "whole.json"
TURN = ".turn"


@dataclass(frozen=True)
class Deleted:
    """How many, and how many bytes together."""

    count: int = 0
    bytes: int = 0

    def __add__(self, other: "Deleted") -> "Deleted":
        return Deleted(self.count + other.count, self.bytes + other.bytes)


@contextlib.contextmanager
def marked_as_used(entry: Path) -> Iterator[None]:
    """While it is open no collector deletes the entry; afterwards none does before its age counts from now."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    with _turn(entry.parent, fcntl.LOCK_SH):
        yield
        with contextlib.suppress(FileNotFoundError):
            os.utime(entry / MARK)


def delete_stale_environments(cache: Path, before: float, *, dry_run: bool = False) -> Deleted:
    """Of `cache`/environments, those last used before that time (seconds since 1970)."""
    folder, deleted = cache / "environments", Deleted()
    for mark in folder.glob(f"*/{MARK}"):
        entry, doomed = mark.parent, folder / f"tmp-{uuid.uuid4().hex}"
        with _turn(folder, fcntl.LOCK_EX), contextlib.suppress(FileNotFoundError):
            if mark.stat().st_mtime >= before:
                continue
            if dry_run:
                doomed = entry
            else:
                entry.rename(doomed)
        deleted += Deleted(1, _size(doomed))
        if not dry_run:
            shutil.rmtree(doomed, ignore_errors=True)
    return deleted


def delete_stale_downloads(cache: Path, before: float, *, dry_run: bool = False) -> Deleted:
    """Of `cache`/downloads/LANGUAGE/NAME, those last used before that time, unless an install of the language goes on."""
    deleted = Deleted()
    for folder in (cache / "downloads").glob("*/*"):
        with _idle(cache / "environments" / f"{folder.parent.name}.lock") as idle:
            if idle and folder.stat().st_mtime < before:
                deleted += Deleted(1, _size(folder))
                if not dry_run:
                    shutil.rmtree(folder, ignore_errors=True)
    return deleted


@contextlib.contextmanager
def _turn(folder: Path, kind: int) -> Iterator[None]:
    with (folder / TURN).open("w") as lock:
        fcntl.flock(lock, kind)
        yield


@contextlib.contextmanager
def _idle(path: Path) -> Iterator[bool]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _size(folder: Path) -> int:
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(parent, name)).st_size
    return size
