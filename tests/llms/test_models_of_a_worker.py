"""What a worker keeps open while the configuration changes under it."""

import json
from types import SimpleNamespace

import pytest

from quantumlayer.account.memory import MemoryBook
from quantumlayer.gateway.breakers import MemoryCircuits
from quantumlayer.pipeline.models import Models
from quantumlayer.pipeline.values import Order
from quantumlayer.ports.llm import Prompt


@pytest.fixture
def models(tmp_path):
    return Models(tmp_path, MemoryBook(), MemoryCircuits())


async def heard(*_):
    pass


async def gateway(models, number):
    """A gateway by the configuration of that number."""
    script = models.home / "script.json"
    script.write_text(json.dumps(["said"] * 20))
    lines = f'[roles]\ncoder = "scripted:m{number}"\n[models."scripted:m{number}"]\npath = "{script}"\n'
    (models.home / "models.toml").write_text(lines)
    order = Order(run="r", stack="python/fastapi", author="auto", inputs={})
    desk = SimpleNamespace(task=SimpleNamespace(order=order, stage="code"), heard=heard, said=None)
    return await models.gateway(desk)


def closed(models, opened):
    """Of the models that were opened, which are no longer kept."""
    return [name for name, pool in opened.items() if all(pool is not kept.pool for kept in models._open.values())]


async def test_models_that_a_stage_may_still_ask_stay_open_and_others_are_closed(models):
    first, opened = await gateway(models, 0), {}
    assert (await first.ask("coder", Prompt("s", "t"))).text == "said"
    opened[0] = first.pool
    for number in range(1, 8):
        opened[number] = (await gateway(models, number)).pool
    assert closed(models, opened) == [1, 2, 3] and first.pool._models
    assert (await first.ask("coder", Prompt("s", "t"))).text == "said"
    del first
    opened[8] = (await gateway(models, 8)).pool
    assert closed(models, opened) == [0, 1, 2, 3, 4] and not opened[0]._models


async def test_the_same_configuration_is_opened_once(models):
    assert (await gateway(models, 1)).pool is (await gateway(models, 1)).pool
