import pytest

from quantumlayer.stores.metadata import Metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where a new metadata database may be, of each kind."""
    return str(tmp_path / "metadata.db") if request.param == "sqlite" else request.getfixturevalue("postgresql")


@pytest.fixture
async def metadata(place):
    metadata = Metadata(place)
    await metadata.prepare()
    yield metadata
    await metadata.close()
