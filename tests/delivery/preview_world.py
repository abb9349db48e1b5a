import asyncio
import contextlib
import os
import sys
import sysconfig
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import psutil

from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.previews import open_preview
from quantumlayer.delivery.proxy import running_proxy
from quantumlayer.delivery.registry import Registry
from quantumlayer.delivery.values import Preview, now
from quantumlayer.evidence.application import Serving, healthy
from quantumlayer.ports.sandbox import Command, Mount
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox

APP = Path(__file__).parent / "preview_app.py"


@contextlib.asynccontextmanager
async def launch(preview, folder):
    """The application of these tests in the real sandbox, its data in the preview's folder."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    mounts = (Mount(APP, "/app.py"), Mount(Path(sysconfig.get_path("purelib")), "/site"), Mount(data, "/data", True))
    env = {"PYTHONPATH": "/site", "DATABASE_URL": "sqlite:////data/app.db"} | preview.environment
    if preview.capsule.read_bytes() == b"broken":
        env["BROKEN"] = "1"
    command = Command((os.path.realpath(sys.executable), "-B", "/app.py", preview.id), "/data", mounts, env)
    async with BubblewrapSandbox().start(command) as running:
        await healthy(running, 30)
        yield Serving(running.url, running.socket, running, 0)


@dataclass
class World:
    """A home with a registry, and clients for what the proxy serves."""

    folder: Path
    registry: Registry
    home: PreviewHome

    def capsule(self, content: bytes = b"fine") -> Path:
        path = self.folder / f"{content.decode()}.capsule"
        path.write_bytes(content)
        return path

    async def open(self, run: str = "run1", seconds: float = 60, content: bytes = b"fine", **more) -> Preview:
        return await open_preview(self.registry, self.home, self.capsule(content), timedelta(seconds=seconds), run, **more)

    async def end_in(self, preview, seconds: float) -> None:
        """Moves the end of a live preview, so that a slow start does not eat a short life."""
        await self.registry.change(preview.id, expires_at=now() + timedelta(seconds=seconds))
        self.home.wake()

    def proxy(self, **more):
        return running_proxy(self.registry, self.home, launch, **more)

    async def get(self, preview, path="/", method="GET", **more):
        """Status, headers and body of one request."""
        async with (
            client(preview) as session,
            session.request(method, path, allow_redirects=False, **more) as answer,
        ):
            body = await answer.read()
            return answer.status, answer.headers, await answer.json() if answer.content_type.endswith("json") else body

    async def eventually(self, preview, status, path="/health", patience=60.0):
        """Waits until it answers with that status; the preview as it is then, for another proxy may have another port."""
        async with asyncio.timeout(patience):
            while True:
                preview = await self.registry.get(preview.id) or preview
                with contextlib.suppress(aiohttp.ClientConnectorError):
                    if (await self.get(preview, path))[0] == status:
                        return preview
                await asyncio.sleep(0.05)

    async def becomes(self, preview, state, patience=20.0):
        """Waits until the registry says so."""
        async with asyncio.timeout(patience):
            while (await self.registry.get(preview.id)).state != state:
                await asyncio.sleep(0.05)


def processes(preview):
    """The host's processes that run the preview's application."""
    return [p for p in psutil.process_iter(["cmdline"]) if preview.id in (p.info["cmdline"] or ())]


def client(preview, **more):
    host = f"{preview.id}.preview.localhost:{preview.port}"
    return aiohttp.ClientSession(f"http://127.0.0.1:{preview.port}", headers={"Host": host}, **more)


async def raw(port: int, head: str, body: bytes = b"") -> bytes:
    """What the proxy answers to exactly these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.replace("\n", "\r\n").encode() + body)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()
