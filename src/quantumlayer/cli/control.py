"""`ql cancel`, `ql resume`, `ql rollback`: what the service does with a run."""

import sys

import typer

from quantumlayer.cli.drops import DropId, find_drop
from quantumlayer.cli.failures import run
from quantumlayer.cli.follow import asker, open_desk, start_and_follow
from quantumlayer.cli.outcome import print_json, print_outcome
from quantumlayer.cli.runs import Json, RunId
from quantumlayer.cli.shelf import Shelf
from quantumlayer.errors import UserError
from quantumlayer.pipeline.client import connect
from quantumlayer.pipeline.values import Finished
from quantumlayer.server.service import ensure_service


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
    """Follow a run to its end; starts the service where it died, and takes up again what a mended fault had stopped."""
    finished = run(_resume(run_id, json))
    print_json(finished) if json else print_outcome(finished)
    raise typer.Exit(finished.exit_code)


async def _resume(run_id: str, quiet: bool) -> Finished:
    desk = await open_desk()
    found = await desk.runs.find(run_id)
    ended = await desk.runs.finished(found.id)
    if ended is not None and not ended.stopped:
        return ended
    if ended is not None:
        service = await ensure_service(desk.home)
        found = await desk.runs.resume(await connect(service.temporal), found)
    asks = found.order.get("interactive") and sys.stdin.isatty()
    return await start_and_follow(desk, found, quiet=quiet, ask=asker(desk, found) if asks else None)


def rollback(run_id: RunId, drop: DropId, json: Json = False) -> None:
    """Make an earlier artifact current again and redo what depends on it."""
    finished = run(_rollback(run_id, drop, json))
    print_json(finished) if json else print_outcome(finished)
    raise typer.Exit(finished.exit_code)


async def _rollback(run_id: str, drop_id: str, quiet: bool) -> Finished:
    desk = await open_desk()
    found = await desk.runs.find(run_id)
    drop = await find_drop(Shelf(desk.home, desk.runs), drop_id, found.id)
    service = await ensure_service(desk.home)
    restarted = await desk.runs.rollback(await connect(service.temporal), found, drop)
    return await start_and_follow(desk, restarted, quiet=quiet)
