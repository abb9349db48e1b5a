"""detect-secrets: keys, tokens and passwords in any text file."""

import asyncio
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from quantumlayer.evidence.confined import confined, errored, python_tool
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding, Scan, Severity

PACKAGE = "detect-secrets"
MAX_LOCK = 4 * 1024 * 1024
HASH_LINE = re.compile(rb"\s*--hash=sha256:[0-9a-f]{64}( \\)?")
LOCK_LINE = re.compile(
    HASH_LINE.pattern
    + rb"|[A-Za-z0-9._-]{1,80}(\[[a-z0-9,_-]{1,60}\])?==[0-9][A-Za-z0-9.+!-]{0,40}( ; [^#]{1,120})?( \\)?"
    + rb"|\s*#\s+(via )?[a-z0-9._-]{1,40}|\s*"
)
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
        """Every file but dependency locks. The secrets themselves are never part of the answer."""
        every = [path for path in tree.rglob("*") if path.is_file()]
        locks = [path.relative_to(tree).as_posix() for path in every if await asyncio.to_thread(is_lock, path)]
        files = len(every) - len(locks)
        if not files:
            return Scan(self.name, version(PACKAGE), "not_run", reason="there is no file")
        excluded = [word for lock in locks for word in ("--exclude-files", rf"^(\./)?{re.escape(lock)}$")]
        ended = await confined(sandbox, tree, python_tool("detect_secrets", *ARGUMENTS[:-1], *excluded, "."))
        if not ended.ok:
            return errored(self.name, PACKAGE, ended)
        try:
            found = json.loads(ended.stdout)["results"]
            findings = tuple(sorted((_finding(r) for rs in found.values() for r in rs), key=lambda f: (f.path, f.line, f.rule)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return errored(self.name, PACKAGE, f"its report cannot be read: {error}")
        return Scan(self.name, version(PACKAGE), "ran", findings, files)


def is_lock(path: Path) -> bool:
    """Whether a file holds pinned packages and their hashes and nothing else, where thousands of digests only cost time."""
    if path.is_symlink() or path.suffix != ".txt" or path.stat().st_size > MAX_LOCK:
        return False
    lines = path.read_bytes().splitlines()
    return any(HASH_LINE.fullmatch(line) for line in lines) and all(LOCK_LINE.fullmatch(line) for line in lines)


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
