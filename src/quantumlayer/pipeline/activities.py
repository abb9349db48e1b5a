"""All activities of the worker, one for each stage of the table."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from quantumlayer.pipeline import stages
from quantumlayer.pipeline.build import Build
from quantumlayer.pipeline.deliver import Deliver
from quantumlayer.pipeline.ending import Endings
from quantumlayer.pipeline.examine import Examine
from quantumlayer.pipeline.specify import Specify
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.values import Outcome, Task
from quantumlayer.pipeline.workbench import NotRun, at_desk


class Optional:
    """Stages that this version has no work for; each says why."""

    def __init__(self, tools: Toolbox) -> None:
        self.tools = tools

    @activity.defn(name=stages.REPAIR.name)
    async def repair(self, task: Task) -> Outcome:
        """Evidence → FileTree, for model-written code only."""
        return await self._not_run(task, "there is no model-written code to repair")

    @activity.defn(name=stages.DEPLOY.name)
    async def deploy(self, task: Task) -> Outcome:
        """Capsule → Deployment, only when asked."""
        return await self._not_run(task, "nobody asked for a deployment")

    async def _not_run(self, task: Task, reason: str) -> Outcome:
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            raise NotRun(reason)
        return desk.outcome()


class Activities:
    """The methods that Temporal calls."""

    def __init__(self, tools: Toolbox) -> None:
        specify, build, examine, deliver = Specify(tools), Build(tools), Examine(tools), Deliver(tools)
        optional, endings = Optional(tools), Endings(tools)
        self.all: list[Callable[..., Any]] = [
            specify.enhance,
            specify.frd,
            specify.requirements,
            specify.structure,
            build.code,
            examine.semantic,
            build.dependencies,
            specify.test_plan,
            build.test_code,
            examine.security,
            examine.performance,
            build.documentation,
            build.infrastructure,
            examine.validation,
            optional.repair,
            deliver.capsule,
            deliver.preview,
            optional.deploy,
            endings.finish,
        ]
