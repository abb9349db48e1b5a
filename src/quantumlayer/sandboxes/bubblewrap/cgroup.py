"""A control group per sandbox, version 1 or 2: memory of the whole tree, number of processes, CPU time used."""

import contextlib
import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from quantumlayer.ports.sandbox import Limits
from quantumlayer.sandboxes.bubblewrap.arguments import OWN_PROCESSES

PREFIX = "quantumlayer-"
_numbers = itertools.count()


class Group(Protocol):
    """A group that limits whatever joined it, and counts."""

    def join(self, pid: int) -> None:
        """Moves a process in; its later children follow."""

    def out_of_memory(self) -> bool:
        """Whether the kernel had to kill a process of the group."""
        ...

    def cpu_seconds(self) -> float:
        """Used so far by all processes that ever were in it."""
        ...

    def remove(self) -> None:
        """Deletes the group, which must be empty of processes."""


def make_group(limits: Limits) -> Group | None:
    """A new group with the limits, or None where this user can make none on this machine."""
    for version in (_make_v1, _make_v2):
        with contextlib.suppress(OSError):
            if group := version(limits):
                return group
    return None


@dataclass(frozen=True)
class _V1:
    memory: Path
    pids: Path
    cpuacct: Path | None

    def folders(self) -> list[Path]:
        return [f for f in (self.memory, self.pids, self.cpuacct) if f]

    def join(self, pid: int) -> None:
        for folder in self.folders():
            (folder / "cgroup.procs").write_text(str(pid))

    def out_of_memory(self) -> bool:
        return _counter(self.memory / "memory.oom_control", "oom_kill") > 0

    def cpu_seconds(self) -> float:
        return int((self.cpuacct / "cpuacct.usage").read_text()) / 1e9 if self.cpuacct else 0.0

    def remove(self) -> None:
        for folder in self.folders():
            _remove(folder)


@dataclass(frozen=True)
class _V2:
    folder: Path

    def join(self, pid: int) -> None:
        (self.folder / "cgroup.procs").write_text(str(pid))

    def out_of_memory(self) -> bool:
        return _counter(self.folder / "memory.events", "oom_kill") > 0

    def cpu_seconds(self) -> float:
        return _counter(self.folder / "cpu.stat", "usage_usec") / 1e6

    def remove(self) -> None:
        _remove(self.folder)


def _make_v1(limits: Limits) -> Group | None:
    mounts = _v1_mounts()
    if "memory" not in mounts or "pids" not in mounts:
        return None
    made: dict[str, Path] = {}
    name = _name()
    try:
        for controller in ("memory", "pids", "cpuacct"):
            if controller in mounts:
                _sweep(mounts[controller])
                made[controller] = mounts[controller] / name
                made[controller].mkdir()
        (made["memory"] / "memory.limit_in_bytes").write_text(str(limits.memory))
        with contextlib.suppress(OSError):  # kernels without swap accounting
            (made["memory"] / "memory.memsw.limit_in_bytes").write_text(str(limits.memory))
        (made["pids"] / "pids.max").write_text(str(limits.processes + OWN_PROCESSES))
    except OSError:
        for folder in made.values():
            _remove(folder)
        raise
    return _V1(made["memory"], made["pids"], made.get("cpuacct"))


def _v1_mounts() -> dict[str, Path]:
    """By controller, the folder of our own group (so that limits on us go on to hold), or the mount's top."""
    tops: dict[str, Path] = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup":
            tops |= {option: Path(place) for option in options.split(",")}
    own: dict[str, Path] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            if controller in tops:
                inner = tops[controller] / path.lstrip("/")
                own[controller] = inner if inner.is_dir() else tops[controller]
    return own


def _make_v2(limits: Limits) -> Group | None:
    parent = _v2_parent()
    if parent is None:
        return None
    _sweep(parent)
    folder = parent / _name()
    folder.mkdir()
    try:
        (folder / "memory.max").write_text(str(limits.memory))
        with contextlib.suppress(OSError):  # kernels without swap accounting
            (folder / "memory.swap.max").write_text("0")
        (folder / "memory.oom.group").write_text("1")
        (folder / "pids.max").write_text(str(limits.processes + OWN_PROCESSES))
    except OSError:
        _remove(folder)
        raise
    return _V2(folder)


def _v2_parent() -> Path | None:
    """The nearest group above ours that hands the controllers down and that we may write to (a delegated one, or root's)."""
    top = next(
        (Path(m.split()[1]) for m in Path("/proc/self/mounts").read_text().splitlines() if m.split()[2] == "cgroup2"), None
    )
    own = next((c[3:] for c in Path("/proc/self/cgroup").read_text().splitlines() if c.startswith("0::")), None)
    if top is None or own is None:
        return None
    here = top / own.lstrip("/")
    for folder in (here, *here.parents):
        if not folder.is_relative_to(top):
            return None
        with contextlib.suppress(OSError):
            handed = (folder / "cgroup.subtree_control").read_text().split()
            if {"memory", "pids"} <= set(handed) and os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK):
                return folder
    return None


def _name() -> str:
    return f"{PREFIX}{os.getpid()}-{next(_numbers)}"


def _sweep(parent: Path) -> None:
    """Removes what a process of ours that was killed left behind; a group still in use cannot be removed."""
    for folder in parent.glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if not Path("/proc", owner).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def _remove(folder: Path) -> None:
    """The kernel needs a moment after the last process before it lets a group go."""
    for _ in range(50):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return


def _counter(file: Path, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in file.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0
