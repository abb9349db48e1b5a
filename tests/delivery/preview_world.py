import asyncio
import contextlib
import os
import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp

from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.previews import open_preview
from quantumlayer.delivery.proxy import running_proxy
from quantumlayer.delivery.registry import Registry
from quantumlayer.delivery.values import Preview
from quantumlayer.ports.sandbox import Completed

APP = Path(__file__).parent / "preview_app.py"


class HostRunning:
    def __init__(self, process, socket):
        self.process, self.socket, self._out = process, socket, bytearray()
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        while chunk := await self.process.stdout.read(4096):
            self._out += chunk

    async def wait(self):
        code = await self.process.wait()
        await self._reader
        return Completed("exited", code, bytes(self._out), b"", 0)

    def output(self):
        return bytes(self._out)


@contextlib.asynccontextmanager
async def launch(preview, folder):
    socket = Path(tempfile.mkdtemp()) / "s"
    env = dict(
        os.environ,
        PORT="0",
        SOCKET=str(socket),
        DATABASE_URL=f"sqlite:///{folder}/app.db",
        BROKEN="1" if preview.capsule.read_bytes() == b"broken" else "",
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, APP, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        yield HostRunning(process, socket)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


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

    async def eventually(self, preview, status, path="/health", patience=10.0):
        """Waits until the address answers with that status."""
        async with asyncio.timeout(patience):
            while (await self.get(preview, path))[0] != status:
                await asyncio.sleep(0.05)


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
