"""How long `ql --help` takes: target under 300 ms. Usage: python benchmarks/cli.py [RUNS]"""

import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from table import median, show

TARGET_MS = 300


def measure(argv: list[str], runs: int) -> float:
    """Median wall time in milliseconds of a command that must succeed."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - began) * 1000)
    return median(times)


def main() -> None:
    """Measures and prints."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    ql = str(Path(sysconfig.get_path("scripts")) / "ql")
    bare = measure([sys.executable, "-c", "pass"], runs)
    helped = measure([ql, "--help"], runs)
    rows = [("python -c pass", bare, ""), ("ql --help", helped, f"{TARGET_MS}")]
    show(f"Command line, median of {runs}", ["command", "ms", "target ms"], rows)


if __name__ == "__main__":
    main()
