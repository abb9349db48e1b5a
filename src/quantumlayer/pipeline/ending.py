"""The last activity of every run: what came out, as the report that people and programs read."""

from collections.abc import Sequence

from temporalio import activity

from quantumlayer.account.values import cost, used
from quantumlayer.author.values import Broken
from quantumlayer.delivery.values import Preview
from quantumlayer.evidence.scores import qa, security
from quantumlayer.evidence.values import Evidence, RequirementResult
from quantumlayer.pipeline import stages
from quantumlayer.pipeline.codecs import T, decode
from quantumlayer.pipeline.models import answered, calls_of
from quantumlayer.pipeline.review import no_review, told
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.values import (
    Ending,
    Finished,
    Outcome,
    Report,
    RequirementReport,
    Review,
    RunEnd,
    ScoreReport,
    StageReport,
)
from quantumlayer.pipeline.verdict import unverified, verdict
from quantumlayer.pipeline.workbench import heartbeats, typed_failures
from quantumlayer.ports.scanner import Scan
from quantumlayer.spec.values import Spec

Results = tuple[RequirementResult, ...]


class Endings:
    """Writes the report and the run's last event."""

    def __init__(self, tools: Toolbox) -> None:
        self.tools = tools

    @activity.defn(name="finish")
    async def finish(self, ending: Ending) -> Finished:
        """Ending → Finished."""
        with typed_failures():
            async with heartbeats():
                finished = await self._finished(ending)
                order, data = ending.order, finished.as_data()
                key = f"{order.execution}/finished"
                await self.tools.metadata.add_event(order.run, key, "run_finished", data, order.owner)
                await self.tools.metadata.finish_run(order.run, order.execution, finished.report.status, data)
                return finished

    async def _finished(self, ending: Ending) -> Finished:
        drops = {kind: drop for outcome in ending.outcomes for kind, drop in outcome.drops.items()}
        evidence = await self._load(drops, "evidence", Evidence)
        scans = await self._load(drops, "scans", tuple[Scan, ...])
        results = await self._results(ending, drops)
        preview = await self._load(drops, "preview", Preview)
        order = ending.order
        broken = await self._load(drops, "broken", tuple[Broken, ...])
        calls = await calls_of(self.tools.metadata, order.run)
        capsule = self.tools.home.capsules / f"{order.run}.capsule"
        report = Report(
            run_id=order.run,
            status=status_of(ending, evidence, results, broken or ()),
            stack=order.stack,
            author=order.author,
            model=answered(calls) or order.model,
            stages=tuple(_line(name, ending) for name in stages.NAMES),
            requirements=tuple(
                RequirementReport(
                    id=r.id,
                    text=r.text,
                    status=r.status,
                    evidence=(drops["evidence"],) if r.evidence and "evidence" in drops else (),
                )
                for r in results
            ),
            scores=ScoreReport(qa=qa(evidence, results) if evidence else None, security=security(scans) if scans else None),
            coverage=evidence.coverage if evidence else None,
            capsule=str(capsule) if "capsule" in drops else None,
            preview_url=preview.url if preview else None,
            seconds=round(ending.seconds, 3),
            cost_usd=cost(calls) or 0.0,
        )
        reasons = {r.id: r.reason for r in results if r.reason}
        found = await self._load(drops, "review", Review)
        review = told(found) if found is not None else "" if order.review else no_review(order)
        return Finished(report=report, problem=ending.problem, reasons=reasons, usage=used(calls), review=review)

    async def _results(self, ending: Ending, drops: dict[str, str]) -> Results:
        results = await self._load(drops, "results", Results)
        if results is not None:
            return results
        spec = await self._load(drops, "spec", Spec)
        return unverified(spec, "nothing was run that could prove it") if spec is not None else ()

    async def _load(self, drops: dict[str, str], kind: str, type_: type[T]) -> T | None:
        return decode(await self.tools.blobs.get(drops[kind]), type_) if kind in drops else None


def status_of(ending: Ending, evidence: Evidence | None, results: Results, broken: Sequence[Broken] = ()) -> RunEnd:
    """What the run ends as. One whose budget was used up is partial: it was stopped, and what was done until then is there."""
    if ending.cancelled:
        return "cancelled"
    over_budget = any(each.stop == "budget" for each in broken)
    if ending.problem is not None:
        return "partial" if ending.problem.over_budget else "failed"
    found = verdict(ending.outcomes, evidence, results)
    return "partial" if found == "failed" and over_budget else found


def _line(name: str, ending: Ending) -> StageReport:
    found: Outcome | None = next((o for o in ending.outcomes if o.stage == name), None)
    if found is not None:
        return StageReport(name=name, status=found.status, seconds=found.seconds, drop=found.drop, reason=found.reason)
    why = "the run was cancelled" if ending.cancelled else "an earlier stage failed"
    if ending.problem is not None and ending.problem.over_budget:
        why = "the budget is used up"
    return StageReport(name=name, status="not_run", seconds=0.0, reason=why)
