"""What the stages that examine an application share with the one that repairs it: the same checks on any project."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from quantumlayer.evidence.application import Application, NotServing, UnitTests, unpacked
from quantumlayer.evidence.environments import Environments, InstallFailed
from quantumlayer.evidence.judge import judge
from quantumlayer.evidence.live_application import live
from quantumlayer.evidence.requirements import requirement_results
from quantumlayer.evidence.security import scan
from quantumlayer.evidence.semantics import check_semantics
from quantumlayer.evidence.values import Check, Evidence
from quantumlayer.files.values import FileTree
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.workbench import Desk
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.ports.scanner import Scan
from quantumlayer.spec.values import Spec


async def project_of(desk: Desk, source: FileTree | None = None) -> FileTree:
    """The application's project: its sources (or others instead), with its tests where they are there."""
    source = source or await desk.load("source", FileTree)
    return source.merged(await desk.load("tests", FileTree)) if desk.has("tests") else source


async def semantics_of(tools: Toolbox, stack: str, project: FileTree) -> tuple[Scan, ...]:
    """Every file parses, every name is defined, every import leads somewhere."""
    installed, _ = await installed_for(tools, stack, project)
    return await check_semantics(project, tools.language(stack), tools.scanners, tools.sandbox, installed)


async def security_of(desk: Desk, tools: Toolbox, project: FileTree) -> tuple[Scan, ...]:
    """What the scanners find in the project and its infrastructure."""
    if desk.has("infrastructure"):
        project = project.merged(await desk.load("infrastructure", FileTree))
    return await scan(project, tools.scanners, tools.sandbox)


async def installed_for(tools: Toolbox, stack: str, tree: FileTree) -> tuple[Path | None, str]:
    """The environment of what the tree depends on, None with the reason where it could not be installed."""
    blueprint, language = tools.blueprints.get(stack).value, tools.language(stack)
    try:
        return (await Environments(tools.home.root, tools.sandbox).install(tree, blueprint, language)).folder, ""
    except InstallFailed as failure:
        shown = failure.completed.stderr.decode(errors="replace").strip()[-500:]
        return None, f"{' '.join(failure.argv)} failed: {shown}"


@asynccontextmanager
async def application_of(tools: Toolbox, stack: str, project: FileTree) -> AsyncIterator[Application]:
    """The project unpacked in a folder of its own."""
    blueprint, language = tools.blueprints.get(stack).value, tools.language(stack)
    async with unpacked(project, blueprint, language, tools.sandbox, tools.home.root) as application:
        yield application


async def save_evidence(desk: Desk, spec: Spec, evidence: Evidence, units: UnitTests) -> None:
    """Keeps what an examination brought to light, and what it says of every requirement."""
    await desk.save("evidence", evidence)
    await desk.save("results", requirement_results(spec, evidence))
    if units.junit:
        await desk.save("unit_junit", units.junit)
    if units.coverage_report:
        await desk.save("unit_coverage", units.coverage_report)


async def evidence_of(desk: Desk, application: Application, spec: Spec, plan: TestPlan) -> tuple[Evidence, UnitTests]:
    """All checks of a project: install, build, its own tests and linters, the judge."""
    checks = [await application.install()]
    await _tell(desk, checks)
    if checks[0].status != "passed":
        return Evidence(checks=tuple(checks)), UnitTests(())
    built = await application.build()
    await _tell(desk, built)
    checks += built
    if any(check.status != "passed" for check in built):
        return Evidence(checks=tuple(checks)), UnitTests(())
    twin = await application.twin()
    units, lint, judged = await asyncio.gather(
        _units(desk, application), _lint(desk, twin), _judged(desk, application, spec, plan)
    )
    checks += [*lint, *units.checks, *judged]
    return Evidence(checks=tuple(checks), coverage=units.coverage), units


async def _units(desk: Desk, application: Application) -> UnitTests:
    units = await application.test()
    await _tell(desk, units.checks)
    return units


async def _lint(desk: Desk, application: Application) -> tuple[Check, ...]:
    lint = await application.lint()
    await _tell(desk, lint)
    return lint


async def _judged(desk: Desk, application: Application, spec: Spec, plan: TestPlan) -> tuple[Check, ...]:
    try:
        async with live(application, spec) as app:
            evidence = await judge(spec, app, plan, progress=desk.logger())
    except NotServing as error:
        check = Check(id="start", title="the application starts", level="acceptance", status="failed", message=error.message)
        await _tell(desk, (check,))
        return (check,)
    await _tell(desk, evidence.checks)
    return evidence.checks


async def _tell(desk: Desk, checks: Sequence[Check]) -> None:
    told = {"id", "title", "level", "status", "requirements", "message"}
    await desk.tell_all({f"check/{check.id}": check.model_dump(mode="json", include=told) for check in checks}, "check")
