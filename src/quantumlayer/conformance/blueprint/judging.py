"""Which code judges: what was found by other code is not known any more."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2]
JUDGES = ("evidence/judge/**/*.py", "evidence/*application.py")
TRIALS = tuple(f"conformance/blueprint/{name}.py" for name in ("faults", "place", "transcript", "trial", "workbench"))


@cache
def judging_digest() -> str:
    """Of the code that derives checks and carries them out: the judge with all that it imports, and these trials.

    What merely renders is not part of it, since what is rendered is looked at itself.
    """
    waiting = [file for pattern in JUDGES for file in SOURCES.glob(pattern)]
    files: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in files:
            files.add(file)
            waiting.extend(_imported(file))
    total = hashlib.sha256()
    for file in sorted({*files, *(SOURCES / name for name in TRIALS)}):
        total.update(file.read_bytes())
    return total.hexdigest()


def _imported(file: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == SOURCES.name:
            place = SOURCES.joinpath(*node.module.split(".")[1:])
            candidates = (place.with_suffix(".py"), place / "__init__.py", *(place / f"{name.name}.py" for name in node.names))
            yield from (candidate for candidate in candidates if candidate.is_file())
