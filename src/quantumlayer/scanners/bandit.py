"""Bandit: static analysis of Python sources."""

import json
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from quantumlayer.evidence.confined import confined, errored, python_tool
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding, Scan, Severity

SEVERITIES: dict[str, Severity] = {"HIGH": "high", "MEDIUM": "medium", "LOW": "low"}
LOWER: dict[Severity, Severity] = {"high": "medium", "medium": "low", "low": "info"}
# A `.bandit` file, `# nosec` or a folder like x.egg must not hide anything: the sources are judged, they do not judge.
ARGUMENTS = ("-r", "-q", "-f", "json", "--ini", "/dev/null", "-x", "/nowhere", "--ignore-nosec", ".")


class Bandit:
    """Severities are Bandit's own, one lower where it has low confidence; what is low in test code is info."""

    name = "bandit"
    kind: Literal["sast"] = "sast"

    async def scan(self, tree: Path, sandbox: Sandbox) -> Scan:
        """Every `.py` file. A file that does not parse makes the scan "errored": what was not read is not clean."""
        if not any(tree.rglob("*.py")):
            return Scan(self.name, version("bandit"), "not_run", reason="there is no Python source")
        ended = await confined(sandbox, tree, python_tool("bandit", *ARGUMENTS))
        if ended.outcome != "exited" or ended.exit_code not in (0, 1):
            return errored(self.name, "bandit", ended)
        try:
            report = json.loads(ended.stdout)
            findings = tuple(sorted((_finding(r) for r in report["results"]), key=lambda f: (f.path, f.line, f.rule)))
            unread = [f"{_relative(e['filename'])}: {e['reason']}" for e in report["errors"]]
            files = len(report["metrics"].keys() - {"_totals"})
        except (ValueError, KeyError, TypeError) as error:
            return errored(self.name, "bandit", f"its report cannot be read: {error}")
        status = "errored" if unread else "ran"
        return Scan(self.name, version("bandit"), status, findings, files, "; ".join(unread[:5]))


def _finding(result: dict[str, Any]) -> Finding:
    path = _relative(result["filename"])
    severity = SEVERITIES[result["issue_severity"]]
    if result["issue_confidence"] == "LOW":
        severity = LOWER[severity]
    if severity == "low" and is_test(path):
        severity = "info"
    cwe = result.get("issue_cwe") or {}
    return Finding(
        rule=result["test_id"],
        severity=severity,
        message=result["issue_text"].split(": '")[0],  # what follows is the password itself
        path=path,
        line=result["line_number"],
        cwe=f"CWE-{cwe['id']}" if "id" in cwe else None,
    )


def is_test(path: str) -> bool:
    """Whether a Python source is test code, which never runs in production."""
    pure = PurePosixPath(path)
    return "tests" in pure.parts[:-1] or pure.name.startswith("test_") or pure.name == "conftest.py"


def _relative(path: str) -> str:
    return path.removeprefix("./")
