"""Source files as a value: relative POSIX paths to bytes, with a digest, safe to write anywhere."""

import hashlib
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from quantumlayer.errors import UserError

MAX_PATH = 240
MAX_FILES = 20_000


class UnsafePath(UserError):
    """A file name that would leave its folder, or that some file system cannot hold."""


def safe_path(path: str) -> str:
    """The path itself when it is relative, normalised, printable and inside its folder. Raises `UnsafePath`."""
    pure = PurePosixPath(path)
    parts = pure.parts
    if (
        not path
        or len(path) > MAX_PATH
        or pure.is_absolute()
        or str(pure) != path
        or ".." in parts
        or "\\" in path
        or any(len(p.encode()) > 255 for p in parts)
        or not path.isprintable()
        or parts[0] in (".git", "~")
        or ":" in path
    ):
        raise UnsafePath(
            f"unsafe file name {path!r}", hint="use a relative path with / that stays inside the folder", path=path
        )
    return path


@dataclass(frozen=True)
class FileTree:
    """Files by path, sorted. `executable` names those with the execute bit."""

    files: Mapping[str, bytes]
    executable: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if len(self.files) > MAX_FILES:
            raise UnsafePath(f"{len(self.files)} files are more than {MAX_FILES}")
        paths = sorted(safe_path(p) for p in self.files)
        folders = {p[:end] for p in paths for end, letter in enumerate(p) if letter == "/"}
        if clash := folders & set(paths):
            raise UnsafePath(f"{sorted(clash)[0]!r} is both a file and a folder")
        object.__setattr__(self, "files", {p: self.files[p] for p in paths})

    def digest(self) -> str:
        """SHA-256 over paths, modes and contents, in hex; equal trees give equal digests."""
        total = hashlib.sha256()
        for path, content in self.files.items():
            mode = stat.S_IFREG | (0o755 if path in self.executable else 0o644)
            total.update(f"{mode:o} {len(path.encode())} {path} {hashlib.sha256(content).hexdigest()}\n".encode())
        return total.hexdigest()

    def merged(self, *others: "FileTree") -> "FileTree":
        """This tree with the files of the others; a path in two trees is a `UserError`."""
        files, executable = dict(self.files), set(self.executable)
        for other in others:
            if clash := files.keys() & other.files.keys():
                raise UserError(f"two parts write the same file {sorted(clash)[0]!r}")
            files |= other.files
            executable |= other.executable
        return FileTree(files, frozenset(executable))

    def under(self, prefix: str) -> "FileTree":
        """The same files, each below `prefix/`."""
        return FileTree(
            {f"{prefix}/{p}": c for p, c in self.files.items()}, frozenset(f"{prefix}/{p}" for p in self.executable)
        )


def tree(files: Mapping[str, str], executable: Iterable[str] = ()) -> FileTree:
    """A tree from texts, written as UTF-8."""
    return FileTree({p: t.encode() for p, t in files.items()}, frozenset(executable))
