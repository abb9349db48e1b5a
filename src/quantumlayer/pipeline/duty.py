"""Which workers of a QL_HOME live, as locked files tell; what one that died was doing is given to others at once.

A file is locked for as long as its process lives, however that ends. Who can lock the file of another worker knows that it
died, and alone takes care of what it left: two would hand the same stage on twice. That a whole machine is gone is told by the
silence of its heartbeats alone.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, Any

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Interceptor

from quantumlayer.errors import EnvironmentError_, QuantumLayerError
from quantumlayer.pipeline.client import Runs
from quantumlayer.pipeline.once import Once

log = logging.getLogger("quantumlayer.pipeline")
LOOK_SECONDS = 0.5
# A task that was on its way to a worker when that died is told as begun only later.
LOOKS = 12


@contextlib.asynccontextmanager
async def on_duty(runs: Runs, client: Client, folder: Path, *around: Interceptor) -> AsyncIterator[dict[str, Any]]:
    """Arguments for a worker whose death others of the same folder see, while it takes care of theirs; `around` its stages.

    Raises `EnvironmentError_` when nothing can be written there.
    """
    with _present(folder) as identity:
        watching = asyncio.create_task(_watch(runs, client, folder))
        try:
            yield {"identity": identity, "interceptors": [Once(runs.metadata), *around]}
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


@contextlib.contextmanager
def _present(folder: Path) -> Iterator[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path, file = _enter(folder)
    except OSError as error:
        raise EnvironmentError_(
            f"cannot write to {folder}: {error.strerror}",
            hint="free some space, or set QL_HOME to a folder that you may write to",
        ) from error
    with file:
        try:
            yield path.name
        finally:
            path.unlink(missing_ok=True)


def _enter(folder: Path) -> tuple[Path, IO[bytes]]:
    while True:
        path = folder / f"{os.getpid()}@{socket.gethostname()}.{secrets.token_hex(4)}"
        file = _locked(path, "xb")
        if file is not None:
            return path, file


def _locked(path: Path, mode: str) -> IO[bytes] | None:
    """None where another one holds the lock, or did until it deleted the file."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(path.open(mode))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_nlink == 0:
                return None
        except BlockingIOError:
            return None
        stack.pop_all()
        return file


def _departed(folder: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if (file := _locked(path, "rb")) is not None:
                yield path, file


async def _watch(runs: Runs, client: Client, folder: Path) -> None:
    async with asyncio.TaskGroup() as group:
        while True:
            for path, file in _departed(folder):
                group.create_task(_take_over(runs, client, path, file))
            await asyncio.sleep(LOOK_SECONDS)


async def _take_over(runs: Runs, client: Client, path: Path, file: IO[bytes]) -> None:
    with file:
        log.warning("the worker %s ended in the middle of its work; others go on with it", path.name)
        looks = 0
        while looks < LOOKS:
            try:
                for run in await runs.metadata.unfinished():
                    await _hand_on(client, runs.handle(client, run), path.name)
                looks += 1
            except (RPCError, QuantumLayerError) as error:
                log.info("what the worker %s was doing cannot be seen: %s", path.name, error)
            except Exception:
                log.exception("what the worker %s was doing cannot be given to others", path.name)
            await asyncio.sleep(LOOK_SECONDS)
        path.unlink(missing_ok=True)


async def _hand_on(client: Client, workflow: WorkflowHandle[object, object], identity: str) -> None:
    """Ends the attempts of that worker as lost, so that the server gives them to others."""
    with _unless_over():
        described = (await workflow.describe()).raw_description
        execution = described.workflow_execution_info.execution
        for pending in described.pending_activities:
            if pending.last_worker_identity != identity:
                continue
            attempt = client.get_async_activity_handle(
                workflow_id=execution.workflow_id, run_id=execution.run_id, activity_id=pending.activity_id
            )
            with _unless_over():
                if pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED:
                    await attempt.fail(ApplicationError("the worker that did it ended", type="WorkerLost"))
                elif pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED:
                    await attempt.report_cancellation()


@contextlib.contextmanager
def _unless_over() -> Iterator[None]:
    """What the server does not know any more has ended meanwhile."""
    try:
        yield
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
