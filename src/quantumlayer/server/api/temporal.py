"""The way from the API to Temporal: opened when it is needed, and starting what could not be started at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.client import Client
from temporalio.service import RPCError

from quantumlayer.errors import EnvironmentError_
from quantumlayer.pipeline.client import Runs, connect
from quantumlayer.stores.values import Run

log = logging.getLogger("quantumlayer.api")
PATIENCE = 3.0
RETRY_SECONDS = 1.0
T = TypeVar("T")


class Temporal:
    """`address` is asked for at each connection: a service that was started again listens elsewhere."""

    def __init__(self, runs: Runs, address: Callable[[], str]) -> None:
        self._runs, self._address = runs, address
        self._client: Client | None = None
        self._late: dict[str, Run] = {}
        self._retrying: asyncio.Task[None] | None = None

    async def client(self) -> Client:
        """The connection. Raises `EnvironmentError_` when Temporal does not answer soon."""
        if self._client is None:
            try:
                self._client = await asyncio.wait_for(connect(self._address()), PATIENCE)
            except TimeoutError:
                raise EnvironmentError_("Temporal does not answer", hint="start it with: ql up") from None
        return self._client

    async def answers(self) -> None:
        """Raises `EnvironmentError_` when Temporal cannot be reached now."""
        client = await self.client()
        try:
            await asyncio.wait_for(client.service_client.check_health(), PATIENCE)
        except (RPCError, TimeoutError) as error:
            self._client = None
            raise EnvironmentError_(f"Temporal does not answer: {error}", hint="start it with: ql up") from error

    async def start(self, run: Run) -> None:
        """Starts the run now, or as soon as Temporal answers again: it is written down, so nothing is lost meanwhile."""
        try:
            await self._start(run)
        except EnvironmentError_ as error:
            log.warning("run %s starts later: %s", run.id, error.message)
            self._late[run.id] = run
            if self._retrying is None or self._retrying.done():
                self._retrying = asyncio.create_task(self._retry())

    async def cancel(self, run: Run) -> None:
        """Stops the run, also one that has not been started yet. Raises `EnvironmentError_`."""
        await self._start(run)
        await self._call(self._runs.cancel(await self.client(), run))

    async def resume(self, run: Run) -> Run:
        """As `Runs.resume`; the run as it is then. Raises `EnvironmentError_`."""
        return await self._call(self._runs.resume(await self.client(), run))

    async def close(self) -> None:
        """Forgets what waits: a worker that starts takes it up."""
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)

    async def _start(self, run: Run) -> None:
        await self._call(self._runs.start(await self.client(), run))

    async def _call(self, work: Awaitable[T]) -> T:
        try:
            return await asyncio.wait_for(work, PATIENCE)
        except (RPCError, TimeoutError) as error:
            self._client = None
            raise EnvironmentError_(f"Temporal does not answer: {error}", hint="start it with: ql up") from error

    async def _retry(self) -> None:
        while self._late:
            await asyncio.sleep(RETRY_SECONDS)
            for run in list(self._late.values()):
                try:
                    await self._start(run)
                except EnvironmentError_:
                    break
                del self._late[run.id]
