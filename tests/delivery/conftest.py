import contextlib

import pytest_asyncio
import uvloop
from preview_world import World
from sqlalchemy.ext.asyncio import create_async_engine

from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.table_registry import TableRegistry


def pytest_asyncio_loop_factories():
    """The loop that `ql proxy` runs in."""
    return {"uvloop": uvloop.new_event_loop}


@contextlib.asynccontextmanager
async def a_world(folder):
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/metadata.db")
    world = World(folder, TableRegistry(engine), PreviewHome(folder))
    await world.registry.prepare()
    yield world
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path):
    async with a_world(tmp_path) as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory):
    """A world whose proxy runs for all tests of a module."""
    async with a_world(tmp_path_factory.mktemp("served")) as world, world.proxy():
        yield world
