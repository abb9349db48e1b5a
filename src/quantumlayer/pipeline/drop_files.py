"""Drops as texts to look at, and what changed between two of them. Pure."""

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from quantumlayer.files.archive import unpack
from quantumlayer.pipeline.codecs import JSON, TREE
from quantumlayer.ports.store import Drop

Change = Literal["added", "removed", "changed", "binary"]


@dataclass(frozen=True)
class Difference:
    """One file that is not the same. `lines` are in the unified format, without line ends."""

    path: str
    change: Change
    lines: tuple[str, ...]


def texts(drop: Drop, content: bytes) -> dict[str, bytes]:
    """The files of a tree, or the one thing that the drop is; JSON is indented, so that it can be compared."""
    if drop.media_type == TREE:
        return dict(unpack(content).files)
    return {drop.kind: indented(content) if drop.media_type == JSON else content}


def indented(content: bytes) -> bytes:
    """JSON for people."""
    return json.dumps(json.loads(content), indent=2, ensure_ascii=False).encode()


def differences(old: dict[str, bytes], new: dict[str, bytes]) -> Iterator[Difference]:
    """By path, those that differ."""
    for path in sorted(old.keys() | new.keys()):
        left, right = old.get(path), new.get(path)
        if left == right:
            continue
        change: Change = "added" if left is None else "removed" if right is None else "changed"
        if b"\0" in (left or b"") + (right or b""):
            yield Difference(path, "binary", ())
            continue
        names = ("/dev/null" if left is None else f"a/{path}", "/dev/null" if right is None else f"b/{path}")
        yield Difference(path, change, tuple(difflib.unified_diff(_lines(left), _lines(right), *names, lineterm="")))


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode(errors="replace").splitlines()
