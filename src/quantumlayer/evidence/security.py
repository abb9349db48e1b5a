"""The security stage: every scanner over the sources at once, and the findings as SARIF."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from quantumlayer.errors import QuantumLayerError
from quantumlayer.files.values import FileTree
from quantumlayer.files.write_files import write_files
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding, Scan, Scanner, Severity

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: dict[Severity, str] = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
# The scale that code hosts read: 9.0 and up is critical, 7.0 high, 4.0 medium, above 0 low.
RATINGS: dict[Severity, str] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "info": "0.0"}


async def scan(tree: FileTree, scanners: Sequence[Scanner], sandbox: Sandbox) -> tuple[Scan, ...]:
    """What each scanner that looks for weaknesses found: all kinds but "semantics"."""
    return await run_scanners(tree, [scanner for scanner in scanners if scanner.kind != "semantics"], sandbox)


async def run_scanners(tree: FileTree, scanners: Sequence[Scanner], sandbox: Sandbox) -> tuple[Scan, ...]:
    """What each scanner found, in the order of `scanners`. One that fails is "errored", and does not stop the others."""
    with tempfile.TemporaryDirectory(prefix="scan-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        await asyncio.to_thread(write_files, tree, root)
        root.chmod(0o755)
        return tuple(await asyncio.gather(*(_one(scanner, root, sandbox) for scanner in scanners)))


async def _one(scanner: Scanner, root: Path, sandbox: Sandbox) -> Scan:
    try:
        return replace(await scanner.scan(root, sandbox), kind=scanner.kind)
    except QuantumLayerError as error:
        return Scan(scanner.name, "", "errored", reason=error.message, kind=scanner.kind)


def to_sarif(scans: Sequence[Scan]) -> dict[str, Any]:
    """SARIF 2.1.0, one run a scan. A scan that did not run says so in its invocation, so that no empty list looks clean."""
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [_run(scan) for scan in scans]}


def _run(scan: Scan) -> dict[str, Any]:
    rules = {finding.rule: finding for finding in reversed(scan.findings)}
    order = {rule: index for index, rule in enumerate(sorted(rules))}
    driver = {"name": scan.scanner, "rules": [_rule(rules[rule]) for rule in sorted(rules)]}
    if scan.version:
        driver["version"] = scan.version
    invocation: dict[str, Any] = {"executionSuccessful": scan.status == "ran"}
    if scan.status != "ran":
        level = "error" if scan.status == "errored" else "note"
        text = scan.reason or scan.status
        invocation["toolExecutionNotifications"] = [
            {"level": level, "message": {"text": text}, "descriptor": {"id": scan.status}}
        ]
    return {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the root of the generated sources"}}},
        "results": [_result(finding, order[finding.rule]) for finding in scan.findings],
        "properties": {"files": scan.files, "status": scan.status},
    }


def _rule(finding: Finding) -> dict[str, Any]:
    tags = ["security", *([f"external/cwe/{finding.cwe.lower()}"] if finding.cwe else [])]
    return {"id": finding.rule, "properties": {"tags": tags, "security-severity": RATINGS[finding.severity]}}


def _result(finding: Finding, index: int) -> dict[str, Any]:
    region = {"startLine": max(1, finding.line)}
    if finding.column:
        region["startColumn"] = finding.column
    place = {"artifactLocation": {"uri": quote(finding.path), "uriBaseId": "SRCROOT"}, "region": region}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
        "properties": {"severity": finding.severity},
    }
