"""A tiny stack for tests of the machinery around applications: pytest from the registry, a standard library server."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quantumlayer.blueprint.values import Blueprint
from quantumlayer.files.values import FileTree, tree
from quantumlayer.ports.language import Conventions, Toolchain

UV = Path(sys.prefix) / "bin"

SERVER = """
import json, os, signal, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

path = os.environ["DATABASE_URL"].removeprefix("sqlite:///")

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/count":
            rows = int(open(path).read()) if os.path.exists(path) else 0
            open(path, "w").write(str(rows + 1))
            body = json.dumps({"count": rows + 1, "offset": os.environ["CLOCK_OFFSET_SECONDS"]}).encode()
        else:
            body = b'{"status": "ok"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
TESTS = "def test_sum():\n    assert 1 + 1 == 2\n\ndef test_wrong():\n    assert 1 + 1 == 3\n"
COVERAGE = (
    '<coverage><packages><package><classes><class><lines><line number="1" hits="1"/><line number="2" hits="0"/></lines>'
    "</class></classes></package></packages></coverage>"
)


@dataclass(frozen=True)
class TinyLanguage:
    """Python with uv, as far as the sandboxed application asks."""

    name: str = "tiny"
    conventions: Conventions = field(
        default=Conventions(
            grammar="python",
            suffixes=(".py",),
            manifest_files=(),
            lock_files=("requirements.lock",),
            installed=".venv",
            cache_folders={"uv": "UV_CACHE_DIR"},
            environment={"UV_LINK_MODE": "copy", "UV_PYTHON_DOWNLOADS": "never"},
        )
    )

    def probe(self) -> Toolchain:
        return Toolchain(True, sys.version)

    def toolchain_folders(self) -> tuple[str, ...]:
        return (str(UV),)


def tiny_language() -> Any:
    return TinyLanguage()


def tiny_blueprint(**commands: Any) -> Blueprint:
    python = str(Path(sys.base_prefix).resolve() / "bin" / "python3")
    wanted = {
        "install": (
            (f"{UV}/uv", "venv", "--python", python, ".venv"),
            (f"{UV}/uv", "pip", "install", "-r", "requirements.lock"),
        ),
        "build": ((".venv/bin/python", "-m", "compileall", "-q", "server.py"),),
        "test": (
            ("sh", "-c", "cp cover.xml coverage.xml; .venv/bin/python -m pytest -q -p no:cacheprovider --junitxml=junit.xml"),
        ),
        "run": (".venv/bin/python", "server.py"),
    }
    return Blueprint.model_validate(
        {
            "id": "tiny/http",
            "version": "1.0.0",
            "title": "Tiny",
            "description": "For tests",
            "provides": ["http"],
            "requires": {"toolchain": "3.11"},
            "query_layer": "none",
            "commands": wanted | commands,
            "reports": {"junit": "junit.xml", "coverage": "coverage.xml"},
        }
    )


def tiny_tree(**files: str) -> FileTree:
    names = {
        "server.py": SERVER,
        "test_tiny.py": TESTS,
        "cover.xml": COVERAGE,
        "requirements.lock": "iniconfig==2.1.0\npytest\n",
    }
    return tree(names | {name.replace("__", "."): text for name, text in files.items()})


def as_json(body: bytes) -> Any:
    return json.loads(body)
