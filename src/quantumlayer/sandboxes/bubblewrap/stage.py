"""Makes mount sources reachable for a user who may not walk to them, in a mount namespace of this thread alone."""

import ctypes
import errno
import os
import stat
from pathlib import Path

from quantumlayer.errors import EnvironmentError_

CLONE_NEWNS = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV = 4096, 16384, 1 << 18, 2, 4
_libc = ctypes.CDLL(None, use_errno=True)


def enter_private_namespace(folder: Path) -> bool:
    """Gives this thread an own mount namespace with an empty tmpfs on `folder`; False where the kernel does not let us.

    The thread's own children see it; nothing of it is left when the thread and they are gone.
    """
    if _libc.unshare(CLONE_NEWNS) != 0:
        if ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
            return False
        raise EnvironmentError_(f"cannot make a mount namespace: {os.strerror(ctypes.get_errno())}")
    _mount(None, "/", None, MS_REC | MS_PRIVATE, None)
    folder.mkdir(mode=0o711, exist_ok=True)
    _mount("tmpfs", str(folder), "tmpfs", MS_NOSUID | MS_NODEV, "mode=711,size=1m")
    return True


def bind(source: Path, target: Path) -> Path:
    """Shows `source` (never followed when a link) at `target`, which is made. Raises `EnvironmentError_`."""
    descriptor = os.open(source, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            target.mkdir()
        else:
            target.touch()
        _mount(f"/proc/self/fd/{descriptor}", str(target), None, MS_BIND | MS_REC, None)
    finally:
        os.close(descriptor)
    return target


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None) -> None:
    words = [word.encode() if word is not None else None for word in (source, target, kind, data)]
    if _libc.mount(words[0], words[1], words[2], flags, words[3]) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise EnvironmentError_(f"cannot mount {source or kind} on {target}: {reason}")
