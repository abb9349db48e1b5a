"""Puts a `FileTree` on a disk."""

from pathlib import Path

from quantumlayer.errors import EnvironmentError_
from quantumlayer.files.values import FileTree


def write_files(tree: FileTree, folder: Path) -> None:
    """Writes every file below `folder`, which nobody else may write to meanwhile. Existing files are replaced.

    Raises `EnvironmentError_` when the disk is full or the folder not writable; what was written until then stays.
    """
    try:
        for path, content in tree.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o755 if path in tree.executable else 0o644)
    except OSError as error:
        raise EnvironmentError_(
            f"cannot write {error.filename or folder}: {error.strerror}", hint="free some space, or choose another folder"
        ) from error
