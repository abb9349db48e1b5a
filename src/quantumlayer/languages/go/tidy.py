"""Lays out Go as gofmt does, with the imports that a file uses and no others."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from quantumlayer.errors import EnvironmentError_
from quantumlayer.languages.remembered import Remembered
from quantumlayer.languages.trim import Trim

_BLOCK = re.compile(r"^import \(\n(.*?)^\)\n", re.MULTILINE | re.DOTALL)
_IMPORT = re.compile(r'^\s*(?:(\w+|\.)\s+)?"([^"]+)"\s*(//.*)?$')
_SILENT = re.compile(r"`[^`]*`|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)+'|//[^\n]*|/\*.*?\*/", re.DOTALL)
_QUALIFIER = re.compile(r"(?<![\w.])(\w+)\.")
_VERSION = re.compile(r"v[0-9]+")
_FUNCTION = re.compile(r"^func [^\n]*\{\n.*?^\}$", re.MULTILINE | re.DOTALL)
_BLANKS = re.compile(r"\n{3,}")
OWN = "app/"


def tidy(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files with Go laid out. A file that does not parse is left as it is, for the semantic stage to report."""
    return {**files, **_tidied({path: content for path, content in files.items() if path.endswith(".go")})}


def _imported(text: str) -> str:
    text = _FUNCTION.sub(lambda body: re.sub(r"\n[ \t]*(?=\n)", "", body[0]), text)
    block = _BLOCK.search(text)
    if not block:
        return _BLANKS.sub("\n\n", text)
    body = text[block.end() :]
    used = set(_QUALIFIER.findall(_SILENT.sub(" ", body)))
    kept = sorted(set(_used(block[1], used)), key=lambda item: (_group(item[1]), item[1]))
    groups = [[line for line, path in kept if _group(path) == number] for number in range(3)]
    written = "\n\n".join("\n".join(lines) for lines in groups if lines)
    head = f"import (\n{written}\n)\n" if written else ""
    return _BLANKS.sub("\n\n", text[: block.start()] + head + body)


def _used(block: str, used: set[str]) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        if found := _IMPORT.match(line):
            alias, path, _ = found.groups()
            if alias == "_" or (alias or _package(path)) in used:
                yield f"\t{line.strip()}", path


def _package(path: str) -> str:
    """The name of the package that a path leads to."""
    *_, parent, last = ["", *path.split("/")]
    return parent if _VERSION.fullmatch(last) and parent else last


def _group(path: str) -> int:
    """Standard library, other modules, the project's own."""
    return 2 if path.startswith(OWN) else int("." in path.split("/")[0])


@lru_cache(maxsize=1)
def gofmt() -> str:
    """The formatter of the Go on this machine. Raises `EnvironmentError_`."""
    beside = Path(shutil.which("go") or "/usr/local/go/bin/go").resolve().with_name("gofmt")
    found = str(beside) if beside.is_file() else shutil.which("gofmt")
    if not found:
        raise EnvironmentError_("there is no gofmt", hint="install Go, https://go.dev/dl")
    return found


def _laid_out(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="ql-tidy-") as name:
        places = {path: Path(name, f"f{number}.go") for number, path in enumerate(sources)}
        for path, place in places.items():
            place.write_text(_imported(sources[path].decode()))
        try:
            subprocess.run([gofmt(), "-w", "-s", name], capture_output=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EnvironmentError_(f"gofmt does not run: {error}", hint="install Go, https://go.dev/dl") from error
        return {path: place.read_bytes() for path, place in places.items()}


_tidied = Remembered(_laid_out)

_COMMENTED = r"^(?://[^\n]*\n)*"
_BODY = r"(?:[^\n]*\}\n|[^\n]*\n.*?^\}\n)"
_RECEIVER = r"\(\w+ [^)\n]+\) "
# What the standard library calls where it finds it.
_CALLED = "Close Connect Error ExecContext MarshalJSON Ping QueryContext Scan String UnmarshalJSON Unwrap Value Write"
trim = Trim(
    ".go",
    (re.compile(rf"{_COMMENTED}func (?:{_RECEIVER})?(?P<name>\w+)(?:\[[^\]\n]*\])?\({_BODY}", re.MULTILINE | re.DOTALL),),
    _SILENT,
    frozenset({"main", "init", *_CALLED.split()}),
)
