"""Drops: what a run made, its content, and what changed; and the capsule."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from quantumlayer.files.archive import unpack
from quantumlayer.pipeline.codecs import TREE
from quantumlayer.pipeline.drop_files import differences, texts
from quantumlayer.ports.store import Drop
from quantumlayer.server.api.answers import answer, download
from quantumlayer.server.api.office import DropId, Office, RunId, TheCaller, TheOffice, refusals
from quantumlayer.server.api.problems import Refused
from quantumlayer.server.api.views import DropDiff, DropFile, DropFiles, DropList, FileDiff

router = APIRouter(tags=["drops"])
ANY = "*/*"
CAPSULE = "application/vnd.quantumlayer.capsule+tar+zstd"


def _ranges(media_type: str) -> dict[int | str, dict[str, Any]]:
    # Of bytes of any type nothing else can be said: some are JSON.
    content = {media_type: {"schema": {} if media_type == ANY else {"type": "string", "format": "binary"}}}
    return {
        200: {"description": "All of it.", "content": content},
        206: {"description": "The range that was asked for.", "content": content},
        304: {"description": "The caller has it already."},
    }


@router.get("/runs/{run_id}/drops", response_model=DropList, responses=refusals(404))
async def list_drops(
    request: Request,
    run_id: RunId,
    office: TheOffice,
    caller: TheCaller,
    current: Annotated[bool, Query(description="Only those that are current.")] = False,
) -> Response:
    """The artifacts of a run with their lineage, in the order in which they were made."""
    run = await office.run(run_id, caller.owner)
    found = await office.metadata.drops(run.id, current=current)
    return answer(request, DropList(items=list(found), total=len(found)))


@router.head("/runs/{run_id}/capsule", include_in_schema=False)
@router.get("/runs/{run_id}/capsule", response_class=Response, responses=_ranges(CAPSULE) | refusals(404, 409, 416))
async def download_capsule(request: Request, run_id: RunId, office: TheOffice, caller: TheCaller) -> Response:
    """The signed package, whole or in part (`Range`, `If-Range`, `If-None-Match`)."""
    run = await office.run(run_id, caller.owner)
    drop = await capsule_of(office, run.id)
    if drop is None and run.status == "running":
        raise Refused(409, f"the run {run.id} has no capsule yet", "wait until it has ended")
    if drop is None:
        raise Refused(404, f"the run {run.id} has no capsule", f"see why: GET /api/v1/runs/{run.id}")
    return download(request, await office.blobs.get(drop.id), drop.id, CAPSULE, f"{run.id}.capsule")


@router.get("/drops/{drop_id}", response_model=Drop, responses=refusals(404))
async def show_drop(request: Request, drop_id: DropId, office: TheOffice, caller: TheCaller) -> Response:
    """Where a drop comes from: its run, stage, parents and maker."""
    return answer(request, await office.drop(drop_id, caller.owner))


@router.get("/drops/{drop_id}/files", response_model=DropFiles, responses=refusals(404, 409))
async def list_drop_files(request: Request, drop_id: DropId, office: TheOffice, caller: TheCaller) -> Response:
    """The files of a drop that is a tree."""
    drop = await office.drop(drop_id, caller.owner)
    files = await _files(office, drop)
    items = [DropFile(path=path, size=len(content)) for path, content in files.items()]
    return answer(request, DropFiles(items=items, total=len(items)))


@router.head("/drops/{drop_id}/content", include_in_schema=False)
@router.get("/drops/{drop_id}/content", response_class=Response, responses=_ranges(ANY) | refusals(404, 409, 416))
async def download_drop(
    request: Request,
    drop_id: DropId,
    office: TheOffice,
    caller: TheCaller,
    path: Annotated[str | None, Query(max_length=1000, description="Of a tree, this file alone.")] = None,
) -> Response:
    """The bytes of a drop, or of one file of a tree, whole or in part."""
    drop = await office.drop(drop_id, caller.owner)
    if path is None:
        return download(request, await office.blobs.get(drop.id), drop.id, drop.media_type, f"{drop.kind}-{drop.id[:12]}")
    files = await _files(office, drop)
    if path not in files:
        raise Refused(404, f"the drop holds no file {path!r}", f"list them with: GET /api/v1/drops/{drop.id}/files")
    return download(request, files[path], f"{drop.id}/{path}".encode().hex()[-64:], "application/octet-stream", path)


@router.get("/drops/{drop_id}/diff/{other_id}", response_model=DropDiff, responses=refusals(404))
async def diff_drops(request: Request, drop_id: DropId, other_id: DropId, office: TheOffice, caller: TheCaller) -> Response:
    """What changed from the first drop to the second, file by file."""
    old, new = await office.drop(drop_id, caller.owner), await office.drop(other_id, caller.owner)
    left, right = await office.blobs.get(old.id), await office.blobs.get(new.id)
    found = await asyncio.to_thread(lambda: list(differences(texts(old, left), texts(new, right))))
    items = [FileDiff(path=d.path, change=d.change, diff="".join(f"{line}\n" for line in d.lines)) for d in found]
    return answer(request, DropDiff(items=items, total=len(items)))


async def capsule_of(office: Office, run_id: str) -> Drop | None:
    """The capsule that is current."""
    return next((d for d in await office.metadata.drops(run_id, current=True) if d.kind == "capsule"), None)


async def _files(office: Office, drop: Drop) -> dict[str, bytes]:
    if drop.media_type != TREE:
        raise Refused(409, f"the drop {drop.id[:12]} is no file tree", "leave `path` out")
    return dict((await asyncio.to_thread(unpack, await office.blobs.get(drop.id))).files)
