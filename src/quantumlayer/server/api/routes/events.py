"""Live events of a run: over WebSocket, as server-sent events, or page by page."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, WebSocket
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect

from quantumlayer.server.api.answers import answer
from quantumlayer.server.api.guard import PROTOCOL
from quantumlayer.server.api.office import Office, RunId, TheCaller, TheOffice, refusals
from quantumlayer.server.api.problems import Refused
from quantumlayer.server.api.views import EventList, EventView

router = APIRouter(prefix="/runs", tags=["events"])
PING_SECONDS = 15.0
MOST = 2**31 - 1
_EXAMPLE = 'event: stage_started\ndata: {"run":"20260301-120000-0a1b2c3d4e","number":3,"kind":"stage_started"}\nid: 3\n\n'
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of events, or all of them as they come where `Accept` is `text/event-stream`.",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/EventList"}},
            "text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE},
        },
    },
    204: {"description": "As a stream: the run has ended and the caller has seen all of it; do not connect again."},
}
After = Annotated[int, Query(ge=0, le=MOST, description="Only events with a higher number.")]


@router.get("/{run_id}/events", response_model=EventList, responses=_STREAM | refusals(404))
async def read_events(
    request: Request,
    run_id: RunId,
    office: TheOffice,
    caller: TheCaller,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    last: Annotated[str | None, Header(alias="Last-Event-ID", max_length=20)] = None,
) -> Response:
    """From the first event, or after a number (`after`, `Last-Event-ID`); a stream ends when the run has ended."""
    run = await office.run(run_id, caller.owner)
    if last is not None:
        after = _number(last)
    if "text/event-stream" not in request.headers.get("accept", ""):
        found = await office.pages.events({run.id: after}, limit)
        items = [EventView.model_validate(event.model_dump()) for event in found]
        ended = run.status != "running" and len(found) < limit
        return answer(request, EventList(items=items, end=ended))
    if run.status != "running" and not await office.pages.events({run.id: after}, 1):
        return Response(None, 204)
    return EventSourceResponse(_stream(office, run.id, after), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


@router.websocket("/{run_id}/events")
async def follow_events(socket: WebSocket, run_id: RunId, office: TheOffice, caller: TheCaller, after: After = 0) -> None:
    """One JSON object for each event. Closes with 1000 when the run has ended."""
    try:
        run = await office.run(run_id, caller.owner)
    except Refused as refused:
        await socket.send_denial_response(refused.response())
        return
    offered = socket.scope.get("subprotocols", [])
    await socket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
    leaving = asyncio.create_task(_until_left(socket))
    telling = asyncio.create_task(_tell(socket, office, run.id, after))
    try:
        await asyncio.wait({leaving, telling}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (leaving, telling):
            task.cancel()
        await asyncio.gather(leaving, telling, return_exceptions=True)


async def _tell(socket: WebSocket, office: Office, run: str, after: int) -> None:
    with contextlib.suppress(WebSocketDisconnect, TimeoutError):
        async for page in office.feeds.listen(run, after):
            for event in page:
                await socket.send_text(event.json)
        await socket.close(1000, "the run has ended")
        return
    with contextlib.suppress(Exception):
        await socket.close(1013, "too slow")


async def _until_left(socket: WebSocket) -> None:
    # What a listener says has no meaning, but it must be read: else nobody notices that it left.
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _stream(office: Office, run: str, after: int) -> AsyncIterator[bytes]:
    pages = office.feeds.listen(run, after)
    pending: asyncio.Future[list] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(pages))
            done, _ = await asyncio.wait({pending}, timeout=PING_SECONDS)
            if not done:
                yield b": still there\n\n"
                continue
            try:
                page, pending = pending.result(), None
            except StopAsyncIteration:
                return
            yield b"".join(format_sse_event(data_str=e.json, event=e.kind, id=str(e.number)) for e in page)
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        await pages.aclose()


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MOST):
        raise Refused(422, f"Last-Event-ID {text!r} is no number of an event", "send the id of the last event you saw")
    return int(text)
