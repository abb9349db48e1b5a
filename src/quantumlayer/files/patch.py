"""Applies a unified diff to a file tree, strictly: every line of context must be there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from quantumlayer.errors import UserError
from quantumlayer.files.values import FileTree

_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@")


class PatchError(UserError):
    """A patch that does not fit the tree."""


@dataclass(frozen=True)
class _Hunk:
    path: str
    before: list[str]
    after: list[str]


def patched(tree: FileTree, patch: str) -> FileTree:
    """The tree with the changes of a unified diff of existing files (`--- a/PATH`, `+++ b/PATH`, hunks).

    A hunk may have moved: it is found by its content, which must stand exactly once in the file. Raises `PatchError`.
    """
    files = dict(tree.files)
    found = False
    for hunk in _hunks(patch):
        found = True
        if hunk.path not in files:
            raise PatchError(f"the patch changes {hunk.path!r}, which is not there", hint="adjust the patch to the templates")
        text, before = files[hunk.path].decode(), "\n".join(hunk.before)
        if text.count(before) != 1:
            times = "not there" if before not in text else "there several times"
            raise PatchError(f"{hunk.path}: the lines that the patch expects are {times}:\n{before}")
        files[hunk.path] = text.replace(before, "\n".join(hunk.after)).encode()
    if not found:
        raise PatchError("the patch has no hunks", hint="write it as `diff -u` does")
    return FileTree(files, tree.executable)


def _hunks(patch: str) -> Iterator[_Hunk]:
    path, hunk = "", None
    for line in patch.splitlines():
        if line.startswith("+++ "):
            path = line[4:].split("\t")[0].removeprefix("b/").strip()
        elif line.startswith(("--- ", "diff ", "index ")):
            if hunk:
                yield hunk
            hunk = None
        elif _HUNK.match(line):
            if hunk:
                yield hunk
            hunk = _Hunk(path, [], [])
        elif hunk is not None and line[:1] in (" ", "-", "+", ""):
            if line[:1] in (" ", "-", ""):
                hunk.before.append(line[1:])
            if line[:1] in (" ", "+", ""):
                hunk.after.append(line[1:])
    if hunk:
        yield hunk
