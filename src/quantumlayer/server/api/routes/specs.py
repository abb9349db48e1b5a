"""Specifications without an application: check one, ask its reference model, serve a run's own as a mock."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from quantumlayer.pipeline.codecs import decode
from quantumlayer.server.api.answers import answer
from quantumlayer.server.api.mocks import ask, play
from quantumlayer.server.api.office import JSON_ONLY, Office, RunId, TheCaller, TheOffice, refusals
from quantumlayer.server.api.problems import Refused
from quantumlayer.server.api.views import SPEC, MockAnswers, MockRequest, SpecSummary
from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.routes import routes
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec
from quantumlayer.stores.values import Owner

router = APIRouter(tags=["specifications"])
MEDIA_TYPES = ("application/yaml", "application/json", "text/yaml", "application/x-yaml")
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}, "example": SPEC},
            "application/json": {
                "schema": {"type": "object"},
                "example": {"name": "todo", "entities": {"task": {"plural": "tasks", "fields": {"title": "string"}}}},
            },
        },
    }
}


@router.post("/spec/check", response_model=SpecSummary, responses=refusals(400, 413, 415), openapi_extra=_BODY)
async def check_spec(request: Request) -> Response:
    """Finds every mistake in a specification (YAML or JSON); `errors` of the 422 lists them with lines and columns."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in MEDIA_TYPES:
        raise Refused(415, f"a specification is not {kind or 'a body without content type'}", f"send {MEDIA_TYPES[0]}")
    spec = await asyncio.to_thread(load_spec, await request.body(), "body")
    found = [{"method": route.method, "path": route.path} for route in routes(spec)]
    summary = SpecSummary(name=spec.name, entities=list(spec.entities), routes=found, requirements=len(spec.requirements))
    return answer(request, summary)


@router.post("/spec/mock", response_model=MockAnswers, responses=refusals(400, 413, 415), dependencies=[JSON_ONLY])
async def mock_spec(request: Request, wanted: MockRequest) -> Response:
    """What a correct application would answer to these calls, one after the other, starting without any rows."""
    spec = await asyncio.to_thread(load_spec, wanted.spec, "spec")
    return answer(request, MockAnswers(items=await asyncio.to_thread(play, spec, wanted.calls)))


@router.delete("/runs/{run_id}/mock", status_code=204, responses=refusals(404))
async def empty_mock(run_id: RunId, office: TheOffice, caller: TheCaller) -> Response:
    """Deletes all rows of the run's mock."""
    office.mocks.forget((await office.run(run_id, caller.owner)).id)
    return Response(None, 204)


async def call_mock(request: Request, run_id: RunId, path: str, office: TheOffice, caller: TheCaller) -> Response:
    """The application that the run is building, served by its reference model as soon as its specification is there."""
    drop, spec = await spec_of(office, run_id, caller.owner)
    mock = await office.mocks.of((run_id, drop), spec)
    headers = {name.lower(): value for name, value in request.headers.items()}
    # The caller's own token is for us; the application's comes beside it.
    headers.pop("authorization", None)
    if "x-mock-authorization" in headers:
        headers["authorization"] = headers.pop("x-mock-authorization")
    asked = HttpRequest(request.method, f"/{path}", dict(request.query_params), headers, await request.body())
    found = await asyncio.to_thread(ask, mock, asked)
    given = {name: value for name, value in found.headers.items() if name.lower() not in ("content-length", "content-type")}
    media_type = found.headers.get("content-type", "application/json")
    content = None if found.body is None else found.model_dump_json(include={"body"}).encode()[8:-1]
    return Response(content, found.status, given, media_type if content is not None else None)


for _method in METHODS:
    router.add_api_route(
        "/runs/{run_id}/mock/{path:path}",
        call_mock,
        methods=[_method],
        name=f"mock_{_method.lower()}",
        response_class=Response,
        responses={
            200: {
                "description": "The application's own answer, whatever its status.",
                "content": {"application/json": {"example": {"items": [], "total": 0}}},
            },
            **refusals(404, 409, 413),
        },
    )


async def spec_of(office: Office, run_id: str, owner: Owner) -> tuple[str, Spec]:
    """The id and the value of the run's specification. Raises `Refused` with 409 while there is none."""
    run = await office.run(run_id, owner)
    drop = next((d for d in await office.metadata.drops(run.id, current=True) if d.kind == "spec"), None)
    if drop is None:
        raise Refused(409, f"the run {run.id} has no specification yet", "wait for its stage `requirements`")
    return drop.id, await asyncio.to_thread(decode, await office.blobs.get(drop.id), Spec)
