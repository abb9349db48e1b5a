"""Runs of `ql generate` with scripted models."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

QL = Path(sys.executable).with_name("ql")
MODELS = """
[roles]
coder = "{name}"
analyst = "{name}"
[models."{name}"]
path = "{script}"
usd_per_million_input = 1.0
usd_per_million_output = 2.0
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with its service, which the tests share: what is installed once is there for the next."""
    folder = tmp_path_factory.mktemp("home")
    yield folder
    subprocess.run([QL, "down"], env=os.environ | {"QL_HOME": str(folder)}, capture_output=True, timeout=60)


@pytest.fixture
def generate(home, tmp_path, request):
    """Runs `ql generate` with a model that says these lines; exit code, report, and the log for a failure."""
    name = f"scripted:{request.node.name}"

    def call(lines, *words, extra=""):
        script = tmp_path / "script.json"
        script.write_text(json.dumps(lines))
        config = MODELS.format(name=name, script=script) + extra
        if "scripted:reviewer" in extra:
            config = config.replace("[roles]", '[roles]\nreviewer = "scripted:reviewer"')
        (home / "models.toml").write_text(config)
        words = ("generate", *map(str, words), "--json", "--no-preview")
        environment = os.environ | {"QL_HOME": str(home)}
        found = subprocess.run([QL, *words], env=environment, capture_output=True, text=True, timeout=500)
        return found.returncode, json.loads(found.stdout or "{}"), found.stderr

    return call
