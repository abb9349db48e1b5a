"""RealWorld: generates the application from the suite's OpenAPI file and a few sentences, starts it, and runs the suite's
Postman collection against it. Prints how many of the collection's assertions pass.

    npm install --prefix DIR newman            # once, outside the repository
    python benchmarks/realworld.py --newman DIR/node_modules/.bin/newman [--suite DIR] [--mock] [--app DIR]

`--mock` runs the collection against the reference model instead of a generated application, which takes seconds. `--app` takes
sources that `ql generate --out` wrote, with their environment in `.venv`. Exit code 0: every assertion passed; 1: some failed;
2: newman or the suite is missing.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITE = ROOT.parent / "shared" / "suites" / "realworld"
QL = Path(sys.executable).parent / "ql"
REQUEST = (
    "Only the author of an article can update or delete it. Only the author of a comment can delete it. "
    "The tags of an article are kept in alphabetical order."
)
SECONDS = 60


def main() -> int:
    """Parse, serve, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--suite", type=Path, default=SUITE)
    parser.add_argument("--newman", default=shutil.which("newman"))
    parser.add_argument("--mock", action="store_true")
    parser.add_argument("--app", type=Path)
    options = parser.parse_args()
    if not options.newman or not (options.suite / "openapi.yml").is_file():
        print("newman or the suite is missing: see the text at the top of this file", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        place, began = Path(folder), time.perf_counter()
        if options.mock:
            url = stack.enter_context(mocked(options.suite, place))
        else:
            url = stack.enter_context(started(options.app or generated(options.suite, place), place))
        print(f"serving after {time.perf_counter() - began:.1f} s")
        passed, total = played(options.newman, options.suite, url, place)
    print(
        f"{passed} of {total} assertions pass ({100 * passed / total:.1f} %)" if total else "the collection made no assertion"
    )
    return 0 if total and passed == total else 1


def generated(suite: Path, place: Path) -> Path:
    """The sources of a generated application, with their environment."""
    out = place / "app"
    command = [
        str(QL),
        "generate",
        REQUEST,
        "--openapi",
        str(suite / "openapi.yml"),
        "--out",
        str(out),
        "--no-preview",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    run = json.loads(done.stdout) if done.stdout.strip() else {}
    print(f"ql generate: exit {done.returncode}, {run.get('status', 'no result')}, {run.get('seconds', 0):.1f} s")
    for requirement in run.get("requirements", ()):
        if requirement["status"] != "met":
            print(f"  {requirement['id']} {requirement['status']}: {requirement['text'][:120]}")
    if not (out / "requirements.txt").is_file():
        sys.exit(f"no application was written: {done.stderr[-1000:]}")
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", ".venv"], cwd=out, check=True)
    subprocess.run([*uv, "pip", "sync", "--quiet", "--python", ".venv/bin/python", "requirements.txt"], cwd=out, check=True)
    return out


@contextlib.contextmanager
def started(app: Path, place: Path) -> Iterator[str]:
    """The application's address while it runs on an empty database."""
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1", "DATABASE_URL": f"sqlite:///{place}/app.db"}
    with served([".venv/bin/python", "-m", "app"], port, app, environment) as url:
        yield url


@contextlib.contextmanager
def mocked(suite: Path, place: Path) -> Iterator[str]:
    """The address of the reference model."""
    code = (
        "import sys; from pathlib import Path; from quantumlayer.request.enhance import enhance; "
        "from quantumlayer.request.values import Request, SourceFile; from quantumlayer.spec.draft_frd import draft_frd; "
        "from quantumlayer.spec.draft_spec import draft_spec; from quantumlayer.spec.yaml_form import dump_spec; "
        "file = SourceFile(name='openapi.yml', text=Path(sys.argv[1]).read_text()); "
        "spec = draft_spec(draft_frd(enhance(Request(text=sys.argv[2], files=(file,))))); "
        "Path(sys.argv[3]).write_text(dump_spec(spec))"
    )
    spec, port = place / "spec.yaml", free_port()
    subprocess.run([sys.executable, "-c", code, str(suite / "openapi.yml"), REQUEST, str(spec)], check=True)
    with served([str(QL), "spec", "mock", str(spec), "--port", str(port)], port, place, dict(os.environ)) as url:
        yield url


@contextlib.contextmanager
def served(command: list[str], port: int, folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Runs a server until the block ends."""
    url = f"http://127.0.0.1:{port}"
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline and process.poll() is None:
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"{url}/health", timeout=2).close()
                    break
                time.sleep(0.2)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def played(newman: str, suite: Path, url: str, place: Path) -> tuple[int, int]:
    """(assertions that passed, all). newman exits 0 on a bad option, so its report is what counts."""
    report = place / "report.json"
    variables = {"APIURL": f"{url}/api", "USERNAME": "u1", "EMAIL": "u1@mail.com", "PASSWORD": "password"}
    given = [part for name, value in variables.items() for part in ("--global-var", f"{name}={value}")]
    command = [newman, "run", str(suite / "Conduit.postman_collection.json"), "--delay-request", "1", *given]
    subprocess.run([*command, "-r", "json", "--reporter-json-export", str(report)], capture_output=True)
    if not report.is_file():
        return 0, 0
    run = json.loads(report.read_text())["run"]
    counts = run["stats"]["assertions"]
    for failure in run["failures"]:
        print(f"  {failure['source'].get('name', '')}: {failure['error']['message'] or failure['error']['test']}")
    return counts["total"] - counts["failed"], counts["total"]


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main())
