"""How far a repair came is kept in the stores as it is, and found by whoever carries the stage on, and by nobody else."""

from dataclasses import replace

import pytest

from quantumlayer.author.values import Failed, Progress, Trial
from quantumlayer.files.values import FileTree
from quantumlayer.pipeline.attempts import keep_progress, kept_progress
from quantumlayer.pipeline.values import Order, Task
from quantumlayer.pipeline.workbench import Desk
from quantumlayer.ports.llm import Answer
from quantumlayer.request.values import Request

TREE = FileTree({"bin/logo.png": b"\x89\x00\xff", "app/main.py": b"x = 1\n"}, frozenset({"app/main.py"}))
BEST = Trial(TREE, frozenset({"a", "b"}), (Failed("c", "c is wrong: …"),))
PROGRESS = Progress(
    attempts=2,
    best=BEST,
    wrong=Failed("c", "undone"),
    answer=Answer("```", "length", "scripted:m", 7, 8, None),
    seen={"ab": 2},
    models=["scripted:m"],
    tokens=15,
    usd=0.25,
    seconds=1.5,
)


@pytest.fixture
async def desk(runs):
    run = await runs.add(Request(text="x"), stack="python/fastapi", author="model", preview=False, ttl=60)
    order = Order.model_validate(run.order)

    def open_(execution=1, stage="repair"):
        task = Task(order=order.model_copy(update={"execution": execution}), stage=stage, inputs={}, outcomes=())
        return Desk(task, runs.blobs, runs.metadata)

    return open_


@pytest.mark.parametrize("progress", [PROGRESS, Progress(), replace(PROGRESS, best=None, answer=None)])
async def test_what_was_kept_is_found_as_it_was(desk, progress):
    assert await kept_progress(desk()) is None
    await keep_progress(desk(), Progress(attempts=1))
    await keep_progress(desk(), progress)
    assert await kept_progress(desk()) == progress


async def test_another_stage_and_a_resumed_run_begin_anew(desk):
    await keep_progress(desk(), PROGRESS)
    assert await kept_progress(desk(execution=2)) is None and await kept_progress(desk(stage="code")) is None
    await keep_progress(desk(execution=2), Progress(attempts=1))
    assert (await kept_progress(desk(execution=2))).attempts == 1
