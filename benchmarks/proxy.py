"""The preview proxy against the application directly: requests per second and latency, through the real sandbox.

Usage: python benchmarks/proxy.py [SECONDS]. Aim: at least 0.6 of direct, at most 1 ms more at one client.
"""

import asyncio
import contextlib
import os
import sys
import sysconfig
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import uvloop
from sqlalchemy.ext.asyncio import create_async_engine
from table import median, show

from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.previews import open_preview
from quantumlayer.delivery.proxy import running_proxy
from quantumlayer.delivery.table_registry import TableRegistry
from quantumlayer.delivery.values import Preview
from quantumlayer.evidence.application import Serving, healthy
from quantumlayer.ports.sandbox import Command, Mount, Running
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox

APP = """
import os
from aiohttp import web
async def answer(request):
    return web.json_response({"status": "ok", "items": list(range(100))})
app = web.Application()
app.router.add_get("/{path:.*}", answer)
web.run_app(app, port=int(os.environ["PORT"]), host="127.0.0.1", print=None, access_log=None)
"""


async def measure(where: str, seconds: float, clients: int) -> tuple[float, float]:
    """Requests per second and the median latency in ms, by clients in a process of their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--client", where, str(seconds), str(clients), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit("the clients failed: nothing was measured")
    rate, latency = map(float, output.split())
    return rate, latency


async def ask(where: str, seconds: float, clients: int) -> None:
    """The clients. `where` is a Unix socket's path, or a preview's host name with port. Each answer must be whole."""
    latencies: list[float] = []
    connector = aiohttp.UnixConnector(where) if "/" in where else aiohttp.TCPConnector()
    base = "http://app" if "/" in where else f"http://127.0.0.1:{where.rpartition(':')[2]}"
    async with aiohttp.ClientSession(base, connector=connector, headers={"Host": where.rpartition("/")[2]}) as session:
        end = time.perf_counter() + seconds

        async def client() -> None:
            while time.perf_counter() < end:
                began = time.perf_counter()
                async with session.get("/tasks?limit=10") as answer:
                    body = await answer.read()
                if answer.status != 200 or len(body) < 300:
                    raise SystemExit(f"a request failed with {answer.status}")
                latencies.append(time.perf_counter() - began)

        await asyncio.gather(*(client() for _ in range(clients)))
    print(len(latencies) / seconds, median(latencies) * 1000)


async def main() -> None:
    """Measures and prints."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    running: list[Running] = []
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "app.py"
        program.write_text(APP)

        @contextlib.asynccontextmanager
        async def launch(preview: Preview, own: Path) -> AsyncIterator[Serving]:
            mounts = (Mount(program, "/app.py"), Mount(Path(sysconfig.get_path("purelib")), "/site"), Mount(own, "/data", True))
            command = Command((os.path.realpath(sys.executable), "/app.py"), "/data", mounts, env={"PYTHONPATH": "/site"})
            async with BubblewrapSandbox().start(command) as server:
                await healthy(server, 10)
                running.append(server)
                yield Serving(server.url, server.socket, server, 0)

        engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/metadata.db")
        registry, home = TableRegistry(engine), PreviewHome(Path(folder))
        await registry.prepare()
        async with running_proxy(registry, home, launch) as port:
            preview = await open_preview(registry, home, program, timedelta(minutes=10), "benchmark")
            if preview.state != "ready":
                raise SystemExit(f"the application did not start: {preview.message}")
            await compare(running[0], f"{preview.id}.preview.localhost:{port}", seconds)
        await engine.dispose()


async def compare(server: Running, host: str, seconds: float) -> None:
    """The same requests on both ways, twice, alternating."""
    rows = []
    for clients in (1, 16):
        bare, through, busy = (0.0, 0.0), (0.0, 0.0), 0.0
        for _ in range(2):
            bare = max(bare, await measure(str(server.socket), seconds, clients))
            before = time.process_time()
            through = max(through, passed := await measure(host, seconds, clients))
            busy = (time.process_time() - before) / (passed[0] * seconds) * 1000
        rows.append((clients, bare[0], through[0], through[0] / bare[0], bare[1], through[1], busy))
    columns = ["clients", "direct req/s", "proxy req/s", "ratio", "direct ms", "proxy ms", "proxy's CPU ms"]
    show("Preview proxy; clients, proxy and application share this machine's cores", columns, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        asyncio.run(ask(sys.argv[2], float(sys.argv[3]), int(sys.argv[4])))
    else:
        # As `ql proxy` does.
        uvloop.run(main())
