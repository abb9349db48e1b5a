"""Resident memory of the platform after a run: proportional set size of the service's processes. Target under 500 MB.

Usage: python benchmarks/memory.py [PROMPT]. Uses the service of QL_HOME; where there is none, starts one and stops it again.
"""

import asyncio
import subprocess
import sys

import psutil
from end_to_end import PROMPT, SCRIPTS
from table import show

from quantumlayer.server.service import ensure_service, running_service, stop_service
from quantumlayer.stores.home import default_home

TARGET_MB = 500
MB = 1024 * 1024


def name(process: psutil.Process) -> str:
    """The part of the service that a process is."""
    words = process.cmdline()
    if "quantumlayer.cli.main" in words:
        return "ql " + words[words.index("quantumlayer.cli.main") + 1]
    return process.name()


async def main() -> None:
    """Measures and prints."""
    home = default_home()
    was_running = running_service(home) is not None
    prompt = sys.argv[1] if len(sys.argv) > 1 else PROMPT
    subprocess.run(
        [SCRIPTS / "ql", "generate", prompt, "--yes", "--no-preview", "--json"], stdout=subprocess.DEVNULL, check=True
    )
    service = await ensure_service(home, busy=True)
    supervisor = psutil.Process(service.pid)
    rows = [(name(p), p.pid, p.memory_full_info().pss / MB) for p in (supervisor, *supervisor.children(recursive=True))]
    rows.append(("together", "", sum(row[2] for row in rows)))
    show(f"Memory of the service (target: under {TARGET_MB} MB)", ["process", "pid", "PSS in MB"], rows)
    if not was_running:
        await stop_service(home)


if __name__ == "__main__":
    asyncio.run(main())
