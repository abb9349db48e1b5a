"""Sorts imports, drops unused ones and lays out generated Python as ruff does: what a developer's editor would do on saving."""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ruff.__main__ import find_ruff_bin

from quantumlayer.errors import EnvironmentError_
from quantumlayer.languages.remembered import Remembered
from quantumlayer.languages.trim import Trim

# Where there is one: on a busy disk, deleting the files again takes longer than all else.
_MEMORY = Path("/dev/shm")
_RULES = ("--isolated", "--no-cache", "--quiet", "--target-version", "py311", "--line-length", "128")
# Named and not looked for: only the files that are not remembered are there to be seen.
_OWN = frozenset({"app", "tests"})
_LINES = ("--config", "lint.isort.split-on-trailing-comma=false")
_FIXES = "F401,I001,UP037,RUF022,PIE790,UP034"


_IMPORT = re.compile(rb"(from [\w.]+ )?import ([\w.]+(?: as \w+)?(?:, [\w.]+(?: as \w+)?)*)")
_IMPORT_LINE = re.compile(rb"^" + _IMPORT.pattern + rb"\n", re.MULTILINE)
_BEGINS = (b"import ", b"from ")
_WORD = re.compile(rb"\w+")


def tidy(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files with Python laid out. A file that does not parse is left as it is, for the semantic stage to report."""
    python = {path: content for path, content in files.items() if path.endswith(".py")}
    own = _OWN | {path.partition("/")[0].removesuffix(".py") for path in python}
    return {**files, **_tidied(python, own)}


def _laid_out(python: Mapping[str, bytes], own: frozenset[str]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="ql-tidy-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None) as name:
        for folder in {os.path.dirname(f"{name}/{path}") for path in python}:
            os.makedirs(folder, exist_ok=True)
        for path, content in python.items():
            with open(f"{name}/{path}", "wb") as file:
                file.write(_lean(content))
        known = ("--config", f"lint.isort.known-first-party={json.dumps(sorted(own))}")
        _ruff("check", "--fix-only", "--select", _FIXES, *_RULES, *_LINES, *known, name)
        _ruff("format", *_RULES, name)
        return {path: _read(f"{name}/{path}") for path in python}


_tidied = Remembered(_laid_out)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _lean(content: bytes) -> bytes:
    """Without imported names that the rest of the file never spells.

    Templates import whatever an expression could need. Ruff takes such names out one by one, parsing the statement each time,
    which is most of its work; what a word in a string or a comment hides from this, it still finds.
    """
    imports, rest = [], []
    for line in content.split(b"\n"):
        (imports if line.startswith(_BEGINS) and _IMPORT.fullmatch(line) else rest).append(line)
    spelled = set(_WORD.findall(b"\n".join(rest)))

    def kept(found: re.Match[bytes]) -> bytes:
        source, names = found.groups()
        needed = [name for name in names.split(b", ") if name.rpartition(b" ")[2].partition(b".")[0] in spelled]
        return (source or b"") + b"import " + b", ".join(needed) + b"\n" if needed else b""

    return _IMPORT_LINE.sub(kept, content)


def _ruff(*arguments: str) -> None:
    try:
        found = subprocess.run([find_ruff_bin(), *arguments], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentError_(f"ruff does not run: {error}", hint="make setup") from error
    if found.returncode not in (0, 1, 2):
        raise EnvironmentError_(f"ruff ended with {found.returncode}: {found.stderr.decode(errors='replace')[-500:]}")


_INDENTED = r"(?:(?:[ \t)\]}][^\n]*)?\n)*"
_DECORATED = r"^(?:@overload\n)?(?P<held>(?:@[^\n]*\n(?:[ \t)\]}][^\n]*\n)*)*)"
_TYPES = r"(?:Annotated\[|re\.compile\(|TypeAdapter\(|\w+Validator\(|TypeVar\(|[0-9])"
trim = Trim(
    ".py",
    (
        re.compile(rf"{_DECORATED}(?:(?:async )?def|class) (?P<name>\w+)[^\n]*\n{_INDENTED}", re.MULTILINE),
        re.compile(rf"^(?P<name>\w+)(?:: [^=\n]+)? = {_TYPES}[^\n]*\n(?:[ \t)\]}}][^\n]*\n)*", re.MULTILINE),
    ),
    # Imports go with what is taken out; what a comment says nobody calls.
    re.compile(r"^(?:from [\w.]+ )?import (?:\([^)]*\)|[^\n]*)|^ *#[^\n]*", re.MULTILINE),
    # Alembic calls the first two, printed scenarios the third.
    frozenset({"upgrade", "downgrade", "advance"}),
)
