"""Compose files against the Compose Specification's JSON Schema."""

import asyncio
import json
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import jsonschema
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding, Scan

PACKAGE = "check-jsonschema"  # its wheel carries the schema
NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
MAX_SIZE = 128 * 1024
MAX_DEPTH = 32


class ComposeSchema:
    """Any deviation from the schema is high: the file would not start."""

    name = "compose-schema"
    kind: Literal["iac"] = "iac"

    async def scan(self, tree: Path, sandbox: Sandbox) -> Scan:
        """Every file with one of Compose's own names. Only parsed, never run, so it needs no sandbox."""
        found = sorted(p for p in tree.rglob("*") if p.name in NAMES and p.is_file() and not p.is_symlink())
        if not found:
            return Scan(self.name, version(PACKAGE), "not_run", reason="there is no Compose file")
        findings: list[Finding] = []
        try:
            for path in found:
                findings += await asyncio.to_thread(_validate, path, path.relative_to(tree).as_posix())
        except Exception as error:  # hostile YAML may break the parser: then nothing is known
            return Scan(self.name, version(PACKAGE), "errored", reason=f"{type(error).__name__}: {error}")
        return Scan(self.name, version(PACKAGE), "ran", tuple(findings), len(found))


def _validate(path: Path, name: str) -> list[Finding]:
    if path.stat().st_size > MAX_SIZE:
        raise ValueError(f"{name} is larger than {MAX_SIZE} bytes")
    text = path.read_text(encoding="utf-8")
    try:
        _refuse_bombs(text, name)
        content = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        return [Finding("compose-yaml", "high", str(error), name, 1)]
    return [
        Finding("compose-schema", "high", f"{error.json_path}: {error.message[:300]}", name, 1)
        for error in sorted(_validator().iter_errors(content), key=lambda e: e.json_path)
    ]


def _refuse_bombs(text: str, name: str) -> None:
    """Aliases of aliases grow exponentially under a validator, and deep nesting makes the parser slow."""
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        if isinstance(event, AliasEvent):
            raise ValueError(f"{name} uses YAML aliases, which are not checked")
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError(f"{name} is nested more than {MAX_DEPTH} deep")


@cache
def _validator() -> Any:
    schema = json.loads(files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text())
    return jsonschema.Draft202012Validator(schema)
