"""What a run amounts to. Pure, and closed: without evidence nothing is verified."""

from collections.abc import Iterable, Sequence
from typing import Literal

from quantumlayer.evidence.values import Evidence, RequirementResult
from quantumlayer.pipeline import stages
from quantumlayer.pipeline.values import Outcome
from quantumlayer.spec.values import Spec

# A stage of these that failed leaves no application to vouch for.
NEEDED = (stages.CODE.name, stages.DEPENDENCIES.name, stages.SEMANTIC.name, stages.VALIDATION.name)


def verdict(
    outcomes: Iterable[Outcome], evidence: Evidence | None, requirements: Sequence[RequirementResult]
) -> Literal["verified", "partial", "failed"]:
    """ "verified": the application was built and ran, no check and no stage failed, and every requirement is met.

    "failed": there is none, or it does not build. All else is "partial".
    """
    found = {outcome.stage: outcome for outcome in outcomes}
    built = evidence is not None and any(c.level in ("acceptance", "random") and c.status == "passed" for c in evidence.checks)
    if evidence is None or not built or found.get(stages.CODE.name) is None:
        return "failed"
    whole = all(found.get(name) is not None and found[name].status == "passed" for name in NEEDED)
    clean = not evidence.failed() and not any(outcome.status == "failed" for outcome in found.values())
    met = bool(requirements) and all(requirement.status == "met" for requirement in requirements)
    return "verified" if whole and clean and met else "partial"


def unverified(spec: Spec, reason: str) -> tuple[RequirementResult, ...]:
    """The requirements of a spec that nothing was checked of."""
    return tuple(
        RequirementResult(
            id=requirement.id,
            text=requirement.text,
            status="unverified" if requirement.understood else "unmet",
            reason=reason if requirement.understood else requirement.reason or "not understood",
        )
        for requirement in spec.requirements
    )
