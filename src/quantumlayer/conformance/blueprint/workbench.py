"""Applications under trial, one at a time: while the specification stays the same, only what changed is built anew."""

import asyncio
import contextlib
import shutil
from types import TracebackType

from quantumlayer.conformance.blueprint.place import Place, Subject
from quantumlayer.evidence.application import Application, unpacked
from quantumlayer.evidence.values import Check
from quantumlayer.files.values import FileTree
from quantumlayer.files.write_files import write_files


class Workbench:
    """Holds the last application until another is asked for, or the context ends."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._subjects: dict[str, Subject] = {}
        self._folders = contextlib.AsyncExitStack()
        self._name = ""
        self._tree = FileTree({})
        self._application: Application | None = None
        self._checks: tuple[Check, ...] = ()

    async def __aenter__(self) -> "Workbench":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._folders.aclose()

    async def subject(self, name: str) -> Subject:
        """What a reference spec becomes here, made once. Raises `UserError`."""
        if name not in self._subjects:
            self._subjects[name] = await asyncio.to_thread(self.place.subject, name)
        return self._subjects[name]

    async def built(self, name: str, tree: FileTree) -> tuple[Application, tuple[Check, ...]]:
        """The application of these sources, and how its installation and building ended; after a failure the rest is missing.

        What building left beside the sources for the same spec is used again, as a developer's machine would.
        """
        application = self._application
        if application is not None and name == self._name and tree == self._tree and self._checks:
            return application, self._checks
        self._checks = ()
        if application is None or name != self._name:
            await self._folders.aclose()
            place = self.place
            application = await self._folders.enter_async_context(
                unpacked(tree, place.blueprint.value, place.language, place.sandbox, place.home)
            )
        else:
            await asyncio.to_thread(_replace, application, self._tree, tree)
        self._application, self._name, self._tree = application, name, tree
        checks = [await application.install()]
        if checks[0].status == "passed":
            checks += await application.build()
        self._checks = tuple(checks)
        return application, self._checks


def _replace(application: Application, before: FileTree, tree: FileTree) -> None:
    """Other sources in a new folder; what stood beside the former ones moves there: nothing is written where a build wrote."""
    sources = {path.partition("/")[0] for path in (*before.files, *tree.files)}
    former = application.source.rename(application.folder / "former")
    application.source.mkdir()
    write_files(tree, application.source)
    for entry in former.iterdir():
        if entry.name not in sources:
            entry.rename(application.source / entry.name)
    shutil.rmtree(former)
