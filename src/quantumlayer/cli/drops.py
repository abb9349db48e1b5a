"""`ql drops`, `ql diff`, `ql rollback`."""

import sys
from typing import Annotated, Any

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.follow import Desk, open_desk, start_and_follow
from quantumlayer.cli.outcome import print_json, print_outcome
from quantumlayer.cli.runs import Json, RunId
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.errors import UserError
from quantumlayer.files.archive import unpack
from quantumlayer.pipeline.client import connect
from quantumlayer.pipeline.codecs import JSON, TREE
from quantumlayer.pipeline.drop_files import differences, indented, texts
from quantumlayer.pipeline.values import Finished
from quantumlayer.ports.store import Drop
from quantumlayer.server.service import ensure_service

DropId = Annotated[str, typer.Argument(metavar="DROP", help="The id of a drop, or the beginning of it.")]


def drops(
    run_id: RunId,
    drop: Annotated[str | None, typer.Option(help="Print the content of this drop: JSON, or the files of a tree.")] = None,
    path: Annotated[str | None, typer.Option(help="Of a file tree, print this file alone.")] = None,
    json: Json = False,
) -> None:
    """List the artifacts of a run, or print one."""
    if drop is None:
        found = run(_drops(run_id))
        if json:
            print_data([d.model_dump(mode="json") for d in found])
            return
        rows = [(d.id[:12], d.stage, d.kind, d.version, d.size, ", ".join(p[:8] for p in d.parents)) for d in found]
        print_table(("drop", "stage", "kind", "version", "bytes", "made from"), rows, "no drops yet")
        return
    value, content = run(_content(run_id, drop))
    _print_content(value, content, path)


async def _drops(run_id: str) -> tuple[Drop, ...]:
    desk = await open_desk()
    return await desk.metadata.drops((await desk.runs.find(run_id)).id)


async def _content(run_id: str | None, drop_id: str) -> tuple[Drop, bytes]:
    desk = await open_desk()
    found = await _find(desk, drop_id, None if run_id is None else (await desk.runs.find(run_id)).id)
    return found, await desk.runs.blobs.get(found.id)


async def _find(desk: Desk, prefix: str, run_id: str | None = None) -> Drop:
    found = await desk.metadata.drops_starting_with(prefix, run_id)
    if len({drop.id for drop in found}) > 1:
        raise UserError(f"{prefix!r} could be more than one drop", hint="write more of its id")
    if not found:
        raise UserError(f"there is no drop {prefix!r}", hint="list them with: ql drops RUN")
    return found[0]


def _print_content(drop: Drop, content: bytes, path: str | None) -> None:
    if drop.media_type == TREE:
        files = unpack(content).files
        if path is None:
            print("\n".join(files))
            return
        if path not in files:
            raise UserError(f"the drop holds no file {path!r}", hint="leave --path out to list its files")
        content = files[path]
    elif path is not None:
        raise UserError(f"the drop {drop.id[:12]} is no file tree", hint="leave --path out")
    elif drop.media_type == JSON:
        content = indented(content) + b"\n"
    sys.stdout.buffer.write(content)


def diff(old: DropId, new: DropId) -> None:
    """Compare two artifacts."""
    (before, left), (after, right) = run(_pair(old, new))
    found = list(differences(texts(before, left), texts(after, right)))
    for difference in found:
        print("\n".join(difference.lines) or f"{difference.path} differs: binary")
    raise typer.Exit(1 if found else 0)


async def _pair(old: str, new: str) -> Any:
    return await _content(None, old), await _content(None, new)


def rollback(run_id: RunId, drop: DropId, json: Json = False) -> None:
    """Make an earlier artifact current again and redo what depends on it."""
    finished = run(_rollback(run_id, drop, json))
    print_json(finished) if json else print_outcome(finished)
    raise typer.Exit(finished.exit_code)


async def _rollback(run_id: str, drop_id: str, quiet: bool) -> Finished:
    desk = await open_desk()
    found = await desk.runs.find(run_id)
    drop = await _find(desk, drop_id, found.id)
    service = await ensure_service(desk.home)
    restarted = await desk.runs.rollback(await connect(service.temporal), found, drop)
    return await start_and_follow(desk, restarted, quiet=quiet)
