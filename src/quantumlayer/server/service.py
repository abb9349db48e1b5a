"""The one service of a QL_HOME as others see it: is it there, start it, stop it."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import psutil

import quantumlayer
from quantumlayer.errors import EnvironmentError_
from quantumlayer.stores.home import DATABASE, DROPS, REDIS, Home

READY_PATIENCE = 60.0
STOP_PATIENCE = 20.0
POLL_SECONDS = 0.02
IDLE_SECONDS = 900
ServiceState = Literal["starting", "ready", "stopped", "failed"]


@dataclass(frozen=True)
class Service:
    """What the supervisor writes down. `temporal` is HOST:PORT, `message` explains "failed".

    `code` tells which sources run, `stores` which database and object store they use.
    """

    pid: int
    state: ServiceState
    code: str
    temporal: str = ""
    proxy_port: int | None = None
    api_port: int | None = None
    stores: str = ""
    message: str = ""
    hint: str = ""

    def write(self, home: Home) -> None:
        """Replaces the record as a whole."""
        draft = home.service.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(home.service)


def read_service(home: Home) -> Service | None:
    """The last record, None where there is none or it is not ours."""
    try:
        return Service(**json.loads(home.service.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def running_service(home: Home) -> Service | None:
    """The record of a supervisor that lives now: a new one holds the lock before it replaces a dead one's record."""
    service = read_service(home)
    return service if service is not None and is_locked(home) and _lives(service.pid) else None


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_locked(home: Home) -> bool:
    """Whether a supervisor holds the lock of that home."""
    try:
        with home.lock.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextlib.contextmanager
def only_supervisor(home: Home) -> Iterator[bool]:
    """Holds the lock while the body runs; gives False when another supervisor holds it."""
    prepare(home)
    with home.lock.open("ab") as lock:
        # Those who only look take the lock for a moment, so one refusal means nothing.
        for _ in range(25):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(POLL_SECONDS)
            else:
                yield True
                return
        yield False


def prepare(home: Home) -> None:
    """Creates the folder. Raises `EnvironmentError_` where that cannot be."""
    try:
        for folder in (home.root, home.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        probe = home.root / f".writable-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise EnvironmentError_(
            f"cannot write to {home.root}: {error.strerror}",
            hint="free some space, or set QL_HOME to a folder that you may write to",
        ) from error


def code_digest() -> str:
    """Changes whenever the installed sources do."""
    newest, count = 0, 0
    for folder, _, names in os.walk(Path(quantumlayer.__file__).parent):
        for name in names:
            if not name.endswith(".pyc"):
                count += 1
                newest = max(newest, os.stat(os.path.join(folder, name)).st_mtime_ns)
    return f"{quantumlayer.__version__}-{count}-{newest}"


async def ensure_service(home: Home, *, busy: bool = False) -> Service:
    """The running service, started in the background where there is none. `busy` spares one that runs older sources.

    Raises `EnvironmentError_` when it does not come up, or the one that runs uses other stores.
    """
    service = running_service(home)
    if service is not None and service.stores != home.stores:
        raise EnvironmentError_(
            f"the service of {home.root} keeps its data elsewhere: it was started with another {DATABASE}, {DROPS} or {REDIS}",
            hint="set them as they were then, or stop it with: ql down",
        )
    if service is not None and service.state == "ready" and service.code != code_digest() and not busy:
        await stop_service(home)
        service = None
    if service is None:
        spawn(home)
    return await await_ready(home)


def spawn(home: Home) -> None:
    """Starts a supervisor that outlives this process. One too many ends by itself."""
    prepare(home)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"QL_HOME": str(home.root)}
    environment.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(home.caches / "hypothesis"))
    with (home.logs / "supervisor.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "quantumlayer.cli.main", "up", "--background", "--idle-exit", str(IDLE_SECONDS)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=home.root,
            env=environment,
        )


async def await_ready(home: Home) -> Service:
    """The service once it is ready. Raises `EnvironmentError_` when it failed or takes too long."""
    deadline = time.monotonic() + READY_PATIENCE
    before = read_service(home)
    while time.monotonic() < deadline:
        service = read_service(home)
        if service is not None and service.state == "ready" and running_service(home) == service:
            return service
        if service is not None and service.state == "failed" and service != before:
            raise EnvironmentError_(service.message, hint=service.hint or _logs(home))
        await asyncio.sleep(POLL_SECONDS)
    raise EnvironmentError_(f"the service did not start within {READY_PATIENCE:.0f} s", hint=_logs(home))


async def stop_service(home: Home) -> bool:
    """Asks the service to stop and waits until it has; whether there was one."""
    service = running_service(home)
    if service is None:
        return False
    deadline = time.monotonic() + STOP_PATIENCE
    with contextlib.suppress(ProcessLookupError):
        os.kill(service.pid, signal.SIGTERM)
        while is_locked(home):
            if time.monotonic() > deadline:
                os.kill(service.pid, signal.SIGKILL)
            await asyncio.sleep(POLL_SECONDS)
    return True


def stopped(service: Service) -> Service:
    """The record of a service that was asked to stop."""
    return replace(service, state="stopped")


def _logs(home: Home) -> str:
    return f"see {home.logs}/service.log and {home.logs}/supervisor.log"
