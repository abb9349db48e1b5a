"""`ql runs`, `ql show`."""

import importlib
import sys
from pathlib import Path
from typing import Annotated, get_args

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.outcome import print_json, print_outcome
from quantumlayer.cli.shelf import open_shelf
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.errors import UserError
from quantumlayer.pipeline.approval.values import awaiting_in
from quantumlayer.pipeline.values import Finished
from quantumlayer.ports.store import RunStatus
from quantumlayer.stores.pages import Filters, Page, Pages
from quantumlayer.stores.values import Event, Run

RunId = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, or the beginning of it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    status: Annotated[str | None, typer.Option(help="Only those: running, verified, partial, failed or cancelled.")] = None,
    stack: Annotated[str | None, typer.Option(help="Only those of this stack.")] = None,
    text: Annotated[str | None, typer.Option(help="Only those whose request holds this text.")] = None,
    json: Json = False,
) -> None:
    """List runs, newest first."""
    page = run(_runs(limit, Filters(status=_status(status), stack=stack, text=text)))
    if json:
        wanted = {"status", "created_at", "title", "stack"}
        print_data([{"run_id": line.id} | line.model_dump(include=wanted) for line in page.lines])
        return
    rows = [(r.id, r.status, f"{r.created_at:%Y-%m-%d %H:%M:%S}", r.stack, r.title) for r in page.lines]
    empty = "no such runs" if status or stack or text else 'no runs yet; start one with: ql generate "…"'
    print_table(("run", "status", "started (UTC)", "stack", "request"), rows, empty)
    if page.total > len(page.lines):
        print(f"{len(page.lines)} of {page.total}; see more with --limit", file=sys.stderr)


def _status(text: str | None) -> RunStatus | None:
    known = {status: status for status in get_args(RunStatus)}
    if text is not None and text not in known:
        raise UserError(f"there is no status {text!r}", hint=f"choose one of: {', '.join(known)}")
    return None if text is None else known[text]


async def _runs(limit: int, filters: Filters) -> Page:
    shelf = await open_shelf()
    return await Pages(shelf.records.metadata).runs(None, filters, limit)


def show(
    run_id: RunId,
    json: Json = False,
    events: Annotated[bool, typer.Option(help="Print every event as one JSON object a line.")] = False,
    timing: Annotated[bool, typer.Option("--timing", help="Plot where the run's time went.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write that plot into this file as a page.")] = None,
) -> None:
    """Show how a run went."""
    found, finished, told = run(_show(run_id))
    if timing or html is not None:
        # Loaded only here: what it draws with takes longer to load than the rest of this command.
        importlib.import_module("quantumlayer.cli.timing").show_timing(found.id, told, json, html)
    elif events:
        for event in told:
            print(event.model_dump_json())
    elif finished is not None:
        print_json(finished) if json else print_outcome(finished)
    elif json:
        print_data({"run_id": found.id, "status": found.status, "stages": [e.data for e in told if e.kind == "stage_finished"]})
    else:
        print(f"{found.id}  {found.status}  {found.title}")
        if waits := awaiting_in(told):
            print(f"it waits for a decision on its {waits.document}: ql pending {found.id}")
        rows = [(e.data["stage"], e.data["status"], f"{e.data['seconds']:.2f}") for e in told if e.kind == "stage_finished"]
        print_table(("stage", "status", "seconds"), rows, "no stage has ended yet")


async def _show(run_id: str) -> tuple[Run, Finished | None, tuple[Event, ...]]:
    records = (await open_shelf()).records
    found = await records.find(run_id)
    return found, await records.finished(found.id), await records.metadata.events(found.id)
