"""The reading of the finished sources by a model: not a stage of the table, for nothing waits for its opinion."""

from collections.abc import Sequence

from temporalio import activity

from quantumlayer.author.review import Claim, Reviewed, review
from quantumlayer.errors import BudgetExceeded, QuantumLayerError
from quantumlayer.evidence.application import NotServing
from quantumlayer.evidence.judge.app import App
from quantumlayer.evidence.live_application import live
from quantumlayer.evidence.replayed import Asked, difference
from quantumlayer.evidence.values import Evidence
from quantumlayer.files.values import FileTree
from quantumlayer.pipeline import stages
from quantumlayer.pipeline.toolbox import Toolbox
from quantumlayer.pipeline.trials import application_of, project_of
from quantumlayer.pipeline.values import Order, Outcome, Review, Task
from quantumlayer.pipeline.workbench import Desk, NotRun, at_desk
from quantumlayer.ports.scanner import Finding, Scan
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import dump_spec

SCANNER, OPINION, CONFIRMED = "review", "review/opinion", "review/confirmed"
KIND = "review"
# How far a tool's finding may be from the line that the reviewer names.
NEAR = 2


class Reviews:
    """Asks, then lets tools decide what of the answer is more than an opinion."""

    def __init__(self, tools: Toolbox) -> None:
        self.tools = tools

    @activity.defn(name=stages.REVIEW.name)
    async def review(self, task: Task) -> Outcome:
        """FileTree, Spec, Findings → Findings, none of which changes a score. Where no model read it, it is not run."""
        async with at_desk(task, self.tools.blobs, self.tools.metadata) as desk:
            try:
                found = await self._review(desk)
            except QuantumLayerError as error:
                status = "not_run" if error.exit_code in (2, BudgetExceeded.exit_code) else "errored"
                await desk.save(KIND, Review(scan=Scan(SCANNER, "", status, reason=error.message)))
                raise NotRun(error.message) from error
            await desk.save(KIND, found, dropped=found.dropped)
        return desk.outcome()

    async def _review(self, desk: Desk) -> Review:
        spec, source = await desk.load("spec", Spec), await desk.load("source", FileTree)
        kinds = [kind for kind in ("semantics", "scans") if desk.has(kind)]
        scans = [scan for kind in kinds for scan in await desk.load(kind, tuple[Scan, ...])]
        evidence = await desk.load("evidence", Evidence) if desk.has("evidence") else Evidence()
        known = [f"{f.path}:{f.line} {f.rule}: {f.message[:200]}" for scan in scans for f in scan.findings]
        known += [f"{check.title}: {check.message[:300]}" for check in evidence.failed()]
        language = self.tools.language(desk.task.order.stack)
        models = await self.tools.models.gateway(desk)
        reviewed = await review(models, source.files, dump_spec(spec), known, language.name)
        findings = [finding for claim in reviewed.claims if (finding := by_scan(claim, scans))]
        open_ = [claim for claim in reviewed.claims if by_scan(claim, scans) is None]
        findings += await self._by_calls(desk, spec, open_)
        return as_review(reviewed, findings)

    async def _by_calls(self, desk: Desk, spec: Spec, claims: Sequence[Claim]) -> list[Finding]:
        """Each claim as it is after its calls were put to the running application."""
        if not any(claim.calls for claim in claims):
            return [opinion(claim) for claim in claims]
        try:
            async with application_of(self.tools, desk.task.order.stack, await project_of(desk)) as application:
                ready = (await application.install()).status == "passed"
                ready = ready and all(check.status == "passed" for check in await application.built())
                if not ready:
                    return [opinion(claim) for claim in claims]
                async with live(application, spec) as app:
                    return [await by_calls(claim, app, spec) for claim in claims]
        except NotServing:
            return [opinion(claim) for claim in claims]


async def by_calls(claim: Claim, app: App, spec: Spec) -> Finding:
    """The claim, confirmed where its calls are answered otherwise than the specification wants."""
    calls = [Asked(call.method, call.path, call.body) for call in claim.calls]
    told = await difference(app, spec, calls) if calls else ""
    if not told:
        return opinion(claim)
    return Finding(CONFIRMED, claim.severity, f"{_line(claim)} Confirmed by running it: {told}", claim.file, claim.line)


def by_scan(claim: Claim, scans: Sequence[Scan]) -> Finding | None:
    """The claim, confirmed where a tool that ran on these sources found something at the same place."""
    for scan in scans:
        for found in scan.findings:
            if found.path == claim.file and abs(found.line - claim.line) <= NEAR:
                message = f"{_line(claim)} Confirmed by {scan.scanner} ({found.rule})."
                return Finding(CONFIRMED, found.severity, message, claim.file, claim.line, found.cwe)
    return None


def opinion(claim: Claim) -> Finding:
    """What nothing but the reviewer says; the weight that it gives it stands in the text alone."""
    return Finding(OPINION, "info", f"Opinion ({claim.severity}): {_line(claim)}", claim.file, claim.line)


def as_review(reviewed: Reviewed, findings: Sequence[Finding]) -> Review:
    """The review as a value; where no file could be read it did not run."""
    unread = tuple(f"{path}: {reason}" for path, reason in reviewed.unread.items())
    status = "ran" if reviewed.read else "errored" if unread else "not_run"
    reason = "" if reviewed.read else next(iter(unread), "there is no source to read")
    ordered = tuple(sorted(findings, key=lambda finding: (finding.path, finding.line, finding.message)))
    scan = Scan(SCANNER, ", ".join(reviewed.models), status, ordered, len(reviewed.read), reason)
    return Review(scan=scan, dropped=reviewed.dropped, unread=unread)


def no_review(order: Order) -> str:
    """Why nobody read the sources of a run that was not to be reviewed."""
    blueprint = "the author blueprint asks no model"
    return f"not_run: {blueprint if order.author == 'blueprint' else 'no model is named for the role reviewer'}"


def told(review: Review) -> str:
    """The review in a line."""
    scan = review.scan
    if scan.status != "ran":
        return f"{scan.status}: {scan.reason}"
    confirmed = sum(finding.rule == CONFIRMED for finding in scan.findings)
    parts = [f"{confirmed} confirmed", f"{len(scan.findings) - confirmed} opinions"]
    parts += [f"{review.dropped} about nothing that is there"] if review.dropped else []
    parts += [f"{len(review.unread)} files not read"] if review.unread else []
    return f"{', '.join(parts)} ({scan.version})"


def _line(claim: Claim) -> str:
    return " ".join(claim.reason.split()).rstrip(".") + "."
