"""A day of hourly runs, one after the other without the hours between: does the service stay as it was?

Usage: python benchmarks/soak.py [--runs 24] [--dir DIR]. Each run is a whole one without a preview; after it, `ql gc`
deletes what is older than the last three. Resumable: what was measured is kept as lines of JSON in DIR (default: ql-soak
in the temporary folder) and not repeated; a service that was started anew is told, because its memory begins anew too.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import psutil
from table import show
from throughput import all_ended, create, ready

from quantumlayer.stores.home import Home

PORT = 18990
KEPT_RUNS = 3
RUN_SECONDS = 900.0
MB = 1e6


def sample(home: Home, service: psutil.Process) -> dict[str, float]:
    """Memory and disk in MB, open files, processes and threads of the service and all below it."""
    memory = files = threads = processes = 0
    for process in [service, *service.children(recursive=True)]:
        try:
            memory += process.memory_full_info().pss
            files += process.num_fds()
            threads += process.num_threads()
            processes += 1
        except psutil.Error:
            continue
    disk = sum(path.lstat().st_blocks * 512 for path in home.root.rglob("*") if not path.is_dir())
    return {"memory": memory / MB, "disk": disk / MB, "files": files, "threads": threads, "processes": processes}


async def soak(folder: Path, wanted: int) -> list[dict[str, float]]:
    """Carries out the runs that are missing; all samples, one for each run."""
    kept, home = folder / "samples.jsonl", Home(folder / "home")
    samples = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    if len(samples) >= wanted:
        return samples[:wanted]
    environment = os.environ | {"QL_HOME": str(home.root)}
    ql = [sys.executable, "-m", "quantumlayer.cli.main"]
    began: list[float] = []
    with subprocess.Popen(
        [*ql, "up", "--api-port", str(PORT)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as service:
        try:
            async with aiohttp.ClientSession(await ready(home)) as api:
                while len(samples) < wanted:
                    began.append(time.time())
                    outcomes = await all_ended(api, [await create(api)], RUN_SECONDS)
                    if outcomes != ["verified"]:
                        raise SystemExit(f"run {len(samples) + 1} ended as {outcomes or 'nothing'}: nothing is flat about that")
                    age = time.time() - began[-KEPT_RUNS:][0] + 1
                    collected = [*ql, "gc", "--older-than", f"{age:.0f}s"]
                    subprocess.run(collected, env=environment, stdout=subprocess.DEVNULL, check=True)
                    samples.append(sample(home, psutil.Process(service.pid)) | {"run": len(samples) + 1, "pid": service.pid})
                    with kept.open("a") as file:
                        file.write(json.dumps(samples[-1]) + "\n")
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(60)
    return samples


def main() -> None:
    """Reads the arguments, carries out what is missing, prints beginning, middle and end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=24)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "ql-soak")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    samples = asyncio.run(soak(options.dir, options.runs))
    # The first run fills caches.
    first = samples[1] if len(samples) > 1 else samples[0]
    middle, last = samples[len(samples) // 2], samples[-1]
    names = ("memory", "disk", "files", "threads", "processes")
    rows = [
        ("memory MB" if n == "memory" else "disk MB" if n == "disk" else n, first[n], middle[n], last[n], last[n] / first[n])
        for n in names
    ]
    columns = ("", f"run {first['run']:.0f}", f"run {middle['run']:.0f}", f"run {last['run']:.0f}", "end : start")
    show(f"{len(samples)} runs, {len({s['pid'] for s in samples})} start(s) of the service", columns, rows)


if __name__ == "__main__":
    main()
