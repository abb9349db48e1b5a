"""Previews: run the application of a capsule for a while; list, extend, end it, read its log."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from starlette.responses import Response

from quantumlayer.delivery.previews import extend, list_previews, logs, order_preview, revoke
from quantumlayer.delivery.values import Preview
from quantumlayer.evidence.live_application import administrator
from quantumlayer.pipeline.capsules import local_capsule
from quantumlayer.server.api.answers import answer
from quantumlayer.server.api.office import JSON_ONLY, Office, TheCaller, TheOffice, refusals, same_project
from quantumlayer.server.api.problems import Refused
from quantumlayer.server.api.routes.specs import spec_of
from quantumlayer.server.api.views import PREVIEW, Extension, NewPreview, PreviewList, PreviewView, preview_view
from quantumlayer.stores.values import Owner

router = APIRouter(prefix="/previews", tags=["previews"])
PreviewId = Annotated[str, PathParameter(max_length=64, examples=[PREVIEW])]


@router.get("", response_model=PreviewList, responses=refusals())
async def show_previews(
    request: Request,
    office: TheOffice,
    caller: TheCaller,
    every: Annotated[bool, Query(alias="all", description="Also those that are over.")] = False,
) -> Response:
    """Previews, newest first."""
    found = [p for p in await list_previews(office.previews, every=every) if same_project(_owner(p), caller.owner)]
    return answer(request, PreviewList(items=[preview_view(p) for p in found], total=len(found)))


@router.post(
    "", status_code=201, response_model=PreviewView, responses=refusals(400, 404, 409, 413, 415), dependencies=[JSON_ONLY]
)
async def create_preview(request: Request, wanted: NewPreview, office: TheOffice, caller: TheCaller) -> Response:
    """Runs the application of the run's capsule. A run has one live preview, however often it is asked for."""
    run = await office.run(wanted.run, caller.owner)
    capsule = await local_capsule(office.runs, office.home, run.id)
    if run.status == "running" or capsule is None:
        raise Refused(409, f"the run {run.id} has no capsule", "wait until it has ended as verified or partial")
    _, spec = await spec_of(office, run.id, caller.owner)
    admin = administrator(spec)
    preview = await order_preview(
        office.previews,
        office.preview_home,
        capsule,
        timedelta(seconds=wanted.ttl),
        run.id,
        environment={"ADMIN_IDENTIFIER": admin[0], "ADMIN_PASSWORD": admin[1]} if admin else {},
        owner=run.owner.model_dump(),
    )
    return answer(request, preview_view(preview), 201, headers={"Location": f"/api/v1/previews/{preview.id}"})


@router.get("/{preview_id}", response_model=PreviewView, responses=refusals(404))
async def show_preview(request: Request, preview_id: PreviewId, office: TheOffice, caller: TheCaller) -> Response:
    """One preview, also when it is over."""
    return answer(request, preview_view(await _found(office, preview_id, caller.owner)))


@router.post(
    "/{preview_id}/extend", response_model=PreviewView, responses=refusals(400, 404, 410, 413, 415), dependencies=[JSON_ONLY]
)
async def extend_preview(
    request: Request, preview_id: PreviewId, wanted: Extension, office: TheOffice, caller: TheCaller
) -> Response:
    """Lets it live for so long from now."""
    await _live(office, preview_id, caller.owner)
    changed = await extend(office.previews, office.preview_home, preview_id, timedelta(seconds=wanted.ttl))
    return answer(request, preview_view(changed))


@router.delete("/{preview_id}", status_code=204, responses=refusals(404, 410))
async def revoke_preview(preview_id: PreviewId, office: TheOffice, caller: TheCaller) -> Response:
    """Ends it now; its data is deleted and its address answers 410."""
    await _live(office, preview_id, caller.owner)
    await revoke(office.previews, office.preview_home, preview_id)
    return Response(None, 204)


@router.get(
    "/{preview_id}/logs",
    response_class=Response,
    responses={
        200: {"description": "At most 256 KiB.", "content": {"text/plain": {"example": "INFO listening on 8000\n"}}},
        **refusals(404),
    },
)
async def read_preview_logs(request: Request, preview_id: PreviewId, office: TheOffice, caller: TheCaller) -> Response:
    """The last that the application wrote."""
    preview = await _found(office, preview_id, caller.owner)
    text = await logs(office.previews, office.preview_home, preview.id)
    return answer(request, text.encode(), media_type="text/plain; charset=utf-8")


async def _found(office: Office, preview_id: str, owner: Owner) -> Preview:
    preview = await office.previews.get(preview_id)
    if preview is None or not same_project(_owner(preview), owner):
        raise Refused(404, f"there is no preview {preview_id!r}", "list them with: GET /api/v1/previews")
    return preview


async def _live(office: Office, preview_id: str, owner: Owner) -> Preview:
    preview = await _found(office, preview_id, owner)
    if not preview.live:
        raise Refused(410, f"the preview {preview_id} is over", "make another with: POST /api/v1/previews")
    return preview


def _owner(preview: Preview) -> Owner:
    return Owner(organisation=preview.organisation, project=preview.project, creator=preview.creator)
