"""Asks Node.js for the value of an expression."""

import json
import subprocess
from typing import Any


def evaluated(expression: str, setup: str = "") -> Any:
    """The value, by way of JSON, after the statements of `setup`."""
    program = f"{setup}\nconsole.log(JSON.stringify({expression}));"
    ended = subprocess.run(["node", "-"], input=program.encode("utf-8", "surrogatepass"), capture_output=True, timeout=60)
    assert ended.returncode == 0, ended.stderr.decode(errors="replace")[-2000:]
    return json.loads(ended.stdout)
