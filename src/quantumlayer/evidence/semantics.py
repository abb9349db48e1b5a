"""The semantic stage: every source parses, and no name is used that nothing defines."""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from tree_sitter import Node, Parser

from quantumlayer import __version__
from quantumlayer.evidence.environments import project_command
from quantumlayer.evidence.grammars import LOOSE, grammar, language_of
from quantumlayer.evidence.security import run_scanners
from quantumlayer.files.values import FileTree
from quantumlayer.files.write_files import write_files
from quantumlayer.ports.language import Language
from quantumlayer.ports.sandbox import Completed, Sandbox
from quantumlayer.ports.scanner import Finding, Scan, Scanner

TREE_SITTER = "tree-sitter"
MAX_SIZE = 2 * 1024 * 1024
MAX_ERRORS = 20


async def check_semantics(
    tree: FileTree, language: Language, scanners: Sequence[Scanner], sandbox: Sandbox, installed: Path | None = None
) -> tuple[Scan, ...]:
    """The parse of every source file, its names by the ecosystem's own checker with the dependencies `installed`, then what the
    scanners of kind "semantics" say. Whatever else a compiler finds is the business of the blueprint's build and lint.
    """
    checkers = [scanner for scanner in scanners if scanner.kind == "semantics"]
    parsed, names, checked = await asyncio.gather(
        asyncio.to_thread(parse, tree, language),
        _names(tree, language, sandbox, installed),
        run_scanners(tree, checkers, sandbox),
    )
    return (parsed, names, *checked)


def sound(scans: Sequence[Scan]) -> bool:
    """Whether the parse ran, nothing errored and nothing worse than low was found."""
    ran = all(scan.status != "errored" for scan in scans) and any(s.scanner == TREE_SITTER and s.status == "ran" for s in scans)
    return ran and all(finding.severity in ("low", "info") for scan in scans for finding in scan.findings)


def parse(tree: FileTree, language: Language) -> Scan:
    """Syntax errors by Tree-sitter: in every file of the language, and in all others whose grammar can be relied on."""
    own = {path for path in tree.files if path.endswith(language.conventions.suffixes)}
    if not own:
        return _scan("not_run", reason=f"there is no {language.name} source")
    names = {path: language_of(path) for path in tree.files}
    names |= {path: language.conventions.grammar for path in own if names[path] is None}
    chosen = {path: name for path, name in names.items() if name and (path in own or name not in LOOSE)}
    if large := [path for path in chosen if len(tree.files[path]) > MAX_SIZE]:
        return _scan("errored", reason=f"{large[0]} is larger than {MAX_SIZE} bytes")
    return _scan(
        "ran", tuple(f for path, name in chosen.items() for f in syntax_errors(name, path, tree.files[path])), len(chosen)
    )


def syntax_errors(name: str, path: str, content: bytes) -> list[Finding]:
    """What the grammar of that name cannot read of one file, at most `MAX_ERRORS`."""
    return _errors(Parser(grammar(name)), path, content)


async def _names(tree: FileTree, language: Language, sandbox: Sandbox, installed: Path | None) -> Scan:
    if installed is None:
        return Scan("names", __version__, "not_run", reason="the dependencies are not installed", kind="semantics")
    with tempfile.TemporaryDirectory(prefix="names-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o755)
        await asyncio.to_thread(write_files, tree, root)
        (root / language.conventions.installed).mkdir(parents=True, exist_ok=True)

        async def run(argv: tuple[str, ...]) -> Completed:
            return await sandbox.run(project_command(argv, root, language, installed, writable=True))

        return await language.check_names(tree.files, installed, run)


def _scan(status: str, findings: tuple[Finding, ...] = (), files: int = 0, reason: str = "") -> Scan:
    return Scan(TREE_SITTER, version(TREE_SITTER), status, findings, files, reason, "semantics")  # type: ignore[arg-type]


def _errors(parser: Parser, path: str, content: bytes) -> list[Finding]:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [Finding("encoding", "high", f"not UTF-8: byte {content[error.start]:#04x}", path, line)]
    found = []
    for node in _broken(parser.parse(content).root_node):
        row, column = node.start_point
        before = content[node.start_byte - column : node.start_byte].decode(errors="replace")
        message = f"{node.type!r} is missing" if node.is_missing else f"unexpected {_shown(node)}"
        found.append(Finding("syntax", "high", message, path, row + 1, column=len(before) + 1))
    return found[:MAX_ERRORS]


def _broken(root: Node) -> Iterator[Node]:
    """The innermost broken nodes, in source order, without recursion: sources may be nested deeply."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        inner = [child for child in node.children if child.has_error or child.is_missing]
        if not inner and (node.is_error or node.is_missing):
            yield node
        waiting += reversed(inner)


def _shown(node: Node) -> str:
    text = (node.text or b"").decode(errors="replace").strip().splitlines()
    return repr(text[0][:40]) if text else "end of line"
