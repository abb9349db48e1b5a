"""Everything around one sandbox that must be made before and unmade after: identity, staged mounts, descriptors."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from quantumlayer.ports.sandbox import Command, Mount
from quantumlayer.sandboxes.bubblewrap import arguments as words
from quantumlayer.sandboxes.bubblewrap import registries, seccomp
from quantumlayer.sandboxes.bubblewrap.binary import find_bwrap, setpriv
from quantumlayer.sandboxes.bubblewrap.identity import Identity, allocate, give, is_root, lend, runtime_folder
from quantumlayer.sandboxes.bubblewrap.stage import bind, enter_private_namespace


@dataclass(frozen=True)
class Place:
    """Ready for bwrap. The descriptors that the methods return are the caller's to close."""

    bwrap: Path
    argv: tuple[str, ...]
    told: tuple[str, ...]
    writable: tuple[Path, ...]
    grouped: bool
    identity: Identity | None = field(default=None)

    def arguments(self) -> int:
        """A descriptor for `bwrap --args`."""
        return _anonymous(words.encoded(self.told))

    def seccomp(self) -> int:
        """A descriptor for `bwrap --seccomp`."""
        return _anonymous(seccomp.program(self.grouped))

    def stdin(self, content: bytes) -> int:
        """A descriptor to read `content` from."""
        return _anonymous(content) if content else os.open(os.devnull, os.O_RDONLY)

    def launcher(self) -> tuple[str, ...]:
        """bwrap, as root behind a change to the sandbox's user.

        By a program and not by `Popen(user=...)`: that would fork us instead of vfork, 40 ms more for 600 MB resident.
        """
        if self.identity is None:
            return (str(self.bwrap),)
        ids = ("--reuid", str(self.identity.uid), "--regid", str(self.identity.gid), "--clear-groups")
        return (setpriv(), *ids, "--inh-caps=-all", "--", str(self.bwrap))


@contextlib.contextmanager
def prepared(command: Command, argv: tuple[str, ...], extra: tuple[Mount, ...], grouped: bool) -> Iterator[Place]:
    """Lends the mounts to the sandbox's user and stages them; afterwards everything is ours again.

    Must be called in the thread that will start bwrap. Raises `EnvironmentError_` where the machine does not let us.
    """
    network = command.network == "registries"
    mounts = {m.target: m for m in words.system_mounts()}
    mounts |= {m.target: m for m in (registries.files(os.environ) if network else ())}
    mounts |= {m.target: m for m in (*extra, *command.mounts)}
    variables = registries.variables(os.environ) if network else {}
    writable = tuple(m.source for m in command.mounts if m.writable)
    bwrap, reachable = find_bwrap()
    with contextlib.ExitStack() as stack:
        identity = None
        pairs = [(str(m.source), m) for m in mounts.values()]
        if is_root():
            identity = allocate()
            stack.callback(identity.release)
            for mount in command.mounts:
                if mount.writable:
                    stack.callback(_take_back, mount.source)
                lend(mount.source, identity, mount.writable)
            folder = runtime_folder() / "stage"
            if enter_private_namespace(folder):
                pairs = [(str(bind(m.source, folder / str(n))), m) for n, m in enumerate(mounts.values())]
                bwrap = bind(reachable, folder / "bwrap") / bwrap.relative_to(reachable)
        told = [*words.namespaces(command), *words.environment(command, variables), *words.filesystem(pairs, command)]
        yield Place(bwrap, words.limited(argv, command.limits, grouped), tuple(told), writable, grouped, identity)


def _take_back(source: Path) -> None:
    with contextlib.suppress(OSError):
        give(source, os.geteuid(), os.getegid())


def _anonymous(content: bytes) -> int:
    descriptor = os.memfd_create("quantumlayer")
    with open(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
