"""A Temporal worker with the settings that make it notice death and cancellation quickly."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from quantumlayer.pipeline.stages import HEAVY_QUEUE, QUEUE, heavy_at_once
from quantumlayer.pipeline.workflow import Generate

ACTIVITIES = 12
# Of each kind and queue. A worker that is stopped while connected loses the tasks that its open polls are handed, so few.
POLLS = 2


@contextlib.asynccontextmanager
async def serving(
    client: Client, activities: Sequence[Callable[..., Any]], heavy: int | None = None, duty: Mapping[str, Any] | None = None
) -> AsyncIterator[None]:
    """Workers with these activities, for as long as the context is open. `heavy` stages at once, None for `heavy_at_once()`.

    `duty` is what `on_duty` gave; without it others notice this worker's death only by its silence.
    """
    # Beats are sent often enough for a quick cancel.
    common: dict[str, Any] = {
        "activities": activities,
        "max_concurrent_activity_task_polls": POLLS,
        "max_heartbeat_throttle_interval": timedelta(seconds=0.5),
        "default_heartbeat_throttle_interval": timedelta(seconds=0.5),
        **(duty or {}),
    }
    light = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Generate],
        max_concurrent_activities=ACTIVITIES,
        max_concurrent_workflow_task_polls=POLLS,
        # A dead worker's workflows are offered to others after a second.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        **common,
    )
    limit = heavy or heavy_at_once()
    async with light, Worker(client, task_queue=HEAVY_QUEUE, max_concurrent_activities=limit, **common):
        yield
