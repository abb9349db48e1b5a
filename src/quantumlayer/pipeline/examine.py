"""Activities of the stages 6, 10, 11 and 14: what is found in the sources, and what the running application does."""

from temporalio import activity

from quantumlayer.evidence.application import Application, NotServing
from quantumlayer.evidence.live_application import live
from quantumlayer.evidence.performance import PerformanceResult, measure
from quantumlayer.evidence.security import to_sarif
from quantumlayer.evidence.semantics import sound
from quantumlayer.pipeline import stages
from quantumlayer.pipeline.problems import grave, summary
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.trials import application_of, evidence_of, project_of, save_evidence, security_of, semantics_of
from quantumlayer.pipeline.turns import Turns
from quantumlayer.pipeline.values import Outcome, Task
from quantumlayer.pipeline.workbench import NotRun, at_desk
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
            scans = await semantics_of(self.tools, task.order.stack, await project_of(desk))
            await desk.save("semantics", scans)
            if not sound(scans):
                desk.fail(summary(scans))
        return desk.outcome()

    @activity.defn(name=stages.SECURITY.name)
    async def security(self, task: Task) -> Outcome:
        """FileTree → Findings, as SARIF."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            scans = await security_of(desk, self.tools, await project_of(desk))
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
            turns, alone = Turns(self.tools.home.turns), False
            async with application_of(self.tools, task.order.stack, await project_of(desk)) as application:
                async with turns.beside():
                    await _prepare(application)
                    result = await _loaded(application, spec)
                if result.met is False:
                    async with turns.alone() as alone:
                        result = await _loaded(application, spec) if alone else result
            await desk.save("performance", result)
            if result.status == "not_run":
                raise NotRun(result.reason)
            if result.status == "errored":
                desk.fail(result.reason)
            elif result.met is False:
                measured = "with no other stage beside" if alone else "beside other stages"
                desk.fail(
                    f"p99 {result.p99_ms} ms, target {result.target_p99_ms} ms, {result.error_share:.1%} errors, {measured}"
                )
        return desk.outcome()

    @activity.defn(name=stages.VALIDATION.name)
    async def validation(self, task: Task) -> Outcome:
        """FileTree → Evidence: install, build, unit tests with coverage, start, acceptance, random testing."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            spec, plan = await desk.load("spec", Spec), await desk.load("test_plan", TestPlan)
            async with application_of(self.tools, task.order.stack, await project_of(desk)) as application:
                evidence, units = await evidence_of(desk, application, spec, plan)
            await save_evidence(desk, spec, evidence, units)
            if failed := evidence.failed():
                desk.fail(f"{len(failed)} of {len(evidence.checks)} checks failed, first: {failed[0].title}")
        return desk.outcome()


async def _prepare(application: Application) -> None:
    if (await application.install()).status != "passed":
        raise NotRun("the dependencies could not be installed")
    if any(check.status != "passed" for check in await application.built()):
        raise NotRun("the application could not be built")


async def _loaded(application: Application, spec: Spec) -> PerformanceResult:
    """What a freshly started application does under load. Raises `NotRun` where it cannot be started."""
    try:
        async with live(application, spec) as app:
            return await measure(app.url, spec, admin=app.admin)
    except NotServing as error:
        raise NotRun(f"the application does not start: {error.message.splitlines()[0]}") from error
