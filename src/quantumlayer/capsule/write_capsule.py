"""A capsule's bytes become a file, whole or not at all. Who only copies one needs no signing tools, so it stands alone."""

import os
from pathlib import Path

from quantumlayer.errors import EnvironmentError_
from quantumlayer.files.claimed_folder import claimed_folder

DRAFTS = ".drafts"


def write_capsule(content: bytes, path: Path) -> Path:
    """Writes all or nothing, and returns the path. Raises `EnvironmentError_` when the disk is full or not writable.

    What a killed writer left half-written is deleted by the next one.
    """
    try:
        with claimed_folder(path.parent / DRAFTS) as folder:
            folder.mkdir()
            draft = folder / path.name
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.chmod(0o644)
            os.replace(draft, path)
    except OSError as error:
        raise EnvironmentError_(
            f"cannot write {path}: {error.strerror}", hint="free some space, or choose another folder"
        ) from error
    return path
