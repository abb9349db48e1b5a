"""How a preview's application is run: the bytes of the sealed capsule, verified again, installed, in a sandbox of its own."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

from quantumlayer.blueprint.load import Stacks
from quantumlayer.capsule.keys import public_key
from quantumlayer.capsule.verify import read_source
from quantumlayer.delivery.values import Preview
from quantumlayer.errors import EnvironmentError_
from quantumlayer.evidence.application import FOREVER, Application, Database, Serving
from quantumlayer.files.write_files import write_files
from quantumlayer.ports.language import Language
from quantumlayer.ports.sandbox import MIB, Limits, Sandbox

LIMITS = Limits(memory=1024 * MIB, processes=128, cpu_seconds=7 * 24 * 3600, wall_seconds=FOREVER)


class CapsuleLaunch:
    """Implements `delivery.keeper.Launch`. `home` is QL_HOME, for its signing key and its cache of installed dependencies.

    `fetch` finds the capsule of a preview that was ordered on another machine.
    """

    def __init__(
        self,
        home: Path,
        sandbox: Sandbox,
        languages: Mapping[str, Language],
        blueprints: Stacks,
        fetch: Callable[[Preview], Awaitable[Path]],
    ) -> None:
        self._home, self._sandbox, self._languages, self._blueprints = home, sandbox, languages, blueprints
        self._fetch = fetch

    @contextlib.asynccontextmanager
    async def __call__(self, preview: Preview, folder: Path) -> AsyncIterator[Serving]:
        """Runs the capsule's sources; rows are kept in `folder`/data between restarts.

        Raises `Tampered` when the capsule does not verify, `EnvironmentError_` when this machine cannot run it, `NotServing`.
        """
        capsule = await self._fetch(preview)
        manifest, tree = await asyncio.to_thread(read_source, capsule, public_key(self._home))
        blueprint = self._blueprints.get(manifest.stack).value
        language = self._languages.get(blueprint.language)
        if language is None:
            raise EnvironmentError_(f"there is no language adapter {blueprint.language!r}", hint="see: ql stacks")
        application = Application(tree, blueprint, language, self._sandbox, self._home, folder / "app", LIMITS)
        await asyncio.to_thread(_fresh, application.source)
        await asyncio.to_thread(write_files, tree, application.source)
        installed = await application.install()
        if installed.status != "passed":
            raise EnvironmentError_(
                f"the dependencies cannot be installed: {installed.message}", hint="is the registry reachable?"
            )
        # A compiler needs more than the application that it makes.
        for built in await replace(application, limits=Limits()).built():
            if built.status != "passed":
                raise EnvironmentError_(f"the application cannot be built: {built.message}", hint="see: ql doctor")
        rows = folder / "data"
        rows.mkdir(exist_ok=True)
        async with application.start(env=preview.environment, database=Database(rows)) as serving:
            yield serving


def _fresh(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
