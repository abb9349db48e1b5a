"""Bytes between the host and a server inside: streaming, half-closing, many connections, WebSockets, blocking callers."""

import asyncio
import hashlib
import http.client
import os
import subprocess
import urllib.parse
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from quantumlayer.conformance.sandbox.lab import laboratory
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox, bridge
from quantumlayer.sandboxes.bubblewrap.identity import runtime_folder

ECHO = """
import asyncio
async def serve(reader, writer):
    total = b""
    while chunk := await reader.read(65536):
        writer.write(chunk.swapcase())
        await writer.drain()
    writer.write(b"<end>")
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 8000)
    print("ready", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


@asynccontextmanager
async def serving(code: str):
    async with laboratory(BubblewrapSandbox()) as lab, lab.sandbox.start(lab.command(code), 8000) as server:
        for _ in range(500):
            if b"ready" in server.output():
                break
            await asyncio.sleep(0.02)
        yield server


def port_of(url: str) -> int:
    return urllib.parse.urlsplit(url).port or 0


@pytest.mark.parametrize("way", ["tcp", "unix", "direct"])
async def test_half_closing_and_large_streams_arrive_whole(way: str):
    content = b"abc" * 3_000_000
    async with serving(ECHO) as server:
        match way:
            case "tcp":
                reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server.url))
            case "unix":
                reader, writer = await asyncio.open_unix_connection(str(server.socket))
            case _:
                reader, writer = await asyncio.open_connection(sock=await server.connect())

        async def send():
            writer.write(content)
            await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        answer = await asyncio.wait_for(reader.read(-1), 20)
        await sending
        writer.close()
    assert hashlib.sha256(answer).digest() == hashlib.sha256(content.upper() + b"<end>").digest()


async def test_hundreds_of_connections_at_once():
    async with serving(ECHO) as server:

        async def one(number: int) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server.url))
            writer.write(f"Connection {number}".encode())
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(-1), 20)
            writer.close()
            return answer

        answers = await asyncio.gather(*(one(n) for n in range(300)))
    assert answers == [f"cONNECTION {n}<end>".encode() for n in range(300)]


async def test_nobody_listening_is_a_closed_connection_and_not_a_hang():
    async with serving("print('ready', flush=True); time.sleep(30)") as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server.url))
        writer.write(b"hello")
        with pytest.raises(ConnectionError):
            answer = await asyncio.wait_for(reader.read(10), 5)
            assert answer == b""
            raise ConnectionError
        with pytest.raises(ConnectionError):
            await server.connect()


async def test_connections_end_with_the_server():
    async with serving(ECHO) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server.url))
        writer.write(b"hello")
        assert await reader.read(5) == b"HELLO"
        await server.stop()
        assert not Path(server.socket).exists()
        with pytest.raises(ConnectionError):
            if not await asyncio.wait_for(reader.read(1), 5):
                raise ConnectionError


async def test_a_caller_that_blocks_its_own_loop_is_served():
    code = "import http.server; print('ready', flush=True); http.server.test(http.server.SimpleHTTPRequestHandler, port=8000)"
    async with serving(code) as server:
        for _ in range(200):
            connection = http.client.HTTPConnection("127.0.0.1", port_of(server.url), timeout=5)
            try:
                connection.request("GET", "/")
                status = connection.getresponse().status
                break
            except (ConnectionError, http.client.HTTPException):
                await asyncio.sleep(0.02)
            finally:
                connection.close()
    assert status == 200


async def test_web_sockets_pass():
    code = """
import asyncio, base64, hashlib
async def serve(reader, writer):
    head = (await reader.readuntil(b"\\r\\n\\r\\n")).decode()
    key = next(line.split(": ")[1] for line in head.split("\\r\\n") if line.lower().startswith("sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    fields = ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}"]
    writer.write("\\r\\n".join(["HTTP/1.1 101 Switching Protocols", *fields, "", ""]).encode())
    while True:
        first, second = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        text = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(second & 127)))
        writer.write(bytes([0x81, len(text)]) + text[::-1])
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 8000)
    print("ready", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
    async with serving(code) as server, aiohttp.ClientSession() as client, client.ws_connect(server.url) as socket:
        for word in ("hello", "world"):
            await socket.send_str(word)
            assert await socket.receive_str(timeout=5) == word[::-1]


async def test_a_socket_that_a_killed_process_left_is_deleted_and_those_of_the_living_stay():
    dead = subprocess.Popen(["true"])
    dead.wait()
    left, kept = runtime_folder() / f"{dead.pid}-0123456789ab.sock", runtime_folder() / f"{os.getpid()}-0123456789ab.sock"
    left.touch()
    kept.touch()
    bridge._sockets.cache_clear()
    async with serving(ECHO) as server:
        assert server.socket.exists() and kept.exists() and not left.exists()
    kept.unlink()
