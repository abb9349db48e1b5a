"""Watches what the kernel does not limit by itself: memory where there is no cgroup, CPU of the whole tree, disk."""

import contextlib
import os
import stat
import time
from pathlib import Path
from typing import Literal

import psutil

from quantumlayer.ports.sandbox import Limits
from quantumlayer.sandboxes.bubblewrap.cgroup import Group

MAX_FILES = 500_000
SCAN_SHARE = 20  # a scan of the disk may take a 20th of the time
Excess = Literal["timed_out", "out_of_memory", "output_exceeded"]


class Meter:
    """Asked again and again while a sandbox runs. `init` is the host's pid of the sandbox's first process."""

    def __init__(self, limits: Limits, init: int, group: Group | None, writable: tuple[Path, ...]) -> None:
        self._limits, self._init, self._group, self._writable = limits, init, group, writable
        self._free = {path: os.statvfs(path) for path in writable}
        self._next_scan = 0.0

    def excess(self) -> Excess | None:
        """Which limit was broken, if any."""
        if self._group.out_of_memory() if self._group else self._memory() > self._limits.memory:
            return "out_of_memory"
        if self.cpu_seconds() > self._limits.cpu_seconds:
            return "timed_out"
        return "output_exceeded" if self._disk_full() else None

    def cpu_seconds(self) -> float:
        """Used by all processes so far; without a cgroup by those that are alive and the children they waited for."""
        if self._group:
            return self._group.cpu_seconds()
        total = 0.0
        for process in self._tree():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def _memory(self) -> int:
        """Resident bytes of the tree; shared pages are divided among their users only when the plain sum is too much."""
        resident = proportional = 0
        tree = self._tree()
        for process in tree:
            with contextlib.suppress(psutil.Error):
                resident += process.memory_info().rss
        if resident <= self._limits.memory:
            return resident
        for process in tree:
            with contextlib.suppress(psutil.Error, OSError):
                rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
                proportional += next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
        return proportional

    def _tree(self) -> list[psutil.Process]:
        try:
            init = psutil.Process(self._init)
            return [init, *init.children(recursive=True)]
        except psutil.Error:
            return []

    def _disk_full(self) -> bool:
        now = time.monotonic()
        if now < self._next_scan:
            return False
        suspicious = False
        for path, before in self._free.items():
            with contextlib.suppress(OSError):
                after = os.statvfs(path)
                if before.f_favail - after.f_favail > MAX_FILES:
                    return True
                suspicious |= (before.f_bavail - after.f_bavail) * after.f_frsize > self._limits.disk
        if not suspicious:
            self._next_scan = now + 0.1
            return False
        held = sum(_held_by(path) for path in self._writable) + self._unlinked()
        self._next_scan = time.monotonic() + SCAN_SHARE * (time.monotonic() - now)
        return held > self._limits.disk

    def _unlinked(self) -> int:
        """Bytes of files that processes keep open after deleting them."""
        devices = {os.stat(path).st_dev for path in self._writable}
        files: dict[tuple[int, int], int] = {}
        for process in self._tree():
            with contextlib.suppress(OSError):
                for descriptor in os.listdir(f"/proc/{process.pid}/fd"):
                    with contextlib.suppress(OSError):
                        status = os.stat(f"/proc/{process.pid}/fd/{descriptor}")
                        if stat.S_ISREG(status.st_mode) and status.st_nlink == 0 and status.st_dev in devices:
                            files[status.st_dev, status.st_ino] = status.st_blocks * 512
        return sum(files.values())


def _held_by(path: Path) -> int:
    total = path.lstat().st_blocks * 512
    for folder, folders, names in os.walk(path, followlinks=False):
        for name in (*folders, *names):
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
    return total
