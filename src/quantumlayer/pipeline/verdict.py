"""What a run amounts to. Pure, and closed: without evidence nothing is verified."""

from collections.abc import Iterable, Sequence

from quantumlayer.evidence.requirements import RunStatus, run_status
from quantumlayer.evidence.values import Evidence, RequirementResult
from quantumlayer.pipeline import stages
from quantumlayer.pipeline.values import Outcome
from quantumlayer.spec.values import Spec

# A stage of these that did not pass leaves the application unverified.
NEEDED = (stages.SEMANTIC.name, stages.DEPENDENCIES.name, stages.SECURITY.name, stages.VALIDATION.name)

# What a repair that passed has carried out anew, on the sources as they are now.
REPAIRED = (stages.CODE.name, stages.SEMANTIC.name, stages.SECURITY.name, stages.VALIDATION.name)


def verdict(outcomes: Iterable[Outcome], evidence: Evidence | None, requirements: Sequence[RequirementResult]) -> RunStatus:
    """What the evidence says, and "partial" at best where a stage failed or one that is needed did not run."""
    if evidence is None:
        return "failed"
    status = run_status(requirements, evidence)
    found = {outcome.stage: outcome.status for outcome in outcomes}
    if found.get(stages.REPAIR.name) == "passed":
        found |= dict.fromkeys(REPAIRED, "passed")
    whole = all(found.get(name) == "passed" for name in NEEDED) and "failed" not in found.values()
    return "partial" if status == "verified" and not whole else status


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
