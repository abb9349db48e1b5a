"""What this machine has, what is missing, and the command that mends it."""

import asyncio
import os
import platform
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quantumlayer.ports.language import Language
from quantumlayer.ports.sandbox import Sandbox

OLDEST_PYTHON = (3, 11)
MINIMUM_SPACE = 1024**3
PATIENCE = 10.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `found` is empty where there is nothing; `mend` is empty where all is well.

    `needed`: whether the default stack cannot work without it. `ok`: whether it was found and works.
    """

    what: str
    found: str
    ok: bool
    needed: bool
    mend: str = ""


async def examine(home: Path, sandbox: Sandbox, languages: Mapping[str, Language]) -> tuple[Finding, ...]:
    """Probes everything at once, by really running it. Never raises; leaves nothing behind."""
    return (
        _python(),
        *await asyncio.gather(
            _home(home),
            _space(home),
            _temporal(),
            _sandbox(sandbox),
            *(_toolchain(language) for language in languages.values()),
            _program("PostgreSQL client", "psql", "apt-get install postgresql-client"),
            _program("Docker", "docker", "see https://docs.docker.com/engine/install/"),
        ),
    )


def _python() -> Finding:
    wanted = ".".join(map(str, OLDEST_PYTHON))
    ok = sys.version_info >= OLDEST_PYTHON
    return Finding("Python", platform.python_version(), ok, True, "" if ok else f"install Python {wanted} or newer")


async def _home(home: Path) -> Finding:
    def write() -> str:
        existing = next(folder for folder in (home, *home.parents) if folder.exists())
        try:
            with tempfile.TemporaryFile(dir=existing):
                return ""
        except OSError as error:
            return f"{error.strerror}: set QL_HOME to a folder that you may write to"

    mend = await asyncio.to_thread(write)
    return Finding("state folder (QL_HOME)", str(home), not mend, True, mend)


async def _space(home: Path) -> Finding:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    ok = free >= MINIMUM_SPACE
    mend = "" if ok else f"free at least {MINIMUM_SPACE // 1024**2} MiB on the disk of {existing}"
    return Finding("disk space", f"{free / 1024**3:.1f} GiB free", ok, True, mend)


async def _temporal() -> Finding:
    beside = Path(sysconfig.get_path("scripts")) / "temporal"
    program = str(beside) if beside.exists() else shutil.which("temporal")
    version = await _version(program, "--version") if program else ""
    return Finding("Temporal", version, bool(version), True, "" if version else "make setup")


async def _sandbox(sandbox: Sandbox) -> Finding:
    availability = await sandbox.probe()
    found = "runs confined commands" if availability.available else ""
    mend = "" if availability.available else "; ".join(filter(None, (availability.reason, availability.hint)))
    return Finding("sandbox", found, availability.available, True, mend)


async def _toolchain(language: Language) -> Finding:
    probed = await asyncio.to_thread(language.probe)
    mend = "" if probed.available else "; ".join(filter(None, (probed.reason, probed.hint)))
    return Finding(f"toolchain {language.name}", probed.version, probed.available, True, mend)


async def _program(what: str, program: str, mend: str) -> Finding:
    path = shutil.which(program)
    version = await _version(path, "--version") if path else ""
    return Finding(what, version, bool(version), False, "" if version else mend)


async def _version(program: str, *arguments: str) -> str:
    """The version that a program prints; empty when it cannot be run, fails or hangs."""
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=os.environ | {"LC_ALL": "C"},
        )
    except OSError:
        return ""
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
        return ""
    if process.returncode != 0:
        return ""
    version = re.search(r"\d+(\.\d+)+", output.decode(errors="replace"))
    return version[0] if version else output.decode(errors="replace").split("\n")[0][:60]
