import asyncio
import os
import subprocess
import sys

import pytest

from quantumlayer.errors import EnvironmentError_
from quantumlayer.server import service as services
from quantumlayer.server.service import Service, await_ready, only_supervisor, running_service
from quantumlayer.stores.home import Home


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture(params=["gone", "zombie"])
def dead_pid(request):
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    process.stdout.read()
    if request.param == "gone":
        process.wait()
    else:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid
    process.stdout.close()
    process.wait()


def test_the_record_of_a_killed_supervisor_is_not_taken_for_the_one_that_starts_now(home, dead_pid, monkeypatch):
    monkeypatch.setattr(services, "READY_PATIENCE", 0.2)
    with only_supervisor(home) as alone:
        assert alone
        Service(dead_pid, "ready", "code", temporal="127.0.0.1:1").write(home)
        assert running_service(home) is None
        with pytest.raises(EnvironmentError_, match="did not start"):
            asyncio.run(await_ready(home))


def test_a_living_supervisor_is_found_while_it_holds_the_lock(home):
    record = Service(os.getpid(), "ready", "code", temporal="127.0.0.1:1")
    with only_supervisor(home):
        record.write(home)
        assert running_service(home) == record
        assert asyncio.run(await_ready(home)) == record
    assert running_service(home) is None
