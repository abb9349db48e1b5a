"""From checks to requirements: what is met, what is not, what nothing has verified; and the outcome of a whole run."""

from collections.abc import Iterable
from typing import Literal

from quantumlayer.evidence.values import Check, Evidence, RequirementResult
from quantumlayer.spec.values import Requirement, Spec

RunStatus = Literal["verified", "partial", "failed"]
_GATES = ("build", "lint", "unit")


def requirement_results(spec: Spec, evidence: Evidence) -> tuple[RequirementResult, ...]:
    """One result per requirement, in the spec's order.

    met: at least one check that names it passed, none failed, none was left out. unmet: it was not understood, or a check that
    names it failed. unverified: nothing that names it ran, or a part of it could not be tried.
    """
    return tuple(_result(requirement, evidence.checks) for requirement in spec.requirements)


def _result(requirement: Requirement, checks: Iterable[Check]) -> RequirementResult:
    naming = [c for c in checks if requirement.id in c.requirements]
    passed = [c for c in naming if c.status == "passed"]
    failed = [c for c in naming if c.status in ("failed", "errored")]
    missing = [c for c in naming if c.status == "not_run"]
    if not requirement.understood:
        status, reason = "unmet", requirement.reason or "not understood"
    elif failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        status, reason = "unmet", f"{failed[0].id}: {failed[0].message}{more}"
    elif missing:
        status, reason = "unverified", f"{missing[0].title}: {missing[0].message}"
    elif not passed:
        status, reason = "unverified", "no check names it"
    else:
        status, reason = "met", ""
    return RequirementResult(
        id=requirement.id,
        text=requirement.text,
        status=status,
        evidence=tuple(c.id for c in naming if c.status != "not_run"),
        reason=reason,
    )


def run_status(results: Iterable[RequirementResult], evidence: Evidence) -> RunStatus:
    """verified: all requirements met, every check passed, and something did run. failed: the application does not build or
    start, or no check passed. partial: everything between."""
    if any(c.level in _GATES and c.status in ("failed", "errored") for c in evidence.checks):
        return "failed"
    if not any(c.status == "passed" for c in evidence.checks):
        return "failed"
    if evidence.failed() or any(r.status != "met" for r in results):
        return "partial"
    return "verified"
