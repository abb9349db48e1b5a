"""detect-secrets: keys, tokens and passwords in any text file."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from quantumlayer.evidence.confined import confined, errored, python_tool
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding, Scan, Severity

PACKAGE = "detect-secrets"
# Guesses by name or randomness; every other detector knows the form of one provider's key.
GUESSES: dict[str, Severity] = {
    "Base64 High Entropy String": "medium",
    "Hex High Entropy String": "medium",
    "Secret Keyword": "medium",
    "Basic Auth Credentials": "medium",
    "Public IP (ipv4)": "info",
}
# No verification: that would send what it finds over the network. A comment in the sources must not hide anything.
ARGUMENTS = (
    "scan",
    "--all-files",
    "--no-verify",
    "--disable-filter",
    "detect_secrets.filters.allowlist.is_line_allowlisted",
    ".",
)


class DetectSecrets:
    """Known key formats are critical, guesses medium."""

    name = "detect-secrets"
    kind: Literal["secrets"] = "secrets"

    async def scan(self, tree: Path, sandbox: Sandbox) -> Scan:
        """Every file. The secrets themselves are never part of the answer."""
        files = sum(1 for path in tree.rglob("*") if path.is_file())
        if not files:
            return Scan(self.name, version(PACKAGE), "not_run", reason="there is no file")
        ended = await confined(sandbox, tree, python_tool("detect_secrets", *ARGUMENTS))
        if not ended.ok:
            return errored(self.name, PACKAGE, ended)
        try:
            found = json.loads(ended.stdout)["results"]
            findings = tuple(sorted((_finding(r) for rs in found.values() for r in rs), key=lambda f: (f.path, f.line, f.rule)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return errored(self.name, PACKAGE, f"its report cannot be read: {error}")
        return Scan(self.name, version(PACKAGE), "ran", findings, files)


def _finding(result: dict[str, Any]) -> Finding:
    kind = result["type"]
    return Finding(
        rule=kind.lower().replace(" ", "-"),
        severity=GUESSES.get(kind, "critical"),
        message=f"this looks like a secret: {kind}",
        path=result["filename"],
        line=result["line_number"],
        cwe="CWE-798",
    )
