"""Copies of folders that generated code wrote into."""

import os
import shutil
import stat
from pathlib import Path

PERMISSIONS = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO


def copy_tree(source: Path, target: Path) -> None:
    """Copies a folder, over what is there already. Links stay links, and no copy runs with its owner's rights.

    Raises `OSError` (`shutil.Error` is one) for what is neither file, folder nor link, or when the disk is full.
    """
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_copied)


def _copied(source: str, target: str) -> str:
    shutil.copy2(source, target, follow_symlinks=False)
    if not os.path.islink(target):
        os.chmod(target, os.stat(target).st_mode & PERMISSIONS)
    return target
