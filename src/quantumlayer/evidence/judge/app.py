"""The application under judgement, as the judge sees it: an address, and what else its keeper can do."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class App:
    """`url` is where it runs now. The capabilities are None where there are none:

    `reset()` starts it on a fresh database with clock offset 0 and answers its address;
    `restart(seconds)` starts it again on the same database with that clock offset and answers its address;
    `stop()` asks it to end (SIGTERM) and answers how it did, empty where in time and with exit code 0;
    `database()` is the SQLite file, `output()` the last of its log. `admin` is (identifier, password) of the configured
    administrator.
    """

    url: str
    admin: tuple[str, str] | None = None
    reset: Callable[[], Awaitable[str]] | None = None
    restart: Callable[[int], Awaitable[str]] | None = None
    stop: Callable[[], Awaitable[str]] | None = None
    database: Callable[[], Path | None] | None = None
    output: Callable[[], bytes] | None = None


class Handle:
    """The application from the judge's own thread. Capabilities run on the event loop that owns them."""

    def __init__(self, app: App, loop: asyncio.AbstractEventLoop) -> None:
        self._app, self._loop = app, loop
        self.url = app.url
        self.admin = app.admin
        self.offset = 0
        self.can_reset = app.reset is not None
        self.can_restart = app.restart is not None

    def reset(self) -> None:
        """A fresh database. Raises whatever the keeper raises."""
        assert self._app.reset is not None
        self.url = self._wait(self._app.reset())
        self.offset = 0

    def restart(self, offset: int) -> None:
        """The same database, another clock."""
        assert self._app.restart is not None
        self.url = self._wait(self._app.restart(offset))
        self.offset = offset

    def stop(self) -> str | None:
        """How it ends on SIGTERM, empty where all is well; None where it cannot be asked to."""
        return self._wait(self._app.stop()) if self._app.stop else None

    def database(self) -> Path | None:
        """The SQLite file, where it can be had."""
        return self._app.database() if self._app.database else None

    def log_tail(self) -> str:
        """The last lines of the application's log, to explain a crash."""
        if self._app.output is None:
            return ""
        return "\n".join(self._app.output().decode(errors="replace").splitlines()[-8:])[-1500:]

    def _wait(self, awaitable: Awaitable[str]) -> str:
        async def run() -> str:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()
