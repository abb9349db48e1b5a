"""Where hostile code is let loose: a folder of its own, and helpers that tell a failed escape from code that never ran."""

import contextlib
import itertools
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from quantumlayer.ports.sandbox import MIB, Command, Completed, Limits, Mount, Sandbox

WORK = "/work"
LIMITS = Limits(memory=512 * MIB, processes=64, cpu_seconds=20, wall_seconds=20, tmp_size=64 * MIB, disk=256 * MIB)
PRELUDE = """
import ctypes, errno, os, platform, signal, socket, stat, subprocess, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
ARM = platform.machine() == "aarch64"

def escaped(what):
    print("ESCAPED", what, flush=True)

def attempt(what, action):
    try:
        result = action()
    except Exception:
        return
    escaped(f"{what}: {result!r:.200}")

def call(what, x86, arm, *arguments):
    if libc.syscall(arm if ARM else x86, *arguments) != -1:
        escaped(what)

"""
EPILOGUE = "\nprint('DONE', flush=True)\n"


class Escaped(AssertionError):
    """An attempt that must fail did not, or a promise was not kept."""


@dataclass
class Lab:
    """A sandbox under test, a private `folder` on the host, and `work`, which hostile code may write to as /work."""

    sandbox: Sandbox
    folder: Path
    work: Path

    @property
    def python(self) -> str:
        """The interpreter inside; our own, mounted where it lies."""
        return str(Path(sys.base_prefix).resolve() / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")

    def command(
        self,
        code: str,
        limits: Limits = LIMITS,
        mounts: tuple[Mount, ...] = (),
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Command:
        """Python source as a command in /work."""
        return self.program((self.python, "-I", "-c", PRELUDE + code + EPILOGUE), limits, mounts, env, stdin)

    def program(
        self,
        argv: tuple[str, ...],
        limits: Limits = LIMITS,
        mounts: tuple[Mount, ...] = (),
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Command:
        """Any program in /work, with our Python visible."""
        prefix = Path(sys.base_prefix).resolve()
        own = () if prefix.is_relative_to("/usr") else (Mount(prefix, str(prefix)),)
        all_mounts = (Mount(self.work, WORK, writable=True), *own, *mounts)
        return Command(argv, WORK, all_mounts, env=env or {}, limits=limits, stdin=stdin)

    async def attack(self, code: str, mounts: tuple[Mount, ...] = (), limits: Limits = LIMITS) -> Completed:
        """Runs hostile code that must reach its end and have achieved nothing."""
        completed = await self.sandbox.run(self.command(code, limits, mounts))
        held(completed)
        return completed


def expect(condition: object, complaint: str) -> None:
    """Raises `Escaped` with the complaint unless the condition holds."""
    if not condition:
        raise Escaped(complaint)


def held(completed: Completed) -> None:
    """The code ran to its end without success. Code that died before it could try proves nothing."""
    output = completed.stdout.decode(errors="replace")
    successes = [line for line in output.splitlines() if line.startswith("ESCAPED")]
    expect(not successes, "; ".join(successes))
    expect(
        completed.ok and output.endswith("DONE\n"),
        f"the attempt did not run to its end: {completed.outcome} {completed.exit_code} {completed.stderr[-500:]!r}",
    )


def overpowered(completed: Completed, *outcomes: str) -> None:
    """The code met a limit: it was ended with one of the outcomes, or saw its own attempt refused."""
    output = completed.stdout.decode(errors="replace")
    expect("ESCAPED" not in output, output[-500:])
    refused = completed.outcome == "exited" and output.endswith("DONE\n")
    expect(
        refused or completed.outcome in outcomes,
        f"ended as {completed.outcome} {completed.exit_code}: {completed.stderr!r:.500}",
    )


_numbers = itertools.count()


@contextlib.asynccontextmanager
async def laboratory(sandbox: Sandbox) -> AsyncIterator[Lab]:
    """A fresh one for each trial, so that none can prepare the ground for the next."""
    folder = Path(tempfile.mkdtemp(prefix=f"ql-lab-{next(_numbers)}-"))
    work = folder / "work"
    work.mkdir()
    try:
        yield Lab(sandbox, folder, work)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
