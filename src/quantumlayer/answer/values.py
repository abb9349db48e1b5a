"""What may come of a model's answer: files within a permission, or a refusal that the model is told."""

import fnmatch
from dataclasses import dataclass
from typing import Literal

from quantumlayer.errors import QuantumLayerError

MAX_ANSWER = 1024 * 1024
MAX_FILE = 256 * 1024
MAX_FILES = 200

Kind = Literal[
    "declined",
    "empty",
    "too_large",
    "encoding",
    "truncated",
    "no_code",
    "wrong_language",
    "syntax",
    "elided",
    "unfinished",
    "missing_name",
    "ambiguous",
    "unsafe_path",
    "forbidden_path",
    "no_such_file",
    "missing_text",
    "unchanged",
    "import",
    "impure",
    "secret",
    "not_json",
    "schema",
]


class Refusal(QuantumLayerError):
    """An answer that is not taken. The message is written for the model that gave it; it never repeats a secret."""

    def __init__(self, kind: Kind, message: str, path: str = "") -> None:
        super().__init__(message, hint="ask the model again", kind=kind, path=path)
        self.kind: Kind = kind
        self.path = path


@dataclass(frozen=True)
class Permission:
    """What a model may write: paths that match one of `globs` and none of `never`. A `*` ends at a slash, `**` does not."""

    globs: tuple[str, ...]
    never: tuple[str, ...] = ()

    def allows(self, path: str) -> bool:
        """Whether the path, which must be safe, may be written."""
        return _matches(path, self.globs) and not _matches(path, self.never)


def _matches(path: str, globs: tuple[str, ...]) -> bool:
    return any(_match(path.split("/"), glob.split("/")) for glob in globs)


def _match(parts: list[str], globs: list[str]) -> bool:
    if not globs:
        return not parts
    if globs[0] == "**":
        return any(_match(parts[skipped:], globs[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], globs[0]) and _match(parts[1:], globs[1:])


@dataclass(frozen=True)
class Wanted:
    """What one source file must be. `grammar` is that of Tree-sitter; `defines` are names that must be declared at its top.

    `imports` are the first names of the modules that it may import, None where a later check decides; `impure` is a pattern of
    identifiers that it may not use, "" for none. `alone` is a file that only declares: calls at its top, which try it out, are
    left away, and of several versions of it the last one counts.
    """

    path: str
    grammar: str
    defines: tuple[str, ...] = ()
    imports: frozenset[str] | None = None
    impure: str = ""
    alone: bool = False
