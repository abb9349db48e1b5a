"""The pipeline. It reads from top to bottom as the design's table of stages; only drop ids pass through it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, is_cancelled_exception
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from quantumlayer.pipeline import stages
    from quantumlayer.pipeline.approval.gate import Gate, refusal
    from quantumlayer.pipeline.approval.values import Asking, Decision, declined
    from quantumlayer.pipeline.stages import Stage
    from quantumlayer.pipeline.values import Ending, Finished, Order, Outcome, Problem, Task

FINISH, ASK, DECIDE = "finish", "ask", "decide"
HEARTBEAT = timedelta(seconds=stages.SILENCE_SECONDS)
BRIEFLY = ActivityConfig(start_to_close_timeout=timedelta(seconds=60), heartbeat_timeout=HEARTBEAT)


class StageFailed(Exception):
    """A stage could not do its work, so the run ends."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Declined(StageFailed):
    """Nobody agreed to go on, so the run ends."""


@workflow.defn
class Generate:
    """One run, from a request to a preview. The workflow id is the run id."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.stages: list[asyncio.Task[Outcome]] = []
        self.gate: Gate | None = None

    @workflow.run
    async def run(self, order: Order) -> Finished:
        """Carries out all stages and reports, whatever happens on the way."""
        self.order = order
        problem, cancelled = None, False
        try:
            await self.pipeline(order)
        except StageFailed as failure:
            problem, cancelled = failure.problem, isinstance(failure, Declined)
        except (asyncio.CancelledError, ActivityError, CancelledError) as error:
            if not (isinstance(error, asyncio.CancelledError) or is_cancelled_exception(error)):
                raise
            cancelled = True
        return await self.finish(problem, cancelled)

    async def pipeline(self, order: Order) -> None:
        """The stages. An argument is what an earlier stage makes: each starts as soon as all of its own are there."""
        given = finished(Outcome(stage="order", status="passed", drops=order.inputs))
        brief = self.start(stages.ENHANCE, given)
        frd = self.agreed(stages.FRD, self.start(stages.FRD, given, brief), brief)
        spec = self.agreed(stages.REQUIREMENTS, self.start(stages.REQUIREMENTS, given, frd), frd)
        plan = self.start(stages.STRUCTURE, spec)
        code = self.start(stages.CODE, spec, plan)
        infrastructure = self.start(stages.INFRASTRUCTURE, spec, plan)
        test_plan = self.start(stages.TEST_PLAN, spec, plan)
        dependencies = self.start(stages.DEPENDENCIES, spec, plan, code)
        test_code = self.start(stages.TEST_CODE, spec, plan, test_plan)
        security = self.start(stages.SECURITY, plan, code, infrastructure)
        semantic = self.start(stages.SEMANTIC, plan, code, test_code, dependencies)
        validation = self.start(stages.VALIDATION, spec, plan, code, test_plan, test_code, dependencies)
        documentation = self.start(stages.DOCUMENTATION, brief, frd, spec, plan, code)
        repair = self.start(
            stages.REPAIR, spec, plan, code, infrastructure, test_plan, test_code, dependencies, semantic, security, validation
        )
        performance = self.start(stages.PERFORMANCE, spec, plan, code, test_code, dependencies, validation, repair)

        everything = (spec, plan, code, test_code, dependencies, semantic, security, performance)
        everything += (documentation, infrastructure, validation, repair)
        if order.review:
            everything += (
                self.start(stages.REVIEW, spec, plan, code, test_code, dependencies, semantic, security, validation, repair),
            )
        capsule = self.start(stages.CAPSULE, given, brief, frd, test_plan, *everything)
        self.start(stages.PREVIEW, spec, capsule)
        self.start(stages.DEPLOY, capsule)
        await together(self.stages)

    def start(self, stage: Stage, *inputs: asyncio.Future[Outcome]) -> asyncio.Task[Outcome]:
        """The stage, waiting for its inputs or at work."""
        task = asyncio.create_task(self.stage(stage, inputs))
        self.stages.append(task)
        return task

    async def stage(self, stage: Stage, awaited: Sequence[asyncio.Future[Outcome]]) -> Outcome:
        """Carries out one stage on the drops of its inputs, or takes what a rollback keeps."""
        inputs = tuple([await each for each in awaited])
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
                    task_queue=stage.queue,
                    result_type=Outcome,
                    start_to_close_timeout=timedelta(seconds=stage.seconds),
                    heartbeat_timeout=HEARTBEAT,
                    retry_policy=RetryPolicy(
                        initial_interval=timedelta(seconds=0.2), backoff_coefficient=2.0, maximum_attempts=stage.attempts
                    ),
                    summary=stage.name,
                    priority=Priority(priority_key=stage.priority),
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                problem = problem_of(error)
                self.outcomes[stage.name] = Outcome(stage=stage.name, status="failed", reason=problem.message)
                raise StageFailed(problem) from error
        self.outcomes[stage.name] = outcome
        return outcome

    def agreed(self, stage: Stage, made: asyncio.Task[Outcome], *inputs: asyncio.Task[Outcome]) -> asyncio.Task[Outcome]:
        """The same; of an interactive run what a person has approved. What a rollback keeps was approved before."""
        if not self.order.interactive or stage.name in self.order.kept:
            return made
        task = asyncio.create_task(self.approved(stage, made, inputs))
        self.stages.append(task)
        return task

    async def approved(self, stage: Stage, made: asyncio.Task[Outcome], awaited: Sequence[asyncio.Task[Outcome]]) -> Outcome:
        """Waits for the decision of a person on what the stage made; answers and edits make it wait again."""
        outcome = await made
        inputs = {kind: drop for each in awaited for kind, drop in (await each).drops.items()}
        task = Task(order=self.order.model_copy(update={"kept": {}}), stage=stage.name, inputs=inputs | outcome.drops)
        patience = timedelta(seconds=self.order.patience)
        gate = Gate(task, outcome, patience, workflow.now, workflow.now() + patience)
        try:
            # Before it is told: whoever hears of it may decide before this workflow hears that it was told.
            self.gate = gate
            await workflow.execute_activity(ASK, Asking(task=task, until=gate.until), **BRIEFLY)
            await self.decided(gate)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            raise StageFailed(problem_of(error)) from error
        self.outcomes[stage.name] = gate.outcome
        if gate.rejected:
            raise Declined(declined(gate.rejected, expired=gate.expired))
        return gate.outcome

    async def decided(self, gate: Gate) -> None:
        """Until it is approved or rejected, or its time has gone by."""
        while not gate.closed:
            try:
                await workflow.wait_condition(lambda: gate.closed, timeout=gate.until - workflow.now())
            except TimeoutError:
                await workflow.wait_condition(lambda: not gate.busy)
                if not gate.closed and workflow.now() >= gate.until:
                    await self.carry_out(gate, None)

    @workflow.update
    async def decide(self, decision: Decision) -> Outcome:
        """A person's decision on the document that waits; how the stage stands then."""
        assert self.gate is not None
        return await self.carry_out(self.gate, decision)

    @decide.validator
    def check_decision(self, decision: Decision) -> None:
        """Refuses what comes too early, too late, or is about something else."""
        if self.gate is None:
            raise refusal("nothing is awaited yet", "see how it goes: ql show RUN")
        self.gate.check(decision)

    async def carry_out(self, gate: Gate, decision: Decision | None) -> Outcome:
        """Lets an activity write it down, one at a time. A refusal of it leaves the document waiting."""
        gate.busy = True
        try:
            outcome = await workflow.execute_activity(DECIDE, gate.deciding(decision), result_type=Outcome, **BRIEFLY)
        except ActivityError as error:
            if decision is None or is_cancelled_exception(error):
                raise
            problem = problem_of(error)
            raise ApplicationError(problem.message, problem.model_dump(), type=problem.type, non_retryable=True) from error
        finally:
            gate.busy = False
        gate.take(decision, outcome)
        return outcome

    async def finish(self, problem: Problem | None, cancelled: bool) -> Finished:
        """Writes the report, even when the run was cancelled."""
        seconds = (workflow.now() - workflow.info().start_time).total_seconds()
        ordered = tuple(self.outcomes[name] for name in (*stages.NAMES, stages.REVIEW.name) if name in self.outcomes)
        ending = Ending(order=self.order, outcomes=ordered, seconds=seconds, cancelled=cancelled, problem=problem)
        finishing = workflow.start_activity(
            FINISH, ending, result_type=Finished, start_to_close_timeout=timedelta(seconds=30), heartbeat_timeout=HEARTBEAT
        )
        return await asyncio.shield(finishing)


async def together(tasks: Sequence[asyncio.Task[Outcome]]) -> None:
    """Until all have ended. When one fails, the others are cancelled, have ended, and its error goes on."""
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def finished(outcome: Outcome) -> asyncio.Future[Outcome]:
    """What is there already."""
    future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    future.set_result(outcome)
    return future


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
