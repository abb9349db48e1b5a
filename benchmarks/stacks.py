"""The stacks side by side. What was measured is kept in QL_HOME/stacks.json; a second call goes on, --again starts anew.

Usage: python benchmarks/stacks.py emission|phases|requests|twelve|conformance [--stack STACK]… [--again] [--write]

`--write` puts the table into docs/stacks.md, with the day and the load of the machine (running processes for each processor,
before the measurement began).

  emission     milliseconds from a specification to all files, the median of many
  phases       seconds to install (nothing cached, downloads cached, all cached), to build and to start
  requests     lists and creations a second, beside a hand-written twin of the same framework (benchmarks/twins/LANG-FRAMEWORK)
  twelve       verified share of the analyst's twelve requests, as `benchmarks/twelve.py --stack STACK` left it
  conformance  what `ql blueprint check` remembers: units that passed, faults caught

Nothing else should run beside `emission`, `phases` and `requests`. `twelve` and `conformance` only read what was left.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from table import median, show

from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.catalog.places import place_of
from quantumlayer.conformance.blueprint.place import Place
from quantumlayer.conformance.blueprint.suite import Suite, units_of
from quantumlayer.conformance.blueprint.workbench import Workbench
from quantumlayer.evidence.application import Application, Serving, unpacked
from quantumlayer.files.values import FileTree
from quantumlayer.stores.home import default_home

TWINS = Path(__file__).parent / "twins"
PAGE = Path(__file__).parent.parent / "docs" / "stacks.md"
SPEC = "todo"
RUNS = 25
SECONDS = 5.0
CONNECTIONS = 16
# Lists count all rows: both applications have as many, whichever creates more of them in the time.
ROWS = 1000
BODY = json.dumps({"title": "Buy milk", "priority": "high", "due_date": "2031-05-05"})
CREATE = (
    f"POST /tasks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n{BODY}".encode()
)
LIST = b"GET /tasks?limit=20 HTTP/1.1\r\nhost: x\r\n\r\n"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
# JSON has no such line.
LAST_CHUNK = b"\r\n0\r\n\r\n"


def place_at(stack: str, home: Path) -> Place:
    """A stack, tried with what is installed at `home`."""
    return place_of(known_blueprints(default_home().root), stack, home)


def emission(stack: str) -> dict[str, float]:
    """Milliseconds by specification, and those of its first rendering, in a process that has rendered another one before."""
    place, found = place_at(stack, default_home().root), {}
    place.subject("booking")
    for name in ("todo", "library", "blog"):
        spec = place.spec(name)
        plan = place.planned(spec)
        times = []
        for _ in range(RUNS + 1):
            began = time.perf_counter()
            place.rendered(spec, plan)
            times.append((time.perf_counter() - began) * 1000)
        found |= {name: round(median(times[1:]), 1), f"{name} first": round(times[0], 1)}
    return found


async def phases(stack: str) -> dict[str, float]:
    """Seconds. `cold` begins with an empty QL_HOME, `downloaded` keeps only what the package client downloaded."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="ql-phases-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        for name in ("cold", "downloaded", "cached"):
            if name == "downloaded":
                shutil.rmtree(home / "cache" / "environments")
            async with _application(stack, home) as application:
                began = time.monotonic()
                check = await application.install()
                assert check.status == "passed", check.message
                found[f"install {name}"] = time.monotonic() - began
                began = time.monotonic()
                assert all(check.status == "passed" for check in await application.build())
                found[f"build {name}"] = time.monotonic() - began
                database = application.database()
                for life in ("first", "again"):
                    async with application.start(database=database) as serving:
                        found[f"start {life} {name}"] = serving.seconds
    return {name: round(seconds, 2) for name, seconds in found.items()}


@contextlib.asynccontextmanager
async def _application(stack: str, home: Path, tree: FileTree | None = None) -> AsyncIterator[Application]:
    place = place_at(stack, home)
    spec = place.spec(SPEC)
    source = tree or place.rendered(spec, place.planned(spec))["source"]
    async with unpacked(source, place.blueprint.value, place.language, place.sandbox, home) as application:
        yield application


async def requests(stack: str) -> dict[str, float]:
    """Answers a second, in turns of generated and twin, so that both meet the same machine."""
    twin = TWINS / stack.replace("/", "-")
    if not twin.is_dir():
        return {}
    place = place_at(stack, default_home().root)
    pins = {name: path.read_bytes() for name, path in place.blueprint.below("pins").items()}
    own = {str(path.relative_to(twin)): path.read_bytes() for path in twin.rglob("*") if path.is_file()}
    found: dict[str, float] = {}
    for name, tree in (("generated", None), ("twin", FileTree(pins | own))):
        async with _application(stack, default_home().root, tree) as application:
            for check in (await application.install(), *await application.build()):
                assert check.status == "passed", check.message
            async with application.start() as serving:
                await _filled(serving)
                for what, request, status in (("list", LIST, b"200"), ("create", CREATE, b"201")):
                    found[f"{what} {name}"] = round(await _rate(serving, request, status))
    for what in ("create", "list"):
        found[f"{what} ratio"] = round(found[f"{what} generated"] / found[f"{what} twin"], 2)
    return found


async def _filled(serving: Serving) -> None:
    left = iter(range(ROWS))
    await _answers(serving, CREATE, b"201", lambda: next(left, None) is not None)


async def _rate(serving: Serving, request: bytes, status: bytes) -> float:
    """Answers a second over all connections."""
    began = time.monotonic()
    count = await _answers(serving, request, status, lambda: time.monotonic() < began + SECONDS)
    return count / (time.monotonic() - began)


async def _answers(serving: Serving, request: bytes, status: bytes, more: Callable[[], bool]) -> int:
    """How many answers came, over all connections. Raises where one has another status: an error is quickly given."""

    async def one() -> int:
        reader, writer = await asyncio.open_unix_connection(str(serving.socket))
        count = 0
        while more():
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head[9:12] == status, head[:200]
            if length := LENGTH.search(head):
                await reader.readexactly(int(length[1]))
            else:
                await reader.readuntil(LAST_CHUNK)
            count += 1
        writer.close()
        return count

    return sum(await asyncio.gather(*(one() for _ in range(CONNECTIONS))))


def twelve(stack: str) -> dict[str, Any]:
    """What the last run of benchmarks/twelve.py left."""
    try:
        known = json.loads((default_home().root / f"twelve-{re.sub(r'[^a-z0-9]+', '-', stack)}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    verified = sum(one["status"] == "verified" for one in known.values())
    met, asked = (sum(one.get(key, 0) for one in known.values()) for key in ("met", "of"))
    return {"verified": f"{verified} of {len(known)}", "requirements": f"{met} of {asked} met"}


async def conformance(stack: str) -> dict[str, Any]:
    """What is remembered of the present state; nothing is tried."""
    place = place_at(stack, default_home().root)
    found: dict[str, list[bool]] = {}
    async with Workbench(place) as bench:
        suite = Suite.at(bench)
        for unit in units_of(place):
            found.setdefault(unit.kind, []).append(await suite.passed(unit))
    return {kind: f"{sum(passed)} of {len(passed)}" for kind, passed in found.items()}


async def measured(what: str, stacks: list[str], again: bool) -> AsyncIterator[dict[str, dict[str, Any]]]:
    """What is known by stack, once more after each that was measured; what is known is not measured again.

    With the day and, where the clock matters, the load before.
    """
    memory = default_home().root / "stacks.json"
    known = json.loads(memory.read_text("utf-8")) if memory.exists() else {}
    table = known.setdefault(what, {})
    for stack in stacks:
        if what in ("twelve", "conformance") or again or stack not in table:
            load = os.getloadavg()[0] / (os.cpu_count() or 1)
            table[stack] = await _measure(what, stack)
            if table[stack] and what in ("emission", "phases", "requests"):
                table[stack] |= {"load": round(load, 1), "day": time.strftime("%Y-%m-%d")}
            memory.parent.mkdir(parents=True, exist_ok=True)
            part = memory.with_suffix(".part")
            part.write_text(json.dumps(known, indent=1), "utf-8")
            part.replace(memory)
        yield {name: found for name, found in sorted(table.items()) if found}


async def _measure(what: str, stack: str) -> dict[str, Any]:
    match what:
        case "emission":
            # A process of its own: what another stack left there would help the first renderings.
            with ProcessPoolExecutor(1, get_context("spawn")) as alone:
                return alone.submit(emission, stack).result()
        case "phases":
            return await phases(stack)
        case "requests":
            return await requests(stack)
        case "twelve":
            return twelve(stack)
    return await conformance(stack)


def table_of(found: dict[str, dict[str, Any]]) -> tuple[list[str], list[tuple[object, ...]]]:
    """Its columns and rows."""
    columns = list(dict.fromkeys(name for one in found.values() for name in one))
    return columns, [(stack, *(one.get(column, "not measured") for column in columns)) for stack, one in found.items()]


def write(what: str, columns: list[str], rows: list[tuple[object, ...]]) -> None:
    """Puts the table between its marks in docs/stacks.md."""
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    table = "\n".join([f"<!-- {what} -->", *lines, f"<!-- end of {what} -->"])
    text = PAGE.read_text("utf-8")
    place = re.compile(rf"<!-- {what} -->.*?<!-- end of {what} -->", re.DOTALL)
    assert place.search(text), f"{PAGE.name} has no place for {what}"
    PAGE.write_text(place.sub(lambda _: table, text), "utf-8")


async def shown(what: str, stacks: list[str], again: bool, written: bool) -> None:
    """Measures and prints; `written` puts the table into the page after each stack, so that what was done stays."""
    columns, rows = [], []
    async for found in measured(what, stacks, again):
        columns, rows = table_of(found)
        if written:
            write(what, columns, rows)
    show(what, ["stack", *columns], rows)


def main() -> None:
    """Measures what is missing and prints all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("emission", "phases", "requests", "twelve", "conformance"))
    parser.add_argument("--stack", action="append")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    stacks = options.stack or sorted(known_blueprints(default_home().root).by_id)
    asyncio.run(shown(options.what, stacks, options.again, options.write))


if __name__ == "__main__":
    main()
