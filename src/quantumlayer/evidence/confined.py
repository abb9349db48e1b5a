"""Runs a tool of our own Python environment over hostile sources: read-only, without network, in the sandbox."""

import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from quantumlayer.ports.sandbox import MIB, Command, Completed, Limits, Mount, Sandbox
from quantumlayer.ports.scanner import Scan

TREE = "/scan"
LIMITS = Limits(memory=1024 * MIB, processes=64, cpu_seconds=60, wall_seconds=60, tmp_size=64 * MIB)
_SYSTEM = Path("/usr")


async def confined(
    sandbox: Sandbox,
    tree: Path,
    argv: tuple[str, ...],
    *,
    env: Mapping[str, str] | None = None,
    network: Literal["none", "registries"] = "none",
) -> Completed:
    """Runs a tool with the tree at `TREE`, which is also where it works."""
    prefixes = {Path(sys.prefix), Path(sys.base_prefix)}
    toolchain = tuple(Mount(p, str(p)) for p in sorted(prefixes) if p != _SYSTEM)
    return await sandbox.run(Command(argv, TREE, (Mount(tree, TREE), *toolchain), env or {}, network, LIMITS))


def python_tool(module: str, *arguments: str) -> tuple[str, ...]:
    """argv that runs a module of our own environment, deaf to the tree's files and to the environment."""
    return (sys.executable, "-I", "-m", module, *arguments)


def own_tool(name: str, *arguments: str) -> tuple[str, ...]:
    """argv that runs a binary which a package of our own environment brought."""
    return (str(Path(sys.prefix) / "bin" / name), *arguments)


def errored(name: str, package: str, ended: Completed | str) -> Scan:
    """The scan of a tool that failed, with `how` it ended as the reason."""
    return Scan(name, version(package), "errored", reason=ended if isinstance(ended, str) else how(ended))


def how(ended: Completed) -> str:
    """How a command ended and the last that it said, in words."""
    end = f"exit code {ended.exit_code}" if ended.outcome == "exited" else ended.outcome.replace("_", " ")
    said = (ended.stderr or ended.stdout).decode(errors="replace").strip()[-500:]
    return f"{end}: {said}" if said else end
