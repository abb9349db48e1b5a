"""How a preview's application is run: the bytes of the sealed capsule, verified again, installed, in a sandbox of its own."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from quantumlayer.capsule.keys import public_key
from quantumlayer.capsule.verify import read_source
from quantumlayer.delivery.values import Preview
from quantumlayer.errors import EnvironmentError_
from quantumlayer.evidence.application import Application, Database, Serving
from quantumlayer.files.write_files import write_files
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.ports.sandbox import MIB, Limits

FOREVER = float("inf")
LIMITS = Limits(memory=1024 * MIB, processes=128, cpu_seconds=7 * 24 * 3600, wall_seconds=FOREVER)


class CapsuleLaunch:
    """Implements `delivery.keeper.Launch`."""

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools

    @contextlib.asynccontextmanager
    async def __call__(self, preview: Preview, folder: Path) -> AsyncIterator[Serving]:
        """Runs the capsule's sources; rows are kept in `folder`/data between restarts.

        Raises `Tampered` when the capsule does not verify, `EnvironmentError_` when this machine cannot run it, `NotServing`.
        """
        tools = self._tools
        manifest, tree = await asyncio.to_thread(read_source, preview.capsule, public_key(tools.home.root))
        blueprint = tools.blueprints.get(manifest.stack).value
        language = tools.languages[blueprint.language]
        application = Application(tree, blueprint, language, tools.sandbox, tools.home.root, folder / "app", LIMITS)
        await asyncio.to_thread(_fresh, application.source)
        await asyncio.to_thread(write_files, tree, application.source)
        installed = await application.install()
        if installed.status != "passed":
            raise EnvironmentError_(
                f"the dependencies cannot be installed: {installed.message}", hint="is the registry reachable?"
            )
        rows = folder / "data"
        rows.mkdir(exist_ok=True)
        async with application.start(env=preview.environment, database=Database(rows)) as serving:
            yield serving


def _fresh(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
