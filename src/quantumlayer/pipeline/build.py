"""Activities of the stages 7, 9, 12 and 13: what is rendered beside the sources, and what they depend on."""

import asyncio

from temporalio import activity

from quantumlayer.evidence.acceptance_suite import acceptance_suite
from quantumlayer.evidence.advisories import configured_advisories
from quantumlayer.evidence.dependencies import lock
from quantumlayer.evidence.documentation import document
from quantumlayer.evidence.infrastructure import accepted, lint
from quantumlayer.files.values import FileTree
from quantumlayer.pipeline import stages
from quantumlayer.pipeline.problems import grave, summary
from quantumlayer.pipeline.rendering import rendered, save_tree
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.trials import installed_for
from quantumlayer.pipeline.values import Outcome, Task
from quantumlayer.pipeline.workbench import at_desk
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.plan.values import Plan
from quantumlayer.spec.frd import Frd
from quantumlayer.spec.values import Spec


class Build:
    """Each method is one stage."""

    def __init__(self, tools: Toolbox) -> None:
        self.tools = tools

    @activity.defn(name=stages.DEPENDENCIES.name)
    async def dependencies(self, task: Task) -> Outcome:
        """FileTree → LockedTree: installed once from the lock, which is checked and written down as an SBOM."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            spec, tree = await desk.load("spec", Spec), await desk.load("source", FileTree)
            blueprint, language = self.tools.blueprints.get(task.order.stack).value, self.tools.language(task.order.stack)
            home = self.tools.home
            installed, failure = await installed_for(self.tools, task.order.stack, tree)
            locked = await lock(
                tree,
                language,
                self.tools.sandbox,
                name=spec.name,
                cache=home.caches / "registry",
                installed=installed,
                advisories=configured_advisories(home.root),
            )
            await desk.save("sbom", locked.sbom.encode())
            await desk.save("dependencies", locked.scans, lock=locked.digest, blueprint_id=blueprint.id)
            if failure or grave(locked.scans):
                desk.fail(failure or summary(locked.scans))
        return desk.outcome()

    @activity.defn(name=stages.TEST_CODE.name)
    async def test_code(self, task: Task) -> Outcome:
        """TestPlan → FileTree: unit tests in the application's language, and the acceptance suite."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            test_plan = await desk.load("test_plan", TestPlan)
            if (tests := await rendered(desk, self.tools, "tests", test_plan)).files:
                await save_tree(desk, self.tools, "tests", tests)
            spec = await desk.load("spec", Spec)
            await desk.save("acceptance", await asyncio.to_thread(acceptance_suite, test_plan, spec))
        return desk.outcome()

    @activity.defn(name=stages.DOCUMENTATION.name)
    async def documentation(self, task: Task) -> Outcome:
        """All → FileTree: README, API reference, architecture, traced requirements, runbook."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            readme = await rendered(desk, self.tools, "docs")
            spec, plan = await desk.load("spec", Spec), await desk.load("plan", Plan)
            frd = await desk.load("frd", Frd) if desk.has("frd") else None
            pages = await asyncio.to_thread(document, spec, frd, plan)
            await save_tree(desk, self.tools, "docs", readme.merged(pages))
        return desk.outcome()

    @activity.defn(name=stages.INFRASTRUCTURE.name)
    async def infrastructure(self, task: Task) -> Outcome:
        """Plan → FileTree: Dockerfile and compose file, which their linters accept."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            tree = await rendered(desk, self.tools, "infrastructure")
            await save_tree(desk, self.tools, "infrastructure", tree)
            scans = await lint(tree, self.tools.scanners, self.tools.sandbox)
            await desk.save("infrastructure_scans", scans)
            if not accepted(scans):
                desk.fail(summary(scans) or "no linter could run")
        return desk.outcome()
