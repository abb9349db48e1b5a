"""Whether what a manifest claims follows from the evidence beside it: computed again, not believed."""

from pydantic import TypeAdapter

from quantumlayer.capsule.values import Manifest, Scores
from quantumlayer.evidence.requirements import run_status
from quantumlayer.evidence.scores import qa, security
from quantumlayer.evidence.values import Evidence, RequirementResult
from quantumlayer.files.values import FileTree
from quantumlayer.ports.scanner import Scan

CHECKS = "evidence/evidence.json"
REQUIREMENTS = "evidence/requirements.json"
SCANS = "evidence/scans.json"


class Unfounded(Exception):
    """A claim that the evidence does not hold."""


def check_claims(manifest: Manifest, tree: FileTree) -> str:
    """What was computed again, in words. Raises `Unfounded`, or `ValueError` where the evidence cannot be read."""
    evidence = Evidence.model_validate_json(_read(tree, CHECKS))
    results = TypeAdapter(tuple[RequirementResult, ...]).validate_json(_read(tree, REQUIREMENTS))
    scans = TypeAdapter(tuple[Scan, ...]).validate_json(tree.files[SCANS]) if SCANS in tree.files else ()
    if results != manifest.requirements:
        raise Unfounded(f"the manifest's requirements are not those of {REQUIREMENTS}")
    for result in results:
        _check_result(result, evidence)
    if manifest.coverage != evidence.coverage:
        raise Unfounded(f"the manifest claims a coverage of {manifest.coverage}, the evidence says {evidence.coverage}")
    scores = Scores(qa=qa(evidence, results), security=security(scans))
    if manifest.scores != scores:
        raise Unfounded(f"the manifest claims {_shown(manifest.scores)}, the evidence gives {_shown(scores)}")
    if manifest.status == "verified" and run_status(results, evidence) != "verified":
        raise Unfounded("the manifest claims to be verified, the evidence does not say so")
    met = sum(result.status == "met" for result in results)
    return f"{met} of {len(results)} requirements met, {len(evidence.checks)} checks, {_shown(scores)}"


def _read(tree: FileTree, path: str) -> bytes:
    if path not in tree.files:
        raise Unfounded(f"{path} is missing, so nothing that the manifest claims has evidence")
    return tree.files[path]


def _check_result(result: RequirementResult, evidence: Evidence) -> None:
    naming = [check for check in evidence.checks if result.id in check.requirements]
    ran = tuple(check.id for check in naming if check.status != "not_run")
    if result.evidence != ran:
        raise Unfounded(f"{result.id} names other checks than those that ran for it")
    if result.status == "met" and (not naming or any(check.status != "passed" for check in naming)):
        raise Unfounded(f"{result.id} is claimed to be met, but not every check of it passed")


def _shown(scores: Scores) -> str:
    return f"QA {'none' if scores.qa is None else scores.qa}, security {scores.security or 'none'}"
