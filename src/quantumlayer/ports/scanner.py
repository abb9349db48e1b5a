"""Port: look for weaknesses in sources. Every scanner answers in one form, which maps to SARIF 2.1.0."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from quantumlayer.ports.sandbox import Sandbox

Severity = Literal["critical", "high", "medium", "low", "info"]
Kind = Literal["semantics", "sast", "secrets", "iac", "dependencies", "licences"]


@dataclass(frozen=True)
class Finding:
    """One weakness at one place. `path` is relative to the scanned tree; `line` and `column` (in characters) count from 1."""

    rule: str
    severity: Severity
    message: str
    path: str
    line: int
    cwe: str | None = None
    column: int | None = None


@dataclass(frozen=True)
class Scan:
    """What one scanner did. Findings are the whole truth only where `status` is "ran"; else `reason` tells why not."""

    scanner: str
    version: str
    status: Literal["ran", "not_run", "errored"]
    findings: tuple[Finding, ...] = ()
    files: int = 0
    reason: str = ""
    kind: Kind | None = None


class Scanner(Protocol):
    """An adapter. `name` is unique; `kind` groups it in reports."""

    name: str
    kind: Kind

    async def scan(self, tree: Path, sandbox: Sandbox) -> Scan:
        """Reads the tree, never writes to it. A tool that could not run is "not_run" or "errored", never an empty "ran"."""
        ...
