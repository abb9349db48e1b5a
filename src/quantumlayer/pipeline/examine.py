"""Activities of the stages 6, 10, 11 and 14: what is found in the sources, and what the running application does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio import activity

from quantumlayer.evidence.application import Application, NotServing, UnitTests, unpacked
from quantumlayer.evidence.environments import Environments, InstallFailed
from quantumlayer.evidence.judge import judge
from quantumlayer.evidence.live_application import live
from quantumlayer.evidence.performance import measure
from quantumlayer.evidence.requirements import requirement_results
from quantumlayer.evidence.security import scan, to_sarif
from quantumlayer.evidence.semantics import check_semantics, sound
from quantumlayer.evidence.values import Check, Evidence
from quantumlayer.files.values import FileTree
from quantumlayer.pipeline import stages
from quantumlayer.pipeline.problems import grave, summary
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.values import Outcome, Task
from quantumlayer.pipeline.workbench import Desk, NotRun, at_desk
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.spec.values import Spec


class Examine:
    """Each method is one stage."""

    def __init__(self, tools: Toolbox) -> None:
        self.tools = tools

    @activity.defn(name=stages.SEMANTIC.name)
    async def semantic(self, task: Task) -> Outcome:
        """FileTree → Findings: every file parses, every name is defined, every import leads somewhere."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            tree = await _project(desk)
            language = self.tools.language(task.order.stack)
            installed = await self._installed(desk, tree)
            scans = await check_semantics(tree, language, self.tools.scanners, self.tools.sandbox, installed)
            await desk.save("semantics", scans)
            if not sound(scans):
                desk.fail(summary(scans))
        return desk.outcome()

    @activity.defn(name=stages.SECURITY.name)
    async def security(self, task: Task) -> Outcome:
        """FileTree → Findings, as SARIF."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            tree = await _project(desk)
            if desk.has("infrastructure"):
                tree = tree.merged(await desk.load("infrastructure", FileTree))
            scans = await scan(tree, self.tools.scanners, self.tools.sandbox)
            await desk.save("sarif", to_sarif(scans))
            await desk.save("scans", scans)
            if grave(scans):
                desk.fail(summary(scans))
        return desk.outcome()

    @activity.defn(name=stages.PERFORMANCE.name)
    async def performance(self, task: Task) -> Outcome:
        """Running app → Findings: a short load run."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            spec = await desk.load("spec", Spec)
            async with self._application(desk) as application:
                if (await application.install()).status != "passed":
                    raise NotRun("the dependencies could not be installed")
                if any(check.status != "passed" for check in await application.build()):
                    raise NotRun("the application could not be built")
                try:
                    async with live(application, spec) as app:
                        result = await measure(app.url, spec, admin=app.admin)
                except NotServing as error:
                    raise NotRun(f"the application does not start: {error.message.splitlines()[0]}") from error
            await desk.save("performance", result)
            if result.status == "not_run":
                raise NotRun(result.reason)
            if result.status == "errored":
                desk.fail(result.reason)
            elif result.met is False:
                desk.fail(f"p99 {result.p99_ms} ms, target {result.target_p99_ms} ms, {result.error_share:.1%} errors")
        return desk.outcome()

    @activity.defn(name=stages.VALIDATION.name)
    async def validation(self, task: Task) -> Outcome:
        """FileTree → Evidence: install, build, unit tests with coverage, start, acceptance, random testing."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            spec, plan = await desk.load("spec", Spec), await desk.load("test_plan", TestPlan)
            async with self._application(desk) as application:
                evidence, units = await self._evidence(desk, application, spec, plan)
            await desk.save("evidence", evidence)
            await desk.save("results", requirement_results(spec, evidence))
            if units.junit:
                await desk.save("unit_junit", units.junit)
            if units.coverage_report:
                await desk.save("unit_coverage", units.coverage_report)
            if failed := evidence.failed():
                desk.fail(f"{len(failed)} of {len(evidence.checks)} checks failed, first: {failed[0].title}")
        return desk.outcome()

    async def _evidence(self, desk: Desk, application: Application, spec: Spec, plan: TestPlan) -> tuple[Evidence, UnitTests]:
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

    async def _installed(self, desk: Desk, tree: FileTree) -> Path | None:
        """The environment that the dependency stage installed, None where it could not."""
        blueprint = self.tools.blueprints.get(desk.task.order.stack).value
        environments = Environments(self.tools.home.root, self.tools.sandbox)
        try:
            return (await environments.install(tree, blueprint, self.tools.language(blueprint.id))).folder
        except InstallFailed:
            return None

    @asynccontextmanager
    async def _application(self, desk: Desk) -> AsyncIterator[Application]:
        tree = await _project(desk)
        blueprint = self.tools.blueprints.get(desk.task.order.stack).value
        language = self.tools.language(blueprint.id)
        async with unpacked(tree, blueprint, language, self.tools.sandbox, self.tools.home.root) as application:
            yield application


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


async def _tell(desk: Desk, checks: "list[Check] | tuple[Check, ...]") -> None:
    for check in checks:
        data = check.model_dump(mode="json", include={"id", "title", "level", "status", "requirements", "message"})
        await desk.tell(f"check/{check.id}", "check", data)


async def _project(desk: Desk) -> FileTree:
    """The application's project: its sources, with its tests where they are there."""
    source = await desk.load("source", FileTree)
    return source.merged(await desk.load("tests", FileTree)) if desk.has("tests") else source
