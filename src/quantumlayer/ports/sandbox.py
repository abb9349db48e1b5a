"""Port: run hostile code. Every adapter must pass `quantumlayer.conformance.sandbox`."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Ceilings for the whole process tree. Sizes in bytes, times in seconds.

    `output` counts stdout and stderr together, `file_size` is the longest single file, `disk` what all writable mounts may
    hold together, `tmp_size` each of /tmp and /dev/shm (their pages count as memory too).
    """

    memory: int = 2048 * MIB
    processes: int = 256
    cpu_seconds: int = 300
    wall_seconds: float = 300.0
    output: int = 16 * MIB
    file_size: int = 512 * MIB
    tmp_size: int = 512 * MIB
    disk: int = 4096 * MIB


@dataclass(frozen=True)
class Mount:
    """A host folder or file made visible at `target` (absolute). Only `writable` ones can be changed from inside.

    A writable mount belongs to one command at a time. `source` itself must not be a symbolic link.
    """

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Command:
    """What to run. `workdir` must lie in a mount. `env` is the whole environment besides a minimal PATH, HOME and LANG.

    `network`: "none" is an own empty network with loopback only; "registries" is for installing dependencies: the host's
    network, with the registry clients' configuration of the host (their own variables and files, nothing else).
    """

    argv: tuple[str, ...]
    workdir: str
    mounts: tuple[Mount, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    network: Literal["none", "registries"] = "none"
    limits: Limits = Limits()
    stdin: bytes = b""


@dataclass(frozen=True)
class Completed:
    """How a command ended. Only `outcome` "exited" gives `exit_code` a meaning; the others name the limit that ended it.

    "timed_out" stands for wall and CPU time, "output_exceeded" for streams and disk, "killed" for anyone else's signal.
    """

    outcome: Literal["exited", "timed_out", "out_of_memory", "output_exceeded", "killed"]
    exit_code: int | None
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it ran to its end and said so with exit code 0."""
        return self.outcome == "exited" and self.exit_code == 0


class Running(Protocol):
    """A server inside the sandbox, listening on `PORT` of its own loopback."""

    @property
    def url(self) -> str:
        """`http://127.0.0.1:N` on the host, relayed to the server for as long as it runs."""
        ...

    @property
    def socket(self) -> Path:
        """A Unix socket on the host that reaches the same server without the TCP relay."""
        ...

    async def stop(self, grace: float = 5.0) -> Completed:
        """SIGTERM, then SIGKILL after `grace` seconds. Afterwards no process of the tree is left. Idempotent."""
        ...

    async def wait(self) -> Completed:
        """Until it ends by itself or by a limit."""
        ...

    def output(self) -> bytes:
        """The last of what it wrote to stdout and stderr so far, at most `limits.output` bytes."""
        ...


@dataclass(frozen=True)
class Availability:
    """Whether the sandbox works here; if not, why, and the command that mends it."""

    available: bool
    reason: str = ""
    hint: str = ""


class Sandbox(Protocol):
    """An adapter. Our own machine failing raises `EnvironmentError_`; the command failing is a `Completed`."""

    async def probe(self) -> Availability:
        """Tries a real confined command. Never raises."""
        ...

    async def run(self, command: Command) -> Completed:
        """Runs to the end. Cancelling the task kills the whole tree before the cancellation goes on."""
        ...

    def start(self, command: Command, port: int = 8000) -> AbstractAsyncContextManager[Running]:
        """Starts a server; leaving the context stops it. Does not wait for readiness."""
        ...
