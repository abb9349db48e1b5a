"""What stays of a run when it is taken up again: after a rollback, and after what ended it was mended."""

from collections.abc import Mapping

from quantumlayer.pipeline import stages
from quantumlayer.pipeline.approval.values import MADE_BY
from quantumlayer.pipeline.values import Order, Outcome, Report
from quantumlayer.ports.store import Drop


def kept_by_rollback(
    made: tuple[Drop, ...], current: tuple[Drop, ...], reported: Mapping[str, Outcome], target: Drop
) -> dict[str, Outcome]:
    """What stays when `target` becomes current: the target's stage with it, and stages that nothing of it went into.

    Stages that made no drop run again, and so does every stage one of whose drops has a parent in a stage that changes.
    """
    made_by = {drop.id: drop.stage for drop in made}
    parents: dict[str, set[str]] = {}
    for drop in current:
        parents.setdefault(drop.stage, set()).update(made_by.get(parent, drop.stage) for parent in drop.parents)
    changed = {target.stage}
    while more := {stage for stage, sources in parents.items() if sources & changed} - changed:
        changed |= more
    kept = {}
    for stage in stages.NAMES:
        drops = {drop.kind: drop.id for drop in current if drop.stage == stage}
        if not drops or (stage in changed and stage != target.stage):
            continue
        before = reported.get(stage, Outcome(stage=stage, status="passed"))
        kept[stage] = before.model_copy(update={"drops": drops})
    return kept


def kept_by_resuming(
    order: Order, report: Report, current: tuple[Drop, ...], reported: Mapping[str, Outcome]
) -> dict[str, Outcome]:
    """What stays of a run that was stopped: the stages that did their work. A document that waited for a person waits again."""
    lines = {line.name: line for line in report.stages}
    did = [name for name in stages.NAMES if lines[name].drop is not None]
    kept = {}
    for stage in did:
        follower = stages.NAMES[stages.NAMES.index(stage) + 1] if stage in MADE_BY else stage
        if order.interactive and follower not in did:
            continue
        before = order.kept.get(stage) or reported.get(stage, Outcome(stage=stage, status=lines[stage].status))
        kept[stage] = before.model_copy(update={"drops": {d.kind: d.id for d in current if d.stage == stage}})
    return kept
