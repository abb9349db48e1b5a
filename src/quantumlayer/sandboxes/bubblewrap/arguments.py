"""What bwrap is told: namespaces, mounts, environment. Pure, but for looking at which system folders exist."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from quantumlayer.errors import UserError
from quantumlayer.ports.sandbox import Command, Limits, Mount

ETC = Path(__file__).parent / "etc"
RESERVED = ("/", "/proc", "/dev", "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/sys", "/run", "/tmp")
SYSTEM_FILES = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates",
)
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "TZ": "UTC"}
INNER_ID = "1000"
OPEN_FILES = 8192
OWN_PROCESSES = 2  # bwrap's init, and the relay of a server


def base_python() -> Path:
    """The interpreter that runs us, without any virtual environment; it is visible in every sandbox."""
    return Path(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))


def system_mounts() -> tuple[Mount, ...]:
    """Read-only toolchains and the few files of /etc that programs need, always there."""
    mounts = [Mount(Path("/usr"), "/usr")]
    mounts += [Mount(p, str(p)) for name in ("bin", "sbin", "lib", "lib32", "lib64") if _real_folder(p := Path("/", name))]
    mounts += [Mount(p.resolve(), path) for path in SYSTEM_FILES if (p := Path(path)).exists()]
    mounts += [Mount(p, f"/etc/{p.name}") for p in sorted(ETC.iterdir())]
    prefix = Path(sys.base_prefix).resolve()
    if not prefix.is_relative_to("/usr"):
        mounts.append(Mount(prefix, str(prefix)))
    return tuple(mounts)


def _real_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def check(command: Command) -> None:
    """Raises `UserError` for a command that no sandbox could take."""
    words = (*command.argv, command.workdir, *command.env.keys(), *command.env.values())
    if not command.argv or any("\0" in word for word in words) or any("=" in name or not name for name in command.env):
        raise UserError("a command needs words without NUL, and variables with a name")
    for mount in command.mounts:
        pure = PurePosixPath(mount.target)
        if not pure.is_absolute() or ".." in pure.parts or str(pure) != mount.target or mount.target in RESERVED:
            raise UserError(f"nothing can be mounted at {mount.target!r}", hint="use an own folder such as /work")
        if any(mount.target.startswith(f"{top}/") for top in ("/proc", "/dev", "/sys")):
            raise UserError(f"nothing can be mounted at {mount.target!r}", hint="use an own folder such as /work")
        if mount.source.is_symlink() or not mount.source.exists():
            raise UserError(f"{mount.source} is missing or a symbolic link and cannot be mounted")
    inside = PurePosixPath(command.workdir)
    if not any(inside.is_relative_to(mount.target) for mount in command.mounts):
        raise UserError(f"the working folder {command.workdir!r} lies in no mount")


def namespaces(command: Command) -> list[str]:
    """Own user, PID, IPC, UTS, cgroup and (without network) network namespaces; ends with us; no terminal."""
    words = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    words += ["--unshare-net"] if command.network == "none" else []
    words += ["--uid", INNER_ID, "--gid", INNER_ID, "--hostname", "sandbox"]
    return [*words, "--die-with-parent", "--new-session", "--cap-drop", "ALL"]


def filesystem(mounts: Iterable[tuple[str, Mount]], command: Command) -> list[str]:
    """The whole tree, from pairs of a reachable source path and its mount; parents come before what lies in them."""
    size = str(command.limits.tmp_size)
    words = ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", size, "--tmpfs", "/dev/shm"]
    words += ["--perms", "1777", "--size", size, "--tmpfs", "/tmp"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        if (path := Path("/", name)).is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
    for source, mount in sorted(mounts, key=lambda pair: PurePosixPath(pair[1].target).parts):
        words += ["--bind" if mount.writable else "--ro-bind", source, mount.target]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", command.workdir]


def limited(argv: Sequence[str], limits: Limits, grouped: bool) -> tuple[str, ...]:
    """The command below its limits per process; without a cgroup also on its private memory.

    Set inside: there the number of processes is counted per user namespace, and no privilege is needed. The core limit of
    1 byte, unlike 0, also keeps dumps from a host's piped core handler.
    """
    values = {
        "cpu": limits.cpu_seconds + 1,
        "fsize": limits.file_size,
        "nproc": limits.processes + OWN_PROCESSES,
        "nofile": OPEN_FILES,
        "core": 1,
    }
    values |= {} if grouped else {"data": limits.memory}
    return ("prlimit", *(f"--{name}={value}:{value}" for name, value in values.items()), "--", *argv)


def environment(command: Command, extra: dict[str, str]) -> list[str]:
    """A cleaned environment: ours, then the registries' clients' where there is network, then the command's own."""
    words = ["--clearenv"]
    for name, value in (ENVIRONMENT | extra | dict(command.env)).items():
        words += ["--setenv", name, value]
    return words


def encoded(words: Sequence[str]) -> bytes:
    """The form that `bwrap --args FD` reads; it keeps the environment out of the process list."""
    return b"".join(os.fsencode(word) + b"\0" for word in words)
