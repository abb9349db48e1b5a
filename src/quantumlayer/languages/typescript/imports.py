"""Imports that lead nowhere: neither in the project, nor in Node.js, nor installed. Read, never executed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from posixpath import normpath

import tree_sitter_typescript
from tree_sitter import Language, Parser, Query, QueryCursor

from quantumlayer.ports.scanner import Finding

_GRAMMAR = Language(tree_sitter_typescript.language_typescript())
_IMPORTS = Query(
    _GRAMMAR,
    """
    (import_statement source: (string (string_fragment) @module))
    (export_statement source: (string (string_fragment) @module))
    (call_expression function: (import) arguments: (arguments (string (string_fragment) @module)))
    """,
)
SUFFIX = ".ts"


def unresolved_imports(files: Mapping[str, bytes], installed: Path) -> tuple[Finding, ...]:
    """Imports of modules that are not there: files of the project, packages of its manifest that are installed."""
    declared = _declared(files)
    findings = []
    for path, content in sorted(files.items()):
        if path.endswith(SUFFIX):
            for module, line, column in _imported(content):
                if not _known(path, module, files, declared, installed):
                    findings.append(Finding("import", "high", f"there is no module {module!r}", path, line, column=column))
    return tuple(findings)


def _imported(content: bytes) -> Iterator[tuple[str, int, int]]:
    found = QueryCursor(_IMPORTS).captures(Parser(_GRAMMAR).parse(content).root_node)
    for node in sorted(found.get("module", []), key=lambda n: n.start_byte):
        yield (node.text or b"").decode(errors="replace"), node.start_point[0] + 1, node.start_point[1] + 1


def _known(path: str, module: str, files: Mapping[str, bytes], declared: frozenset[str], installed: Path) -> bool:
    if module.startswith("node:"):
        return True
    if module.startswith("."):
        wanted = normpath(str(PurePosixPath(path).parent / module))
        return wanted in files or f"{wanted.removesuffix('.js')}.ts" in files
    parts = module.split("/")
    package = "/".join(parts[:2]) if module.startswith("@") else parts[0]
    return package in declared and (installed / package / "package.json").is_file()


def _declared(files: Mapping[str, bytes]) -> frozenset[str]:
    try:
        manifest = json.loads(files.get("package.json", b"{}"))
        return frozenset(name for kind in ("dependencies", "devDependencies") for name in manifest.get(kind, {}))
    except (ValueError, AttributeError, TypeError):
        return frozenset()
