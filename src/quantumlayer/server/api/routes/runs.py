"""Runs: create, list, show, cancel, resume, roll back."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BeforeValidator
from starlette.responses import Response

from quantumlayer.pipeline.approval.values import LEAST_PATIENCE, MOST_PATIENCE
from quantumlayer.pipeline.client import new_run_id
from quantumlayer.pipeline.intake import admitted, chosen_author, require_models, reviewed
from quantumlayer.pipeline.values import Finished, StageReport
from quantumlayer.ports.store import RunStatus
from quantumlayer.server.api.answers import answer
from quantumlayer.server.api.intake import FORM, digest, read_new_run
from quantumlayer.server.api.office import JSON_ONLY, Office, RunId, TheCaller, TheOffice, refusals
from quantumlayer.server.api.problems import Refused
from quantumlayer.server.api.views import Rollback, RunList, RunView
from quantumlayer.stores.pages import Filters
from quantumlayer.stores.space import check_space
from quantumlayer.stores.values import Event, Run

router = APIRouter(prefix="/runs", tags=["runs"])
_FORM_SCHEMA = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("text", "stack", "author", "model")},
        "preview": {"type": "boolean"},
        "ttl": {"type": "integer", "minimum": 1, "maximum": 604800},
        "interactive": {"type": "boolean"},
        "answer_within": {"type": "integer", "minimum": LEAST_PATIENCE, "maximum": MOST_PATIENCE},
        **{
            name: {"type": "array", "items": {"type": "string", "contentMediaType": "text/plain"}}
            for name in ("file", "openapi", "schema", "spec")
        },
        "image": {"type": "array", "items": {"type": "string", "contentMediaType": "image/png"}},
    },
    "additionalProperties": False,
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/NewRun"}},
            FORM: {"schema": _FORM_SCHEMA, "example": {"text": "A to-do API: tasks have a title.", "preview": False}},
        },
    }
}


def _written(text: object) -> object:
    if isinstance(text, str) and text.replace(".", "").replace("-", "").isdigit():
        raise ValueError("write it as 2026-03-01T12:00:00Z")
    return text


# The framework would take a bare number for seconds since 1970.
Moment = Annotated[datetime, BeforeValidator(_written)]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, description="The same key and body again is the same run."),
]


@router.post("", status_code=201, response_model=RunView, responses=refusals(400, 408, 413, 415), openapi_extra=_BODY)
async def create_run(request: Request, office: TheOffice, caller: TheCaller, key: Key = None) -> Response:
    """Asks for a run. It is written down before the answer, so nothing loses it from then on."""
    wanted, asked = await read_new_run(request)
    asked = await admitted(asked)
    author = chosen_author(asked.author, asked.model, office.home.root)
    await require_models(author, asked, office.home.root)
    check_space(office.home.root)
    run_id, replayed = new_run_id(), False
    if key is not None:
        whole = digest(wanted)
        run_id, known = await office.access.claim(_scope(caller), key, whole, run_id, caller.owner)
        if known != whole:
            raise Refused(422, "this Idempotency-Key was used for another request", "choose a new key for each new run")
    run = await office.metadata.run(run_id)
    if run is None:
        run = await office.runs.add(
            asked,
            stack=asked.stack or "",
            author=author,
            preview=wanted.preview,
            ttl=wanted.ttl,
            owner=caller.owner,
            run_id=run_id,
            review=reviewed(author, asked.model, office.home.root),
            patience=wanted.answer_within if wanted.interactive else None,
        )
    else:
        replayed = True
    if run.status == "running":
        await office.temporal.start(run)
    headers = {"Location": f"/api/v1/runs/{run.id}"} | ({"Idempotency-Replayed": "true"} if replayed else {})
    return answer(request, await _view(office, run), 201, headers=headers)


@router.get("", response_model=RunList, responses=refusals())
async def list_runs(
    request: Request,
    office: TheOffice,
    caller: TheCaller,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300, description="`next` of the page before.")] = None,
    status: RunStatus | None = None,
    stack: Annotated[str | None, Query(max_length=100)] = None,
    text: Annotated[str | None, Query(max_length=200, description="Part of the request's beginning.")] = None,
    since: Annotated[Moment | None, Query(description="Created then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Created before.")] = None,
) -> Response:
    """Runs, newest first, page by page."""
    if any("\0" in word for word in (stack or "", text or "")):
        raise Refused(422, "a text to look for holds no NUL character")
    filters = Filters(status=status, stack=stack, text=text, since=_utc(since), until=_utc(until))
    page = await office.pages.runs(caller.owner, filters, limit, cursor)
    following = {}
    if page.cursor:
        url = request.url.include_query_params(cursor=page.cursor)
        following["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return answer(request, RunList(items=list(page.lines), total=page.total, next=page.cursor), headers=following)


@router.get("/{run_id}", response_model=RunView, responses=refusals(404))
async def show_run(request: Request, run_id: RunId, office: TheOffice, caller: TheCaller) -> Response:
    """How the run goes, or how it went."""
    return answer(request, await _view(office, await office.run(run_id, caller.owner)))


@router.post("/{run_id}/cancel", status_code=202, response_model=RunView, responses=refusals(404, 409))
async def cancel_run(request: Request, run_id: RunId, office: TheOffice, caller: TheCaller) -> Response:
    """Stops the run; its sandboxes are killed. It has ended when its status says so."""
    run = await office.run(run_id, caller.owner)
    if run.status != "running":
        raise Refused(409, f"the run {run.id} has ended already ({run.status})")
    await office.temporal.cancel(run)
    return answer(request, await _view(office, await office.run(run_id, caller.owner)), 202)


@router.post("/{run_id}/resume", status_code=202, response_model=RunView, responses=refusals(400, 404))
async def resume_run(request: Request, run_id: RunId, office: TheOffice, caller: TheCaller) -> Response:
    """Makes sure that an unfinished run goes on; takes up what a mended fault had stopped. What came to its end stays."""
    run = await office.temporal.resume(await office.run(run_id, caller.owner))
    return answer(request, await _view(office, run), 202)


@router.post(
    "/{run_id}/rollback",
    status_code=202,
    response_model=RunView,
    responses=refusals(400, 404, 409, 413, 415),
    dependencies=[JSON_ONLY],
)
async def rollback_run(request: Request, run_id: RunId, wanted: Rollback, office: TheOffice, caller: TheCaller) -> Response:
    """Makes an earlier drop current again and runs all that depends on it once more."""
    run = await office.run(run_id, caller.owner)
    if run.status == "running":
        raise Refused(409, f"the run {run.id} has not ended", "wait for it, or cancel it first")
    drop = await office.pages.drop(caller.owner, wanted.drop, run.id)
    if drop is None:
        raise Refused(404, f"the run {run.id} has no drop {wanted.drop!r}", f"list them with: GET /api/v1/runs/{run.id}/drops")
    restarted = await office.runs.rollback(await office.temporal.client(), run, drop)
    office.mocks.forget(run.id)
    return answer(request, await _view(office, restarted), 202)


async def _view(office: Office, run: Run) -> RunView:
    finished = Finished.model_validate(run.report) if run.report is not None else None
    events = () if finished else await office.metadata.events(run.id)
    stages, running = (list(finished.report.stages), []) if finished else _progress(events, run.execution)
    return RunView(
        id=run.id,
        status=run.status,
        title=run.title,
        stack=run.order["stack"],
        execution=run.execution,
        created_at=run.created_at,
        finished_at=run.finished_at,
        stages=stages,
        running=running,
        report=finished.report if finished else None,
        problem=finished.problem if finished else None,
        reasons=finished.reasons if finished else {},
    )


def _progress(events: tuple[Event, ...], execution: int) -> tuple[list[StageReport], list[str]]:
    """The stages that have ended and those that run, since the run was started last."""
    starts = [i for i, event in enumerate(events) if event.kind == "run_started"]
    current = events[starts[-1] :] if starts else events
    ended: dict[str, Any] = {e.data["stage"]: e.data for e in current if e.kind == "stage_finished"}
    begun = [e.data["stage"] for e in current if e.kind == "stage_started"]
    lines = [
        StageReport(
            name=name,
            status=data["status"],
            seconds=data["seconds"],
            drop=next(iter(data["drops"].values()), None),
            reason=data["reason"],
        )
        for name, data in ended.items()
    ]
    return lines, [name for name in dict.fromkeys(begun) if name not in ended]


def _scope(caller: Any) -> str:
    return f"{caller.owner.organisation}/{caller.owner.project}/{caller.owner.creator}"[:128]


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise Refused(422, "the time lies outside of the calendar") from None
