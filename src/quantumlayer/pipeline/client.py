"""What the command line and the API do with runs: start, follow, look, cancel, resume, roll back."""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from quantumlayer import __version__
from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.pipeline import stages
from quantumlayer.pipeline.codecs import encode
from quantumlayer.pipeline.kept import kept_by_resuming, kept_by_rollback
from quantumlayer.pipeline.records import Records
from quantumlayer.pipeline.temporal_address import TemporalAddress, api_key, parsed
from quantumlayer.pipeline.values import Author, Order, Outcome
from quantumlayer.pipeline.workflow import Generate
from quantumlayer.ports.store import Drop, Producer
from quantumlayer.request.values import Request
from quantumlayer.stores.digests import digest_of
from quantumlayer.stores.keep import keep_run
from quantumlayer.stores.space import check_room
from quantumlayer.stores.values import Owner, Run
from quantumlayer.telemetry.switch import interceptors

CONNECT_PATIENCE = 10.0
LONGEST_RUN = timedelta(hours=6)
# One that waits for people; each wait has a limit of its own.
LONGEST_INTERACTIVE_RUN = timedelta(days=365)
# A decision takes milliseconds; one that a killed worker had taken on is given to another after this long.
DECISION = timedelta(seconds=3)
TITLE_LENGTH = 120
# The stage, so to say, of what a run starts from.
ORDER = "order"


async def connect(address: str) -> Client:
    """A client of the Temporal server at HOST:PORT, or at a URL that `temporal_address.parsed` reads.

    Raises `EnvironmentError_` when it does not answer or does not know the namespace, `UserError` for no address.
    """
    place = parsed(address)
    tls, key = _tls(place), api_key()
    deadline = asyncio.get_running_loop().time() + CONNECT_PATIENCE
    while True:
        try:
            client = await Client.connect(
                place.target,
                namespace=place.namespace,
                data_converter=pydantic_data_converter,
                tls=tls,
                api_key=key,
                interceptors=interceptors(),
            )
            await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=place.namespace))
            return client
        except (RuntimeError, RPCError) as error:
            if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                raise EnvironmentError_(
                    f"Temporal at {place.target} has no namespace {place.namespace!r}",
                    hint=f"create it with: temporal operator namespace create -n {place.namespace} --address {place.target}",
                ) from error
            if asyncio.get_running_loop().time() > deadline:
                raise EnvironmentError_(
                    f"Temporal at {place.target} does not answer: {error}", hint="start it with: ql up"
                ) from error
            await asyncio.sleep(0.05)


def _tls(place: TemporalAddress) -> TLSConfig | bool:
    if not place.tls:
        return False
    ca, cert, key = (_content(path) for path in (place.ca, place.cert, place.key))
    return TLSConfig(server_root_ca_cert=ca, client_cert=cert, client_private_key=key, domain=place.server_name or None)


def _content(path: str) -> bytes | None:
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise EnvironmentError_(f"cannot read {path}: {error.strerror}", hint="check the path and the permissions") from error


def new_run_id() -> str:
    """The time and 40 random bits: sorts by age, easy to type the start of."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(5)}"


class Runs(Records):
    """What is done with runs. Methods that need Temporal take its client."""

    async def add(
        self,
        request: Request,
        *,
        stack: str,
        author: Author,
        preview: bool,
        ttl: int,
        owner: Owner = Owner(),
        run_id: str | None = None,
        patience: int | None = None,
        review: bool = False,
    ) -> Run:
        """Writes the request down as a run to be started. Nothing is lost from here on; the same `run_id` twice is one run.

        With `patience` it waits that many seconds for a person after each document that it drafts; with `review` a model reads
        what came of it.
        Raises `OutOfSpace` when the store is nearly full or the owner's quota is used up.
        """
        await check_room(self.blobs, self.metadata.ledger, owner)
        content, media_type = encode(request)
        digest = digest_of(content)
        order = Order(
            run=run_id or new_run_id(),
            stack=stack,
            author=author,
            model=request.model,
            inputs={"request": digest},
            preview=preview,
            ttl=ttl,
            owner=owner,
            review=review,
            **({} if patience is None else {"interactive": True, "patience": patience}),
        )
        run = Run(
            id=order.run,
            created_at=datetime.now(UTC),
            status="running",
            title=title_of(request),
            order=order.model_dump(mode="json"),
            owner=owner,
        )
        asked = Drop(
            id=digest,
            run=run.id,
            stage=ORDER,
            kind="request",
            version=1,
            created_at=run.created_at,
            producer=Producer(component=ORDER, version=__version__),
            size=len(content),
            media_type=media_type,
        )
        await keep_run(self.metadata, self.blobs, run, content, asked)
        await self.metadata.add_event(run.id, "1/started", "run_started", {"title": run.title, "stack": stack}, owner)
        return run

    async def start(self, client: Client, run: Run) -> None:
        """Starts the run's workflow; one that runs already goes on."""
        order = Order.model_validate(run.order)
        await client.start_workflow(
            Generate.run,
            order,
            id=workflow_id(order),
            task_queue=stages.QUEUE,
            execution_timeout=LONGEST_INTERACTIVE_RUN if order.interactive else LONGEST_RUN,
            task_timeout=DECISION,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )

    async def start_missing(self, client: Client) -> None:
        """Starts every unfinished run that Temporal does not know of, or lost."""
        for run in await self.metadata.unfinished():
            await self.start(client, run)

    async def cancel(self, client: Client, run: Run) -> None:
        """Asks the run to stop. Raises `UserError` when it has ended."""
        if run.status != "running":
            raise UserError(f"the run {run.id} has ended already ({run.status})", hint=f"see it with: ql show {run.id}")
        try:
            await self.handle(client, run).cancel()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def rollback(self, client: Client, run: Run, drop: Drop) -> Run:
        """Makes that drop current again and runs all that depends on it once more. Raises `UserError` while the run runs."""
        if run.status == "running":
            raise UserError(f"the run {run.id} has not ended", hint=f"wait for it, or: ql cancel {run.id}")
        if drop.run != run.id:
            raise UserError(f"the drop {drop.id} is not of the run {run.id}", hint=f"see: ql drops {run.id}")
        order = Order.model_validate(run.order)
        made = await self.metadata.drops(run.id)
        current = [d for d in await self.metadata.drops(run.id, current=True) if (d.stage, d.kind) != (drop.stage, drop.kind)]
        kept = kept_by_rollback(made, (*current, drop), await self._reported(run.id), drop)
        return await self._again(client, run, order.model_copy(update={"kept": kept}), {"rollback": drop.id}, drop)

    async def resume(self, client: Client, run: Run) -> Run:
        """Makes sure that the run goes on. One that was stopped is taken up again: what its stages made stays.

        One that came to its end stays as it is.
        """
        finished = await self.finished(run.id)
        if finished is None:
            await self.start(client, run)
            return run
        if not finished.stopped:
            return run
        order = Order.model_validate(run.order)
        current = await self.metadata.drops(run.id, current=True)
        kept = kept_by_resuming(order, finished.report, current, await self._reported(run.id))
        return await self._again(client, run, order.model_copy(update={"kept": kept}), {"resumed": True})

    async def _again(self, client: Client, run: Run, order: Order, told: Mapping[str, Any], drop: Drop | None = None) -> Run:
        """Starts the next execution of a run that has ended, with that order but for its number."""
        again = order.model_copy(update={"execution": run.execution + 1})
        try:
            data = again.model_dump(mode="json")
            restarted = await self.metadata.restart_run(run.id, again.execution, data, drop, order.owner)
        except IntegrityError:
            raise UserError(
                f"the drop {drop and drop.id} was deleted meanwhile", hint=f"see what is left: ql drops {run.id}"
            ) from None
        if not restarted:
            raise UserError(f"the run {run.id} was changed meanwhile", hint=f"look at it again: ql show {run.id}")
        await self.metadata.add_event(
            run.id, f"{again.execution}/started", "run_started", {"title": run.title, **told}, order.owner
        )
        found = await self.find(run.id)
        await self.start(client, found)
        return found

    async def _reported(self, run_id: str) -> Mapping[str, Outcome]:
        found = [e.data for e in await self.metadata.events(run_id) if e.kind == "stage_finished"]
        return {data["stage"]: Outcome.model_validate(data) for data in found}

    def handle(self, client: Client, run: Run) -> WorkflowHandle[Any, Any]:
        """The workflow of the run's present execution."""
        return client.get_workflow_handle(workflow_id(Order.model_validate(run.order)))


def workflow_id(order: Order) -> str:
    """One workflow for each execution of a run."""
    return order.run if order.execution == 1 else f"{order.run}.{order.execution}"


def title_of(request: Request) -> str:
    """The beginning of the request on one line, without what could command a terminal or turn its text around."""
    text = request.text or ", ".join(each.name for each in (*request.files, *request.pictures))
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return shown if len(shown) <= TITLE_LENGTH else shown[: TITLE_LENGTH - 1] + "…"
