"""A stage that was finished and told is not done anew because its worker died before the server heard of it."""

from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from quantumlayer.pipeline.values import Outcome, Task
from quantumlayer.pipeline.workbench import FINISHED, event_key
from quantumlayer.stores.metadata import Metadata


class Once(Interceptor):
    """Answers a repeated attempt with what the one before told of its end. A failure, which may be an error, is tried again."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """See `temporalio.worker.Interceptor`."""
        return _Once(next, self._metadata)


class _Once(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, metadata: Metadata) -> None:
        super().__init__(next)
        self._metadata = metadata

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        task = input.args[0] if input.args else None
        # Ask and decide are about a stage, but are not it.
        if activity.info().attempt > 1 and isinstance(task, Task) and task.stage == activity.info().activity_type:
            told = await self._metadata.event(task.order.run, event_key(task, FINISHED))
            outcome = Outcome.model_validate(told.data) if told is not None else None
            if outcome is not None and outcome.status != "failed":
                return outcome
        return await super().execute_activity(input)
