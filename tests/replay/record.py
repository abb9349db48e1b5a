"""Records histories of the pipeline's workflow, as Temporal keeps them: python tests/replay/record.py [VERSION]

Once a version is released its folder stays as it is for ever: runs of that version may be going on while a newer worker
starts. Only the folder of the version that is not released yet may be recorded again.
"""

import asyncio
import json
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from quantumlayer import __version__

sys.path.insert(0, str(Path(__file__).parents[1] / "pipeline"))

from scripted import activities, ended, forever, started

from quantumlayer.errors import EnvironmentError_
from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.pipeline.serving import serving
from quantumlayer.pipeline.workbench import NotRun
from quantumlayer.server.supervisor import free_port, temporal_argv
from quantumlayer.stores.folder import FolderBlobs
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata

HISTORIES = Path(__file__).with_name("histories")


async def fail(desk):
    raise EnvironmentError_("no sandbox", hint="install one")


async def nothing(desk):
    raise NotRun("there is nothing to do")


async def at_first_fail(desk):
    desk.fail("the checks do not hold")


async def record(folder, home, port):
    metadata = Metadata(home.database)
    await metadata.prepare()
    runs, client = Runs(metadata, FolderBlobs(home.blobs)), await connect(f"127.0.0.1:{port}")

    async def save(name, workflow):
        history = json.loads((await client.get_workflow_handle(workflow).fetch_history()).to_json())
        (folder / f"{name}.json").write_text(json.dumps(_anonymous(history), separators=(",", ":"), sort_keys=True) + "\n")

    scenarios = {
        "verified": {},
        "failed": {"code": fail},
        "failed_beside_others": {"test_code": fail, "documentation": forever},
        "stages_not_run": {"repair": nothing, "performance": nothing, "preview": nothing},
        "checks_failed": {"sandbox_validation": at_first_fail},
    }
    for name, bodies in scenarios.items():
        async with serving(client, activities(runs, **bodies)):
            run = await started(runs, client)
            await ended(runs, run)
            await save(name, run.id)
    async with serving(client, activities(runs, sandbox_validation=forever)):
        run = await started(runs, client)
        while "sandbox validation" not in str([e.data for e in await runs.metadata.events(run.id)]):
            await asyncio.sleep(0.05)
        await save("at_work", run.id)
        await runs.cancel(client, run)
        await ended(runs, run)
        await save("cancelled", run.id)
    async with serving(client, activities(runs)):
        run = await started(runs, client)
        await ended(runs, run)
        before = {d.stage: d for d in await runs.metadata.drops(run.id, current=True)}
        again = await runs.rollback(client, await runs.find(run.id), before["structure"])
        await ended(runs, again)
        await save("rolled_back", f"{run.id}.2")
    await metadata.close()


def _anonymous(value):
    """Without the names of the machine, its folders and the processes that recorded it."""
    if isinstance(value, dict):
        return {key: _anonymous(each) for key, each in value.items() if key not in ("stackTrace", "identity")}
    if isinstance(value, list):
        return [_anonymous(each) for each in value]
    return re.sub(rf"\d+@{re.escape(socket.gethostname())}", "recorder", value) if isinstance(value, str) else value


def main():
    folder = HISTORIES / (sys.argv[1] if len(sys.argv) > 1 else __version__)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        home, port = Home(Path(place)), free_port()
        with subprocess.Popen(temporal_argv(home, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                asyncio.run(record(folder, home, port))
            finally:
                server.kill()
    print(f"{len(list(folder.glob('*.json')))} histories in {folder}")


if __name__ == "__main__":
    main()
