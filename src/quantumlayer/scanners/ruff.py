"""Ruff: undefined names and syntax errors in Python sources."""

import json
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from quantumlayer.evidence.confined import TREE, confined, errored, own_tool
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding, Scan

# E9 syntax, F63 and F7 misuse that fails at run time, F82 undefined names. The tree's own settings do not count.
RULES = "E9,F63,F7,F82"
ARGUMENTS = ("check", "--output-format", "json", "--select", RULES, "--isolated", "--no-cache", "--ignore-noqa")
EVERYTHING = ("--no-respect-gitignore", "--config", "exclude=[]", "--exit-zero", ".")


class Ruff:
    """Any finding is high: the code would fail when it runs."""

    name = "ruff"
    kind: Literal["semantics"] = "semantics"

    async def scan(self, tree: Path, sandbox: Sandbox) -> Scan:
        """Every `.py` file. Only the rules in `RULES`; style is the blueprint's own business."""
        files = sum(1 for _ in tree.rglob("*.py"))
        if not files:
            return Scan(self.name, version("ruff"), "not_run", reason="there is no Python source")
        ended = await confined(sandbox, tree, own_tool("ruff", *ARGUMENTS, *EVERYTHING))
        if not ended.ok:
            return errored(self.name, "ruff", ended)
        try:
            findings = tuple(sorted((_finding(r) for r in json.loads(ended.stdout)), key=lambda f: (f.path, f.line, f.rule)))
        except (ValueError, KeyError, TypeError) as error:
            return errored(self.name, "ruff", f"its report cannot be read: {error}")
        return Scan(self.name, version("ruff"), "ran", findings, files)


def _finding(result: dict[str, Any]) -> Finding:
    path, place = PurePosixPath(result["filename"]), result["location"]
    relative = path.relative_to(TREE) if path.is_relative_to(TREE) else path
    return Finding(
        result["code"] or "syntax", "high", result["message"], relative.as_posix(), place["row"], column=place["column"]
    )
