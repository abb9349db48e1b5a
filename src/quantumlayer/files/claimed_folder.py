"""Temporary folders that do not outlive their process: what a killed one left behind, the next one deletes."""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".claim"


@contextlib.contextmanager
def claimed_folder(parent: Path) -> Iterator[Path]:
    """A path for a new folder in `parent`, claimed by a locked file beside it; both are deleted afterwards.

    First deletes the folders whose process has ended without doing so. Raises `OSError` when the disk is full.
    """
    parent.mkdir(parents=True, exist_ok=True)
    delete_abandoned(parent)
    folder = parent / uuid.uuid4().hex
    claim = folder.with_suffix(SUFFIX)
    descriptor = _claimed(claim)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        claim.unlink(missing_ok=True)
        os.close(descriptor)


def delete_abandoned(parent: Path) -> None:
    """Deletes the folders in `parent` that no living process claims."""
    for claim in parent.glob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            descriptor = os.open(claim, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(claim.with_suffix(""), ignore_errors=True)
                claim.unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def _claimed(claim: Path) -> int:
    """The locked descriptor of a claim that is still there: one may be taken for abandoned before it is locked."""
    while True:
        descriptor = os.open(claim, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(claim)):
                return descriptor
        os.close(descriptor)
