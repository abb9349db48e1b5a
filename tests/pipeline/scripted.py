"""Stages that do what a test says, on the real workflow, worker and stores."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import activity

from quantumlayer.pipeline.approval.activities import Agree
from quantumlayer.pipeline.client import Runs
from quantumlayer.pipeline.ending import _line
from quantumlayer.pipeline.stages import NAMES
from quantumlayer.pipeline.values import Ending, Finished, Outcome, Report, Task
from quantumlayer.pipeline.workbench import Desk, at_desk
from quantumlayer.request.values import Request

Body = Callable[[Desk], Awaitable[None]]


async def copy(desk: Desk) -> None:
    """Stores a drop whose bytes and parents tell which drops it was made from."""
    made_of = [await desk.load(kind, bytes) for kind in sorted(desk.task.inputs)]
    digest = hashlib.sha256(b",".join(made_of)).hexdigest()
    await desk.save(desk.task.stage.replace(" ", "_"), f"{desk.task.stage} of {digest}".encode())


async def forever(desk: Desk) -> None:
    """Until it is cancelled or killed."""
    await asyncio.sleep(3600)


def activities(runs: Runs, **bodies: Body) -> list[Callable[..., Any]]:
    """All stages: those named (with _ for spaces) do what is given, the others copy."""

    def one(name: str) -> Callable[..., Any]:
        body = bodies.get(name.replace(" ", "_"), copy)

        @activity.defn(name=name)
        async def stage(task: Task) -> Outcome:
            async with at_desk(task, runs.blobs, runs.metadata) as desk:
                await body(desk)
            return desk.outcome()

        return stage

    @activity.defn(name="finish")
    async def finish(ending: Ending) -> Finished:
        status = "cancelled" if ending.cancelled else "failed" if ending.problem else "verified"
        lines = tuple(_line(name, ending) for name in NAMES)
        order = ending.order
        report = Report(run_id=order.run, status=status, stack=order.stack, author=order.author, stages=lines)
        finished = Finished(report=report, problem=ending.problem)
        await runs.metadata.finish_run(order.run, order.execution, status, finished.as_data())
        return finished

    agree = Agree(runs.blobs, runs.metadata)
    return [*(one(name) for name in NAMES), agree.ask, agree.decide, finish]


async def started(runs: Runs, client: Any, text: str = "anything", patience: int | None = None) -> Any:
    """A run that has been started, and with `patience` waits so many seconds for people."""
    run = await runs.add(Request(text=text), stack="none/none", author="blueprint", preview=False, ttl=60, patience=patience)
    await runs.start(client, run)
    return run


async def ended(runs: Runs, run: Any, seconds: float = 30) -> Finished:
    """How it ended."""

    async def follow() -> None:
        async for _ in runs.events(run.id):
            pass

    await asyncio.wait_for(follow(), seconds)
    finished = await runs.finished(run.id)
    assert finished is not None
    return finished
