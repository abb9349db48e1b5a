"""How a run ended: for people as tables, for programs as the contract's one JSON object."""

import sys

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from quantumlayer.cli.failures import tell
from quantumlayer.cli.progress import COLOURS, SIGNS
from quantumlayer.cli.tables import console
from quantumlayer.pipeline.values import Finished, Report

STATUS = {
    "verified": ("green", "every requirement is met, with evidence that ran"),
    "partial": ("yellow", "built, but not every requirement is proven"),
    "failed": ("red", "no application that can be vouched for"),
    "cancelled": ("red", "stopped before the end"),
}
REFUSED = 2
UNREACHED = tuple(("not_run", why) for why in ("an earlier stage failed", "the run was cancelled", "the budget is used up"))
MARKS = {"met": ("✓", "green"), "unmet": ("✗", "red"), "unverified": ("?", "yellow")}


def print_json(finished: Finished) -> None:
    """The object of the contract on stdout; why it failed, on stderr."""
    print(finished.report.model_dump_json(indent=2))
    _explain(finished)


def print_outcome(finished: Finished) -> None:
    """Status, stages, requirements, and where everything is, on stdout; of a request that was refused, only the reason."""
    out = console()
    report = finished.report
    if finished.problem is not None and finished.exit_code == REFUSED:
        out.print(f"run {report.run_id} was refused", highlight=False)
        sys.stdout.flush()
        _explain(finished)
        return
    colour, meaning = STATUS[report.status]
    out.print(Panel(Text.assemble((report.status.upper(), f"bold {colour}"), f"  {meaning}"), border_style=colour))
    out.print(_stages(report))
    if report.requirements:
        out.print(_requirements(finished))
    out.print(_places(finished))
    sys.stdout.flush()
    _explain(finished)


def _explain(finished: Finished) -> None:
    if finished.problem is not None:
        tell(finished.problem.message, finished.problem.hint)


def _stages(report: Report) -> Table:
    table = Table(title="Stages", title_justify="left", box=None, padding=(0, 2))
    table.add_column("")
    table.add_column("stage")
    table.add_column("seconds", justify="right")
    table.add_column("drop")
    table.add_column("", overflow="fold")
    unreached = [stage for stage in report.stages if (stage.status, stage.reason) in UNREACHED]
    for stage in report.stages:
        if stage in unreached:
            continue
        sign = Text(SIGNS[stage.status], style=COLOURS[stage.status])
        reason = Text(f"{stage.status}: {stage.reason}" if stage.reason else "", style="dim")
        table.add_row(sign, stage.name, f"{stage.seconds:.2f}", (stage.drop or "")[:12], reason)
    if unreached:
        after = Text(f"{len(unreached)} more did not run: {unreached[0].reason}", style="dim")
        table.add_row(Text(SIGNS["not_run"], style=COLOURS["not_run"]), "", "", "", after)
    return table


def _requirements(finished: Finished) -> Table:
    table = Table(title="Requirements", title_justify="left", box=None, padding=(0, 2))
    for column in ("", "id", "status"):
        table.add_column(column)
    table.add_column("text", overflow="fold")
    for requirement in finished.report.requirements:
        mark, style = MARKS[requirement.status]
        text = Text(requirement.text)
        if reason := finished.reasons.get(requirement.id):
            text.append(f"\n{reason}", style="dim")
        table.add_row(Text(mark, style=style), requirement.id, Text(requirement.status, style=style), text)
    return table


def _places(finished: Finished) -> Table:
    table, report = Table.grid(padding=(0, 2)), finished.report
    met = sum(r.status == "met" for r in report.requirements)
    facts = {
        "run": report.run_id,
        "requirements": f"{met} of {len(report.requirements)} met" if report.requirements else None,
        "scores": _scores(report),
        "capsule": report.capsule,
        "sources": report.out,
        "preview": report.preview_url,
        "time": f"{report.seconds:.1f} s",
        "models": _models(finished),
        "review": finished.review,
        "evidence": f"ql show {report.run_id}" if report.capsule else None,
    }
    for name, value in facts.items():
        if value:
            table.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    return table


def _models(finished: Finished) -> str | None:
    """What the models took, by stage."""
    parts = [f"{u.stage}: {u.model}, {u.calls} calls, {u.input_tokens + u.output_tokens:,} tokens" for u in finished.usage]
    return "; ".join([*parts, f"${finished.report.cost_usd:.4f}"]) if parts else None


def _scores(report: Report) -> str | None:
    parts = [
        f"QA {report.scores.qa}" if report.scores.qa is not None else "",
        f"security {report.scores.security}" if report.scores.security is not None else "",
        f"coverage {report.coverage:.0%}" if report.coverage is not None else "",
    ]
    return ", ".join(part for part in parts if part) or None
