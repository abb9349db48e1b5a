"""Installed dependencies by digest: installed once per machine, mounted read-only ever after."""

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from quantumlayer.blueprint.values import Blueprint
from quantumlayer.errors import EnvironmentError_
from quantumlayer.evidence.stale_environments import MARK, marked_as_used
from quantumlayer.files.values import FileTree
from quantumlayer.files.write_files import write_files
from quantumlayer.ports.language import Language
from quantumlayer.ports.sandbox import MIB, Command, Completed, Limits, Mount, Sandbox

PROJECT = "/quantum/project"  # no host has a toolchain there, which would need the same place
CACHES = "/quantum/cache"
FORMAT = 1
STALE_SECONDS = 24 * 3600
INSTALL_LIMITS = Limits(memory=4096 * MIB, wall_seconds=900, cpu_seconds=1800, disk=8192 * MIB, tmp_size=2048 * MIB)


@dataclass(frozen=True)
class Installed:
    """What an install left. `folder` is to be mounted read-only at `target`, or None where the language leaves nothing."""

    digest: str
    target: str
    folder: Path | None
    cached: bool
    seconds: float


class InstallFailed(Exception):
    """An install command did not end well; `completed` says how."""

    def __init__(self, argv: tuple[str, ...], completed: Completed) -> None:
        super().__init__(f"{' '.join(argv)}: {completed.outcome} {completed.exit_code}")
        self.argv, self.completed = argv, completed


class Environments:
    """The cache below `home`/cache. Any number of processes may use it at once; a killed one leaves nothing that counts."""

    def __init__(self, home: Path, sandbox: Sandbox) -> None:
        self._root = home / "cache"
        self._sandbox = sandbox

    async def install(self, tree: FileTree, blueprint: Blueprint, language: Language) -> Installed:
        """From the cache where it is whole, else by the blueprint's install commands, with network.

        Raises `InstallFailed` when a command fails, `EnvironmentError_` when the machine does.
        """
        began = time.monotonic()
        toolchain = await asyncio.to_thread(language.probe)
        if not toolchain.available:
            raise EnvironmentError_(f"no toolchain for {language.name}: {toolchain.reason}", hint=toolchain.hint)
        wanted = _inputs(tree, language)
        digest = _digest(wanted, blueprint, toolchain.version)
        final = self._root / "environments" / digest
        target = f"{PROJECT}/{language.conventions.installed}"
        if await asyncio.to_thread(_taken, final):
            return Installed(digest, target, final / "installed", True, time.monotonic() - began)
        await asyncio.to_thread(self._root.joinpath("environments").mkdir, parents=True, exist_ok=True)
        async with self._alone(language):
            if await asyncio.to_thread(_taken, final):
                return Installed(digest, target, final / "installed", True, time.monotonic() - began)
            await self._install_new(wanted, blueprint, language, final)
        return Installed(digest, target, final / "installed", False, time.monotonic() - began)

    async def _install_new(self, wanted: FileTree, blueprint: Blueprint, language: Language, final: Path) -> None:
        await asyncio.to_thread(_sweep, final.parent)
        temporary = final.parent / f"tmp-{uuid.uuid4().hex}"
        try:
            project = temporary / "project"
            project.mkdir(parents=True)
            await asyncio.to_thread(write_files, wanted, project)
            mounts, variables = self._caches(language)
            for argv in blueprint.commands.install:
                command = Command(
                    argv,
                    PROJECT,
                    (Mount(project, PROJECT, writable=True), *toolchain_mounts(language), *mounts),
                    env=toolchain_environment(language) | variables,
                    network="registries",
                    limits=INSTALL_LIMITS,
                )
                completed = await self._sandbox.run(command)
                if not completed.ok:
                    raise InstallFailed(argv, completed)
            await asyncio.to_thread(_keep, project / language.conventions.installed, temporary, final)
        finally:
            await asyncio.to_thread(shutil.rmtree, temporary, ignore_errors=True)

    def _caches(self, language: Language) -> tuple[tuple[Mount, ...], dict[str, str]]:
        """Download caches of the language, writable, and the variables that point its clients to them."""
        mounts, variables = [], {}
        for name, variable in language.conventions.cache_folders.items():
            folder = self._root / "downloads" / language.name / name
            folder.mkdir(parents=True, exist_ok=True)
            os.utime(folder)
            mounts.append(Mount(folder, f"{CACHES}/{name}", writable=True))
            variables[variable] = f"{CACHES}/{name}"
        return tuple(mounts), variables

    @contextlib.asynccontextmanager
    async def _alone(self, language: Language) -> AsyncIterator[None]:
        """One install per language at a time: its caches belong to one sandbox, and the second finds the first's work."""
        path = self._root / "environments" / f"{language.name}.lock"
        with path.open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.05)
            yield


def toolchain_mounts(language: Language) -> tuple[Mount, ...]:
    """The language's host folders, read-only, at their own places."""
    folders = {str(Path(folder).resolve()): folder for folder in language.toolchain_folders()}
    return tuple(Mount(Path(real), folder) for real, folder in folders.items() if not real.startswith("/usr/"))


def toolchain_environment(language: Language) -> dict[str, str]:
    """The language's own variables, and a PATH with its folders first."""
    folders = [p for f in language.toolchain_folders() for p in (f"{f}/bin", f) if Path(p).is_dir()]
    path = ":".join([f"{PROJECT}/{language.conventions.installed}/bin", *folders, "/usr/local/bin:/usr/bin:/bin"])
    return {"PATH": path} | dict(language.conventions.environment)


def project_command(
    argv: tuple[str, ...],
    source: Path,
    language: Language,
    installed: Path | None,
    *,
    env: Mapping[str, str] | None = None,
    writable: bool = False,
    limits: Limits | None = None,
) -> Command:
    """A command in the project at `source`, its dependencies read-only beside it, without network."""
    mounts = [Mount(source, PROJECT, writable), *toolchain_mounts(language)]
    if installed:
        mounts.append(Mount(installed, f"{PROJECT}/{language.conventions.installed}"))
    variables = toolchain_environment(language) | dict(env or {})
    return Command(argv, PROJECT, tuple(mounts), env=variables, limits=limits or Limits())


def _inputs(tree: FileTree, language: Language) -> FileTree:
    """All that an install sees: the lock files, or the manifests where nothing is locked.

    No more, because what is not in the digest must not be able to change what other projects get from the cache.
    """
    for names in (language.conventions.lock_files, language.conventions.manifest_files):
        if found := {path: content for path, content in tree.files.items() if path in names}:
            return FileTree(found)
    return FileTree({})


def _digest(wanted: FileTree, blueprint: Blueprint, toolchain: str) -> str:
    facts: Mapping[str, object] = {
        "format": FORMAT,
        "files": wanted.digest(),
        "commands": blueprint.commands.install,
        "toolchain": toolchain,
        "machine": [platform.system(), platform.machine(), *platform.libc_ver()],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _keep(installed: Path, temporary: Path, final: Path) -> None:
    """Moves a finished install to its place at once. What was there, not whole or it would have been used, goes."""
    entry = temporary / "entry"
    entry.mkdir()
    if installed.is_symlink():
        raise EnvironmentError_(f"the install left a symbolic link as {installed.name}")
    installed.mkdir(exist_ok=True)
    installed.rename(entry / "installed")
    (entry / MARK).write_text(json.dumps(_census(entry / "installed")))
    if final.exists():
        final.rename(temporary / "broken")
    entry.rename(final)


def _taken(entry: Path) -> bool:
    """Whether the entry is whole; if so it is marked as used, so that no collector takes it away."""
    with marked_as_used(entry):
        return _whole(entry)


def _whole(entry: Path) -> bool:
    """Whether the entry was finished and nothing was lost or cut off since."""
    try:
        return json.loads((entry / MARK).read_text()) == _census(entry / "installed")
    except (OSError, ValueError):
        return False


def _census(folder: Path) -> dict[str, int]:
    """Number of files and their bytes together."""
    files = size = 0
    waiting = [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    files += 1
                    size += entry.stat(follow_symlinks=False).st_size
    return {"files": files, "bytes": size}


def _sweep(folder: Path) -> None:
    """Removes what installs that were killed more than a day ago left."""
    for left in folder.glob("tmp-*"):
        if time.time() - left.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
