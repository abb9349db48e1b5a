import subprocess

import pytest

from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.server.supervisor import free_port, temporal_argv
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata


@pytest.fixture(scope="session")
def temporal(tmp_path_factory):
    """HOST:PORT of one Temporal server for all tests."""
    home, port = Home(tmp_path_factory.mktemp("temporal")), free_port()
    with subprocess.Popen(temporal_argv(home, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        yield f"127.0.0.1:{port}"
        server.kill()


@pytest.fixture
async def client(temporal):
    return await connect(temporal)


@pytest.fixture
async def runs(tmp_path):
    metadata = Metadata(tmp_path / "metadata.db")
    await metadata.prepare()
    yield Runs(metadata, FolderBlobs(tmp_path / "drops"))
    await metadata.close()
