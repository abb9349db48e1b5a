"""The infrastructure stage's check: Dockerfile and Compose file must please their linters."""

from collections.abc import Sequence

from quantumlayer.evidence.security import run_scanners
from quantumlayer.files.values import FileTree
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Scan, Scanner

ACCEPTED = ("info", "low")


async def lint(tree: FileTree, scanners: Sequence[Scanner], sandbox: Sandbox) -> tuple[Scan, ...]:
    """What the scanners of kind "iac" among `scanners` say, in their order."""
    return await run_scanners(tree, [scanner for scanner in scanners if scanner.kind == "iac"], sandbox)


def accepted(scans: Sequence[Scan]) -> bool:
    """Whether some linter ran, none failed, and nothing above low was found. Closed: no evidence is no acceptance."""
    ran = [scan for scan in scans if scan.status == "ran"]
    failed = any(scan.status == "errored" for scan in scans)
    return bool(ran) and not failed and all(f.severity in ACCEPTED for scan in ran for f in scan.findings)
