"""What the command line and the API do with a run that waits for a person: look, and decide."""

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from quantumlayer import __version__
from quantumlayer.errors import EnvironmentError_, QuantumLayerError, UserError
from quantumlayer.pipeline.approval.revise import revised, text_of
from quantumlayer.pipeline.approval.values import Act, Awaited, Decision, Document, Reply, awaiting_in
from quantumlayer.pipeline.client import Runs
from quantumlayer.pipeline.codecs import T, decode, encode
from quantumlayer.pipeline.records import Records
from quantumlayer.pipeline.stages import FRD, REQUIREMENTS
from quantumlayer.pipeline.values import Order
from quantumlayer.pipeline.workflow import Generate
from quantumlayer.ports.store import Drop, Producer
from quantumlayer.stores.digests import digest_of
from quantumlayer.stores.keep import keep_drop
from quantumlayer.stores.values import Run

PATIENCE = 60.0
STAGES: dict[Document, str] = {"frd": FRD.name, "spec": REQUIREMENTS.name}


async def awaited(records: Records, run: Run) -> Awaited | None:
    """The document that waits for a person now; None where none does."""
    return awaiting_in(await records.metadata.events(run.id)) if run.status == "running" else None


async def waiting(records: Records, run: Run) -> Awaited:
    """The same. Raises `UserError` where nothing waits."""
    found = await awaited(records, run)
    if found is None:
        ended = run.status != "running"
        told = f"the run {run.id} has ended already ({run.status})" if ended else f"the run {run.id} waits for nobody now"
        raise UserError(told, hint=f"see how it goes: ql show {run.id}")
    return found


async def document_text(records: Records, waits: Awaited) -> str:
    """The document as YAML that a person may edit."""
    return await text_of(_loader(records), {waits.document: waits.drop}, waits.document)


async def decide(
    runs: Runs, client: Client, run: Run, waits: Awaited, act: Act, by: str, reply: Reply | None = None
) -> Awaited | None:
    """Carries the decision out; what waits thereafter.

    Words are tried first: what cannot be taken changes nothing. Raises `UserError` for that, and where the document was
    decided about or changed meanwhile; `EnvironmentError_` when no worker answers.
    """
    digest = None
    if reply is not None:
        if act in ("answered", "edited"):
            await _tried(runs, run, waits, reply)
        digest = await _kept(runs, run, waits, reply)
    decision = Decision(document=waits.document, drop=waits.drop, act=act, by=by, reply=digest)
    # The same decision twice, because its answer was lost, is one.
    number = hashlib.sha256(f"{decision.model_dump_json()}{waits.until}".encode()).hexdigest()[:32]
    try:
        async with asyncio.timeout(PATIENCE):
            await runs.handle(client, run).execute_update(Generate.decide, decision, id=number)
    except WorkflowUpdateFailedError as error:
        raise _refused(error) from error
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        raise EnvironmentError_("no worker answers", hint="start the service: ql up") from error
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise EnvironmentError_(f"Temporal does not answer: {error}", hint="start it with: ql up") from error
        raise UserError(f"the run {run.id} is not going on", hint=f"see how it went: ql show {run.id}") from error
    return await awaited(runs, run)


async def _tried(runs: Runs, run: Run, waits: Awaited, reply: Reply) -> None:
    drops: dict[str, str] = {drop.kind: drop.id for drop in await runs.metadata.drops(run.id, current=True)}
    unread = Order.model_validate(run.order).author != "auto"
    await revised(_loader(runs), drops | {waits.document: waits.drop}, waits.document, reply, unread=unread)


async def _kept(runs: Runs, run: Run, waits: Awaited, reply: Reply) -> str:
    content, media_type = encode(reply)
    order = Order.model_validate(run.order)
    drop = Drop(
        id=digest_of(content),
        run=run.id,
        stage=STAGES[waits.document],
        kind=f"{waits.document}_reply",
        version=0,
        parents=(waits.drop,),
        created_at=datetime.now(UTC),
        producer=Producer(component=STAGES[waits.document], version=__version__),
        size=len(content),
        media_type=media_type,
    )
    return (await keep_drop(runs.metadata, runs.blobs, content, drop, order.owner)).id


def _loader(records: Records) -> Any:
    async def load(drop: str, type_: type[T]) -> T:
        return await asyncio.to_thread(decode, await records.blobs.get(drop), type_)

    return load


def _refused(error: WorkflowUpdateFailedError) -> QuantumLayerError:
    cause = error.cause
    details: Mapping[str, Any] = cause.details[0] if isinstance(cause, ApplicationError) and cause.details else {}
    kind = {"UserError": UserError, "EnvironmentError_": EnvironmentError_}.get(details.get("type", ""), QuantumLayerError)
    return kind(details.get("message") or str(cause or error), hint=details.get("hint", ""))
