"""A Temporal worker with the settings that make it notice death and cancellation quickly."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from quantumlayer.pipeline.client import QUEUE
from quantumlayer.pipeline.workflow import Generate

ACTIVITIES = 12


@contextlib.asynccontextmanager
async def serving(client: Client, activities: Sequence[Callable[..., Any]]) -> AsyncIterator[Worker]:
    """A worker with these activities, for as long as the context is open."""
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Generate],
        activities=activities,
        max_concurrent_activities=ACTIVITIES,
        # A dead worker's workflows are offered to others after a second, and beats are sent often enough for a quick cancel.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        max_heartbeat_throttle_interval=timedelta(seconds=0.5),
        default_heartbeat_throttle_interval=timedelta(seconds=0.5),
    )
    async with worker:
        yield worker
