"""Everything the operations work with, put together once, and what they all ask for first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi import Path as PathParameter
from starlette.requests import HTTPConnection

from quantumlayer.catalog.blobs import open_blobs
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.registry import Registry, open_registry
from quantumlayer.pipeline.client import Runs
from quantumlayer.ports.store import Blobs, Drop
from quantumlayer.server.api.feeds import Feeds
from quantumlayer.server.api.guard import Caller
from quantumlayer.server.api.metrics import Metrics
from quantumlayer.server.api.mocks import Mocks
from quantumlayer.server.api.problems import ProblemDetails, Refused
from quantumlayer.server.api.settings import Settings
from quantumlayer.server.api.temporal import Temporal
from quantumlayer.stores.access import Access
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.pages import Pages
from quantumlayer.stores.spending import SqlBook
from quantumlayer.stores.values import Owner, Run


@dataclass(frozen=True)
class Office:
    """Stores, and the ways to Temporal and to the preview proxy."""

    settings: Settings
    home: Home
    metadata: Metadata
    blobs: Blobs
    runs: Runs
    pages: Pages
    access: Access
    previews: Registry
    preview_home: PreviewHome
    temporal: Temporal
    feeds: Feeds
    mocks: Mocks
    metrics: Metrics

    async def run(self, run_id: str, owner: Owner) -> Run:
        """The run, if it is of the caller's project. Raises `Refused` with 404, as for one that is not there."""
        run = await self.metadata.run(run_id)
        if run is None or not same_project(run.owner, owner):
            raise Refused(404, f"there is no run {run_id!r}", "list them with: GET /api/v1/runs")
        return run

    async def drop(self, drop_id: str, owner: Owner) -> Drop:
        """The drop, if it is of the caller's project. Raises `Refused` with 404."""
        drop = await self.pages.drop(owner, drop_id)
        if drop is None:
            raise Refused(404, f"there is no drop {drop_id!r}", "list them with: GET /api/v1/runs/RUN/drops")
        return drop

    async def close(self) -> None:
        """Ends what runs beside the requests."""
        await self.feeds.close()
        await self.temporal.close()
        await self.previews.close()
        await self.metadata.close()


def open_office(settings: Settings, home: Home, temporal_address: Callable[[], str]) -> Office:
    """Opens the stores of the home; nothing is read or written yet."""
    metadata = Metadata(home.database)
    blobs = open_blobs(home.drops)
    runs, pages = Runs(metadata, blobs), Pages(metadata)
    previews, feeds = open_registry(metadata.engine, home.redis), Feeds(pages)
    return Office(
        settings=settings,
        home=home,
        metadata=metadata,
        blobs=blobs,
        runs=runs,
        pages=pages,
        access=Access(metadata),
        previews=previews,
        preview_home=PreviewHome(home.root),
        temporal=Temporal(runs, temporal_address),
        feeds=feeds,
        mocks=Mocks(),
        metrics=Metrics(pages, previews, feeds, SqlBook(metadata.database)),
    )


def same_project(one: Owner, other: Owner) -> bool:
    """Whether both belong to the same organisation and project."""
    return (one.organisation, one.project) == (other.organisation, other.project)


# Not functions of threads: the framework would wait for one at each request, for each of them.
async def _office(connection: HTTPConnection) -> Office:
    return connection.app.state.office


async def _caller(connection: HTTPConnection) -> Caller:
    return connection.state.caller


async def _json_only(connection: HTTPConnection) -> None:
    kind = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, f"a body of {kind or 'no content type'} is not read here", "send application/json")


JSON_ONLY = Depends(_json_only)
TheOffice = Annotated[Office, Depends(_office)]
TheCaller = Annotated[Caller, Depends(_caller)]
RunId = Annotated[str, PathParameter(max_length=128, examples=["20260301-120000-0a1b2c3d4e"])]
DropId = Annotated[
    str, PathParameter(max_length=64, examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])
]


def refusals(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The refusals of an operation for its documentation; those that every operation may give are among them."""
    described = {
        400: "The request cannot be read.",
        401: "No valid token.",
        403: "The token does not permit this.",
        404: "There is no such thing, or it is not yours.",
        408: "The body did not arrive.",
        409: "Not possible in its present state.",
        410: "It is over.",
        413: "The body is too large.",
        415: "Not a content type that is read here.",
        416: "The range lies outside.",
        421: "Called by a name that is not the server's.",
        422: "Something in the request is wrong; `errors` tells what.",
        429: "Too many requests.",
        500: "A bug of ours.",
        503: "Something that the server needs does not answer.",
    }
    wanted = sorted({401, 403, 421, 422, 429, 500, 503, *statuses})
    return {status: {"model": ProblemDetails, "description": described[status]} for status in wanted}
