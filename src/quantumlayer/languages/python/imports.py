"""Imports that lead nowhere: neither in the project, nor in the standard library, nor installed. Read, never executed."""

import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from quantumlayer.answer.imports import imported
from quantumlayer.ports.scanner import Finding


def unresolved_imports(files: Mapping[str, bytes], installed: Path) -> tuple[Finding, ...]:
    """Imports of modules that are not there. The project's own are followed to the end, others by their first name."""
    own = _modules(files)
    others = sys.stdlib_module_names | _installed(installed)
    findings = []
    for path, content in sorted(files.items()):
        if path.endswith(".py"):
            for module, line, column in imported("python", content) or ():
                wanted = _absolute(path, module)
                known = wanted in own if wanted.split(".")[0] in own else wanted.split(".")[0] in others
                if not known:
                    findings.append(Finding("import", "high", f"there is no module {wanted!r}", path, line, column=column))
    return tuple(findings)


def _absolute(path: str, module: str) -> str:
    """`..b` in `a/x/y.py` is `a.b`; a name that climbs out of the project stays relative, and so unknown."""
    name = module.lstrip(".")
    up = len(module) - len(name)
    if not up:
        return module
    package = PurePosixPath(path).parent.parts
    if up - 1 > len(package):
        return module
    return ".".join((*package[: len(package) - up + 1], *([name] if name else [])))


def _modules(files: Mapping[str, bytes]) -> frozenset[str]:
    """Dotted names of the project's modules and packages."""
    found = set()
    for path in files:
        if path.endswith(".py"):
            parts = PurePosixPath(path).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found |= {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return frozenset(found)


def _installed(folder: Path) -> frozenset[str]:
    """First names of what stands in the environment's site-packages."""
    places = folder.glob("lib*/python*/site-packages/*")
    return frozenset(place.name.partition(".")[0] for place in places if not place.name.endswith((".dist-info", ".pth")))
