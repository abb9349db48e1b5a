"""What previews keep in QL_HOME: a folder per preview, the proxy's record and lock, and a pipe that wakes it."""

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from quantumlayer.errors import EnvironmentError_

LOG_BYTES = 256 * 1024


class PreviewHome:
    """Paths and the few files below `home`. Nothing here needs a running proxy."""

    def __init__(self, home: Path) -> None:
        self.root = home / "previews"

    def folder(self, preview_id: str) -> Path:
        """Where one preview keeps its source and its database."""
        return self.root / "apps" / preview_id

    def folders(self) -> tuple[str, ...]:
        """The ids that have a folder."""
        apps = self.root / "apps"
        return tuple(sorted(p.name for p in apps.iterdir())) if apps.is_dir() else ()

    def remove(self, preview_id: str) -> None:
        """Deletes the folder with all that is in it; does nothing where there is none."""
        shutil.rmtree(self.folder(preview_id), ignore_errors=True)

    def write_log(self, preview_id: str, output: bytes) -> None:
        """Keeps the last 256 KiB of what the application wrote."""
        folder = self.folder(preview_id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "app.log").write_bytes(output[-LOG_BYTES:])

    def read_log(self, preview_id: str) -> bytes:
        """What `write_log` kept; empty where there is nothing."""
        try:
            return (self.folder(preview_id) / "app.log").read_bytes()
        except FileNotFoundError:
            return b""

    def holder(self) -> str:
        """The name under which this home's proxy leases previews, made at the first call."""
        path = self.root / "holder"
        with contextlib.suppress(FileNotFoundError):
            if name := path.read_text().strip():
                return name
        draft = path.with_suffix(".new")
        draft.write_text(secrets.token_hex(16))
        draft.replace(path)
        return path.read_text()

    def port(self) -> int | None:
        """Where the proxy listened last."""
        try:
            return int(json.loads((self.root / "proxy.json").read_text())["port"])
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def record(self, port: int) -> None:
        """Writes down where the proxy listens, for others and for its own next start."""
        whole = self.root / "proxy.json.new"
        whole.write_text(json.dumps({"port": port, "pid": os.getpid()}))
        whole.replace(self.root / "proxy.json")

    @contextlib.contextmanager
    def only_proxy(self) -> Iterator[None]:
        """Holds the lock that keeps a second proxy out. Raises `EnvironmentError_` when there is one already."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.root / "proxy.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EnvironmentError_(
                    "another preview proxy runs for the same QL_HOME", hint="stop it, or choose another QL_HOME"
                ) from None
            yield

    def wake(self) -> bool:
        """Tells the proxy to look at the registry at once; whether there is a proxy to hear it."""
        try:
            pipe = os.open(self.root / "wake", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            os.write(pipe, b"!")
        except BlockingIOError:
            return True
        finally:
            os.close(pipe)
        return True

    @contextlib.contextmanager
    def wakeable(self, on_wake: Callable[[], None]) -> Iterator[None]:
        """Calls `on_wake` in the running event loop after every `wake` of any process."""
        path = self.root / "wake"
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        loop = asyncio.get_running_loop()

        def drain() -> None:
            os.read(pipe, 65536)
            on_wake()

        loop.add_reader(pipe, drain)
        try:
            yield
        finally:
            loop.remove_reader(pipe)
            os.close(pipe)
