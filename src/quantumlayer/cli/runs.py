"""`ql runs`, `ql show`, `ql cancel`, `ql resume`."""

from typing import Annotated, Any

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.follow import open_desk, start_and_follow
from quantumlayer.cli.outcome import print_json, print_outcome
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.errors import UserError
from quantumlayer.pipeline.client import connect
from quantumlayer.pipeline.values import Finished
from quantumlayer.server.service import ensure_service

RunId = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, or the beginning of it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def runs(limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20, json: Json = False) -> None:
    """List runs, newest first."""
    found = run(_runs(limit))
    if json:
        print_data(
            [
                {"run_id": r.id, "status": r.status, "created_at": r.created_at, "title": r.title, "stack": r.order["stack"]}
                for r in found
            ]
        )
        return
    rows = [(r.id, r.status, f"{r.created_at:%Y-%m-%d %H:%M:%S}", r.order["stack"], r.title) for r in found]
    print_table(("run", "status", "started (UTC)", "stack", "request"), rows, 'no runs yet; start one with: ql generate "…"')


async def _runs(limit: int) -> Any:
    desk = await open_desk()
    return await desk.metadata.runs(limit)


def show(
    run_id: RunId,
    json: Json = False,
    events: Annotated[bool, typer.Option(help="Print every event as one JSON object a line.")] = False,
) -> None:
    """Show how a run went."""
    found, finished, told = run(_show(run_id))
    if events:
        for event in told:
            print(event.model_dump_json())
    elif finished is not None:
        print_json(finished) if json else print_outcome(finished)
    elif json:
        print_data({"run_id": found.id, "status": found.status, "stages": [e.data for e in told if e.kind == "stage_finished"]})
    else:
        print(f"{found.id}  {found.status}  {found.title}")
        rows = [(e.data["stage"], e.data["status"], f"{e.data['seconds']:.2f}") for e in told if e.kind == "stage_finished"]
        print_table(("stage", "status", "seconds"), rows, "no stage has ended yet")


async def _show(run_id: str) -> Any:
    desk = await open_desk()
    found = await desk.runs.find(run_id)
    return found, await desk.runs.finished(found.id), await desk.metadata.events(found.id)


def cancel(run_id: RunId) -> None:
    """Stop a run."""
    print(f"{run(_cancel(run_id))} is being cancelled")


async def _cancel(run_id: str) -> str:
    desk = await open_desk()
    found = await desk.runs.find(run_id)
    if found.status != "running":
        raise UserError(f"the run {found.id} has ended already ({found.status})", hint=f"see it with: ql show {found.id}")
    service = await ensure_service(desk.home, busy=True)
    client = await connect(service.temporal)
    await desk.runs.start(client, found)
    await desk.runs.cancel(client, found)
    return found.id


def resume(run_id: RunId, json: Json = False) -> None:
    """Follow a run to its end; starts the service where it died."""
    finished = run(_resume(run_id, json))
    print_json(finished) if json else print_outcome(finished)
    raise typer.Exit(finished.exit_code)


async def _resume(run_id: str, quiet: bool) -> Finished:
    desk = await open_desk()
    found = await desk.runs.find(run_id)
    ended = await desk.runs.finished(found.id)
    return ended if ended is not None else await start_and_follow(desk, found, quiet=quiet)
