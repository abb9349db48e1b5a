"""Reads what hostile code wrote: never through a link, never from a pipe or device, never more than was asked for."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from quantumlayer.errors import UserError
from quantumlayer.files.values import safe_path

MIB = 1024 * 1024


class UnsafeOutput(UserError):
    """A result that is not a plain file inside its folder, or too long."""


def read_output(folder: Path, path: str, limit: int = 16 * MIB) -> bytes:
    """The bytes of `folder/path`. Raises `FileNotFoundError` when absent, `UnsafeOutput` for anything but a plain file.

    No component below `folder` may be a symbolic link; a hard link is refused too, it may be somebody else's file.
    """
    with _parent_of(folder, path) as (parent, name):
        descriptor = _open(name, os.O_NONBLOCK | os.O_NOCTTY, parent, path)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        raise UnsafeOutput(f"{path} is not a plain file", path=path)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise UnsafeOutput(f"{path} is longer than {limit} bytes", path=path)
    return content


def remove_output(folder: Path, path: str) -> None:
    """Deletes `folder/path`, a file or link, where it exists. Raises `UnsafeOutput` when the way there leads through a link."""
    with contextlib.suppress(FileNotFoundError), _parent_of(folder, path) as (parent, name):
        try:
            os.unlink(name, dir_fd=parent)
        except IsADirectoryError as error:
            raise UnsafeOutput(f"{path} is a folder", path=path) from error


@contextlib.contextmanager
def _parent_of(folder: Path, path: str) -> Iterator[tuple[int, str]]:
    """An open descriptor of the folder that holds `path`, reached without following any link, and the last name."""
    *parents, name = safe_path(path).split("/")
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for parent in parents:
            below = _open(parent, os.O_DIRECTORY, here, path)
            os.close(here)
            here = below
        yield here, name
    finally:
        os.close(here)


def _open(name: str, flags: int, folder: int, path: str) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnsafeOutput(f"{path} cannot be read safely: {error.strerror}", path=path) from error
