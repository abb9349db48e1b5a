"""Imports that lead nowhere: neither in the project, nor in the standard library, nor installed. Read, never executed."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from tree_sitter import Parser, Query, QueryCursor

from quantumlayer.evidence.grammars import grammar
from quantumlayer.ports.scanner import Finding

_GRAMMAR = grammar("python")
_IMPORTS = Query(
    _GRAMMAR,
    """
    (import_statement name: (dotted_name) @module)
    (import_statement name: (aliased_import name: (dotted_name) @module))
    (import_from_statement module_name: (dotted_name) @module)
    (import_from_statement module_name: (relative_import) @module)
    """,
)


def unresolved_imports(files: Mapping[str, bytes], installed: Path) -> tuple[Finding, ...]:
    """Imports of modules that are not there. The project's own are followed to the end, others by their first name."""
    own = _modules(files)
    others = sys.stdlib_module_names | _installed(installed)
    findings = []
    for path, content in sorted(files.items()):
        if path.endswith(".py"):
            for module, line, column in _imported(content):
                wanted = _absolute(path, module)
                known = wanted in own if wanted.split(".")[0] in own else wanted.split(".")[0] in others
                if not known:
                    findings.append(Finding("import", "high", f"there is no module {wanted!r}", path, line, column=column))
    return tuple(findings)


def _imported(content: bytes) -> Iterator[tuple[str, int, int]]:
    found = QueryCursor(_IMPORTS).captures(Parser(_GRAMMAR).parse(content).root_node)
    for node in sorted(found.get("module", []), key=lambda n: n.start_byte):
        yield (node.text or b"").decode(errors="replace").replace(" ", ""), node.start_point[0] + 1, node.start_point[1] + 1


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
