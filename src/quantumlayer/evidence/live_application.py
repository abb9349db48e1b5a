"""A generated application that is started anew, on a fresh database or with another clock, as the judge asks for it."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from quantumlayer.errors import Bug
from quantumlayer.evidence.application import Application, DatabaseKind, Serving, ending
from quantumlayer.evidence.judge.app import App
from quantumlayer.spec.values import Spec

DATABASE_FILE = "app.db"


class LiveApplication:
    """One life at a time. The coroutines belong to one event loop; `database` and `output` may be asked from any thread."""

    def __init__(self, application: Application, admin: tuple[str, str] | None, kind: DatabaseKind = "sqlite") -> None:
        self._application = application
        self._kind: DatabaseKind = kind
        self._environment = {"ADMIN_IDENTIFIER": admin[0], "ADMIN_PASSWORD": admin[1]} if admin else {}
        self._database = application.database(kind)
        self._life: contextlib.AsyncExitStack | None = None
        self._serving: Serving | None = None

    async def reset(self) -> str:
        """Starts it on a fresh database, the clock right; its address."""
        await self.discard()
        self._database = self._application.database(self._kind)
        return await self._start(0)

    async def restart(self, offset: int) -> str:
        """Starts it again on the same database, the clock `offset` seconds ahead; its address."""
        await self.stop()
        return await self._start(offset)

    async def stop(self) -> str:
        """Ends the present life as an operator would; how it ended where that was not in time with exit code 0."""
        life, self._life = self._life, None
        if life is None or self._serving is None:
            return ""
        completed = await self._serving.running.stop()
        await life.aclose()
        return "" if completed.ok else ending(completed)

    async def discard(self) -> None:
        """Ends the present life at once: nobody will ask for its rows again."""
        if self._life is not None and self._serving is not None:
            await self._serving.running.stop(grace=0)
        await self.stop()

    def database(self) -> Path | None:
        """The SQLite file, once there is one."""
        path = self._database.folder / DATABASE_FILE
        return path if path.exists() else None

    def output(self) -> bytes:
        """The last that the present life, or the one before, wrote."""
        return self._serving.running.output() if self._serving is not None else b""

    @property
    def url(self) -> str:
        """Where it answers now."""
        if self._serving is None:
            raise Bug("the application was never started")
        return self._serving.url

    async def _start(self, offset: int) -> str:
        life = contextlib.AsyncExitStack()
        self._serving = await life.enter_async_context(
            self._application.start(env=self._environment, clock_offset=offset, database=self._database)
        )
        self._life = life
        return self._serving.url


@contextlib.asynccontextmanager
async def live(application: Application, spec: Spec, database: DatabaseKind = "sqlite") -> AsyncIterator[App]:
    """The application as the judge wants it, with an administrator where the spec has roles.

    Raises `NotServing`, and `EnvironmentError_` where this machine lacks the database.
    """
    admin = administrator(spec)
    running = LiveApplication(application, admin, database)
    try:
        url = await running.reset()
        yield App(
            url=url,
            admin=admin,
            reset=running.reset,
            restart=running.restart,
            stop=running.stop,
            database=running.database,
            output=running.output,
        )
    finally:
        await running.discard()


def administrator(spec: Spec) -> tuple[str, str] | None:
    """Identifier and a new password for the first administrator, None where the spec has no roles."""
    if not spec.roles or spec.auth is None:
        return None
    field = spec.entities[spec.auth.entity].fields.get(spec.auth.identifier)
    is_mail = spec.auth.identifier == "email" or (field is not None and field.format == "email")
    return ("admin@example.com" if is_mail else "administrator", secrets.token_urlsafe(18))
