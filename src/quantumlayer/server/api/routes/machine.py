"""The server itself: does it live, is it ready, which version is it, which stacks can it verify."""

import asyncio
import time
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from quantumlayer import __version__
from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.catalog.sandboxes import open_sandbox
from quantumlayer.catalog.stacks import list_stacks
from quantumlayer.errors import QuantumLayerError
from quantumlayer.server.api.answers import answer
from quantumlayer.server.api.metrics import MEDIA_TYPE
from quantumlayer.server.api.office import Office, TheOffice, refusals
from quantumlayer.server.api.views import Health, StackList, StackView, Version
from quantumlayer.stores.home import default_home

router = APIRouter(tags=["stacks"])
root = APIRouter(tags=["server"])
# Probing every toolchain starts programs; what is installed changes rarely.
STACKS_SECONDS = 60.0
NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Health, "description": "Something that the server needs does not answer."}
}


@root.get("/health", response_model=Health)
async def health() -> Health:
    """Whether the server lives."""
    return Health(status="ok")


@root.get("/ready", response_model=Health, responses=NOT_READY)
async def ready(office: TheOffice) -> Response:
    """Whether everything that it needs answers: the database, and Temporal."""
    parts = await _parts(office)
    whole = all(state == "ok" for state in parts.values())
    found = Health(status="ok" if whole else "unavailable", parts=parts)
    return Response(found.model_dump_json(), 200 if whole else 503, media_type="application/json")


@root.get("/version", response_model=Version)
async def version() -> Version:
    """Which release answers."""
    return Version(version=__version__, api=["v1"])


@root.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"description": "Prometheus's text format.", "content": {"text/plain": {"example": "ql_runs_waiting 0.0"}}}
    },
)
async def metrics(office: TheOffice) -> Response:
    """Durations and outcomes of runs and stages, the queue, previews, sandbox failures, requests; for Prometheus."""
    return Response(await office.metrics.text(), media_type=MEDIA_TYPE)


@router.get("/stacks", response_model=StackList, responses=refusals())
async def show_stacks(request: Request, office: TheOffice) -> Response:
    """Every stack, and whether this machine can verify it; if not, why, and the command that mends it."""
    found = await _stacks.get()
    return answer(request, StackList(items=found, total=len(found)))


class _Stacks:
    """The stacks, probed at most once a minute however many ask."""

    def __init__(self) -> None:
        self._until, self._found = 0.0, []
        self._lock = asyncio.Lock()

    async def get(self) -> list[StackView]:
        async with self._lock:
            if time.monotonic() > self._until:
                languages = family("languages")
                loaded = {name: languages.load(name)() for name in languages.names}
                sandbox = open_sandbox()
                stacks = await list_stacks(known_blueprints(default_home().root), loaded, sandbox)
                self._found = [StackView.model_validate(stack) for stack in stacks]
                self._until = time.monotonic() + STACKS_SECONDS
            return self._found


_stacks = _Stacks()


async def _parts(office: Office) -> dict[str, str]:
    async def tried(check) -> str:
        try:
            await check
        except QuantumLayerError as error:
            return error.message
        return "ok"

    database, temporal = await asyncio.gather(tried(office.metadata.any_running()), tried(office.temporal.answers()))
    return {"database": database, "temporal": temporal}
