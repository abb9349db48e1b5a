"""All activities of the worker, one for each stage of the table."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from quantumlayer.pipeline import stages
from quantumlayer.pipeline.approval.activities import Agree
from quantumlayer.pipeline.build import Build
from quantumlayer.pipeline.deliver import Deliver
from quantumlayer.pipeline.ending import Endings
from quantumlayer.pipeline.examine import Examine
from quantumlayer.pipeline.review import Reviews
from quantumlayer.pipeline.specify import Specify
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.values import Outcome, Task
from quantumlayer.pipeline.workbench import NotRun, at_desk
from quantumlayer.pipeline.write import Write


class Optional:
    """Stages that this version has no work for; each says why."""

    def __init__(self, tools: Toolbox) -> None:
        self.tools = tools

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
        write, optional, endings = Write(tools), Optional(tools), Endings(tools)
        agree = Agree(tools.blobs, tools.metadata)
        self.all: list[Callable[..., Any]] = [
            specify.enhance,
            specify.frd,
            specify.requirements,
            specify.structure,
            write.code,
            examine.semantic,
            build.dependencies,
            specify.test_plan,
            build.test_code,
            examine.security,
            examine.performance,
            build.documentation,
            build.infrastructure,
            examine.validation,
            write.repair,
            deliver.capsule,
            deliver.preview,
            optional.deploy,
            Reviews(tools).review,
            agree.ask,
            agree.decide,
            endings.finish,
        ]
