"""Who a sandbox is outside: for root an own unprivileged user per sandbox, for anyone else the caller."""

import contextlib
import fcntl
import os
import stat
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

from quantumlayer.errors import EnvironmentError_

FIRST_UID = 1_900_000_000  # in the range that no distribution, container runtime or systemd hands out
SLOTS = 4096
GROUP = FIRST_UID + SLOTS
MAX_DEPTH = 100
_taken: set[int] = set()
_lock = threading.Lock()


def is_root() -> bool:
    """Whether we must drop privileges first."""
    return os.geteuid() == 0


def runtime_folder() -> Path:
    """A private folder with a short path (a Unix socket's path has at most 107 bytes). Raises `EnvironmentError_`."""
    base = os.environ.get("XDG_RUNTIME_DIR") if not is_root() else "/run"
    folder = Path(base) / "quantumlayer" if base else Path(f"/tmp/quantumlayer-{os.geteuid()}")
    try:
        folder.mkdir(mode=0o711, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise EnvironmentError_(f"cannot make {folder}: {error.strerror}", hint="set XDG_RUNTIME_DIR to a folder") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise EnvironmentError_(f"{folder} belongs to somebody else", hint=f"remove {folder}")
    return folder


@dataclass
class Identity:
    """A user and group id that is ours until `release`."""

    uid: int
    gid: int
    slot: int
    lock: int

    def release(self) -> None:
        """Lets another sandbox have it."""
        os.close(self.lock)
        with _lock:
            _taken.discard(self.slot)


def allocate() -> Identity:
    """A uid that no other living sandbox on this machine has, even of other processes; the lock dies with us."""
    lock = os.open(runtime_folder() / "uids", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    first = os.getpid() % SLOTS
    for step in range(SLOTS):
        slot = (first + step) % SLOTS
        with _lock:
            if slot in _taken:
                continue
            _taken.add(slot)
        request = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, slot, 1, 0)
        try:
            fcntl.fcntl(lock, fcntl.F_OFD_SETLK, request)
        except OSError:
            with _lock:
                _taken.discard(slot)
            continue
        return Identity(FIRST_UID + slot, GROUP, slot, lock)
    os.close(lock)
    raise EnvironmentError_(f"{SLOTS} sandboxes are running already", hint="stop some")


def lend(source: Path, identity: Identity, writable: bool) -> None:
    """Lets the sandbox's user read `source`, and own it when `writable`.

    A read-only source whose root is closed to others is opened to the sandboxes' group, which has no other members.
    """
    status = source.lstat()
    if writable:
        give(source, identity.uid, identity.gid)
    elif not status.st_mode & (stat.S_IXOTH if stat.S_ISDIR(status.st_mode) else stat.S_IROTH):
        _open_to_group(source, 0)


def give(source: Path, uid: int, gid: int) -> None:
    """Makes `uid` the owner of the whole tree; never follows a link. Deeper than 100 folders it stays as it is."""
    os.chown(source, uid, gid, follow_symlinks=False)
    if source.is_dir() and not source.is_symlink():
        _give_below(os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW), uid, gid, 0)


def _give_below(folder: int, uid: int, gid: int, depth: int) -> None:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    os.chown(entry.name, uid, gid, dir_fd=folder, follow_symlinks=False)
                    if depth < MAX_DEPTH and entry.is_dir(follow_symlinks=False):
                        below = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                        _give_below(below, uid, gid, depth + 1)
    finally:
        os.close(folder)


def _open_to_group(path: Path, depth: int) -> None:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode) or depth > MAX_DEPTH:
        return
    folder = stat.S_ISDIR(status.st_mode)
    wanted = stat.S_IRGRP | (stat.S_IXGRP if folder or status.st_mode & stat.S_IXUSR else 0)
    if status.st_gid != GROUP or status.st_mode & wanted != wanted:
        os.chown(path, -1, GROUP, follow_symlinks=False)
        path.chmod(stat.S_IMODE(status.st_mode) | wanted)
    if folder:
        for below in path.iterdir():
            _open_to_group(below, depth + 1)
