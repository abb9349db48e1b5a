"""A machine that is far too busy: stages are late, and yet each is done once."""

import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack

import pytest

from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.pipeline.duty import on_duty
from quantumlayer.pipeline.serving import serving
from quantumlayer.pipeline.stages import NAMES
from quantumlayer.server.supervisor import free_port, temporal_argv
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata
from tests.pipeline.scripted import activities, copy, ended, started

SPINNERS = 8 * (os.cpu_count() or 1)
BLOCKED_SECONDS = 8


@pytest.mark.matrix
async def test_a_worker_that_is_starved_for_seconds_loses_no_stage(tmp_path):
    """Eight busy programs for each processor, and two stages that let nothing else of their worker run for eight seconds."""
    begun = Counter()

    async def counted(desk):
        begun[desk.task.stage] += 1
        if desk.task.stage in ("code", "sandbox validation"):
            time.sleep(BLOCKED_SECONDS)
        await copy(desk)

    home, port = Home(tmp_path / "home"), free_port()
    home.root.mkdir()
    with ExitStack() as stack:
        for argv in [temporal_argv(home, port), *[[sys.executable, "-c", "while True: pass"]] * SPINNERS]:
            process = stack.enter_context(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            stack.callback(process.kill)
        metadata = Metadata(home.database)
        await metadata.prepare()
        runs, client = Runs(metadata, FolderBlobs(home.blobs)), await connect(f"127.0.0.1:{port}")
        stages = activities(runs, **{name.replace(" ", "_"): counted for name in NAMES})
        async with on_duty(runs, client, home.workers) as duty, serving(client, stages, duty=duty):
            run = await started(runs, client)
            assert (await ended(runs, run, 300)).report.status == "verified"
        await metadata.close()
    assert begun == dict.fromkeys(NAMES, 1)
