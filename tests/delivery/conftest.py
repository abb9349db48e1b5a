import pytest
from preview_world import World
from sqlalchemy.ext.asyncio import create_async_engine

from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.registry import Registry


@pytest.fixture
async def world(tmp_path):
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/metadata.db")
    yield World(tmp_path, Registry(engine), PreviewHome(tmp_path))
    await engine.dispose()
