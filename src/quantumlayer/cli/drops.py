"""`ql drops`, `ql diff`."""

import sys
from typing import Annotated, Any

import typer

from quantumlayer.cli.failures import run
from quantumlayer.cli.runs import Json, RunId
from quantumlayer.cli.shelf import Shelf, open_shelf
from quantumlayer.cli.tables import print_data, print_table
from quantumlayer.errors import QuantumLayerError, UserError
from quantumlayer.files.archive import unpack
from quantumlayer.pipeline.codecs import JSON, TREE
from quantumlayer.pipeline.drop_files import differences, indented, texts
from quantumlayer.ports.store import Drop

DropId = Annotated[str, typer.Argument(metavar="DROP", help="The id of a drop, or the beginning of it.")]


def drops(
    run_id: RunId,
    drop: Annotated[str | None, typer.Option(help="Print the content of this drop: JSON, or the files of a tree.")] = None,
    path: Annotated[str | None, typer.Option(help="Of a file tree, print this file alone.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Read every drop and tell which are damaged; exit 1 if any.")] = False,
    json: Json = False,
) -> None:
    """List the artifacts of a run, or print one."""
    if drop is not None:
        value, content = run(_content(run_id, drop))
        _print_content(value, content, path)
        return
    if path is not None:
        raise UserError("--path needs the drop that holds the file", hint="name it with --drop")
    if check:
        _print_damage(run_id, *run(_checked(run_id)))
        return
    found, current = run(_drops(run_id))
    if json:
        print_data([d.model_dump(mode="json") | {"current": d in current} for d in found])
        return
    rows = [(d.id[:12], d.stage, d.kind, _version(d, current), d.size, ", ".join(p[:8] for p in d.parents)) for d in found]
    print_table(("drop", "stage", "kind", "version", "bytes", "made from"), rows, "no drops yet")


def _version(drop: Drop, current: tuple[Drop, ...]) -> str:
    return str(drop.version) if drop in current else f"{drop.version} (replaced)"


async def _drops(run_id: str) -> tuple[tuple[Drop, ...], tuple[Drop, ...]]:
    records = (await open_shelf()).records
    found = (await records.find(run_id)).id
    return await records.metadata.drops(found), await records.metadata.drops(found, current=True)


async def _checked(run_id: str) -> tuple[int, list[tuple[Drop, str]]]:
    records = (await open_shelf()).records
    found, damaged = await records.metadata.drops((await records.find(run_id)).id), []
    for drop in found:
        try:
            await records.blobs.get(drop.id)
        except QuantumLayerError as error:
            damaged.append((drop, error.message))
    return len(found), damaged


def _print_damage(run_id: str, count: int, damaged: list[tuple[Drop, str]]) -> None:
    if not damaged:
        print(f"{count} drops are whole")
        return
    print_table(("drop", "stage", "kind", "problem"), [(d.id[:12], d.stage, d.kind, problem) for d, problem in damaged])
    stages = {d.stage for d, _ in damaged}
    parents = [parent for d, _ in damaged for parent in d.parents if parent not in {x.id for x, _ in damaged}]
    if parents:
        print(f"make {', '.join(sorted(stages))} again with: ql rollback {run_id} {parents[0][:12]}", file=sys.stderr)
    raise typer.Exit(1)


async def _content(run_id: str | None, drop_id: str) -> tuple[Drop, bytes]:
    shelf = await open_shelf()
    found = await find_drop(shelf, drop_id, None if run_id is None else (await shelf.records.find(run_id)).id)
    return found, await shelf.records.blobs.get(found.id)


async def find_drop(shelf: Shelf, prefix: str, run_id: str | None = None) -> Drop:
    """The newest drop whose id starts with the text. Raises `UserError` where that is none, or more than one id."""
    found = await shelf.records.metadata.drops_starting_with(prefix, run_id)
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
