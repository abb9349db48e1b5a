"""What scans found, in a line."""

from collections.abc import Sequence

from quantumlayer.ports.scanner import Scan

GRAVE = ("critical", "high")
SHOWN = 3


def grave(scans: Sequence[Scan]) -> bool:
    """Whether a scan errored or found something critical or high."""
    return any(s.status == "errored" or any(f.severity in GRAVE for f in s.findings) for s in scans)


def summary(scans: Sequence[Scan]) -> str:
    """The first few problems; empty where there are none worse than low."""
    errored = [f"{s.scanner} errored: {s.reason}" for s in scans if s.status == "errored"]
    found = [f"{f.path}:{f.line} {f.rule}: {f.message}" for s in scans for f in s.findings if f.severity not in ("info", "low")]
    parts = errored + found
    return "; ".join(parts[:SHOWN]) + (f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else "")
