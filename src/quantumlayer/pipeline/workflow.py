"""The pipeline. It reads from top to bottom as the design's table of stages; only drop ids pass through it."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from quantumlayer.pipeline import stages
    from quantumlayer.pipeline.stages import Stage
    from quantumlayer.pipeline.values import Ending, Finished, Order, Outcome, Problem, Task

FINISH = "finish"
# A worker that dies is noticed after this long, and its activities start anew elsewhere.
HEARTBEAT = timedelta(seconds=3)


class StageFailed(Exception):
    """A stage could not do its work, so the run ends."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@workflow.defn
class Generate:
    """One run, from a request to a preview. The workflow id is the run id."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}

    @workflow.run
    async def run(self, order: Order) -> Finished:
        """Carries out all stages and reports, whatever happens on the way."""
        self.order = order
        problem, cancelled = None, False
        try:
            await self.pipeline(order)
        except StageFailed as failure:
            problem = failure.problem
        except (asyncio.CancelledError, ActivityError, CancelledError) as error:
            if not (isinstance(error, asyncio.CancelledError) or is_cancelled_exception(error)):
                raise
            cancelled = True
        return await self.finish(problem, cancelled)

    async def pipeline(self, order: Order) -> None:
        """The stages. An argument is what an earlier stage made; stages that do not need each other run at the same time."""
        given = Outcome(stage="order", status="passed", drops=order.inputs)
        brief = await self.stage(stages.ENHANCE, given)
        frd = await self.stage(stages.FRD, given, brief)
        spec = await self.stage(stages.REQUIREMENTS, given, frd)
        plan = await self.stage(stages.STRUCTURE, spec)

        code, test_plan, infrastructure = await together(
            self.stage(stages.CODE, spec, plan),
            self.stage(stages.TEST_PLAN, spec, plan),
            self.stage(stages.INFRASTRUCTURE, spec, plan),
        )
        test_code, documentation, dependencies = await together(
            self.stage(stages.TEST_CODE, spec, plan, test_plan),
            self.stage(stages.DOCUMENTATION, brief, frd, spec, plan),
            self.stage(stages.DEPENDENCIES, spec, plan, code),
        )
        semantic, security, validation = await together(
            self.stage(stages.SEMANTIC, plan, code, test_code),
            self.stage(stages.SECURITY, plan, code, infrastructure),
            self.stage(stages.VALIDATION, spec, plan, code, test_plan, test_code, dependencies),
        )
        repair = await self.stage(stages.REPAIR, spec, plan, code, validation)
        performance = await self.stage(stages.PERFORMANCE, spec, plan, code, test_code, dependencies, validation)

        everything = (spec, plan, code, test_code, dependencies, semantic, security, performance)
        everything += (documentation, infrastructure, validation, repair)
        capsule = await self.stage(stages.CAPSULE, given, brief, frd, test_plan, *everything)
        await self.stage(stages.PREVIEW, spec, capsule)
        await self.stage(stages.DEPLOY, capsule)

    async def stage(self, stage: Stage, *inputs: Outcome) -> Outcome:
        """Carries out one stage on the drops of the inputs, or takes what a rollback keeps."""
        if stage.name in self.order.kept:
            outcome = self.order.kept[stage.name]
        else:
            task = Task(
                order=self.order.model_copy(update={"kept": {}}),
                stage=stage.name,
                inputs={kind: drop for given in inputs for kind, drop in given.drops.items()},
                outcomes=inputs,
            )
            try:
                outcome = await workflow.execute_activity(
                    stage.name,
                    task,
                    result_type=Outcome,
                    start_to_close_timeout=timedelta(seconds=stage.seconds),
                    heartbeat_timeout=HEARTBEAT,
                    retry_policy=RetryPolicy(
                        initial_interval=timedelta(seconds=0.2), backoff_coefficient=2.0, maximum_attempts=stage.attempts
                    ),
                    summary=stage.name,
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                problem = problem_of(error)
                self.outcomes[stage.name] = Outcome(stage=stage.name, status="failed", reason=problem.message)
                raise StageFailed(problem) from error
        self.outcomes[stage.name] = outcome
        return outcome

    async def finish(self, problem: Problem | None, cancelled: bool) -> Finished:
        """Writes the report, even when the run was cancelled."""
        seconds = (workflow.now() - workflow.info().start_time).total_seconds()
        ordered = tuple(self.outcomes[name] for name in stages.NAMES if name in self.outcomes)
        ending = Ending(order=self.order, outcomes=ordered, seconds=seconds, cancelled=cancelled, problem=problem)
        finishing = workflow.start_activity(
            FINISH, ending, result_type=Finished, start_to_close_timeout=timedelta(seconds=30), heartbeat_timeout=HEARTBEAT
        )
        return await asyncio.shield(finishing)


async def together(*pending: Coroutine[Any, Any, Outcome]) -> list[Outcome]:
    """All of them at once; when one fails, the others are cancelled, have ended, and its error goes on."""
    tasks = [asyncio.ensure_future(each) for each in pending]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def problem_of(error: ActivityError) -> Problem:
    """Why the activity failed, as our own typed error where it was one."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.details:
        return Problem.model_validate(cause.details[0])
    return Problem(
        type=type(cause or error).__name__,
        message=f"the stage {error.activity_type!r} did not finish: {cause or error}",
        hint="see the worker's log, then run `ql resume`",
    )
