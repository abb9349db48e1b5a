"""Blobs in a local folder: `ab/cdef…`, each written once, atomically, and checked when read."""

import asyncio
import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.ports.store import Stored
from quantumlayer.stores.digests import DIGEST, checked_digest, digest_of, matches

DRAFT = ".draft-"


class FolderBlobs:
    """Implements `ports.store.Blobs` on a folder that several processes may share."""

    def __init__(self, place: str | Path) -> None:
        self.folder = Path(place)

    async def put(self, content: bytes) -> str:
        """Stores the bytes once and returns their SHA-256. Raises `EnvironmentError_` when the disk is full or not writable."""
        return await asyncio.to_thread(self._put, content)

    async def get(self, digest: str) -> bytes:
        """The bytes. Raises `UserError` when unknown, `EnvironmentError_` when they are damaged."""
        return await asyncio.to_thread(self._get, digest)

    async def delete(self, digest: str) -> None:
        """Forgets the bytes. Raises `EnvironmentError_` when the folder cannot be written."""
        await asyncio.to_thread(self._delete, self.path(digest))

    async def stored(self) -> AsyncIterator[Stored]:
        """All drops of the folder, read a subfolder at a time."""
        for folder in await asyncio.to_thread(self._folders):
            for found in await asyncio.to_thread(lambda folder=folder: list(_stored(folder))):
                yield found

    async def tidy(self, before: datetime) -> int:
        """Deletes drafts that have not been written to since `before`."""
        return await asyncio.to_thread(self._tidy, before.timestamp())

    async def room(self) -> int | None:
        """The bytes that are free for us on the folder's disk."""
        return await asyncio.to_thread(free_space, self.folder)

    def path(self, digest: str) -> Path:
        """Where the bytes with that digest are. Raises `UserError` for what is no digest."""
        checked_digest(digest)
        return self.folder / digest[:2] / digest[2:]

    def _put(self, content: bytes) -> str:
        digest = digest_of(content)
        path = self.path(digest)
        if self._intact(path, digest):
            return digest
        draft = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(prefix=DRAFT, dir=path.parent)
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(draft, 0o444)
            os.replace(draft, path)
            _sync_folder(path.parent)
        except OSError as error:
            if draft is not None:
                Path(draft).unlink(missing_ok=True)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            raise EnvironmentError_(
                f"cannot store a drop in {self.folder}: {error.strerror}",
                hint="free some disk space and run `ql resume`"
                if full
                else "make the folder writable, or set QL_HOME to another",
            ) from error
        return digest

    def _intact(self, path: Path, digest: str) -> bool:
        try:
            return matches(path.read_bytes(), digest)
        except OSError:
            return False

    def _get(self, digest: str) -> bytes:
        path = self.path(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise UserError(f"there is no drop {digest}", hint="see `ql drops RUN` for those that exist") from None
        except OSError as error:
            raise EnvironmentError_(
                f"cannot read {path}: {error.strerror}", hint="check the disk and the permissions"
            ) from error
        if not matches(content, digest):
            raise EnvironmentError_(
                f"the drop {digest} is damaged on disk",
                hint=f"see which runs it is of and what mends them: ql drops --check RUN (the file is {path})",
                path=str(path),
            )
        return content

    def _delete(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise EnvironmentError_(f"cannot delete {path}: {error.strerror}", hint="make the folder writable") from error

    def _folders(self) -> list[Path]:
        with contextlib.suppress(FileNotFoundError):
            return sorted(path for path in self.folder.iterdir() if len(path.name) == 2 and path.is_dir())
        return []

    def _tidy(self, before: float) -> int:
        freed = 0
        for folder in self._folders():
            for draft in folder.glob(f"{DRAFT}*"):
                # Its writer may finish or delete it meanwhile.
                with contextlib.suppress(OSError):
                    found = draft.stat()
                    if found.st_mtime < before:
                        draft.unlink()
                        freed += found.st_size
        return freed


def free_space(folder: Path) -> int:
    """Bytes free on the disk that holds the folder, or would hold it."""
    nearest = folder.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    return shutil.disk_usage(nearest).free


def _stored(folder: Path) -> Iterator[Stored]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            digest = folder.name + entry.name
            with contextlib.suppress(FileNotFoundError):
                if DIGEST.fullmatch(digest) and entry.is_file(follow_symlinks=False):
                    found = entry.stat(follow_symlinks=False)
                    yield Stored(id=digest, size=found.st_size, stored_at=datetime.fromtimestamp(found.st_mtime, UTC))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
