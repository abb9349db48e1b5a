"""Scores: pure functions of what ran. `docs/scores.md` explains them to users; the formulas stand here."""

from collections.abc import Sequence
from fractions import Fraction

from quantumlayer.evidence.values import Evidence, RequirementResult
from quantumlayer.ports.scanner import Kind, Scan, Severity

COVERAGE_TARGET = Fraction(8, 10)
PENALTIES: dict[Severity, int] = {"critical": 60, "high": 30, "medium": 8, "low": 2, "info": 0}
GRADES = ((90, "A"), (80, "B"), (65, "C"), (50, "D"), (0, "F"))
NEEDED: tuple[Kind, ...] = ("sast", "secrets")


def qa(evidence: Evidence, requirements: Sequence[RequirementResult]) -> int | None:
    """0..100, rounded down: 50 · met / requirements + 30 · passed / checks + 20 · min(1, coverage / 0.8).

    Every requirement and every check counts, also what was not verified or did not run: what is not shown earns nothing, nor
    does coverage that was not measured. None where no check ran or there is no requirement.
    """
    ran = [check for check in evidence.checks if check.status != "not_run"]
    if not ran or not requirements:
        return None
    met = Fraction(sum(r.status == "met" for r in requirements), len(requirements))
    passed = Fraction(sum(c.status == "passed" for c in evidence.checks), len(evidence.checks))
    covered = min(Fraction(1), Fraction(evidence.coverage or 0) / COVERAGE_TARGET)
    return int(50 * met + 30 * passed + 20 * covered)


def security(scans: Sequence[Scan]) -> str | None:
    """A grade from 100 points less 60 for each critical finding, 30 for each high, 8 for each medium and 2 for each low one.

    A from 90, B from 80, C from 65, D from 50, else F. A+ needs all 100 points and that every scan of the run ran. None unless
    a static analysis and a secret scan ran, and where any scan errored: what was not read is not clean.
    """
    if any(scan.status == "errored" for scan in scans):
        return None
    ran = [scan for scan in scans if scan.status == "ran"]
    if not all(any(scan.kind == kind for scan in ran) for kind in NEEDED):
        return None
    points = max(0, 100 - sum(PENALTIES[finding.severity] for scan in ran for finding in scan.findings))
    if points == 100 and len(ran) == len(scans):
        return "A+"
    return next(grade for least, grade in GRADES if points >= least)
