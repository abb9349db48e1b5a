"""A generated application at work in the sandbox: install, build, lint, unit tests, start, restart. Neutral to its stack."""

import asyncio
import contextlib
import hashlib
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import httpx

from quantumlayer.blueprint.values import Argv, Blueprint
from quantumlayer.errors import QuantumLayerError
from quantumlayer.evidence import postgresql
from quantumlayer.evidence.builds import Builds
from quantumlayer.evidence.environments import Environments, Installed, InstallFailed, project_command
from quantumlayer.evidence.reports import BadReport, line_coverage, unit_checks
from quantumlayer.evidence.values import Check, Level
from quantumlayer.files.claimed_folder import claimed_folder
from quantumlayer.files.copied_tree import copy_tree
from quantumlayer.files.read_output import UnsafeOutput, read_output, remove_output
from quantumlayer.files.values import FileTree
from quantumlayer.files.write_files import write_files
from quantumlayer.ports.language import Language
from quantumlayer.ports.sandbox import Command, Completed, Limits, Mount, Running, Sandbox

DATA = "/quantum/data"
PORT = 8000
SHOWN = 4000
READY_POLL_SECONDS = 0.05
READY_SECONDS = 30.0
FOREVER = float("inf")
DatabaseKind = Literal["sqlite", "postgresql"]


class NotServing(QuantumLayerError):
    """The application did not become healthy; the message holds the last of what it wrote."""


@dataclass(frozen=True)
class Database:
    """Where one life of an application keeps its rows; hand it to a later `start` to go on with them.

    `programs` is the folder of PostgreSQL's programs where the rows are there; the server runs beside the application.
    """

    folder: Path
    url: str = f"sqlite:///{DATA}/app.db"
    programs: Path | None = None


@dataclass(frozen=True)
class UnitTests:
    """The application's own tests: a check each, the share of covered lines, and both reports as they were written."""

    checks: tuple[Check, ...]
    coverage: float | None = None
    junit: bytes = b""
    coverage_report: bytes = b""


@dataclass(frozen=True)
class Serving:
    """A healthy application. `url` and `socket` reach it from the host."""

    url: str
    socket: Path
    running: Running
    seconds: float


@dataclass
class Application:
    """One unpacked tree. `install` comes first; afterwards the rest in any order, builds and tests one at a time."""

    tree: FileTree
    blueprint: Blueprint
    language: Language
    sandbox: Sandbox
    home: Path
    folder: Path
    limits: Limits = Limits()
    installed: Installed | None = field(default=None)

    @property
    def source(self) -> Path:
        """The host folder that the sandbox sees as the project."""
        return self.folder / "work"

    async def twin(self) -> "Application":
        """The same project as it is now in a folder of its own, so that its commands may run beside those of this one."""
        folder = self.folder / "twin"
        await asyncio.to_thread(copy_tree, self.source, folder / "work")
        return replace(self, folder=folder)

    async def install(self) -> Check:
        """Dependencies from the cache or the registries. Raises `EnvironmentError_` when this machine cannot."""
        began = time.monotonic()
        try:
            self.installed = await Environments(self.home, self.sandbox).install(self.tree, self.blueprint, self.language)
        except InstallFailed as failure:
            return _step("install", "build", failure.argv, failure.completed)
        if self.installed.folder:
            (self.source / self.language.conventions.installed).mkdir(parents=True, exist_ok=True)
        origin = "from the cache" if self.installed.cached else "from the registries"
        title = f"dependencies installed {origin}"
        return Check(id="install", title=title, level="build", status="passed", seconds=time.monotonic() - began)

    async def build(self) -> tuple[Check, ...]:
        """The blueprint's build commands, one check each; after a failure the rest is not run."""
        checks = await self._steps("build", "build", self.blueprint.commands.build)
        if all(check.status == "passed" for check in checks):
            await asyncio.to_thread(Builds(self.home).keep, self._build_digest(), self.source)
        return checks

    async def built(self) -> tuple[Check, ...]:
        """As `build`, by what an earlier build of the same sources left where this machine still has it."""
        began = time.monotonic()
        if not await asyncio.to_thread(Builds(self.home).take, self._build_digest(), self.source):
            return await self.build()
        seconds = time.monotonic() - began
        return (Check(id="build", title="built before from the same sources", level="build", status="passed", seconds=seconds),)

    async def lint(self) -> tuple[Check, ...]:
        """The blueprint's lint commands, likewise."""
        return await self._steps("lint", "lint", self.blueprint.commands.lint)

    async def test(self) -> UnitTests:
        """The application's own unit tests. Besides the cases, one check says how the command itself ended."""
        reports = self.blueprint.reports
        if not self.blueprint.commands.test:
            reason = f"no blueprint brings tests for {self.blueprint.id}"
            return UnitTests((Check(id="test", title="its own tests", level="unit", status="not_run", message=reason),))
        try:
            for path in (reports.junit, reports.coverage):
                await asyncio.to_thread(remove_output, self.source, path)
        except UnsafeOutput as error:
            return UnitTests((_errored("test.report", "unit test report", error),))
        steps = await self._steps("test", "unit", self.blueprint.commands.test)
        try:
            junit = await asyncio.to_thread(read_output, self.source, reports.junit)
            cases = unit_checks(junit)
        except (FileNotFoundError, UnsafeOutput, BadReport) as error:
            return UnitTests((*steps, _errored("test.report", "unit test report", error)))
        if not cases:
            nothing = Check(id="test.report", title="unit test report", level="unit", status="failed", message="no test ran")
            return UnitTests((*steps, nothing), junit=junit)
        try:
            coverage = await asyncio.to_thread(read_output, self.source, reports.coverage)
            return UnitTests(
                (*steps, *cases), line_coverage(coverage, self.language.conventions.coverage_format), junit, coverage
            )
        except (FileNotFoundError, UnsafeOutput, BadReport) as error:
            return UnitTests((*steps, *cases, _errored("test.coverage", "coverage report", error)), junit=junit)

    def database(self, kind: DatabaseKind = "sqlite") -> Database:
        """A fresh, empty one. Raises `EnvironmentError_` when a server is wanted that this machine does not have."""
        programs = postgresql.required_postgresql() if kind == "postgresql" else None
        folder = self.folder / "databases" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        return Database(folder, postgresql.URL, programs) if programs else Database(folder)

    @contextlib.asynccontextmanager
    async def start(
        self,
        env: Mapping[str, str] | None = None,
        clock_offset: int = 0,
        database: Database | None = None,
        ready_seconds: float = READY_SECONDS,
        limits: Limits | None = None,
    ) -> AsyncIterator[Serving]:
        """Serves until the context ends. `clock_offset` in seconds; without `database` a fresh one, gone afterwards.

        Raises `NotServing` when /health does not answer 200 in time.
        """
        kept = database or self.database()
        argv, mounts = self.blueprint.commands.run, (Mount(kept.folder, DATA, writable=True),)
        if kept.programs:
            argv = postgresql.beside(argv, kept.programs, DATA)
            mounts = (*mounts, *postgresql.mounts(kept.programs))
        command = self._command(
            argv,
            {"DATABASE_URL": kept.url, "CLOCK_OFFSET_SECONDS": str(clock_offset), "PORT": str(PORT), **(env or {})},
            writable=False,
        )
        command = replace(
            command,
            mounts=(*command.mounts, *mounts),
            limits=limits or replace(self.limits, wall_seconds=FOREVER, cpu_seconds=self.limits.cpu_seconds * 10),
        )
        began = time.monotonic()
        try:
            async with self.sandbox.start(command, PORT) as running:
                await healthy(running, ready_seconds)
                yield Serving(running.url, running.socket, running, time.monotonic() - began)
        finally:
            if database is None:
                await asyncio.to_thread(shutil.rmtree, kept.folder, ignore_errors=True)

    def _build_digest(self) -> str:
        installed = self.installed.digest if self.installed else ""
        facts = (self.tree.digest(), self.blueprint.id, self.blueprint.commands.build, installed)
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    async def _steps(self, name: str, level: Level, commands: tuple[Argv, ...]) -> tuple[Check, ...]:
        checks: list[Check] = []
        for number, argv in enumerate(commands, 1):
            identity = name if len(commands) == 1 else f"{name}.{number}"
            if checks and checks[-1].status != "passed":
                message = f"{checks[-1].id} did not pass"
                checks.append(Check(id=identity, title=" ".join(argv), level=level, status="not_run", message=message))
                continue
            completed = await self.sandbox.run(self._command(argv, {}, writable=True))
            checks.append(_step(identity, level, argv, completed))
        return tuple(checks)

    def _command(self, argv: Argv, env: Mapping[str, str], writable: bool) -> Command:
        installed = self.installed.folder if self.installed else None
        return project_command(argv, self.source, self.language, installed, env=env, writable=writable, limits=self.limits)


@contextlib.asynccontextmanager
async def unpacked(
    tree: FileTree, blueprint: Blueprint, language: Language, sandbox: Sandbox, home: Path, limits: Limits | None = None
) -> AsyncIterator[Application]:
    """The tree in an own folder below `home`/work, deleted afterwards. Raises `EnvironmentError_` when the disk is full."""
    with claimed_folder(home / "work") as folder:
        application = Application(tree, blueprint, language, sandbox, home, folder, limits or Limits())
        await asyncio.to_thread(application.source.mkdir, parents=True)
        await asyncio.to_thread(write_files, tree, application.source)
        yield application


async def healthy(running: Running, seconds: float) -> None:
    """Waits for 200 from /health. Raises `NotServing` after `seconds`, or as soon as the application has ended."""
    ended = asyncio.ensure_future(running.wait())
    deadline = time.monotonic() + seconds
    problem = "no answer"
    try:
        # Without certificates, whose loading takes longer than everything else here.
        transport = httpx.AsyncHTTPTransport(uds=str(running.socket), verify=False)
        async with httpx.AsyncClient(transport=transport, timeout=5) as client:
            while time.monotonic() < deadline and not ended.done():
                try:
                    answer = await client.get("http://localhost/health")
                    if answer.status_code == 200:
                        return
                    problem = f"it answers {answer.status_code}"
                except httpx.HTTPError as error:
                    problem = f"no answer ({type(error).__name__})"
                await asyncio.sleep(READY_POLL_SECONDS)
    finally:
        ended.cancel()
    if ended.done() and not ended.cancelled():
        problem = f"it ended: {ending(ended.result())}"
    shown = running.output()[-SHOWN:].decode(errors="replace").strip()
    raise NotServing(f"/health was not ready after {seconds:g} s: {problem}\n{shown}".strip(), output=shown)


def _step(identity: str, level: Level, argv: tuple[str, ...], completed: Completed) -> Check:
    title = " ".join(argv)
    if completed.ok:
        return Check(id=identity, title=title, level=level, status="passed", seconds=completed.seconds)
    shown = b"\n".join(filter(None, (completed.stdout[-SHOWN:].strip(), completed.stderr[-SHOWN:].strip())))
    message = f"{ending(completed)}\n{shown.decode(errors='replace')}".strip()
    status = "failed" if completed.outcome == "exited" else "errored"
    return Check(id=identity, title=title, level=level, status=status, seconds=completed.seconds, message=message)


def ending(completed: Completed) -> str:
    """How a command ended, in two words."""
    return f"exit code {completed.exit_code}" if completed.outcome == "exited" else completed.outcome.replace("_", " ")


def _errored(identity: str, title: str, error: Exception) -> Check:
    message = f"{title} is missing" if isinstance(error, FileNotFoundError) else str(error)
    return Check(id=identity, title=title, level="unit", status="errored", message=message)
