"""Blobs in a local folder: `ab/cdef…`, each written once, atomically, and checked when read."""

import asyncio
import errno
import hashlib
import os
import re
import tempfile
from pathlib import Path

from quantumlayer.errors import EnvironmentError_, UserError

DIGEST = re.compile(r"[0-9a-f]{64}")


class FolderBlobs:
    """Implements `ports.store.Blobs` on a folder that several processes may share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def put(self, content: bytes) -> str:
        """Stores the bytes once and returns their SHA-256. Raises `EnvironmentError_` when the disk is full or not writable."""
        return await asyncio.to_thread(self._put, content)

    async def get(self, digest: str) -> bytes:
        """The bytes. Raises `UserError` when unknown, `EnvironmentError_` when they are damaged."""
        return await asyncio.to_thread(self._get, digest)

    def path(self, digest: str) -> Path:
        """Where the bytes with that digest are. Raises `UserError` for what is no digest."""
        if not DIGEST.fullmatch(digest):
            raise UserError(f"{digest[:80]!r} is not a drop id", hint="a drop id has 64 hexadecimal digits; see `ql drops RUN`")
        return self.folder / digest[:2] / digest[2:]

    def _put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        if self._intact(path, digest):
            return digest
        draft = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(prefix=".draft-", dir=path.parent)
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
            return hashlib.sha256(path.read_bytes()).hexdigest() == digest
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
        if hashlib.sha256(content).hexdigest() != digest:
            raise EnvironmentError_(
                f"the drop {digest} is damaged on disk",
                hint=f"delete {path} and run `ql resume`: the stage makes it again",
                path=str(path),
            )
        return content


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
