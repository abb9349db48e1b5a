"""What the sandbox costs, as ratios to the bare command. Usage: python benchmarks/sandbox.py [RUNS]

Start of a command; requests to a server inside, through the relay's TCP port and Unix socket and straight to it; a server's
way from start to its first answer.
"""

import asyncio
import http.client
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from table import median, show

from quantumlayer.ports.sandbox import Command, Mount
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox
from quantumlayer.sandboxes.bubblewrap.adapter import RunningServer
from quantumlayer.sandboxes.bubblewrap.arguments import base_python

PORT = 8931
SECONDS = 2.0
SERVER = """
import asyncio, sys
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok"
class Answering(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        self.transport.write(ANSWER * data.count(b"\\r\\n\\r\\n"))
async def main():
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
asyncio.run(main())
"""


class SocketConnection(http.client.HTTPConnection):
    """A connection over a socket that is made by `open`."""

    def __init__(self, make) -> None:
        super().__init__("localhost")
        self._make = make

    def connect(self) -> None:
        """Opens it."""
        self.sock = self._make()
        self.sock.setblocking(True)


def unix(path: Path) -> socket.socket:
    """Connected to the Unix socket."""
    connected = socket.socket(socket.AF_UNIX)
    connected.connect(str(path))
    return connected


def requests_per_second(make, connections: int = 4) -> float:
    """Keep-alive GETs answered with 200 by blocking clients, a thread each."""
    counts = [0] * connections
    deadline = time.perf_counter() + SECONDS

    def client(number: int) -> None:
        connection = SocketConnection(make)
        while time.perf_counter() < deadline:
            connection.request("GET", "/")
            answer = connection.getresponse()
            if answer.status != 200 or answer.read() != b"ok":
                raise SystemExit("a wrong answer")
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=client, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def until_listening(make) -> float:
    """Seconds until a connection is answered."""
    began = time.perf_counter()
    while True:
        try:
            connection = SocketConnection(make)
            connection.request("GET", "/")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            time.sleep(0.002)
        else:
            return time.perf_counter() - began
        finally:
            connection.close()


def direct() -> socket.socket:
    """To the bare server."""
    return socket.create_connection(("127.0.0.1", PORT))


async def measure_start(sandbox: BubblewrapSandbox, mount: Mount, runs: int) -> list[tuple[str, float, float, float]]:
    """Rows of bare and confined milliseconds."""
    rows = []
    for name, argv in (("true", ("/bin/true",)), ("python -c pass", (str(base_python()), "-I", "-c", "pass"))):
        bare, confined = [], []
        for _ in range(runs):
            began = time.perf_counter()
            subprocess.run(argv, check=True)
            bare.append(time.perf_counter() - began)
            completed = await sandbox.run(Command(argv, "/work", (mount,)))
            if not completed.ok:
                raise SystemExit(f"{argv} ended as {completed}")
            confined.append(completed.seconds)
        rows.append((f"start {name}, ms", median(bare) * 1000, median(confined) * 1000, median(confined) / median(bare)))
    return rows


async def measure_serving(sandbox: BubblewrapSandbox, mount: Mount) -> list[tuple[str, float, float, float]]:
    """Rows of requests a second, and of the milliseconds until a server answers."""
    bare = subprocess.Popen([str(base_python()), "-I", "-c", SERVER, str(PORT)])
    try:
        bare_up = until_listening(direct)
        bare_rate = requests_per_second(direct)
    finally:
        bare.terminate()
        bare.wait()
    began = time.perf_counter()
    command = Command((str(base_python()), "-I", "-c", SERVER, "8000"), "/work", (mount,))
    async with sandbox.start(command, 8000) as server:
        ways = ways_to(server, asyncio.get_running_loop())
        await asyncio.to_thread(until_listening, ways["relay TCP"])
        up = time.perf_counter() - began
        rows = [("server until first answer, ms", bare_up * 1000, up * 1000, up / bare_up)]
        for name, make in ways.items():
            rate = await asyncio.to_thread(requests_per_second, make)
            rows.append((f"requests/s, {name}", bare_rate, rate, rate / bare_rate))
    return rows


def ways_to(server: RunningServer, loop: asyncio.AbstractEventLoop) -> dict:
    """How to connect, by name."""
    port = int(server.url.rpartition(":")[2])
    return {
        "relay TCP": lambda: socket.create_connection(("127.0.0.1", port)),
        "relay Unix": lambda: unix(server.socket),
        "connect()": lambda: asyncio.run_coroutine_threadsafe(server.connect(), loop).result(),
    }


async def main() -> None:
    """Measures and prints."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    folder = Path(tempfile.mkdtemp())
    try:
        sandbox, mount = BubblewrapSandbox(), Mount(folder, "/work", writable=True)
        await sandbox.probe()
        rows = [*await measure_start(sandbox, mount, runs), *await measure_serving(sandbox, mount)]
    finally:
        shutil.rmtree(folder)
    show("Sandbox", ["what", "bare", "sandboxed", "ratio"], rows)


if __name__ == "__main__":
    asyncio.run(main())
