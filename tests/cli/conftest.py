import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

QL = Path(sys.executable).with_name("ql")


@dataclass(frozen=True)
class Ql:
    """The real command, on a home of its own."""

    home: Path

    def environment(self):
        return os.environ | {"QL_HOME": str(self.home), "COLUMNS": "200"}

    def __call__(self, *words, seconds=180, text=None):
        return subprocess.run(
            [QL, *map(str, words)], env=self.environment(), input=text, capture_output=True, text=True, timeout=seconds
        )

    def start(self, *words):
        return subprocess.Popen(
            [QL, *map(str, words)], env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


@pytest.fixture
def ql(tmp_path):
    ql = Ql(tmp_path / "home")
    yield ql
    ql("down")


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A home that the tests of a module share, with its service."""
    ql = Ql(tmp_path_factory.mktemp("warm"))
    yield ql
    ql("down")
