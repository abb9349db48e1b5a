"""Request to verified preview, against the bare toolchain doing the same by hand for the same application.

Usage: python benchmarks/end_to_end.py [--cold] [--runs N] [PROMPT]

Warm: service up, caches filled; targets: at most 1.25 x by hand, under 10 s. By hand: install from uv's cache, byte-compile,
lint, unit tests, start, first 200 from /health, acceptance suite. With --cold also one run in a new QL_HOME, whose caches are
all empty; target: under 60 s.
"""

import argparse
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from table import median, show

from quantumlayer.blueprint.load import load_blueprints
from quantumlayer.blueprint.values import Blueprint
from quantumlayer.capsule.verify import unpack
from quantumlayer.stores.home import default_home

PROMPT = (
    "A to-do API: tasks have a title, optional notes, a due date, a priority (low, medium, high) and a done flag. "
    "List tasks filtered by done and priority, newest first."
)
SCRIPTS = Path(sysconfig.get_path("scripts"))
RATIO, WARM_SECONDS, COLD_SECONDS = 1.25, 10, 60
ENDED_WELL = (0, 3)
ADMIN = ("admin@example.com", secrets.token_urlsafe(18))


def generate(prompt: str, home: Path) -> tuple[float, dict]:
    """Wall seconds of `ql generate` from process start until its preview answers, and its report."""
    began = time.perf_counter()
    done = subprocess.run(
        [SCRIPTS / "ql", "generate", prompt, "--yes", "--json"],
        capture_output=True,
        text=True,
        env=os.environ | {"QL_HOME": str(home)},
    )
    if done.returncode not in ENDED_WELL:
        raise SystemExit(f"ql generate ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    report = json.loads(done.stdout)
    await_health(report["preview_url"], 5)
    return time.perf_counter() - began, report


def await_health(url: str, patience: float) -> None:
    """Returns at the first 200 of /health. The name below `localhost` is resolved here: not every resolver knows it."""
    host = url.split("/")[2]
    request = urllib.request.Request(f"http://127.0.0.1:{host.rpartition(':')[2]}/health", headers={"Host": host})
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError):
            pass
        if time.monotonic() > deadline:
            raise SystemExit(f"{url} does not answer")
        time.sleep(0.02)


def by_hand(capsule: Path, blueprint: Blueprint, home: Path) -> dict[str, float]:
    """Seconds of each step that a person would type, on the capsule's own sources, with the same warm download cache."""
    with tempfile.TemporaryDirectory() as folder:
        unpack(capsule, Path(folder) / "capsule")
        source = Path(folder) / "capsule" / "source"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = os.environ | {
            "PATH": f"{SCRIPTS}:{os.environ['PATH']}",
            "UV_CACHE_DIR": str(home / "cache" / "downloads" / blueprint.language / "uv"),
            "PORT": str(port),
            "DATABASE_URL": f"sqlite:///{folder}/app.db",
            "ADMIN_IDENTIFIER": ADMIN[0],
            "ADMIN_PASSWORD": ADMIN[1],
        }
        env.pop("VIRTUAL_ENV", None)
        commands = blueprint.commands
        steps = {"install": commands.install, "build": commands.build, "lint": commands.lint, "unit tests": commands.test}
        seconds = {name: run(argvs, source, env) for name, argvs in steps.items()}
        began = time.perf_counter()
        server = subprocess.Popen(commands.run, cwd=source, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            await_health(f"http://127.0.0.1:{port}/", 30)
            seconds["start"] = time.perf_counter() - began
            suite = [(sys.executable, "run.py", "--url", f"http://127.0.0.1:{port}", "--admin", ":".join(ADMIN))]
            seconds["acceptance"] = run(suite, source.parent / "acceptance", env)
        finally:
            server.terminate()
            server.wait()
    return seconds


def run(argvs: tuple[tuple[str, ...], ...] | list[tuple[str, ...]], folder: Path, env: dict[str, str]) -> float:
    """Wall seconds of commands that must all succeed."""
    began = time.perf_counter()
    for argv in argvs:
        done = subprocess.run(argv, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}\n{done.stdout[-2000:]}")
    return time.perf_counter() - began


def warm(prompt: str, runs: int) -> None:
    """Fills the caches with one run, then measures both ways, alternating."""
    home = default_home().root
    _, report = generate(prompt, home)
    blueprint = load_blueprints().get(report["stack"]).value
    ours, theirs = [], []
    for _ in range(runs):
        seconds, report = generate(prompt, home)
        ours.append((seconds, report))
        theirs.append(by_hand(Path(report["capsule"]), blueprint, home))
    rows = [(name, median(hand[name] for hand in theirs)) for name in theirs[0]]
    hand = median(sum(steps.values()) for steps in theirs)
    show("By hand", ["step", "s"], [*rows, ("together", hand)])
    seconds, report = sorted(ours, key=lambda pair: pair[0])[len(ours) // 2]
    show("QuantumLayer, stages (some run at once)", ["stage", "s"], [(s["name"], s["seconds"]) for s in report["stages"]])
    rows = [("ql generate", seconds, WARM_SECONDS), ("by hand", hand, ""), ("ratio", seconds / hand, RATIO)]
    show(f"Request to preview, warm, {report['status']}, median of {runs}", ["", "s", "target"], rows)


def cold(prompt: str) -> None:
    """One run where nothing was there before: no service, no environment, no downloads."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        try:
            seconds, report = generate(prompt, home)
        finally:
            subprocess.run([SCRIPTS / "ql", "down"], env=os.environ | {"QL_HOME": str(home)}, capture_output=True)
            shutil.rmtree(home, ignore_errors=True)
    rows = [("ql generate", seconds, COLD_SECONDS)]
    show(f"Request to preview, cold, {report['status']}", ["", "s", "target"], rows)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prompt", nargs="?", default=PROMPT)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--runs", type=int, default=5)
    wanted = parser.parse_args()
    warm(wanted.prompt, wanted.runs)
    if wanted.cold:
        cold(wanted.prompt)


if __name__ == "__main__":
    main()
