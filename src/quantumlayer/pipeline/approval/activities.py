"""Activities of a run that waits for a person: tell what waits, and carry out what was decided."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from temporalio import activity

from quantumlayer.pipeline.approval.revise import questions, revised
from quantumlayer.pipeline.approval.values import MADE_BY, Agreement, Asking, Awaited, Deciding, Document, Reply
from quantumlayer.pipeline.values import Outcome, Task
from quantumlayer.pipeline.workbench import Desk, beside_desk
from quantumlayer.ports.store import Blobs
from quantumlayer.stores.metadata import Metadata


class Agree:
    """The documents themselves stay drops of the stage that drafted them, so that rollbacks and lineage hold as ever."""

    def __init__(self, blobs: Blobs, metadata: Metadata) -> None:
        self.blobs, self.metadata = blobs, metadata

    @activity.defn(name="ask")
    async def ask(self, asking: Asking) -> None:
        """Tells that the document waits, and what is open in it."""
        async with beside_desk(asking.task, self.blobs, self.metadata) as desk:
            await self._await(desk, asking.task.inputs, asking.until)

    @activity.defn(name="decide")
    async def decide(self, deciding: Deciding) -> Outcome:
        """Decision → the document as it is then, with one more entry of the audit trail."""
        task, decision = deciding.task, deciding.decision
        (before,) = task.outcomes
        document = MADE_BY[task.stage]
        async with beside_desk(task, self.blobs, self.metadata) as desk:
            reply = await desk.load("reply", Reply) if desk.has("reply") else Reply()
            if decision is not None and decision.act in ("answered", "edited"):
                made = await revised(desk.load_drop, task.inputs, document, reply, unread=_unread(task))
                await desk.save(document, made)
            after = desk.drops.get(document, task.inputs[document])
            entry = Agreement(
                document=document,
                act=decision.act if decision else "expired",
                by=decision.by if decision else "",
                at=deciding.at,
                before=task.inputs[document],
                after=after,
                answers=reply.answers,
                reason=reply.reason,
            )
            await self._keep(desk, entry)
            if entry.act in ("answered", "edited"):
                await self._await(desk, task.inputs | desk.drops, deciding.until)
        status, reason = ("passed", "") if entry.act not in ("rejected", "expired") else ("failed", _why(entry))
        return before.model_copy(update={"drops": before.drops | desk.drops, "status": status, "reason": reason})

    async def _keep(self, desk: Desk, entry: Agreement) -> None:
        trail = f"{entry.document}_agreement"
        entries = await desk.load(trail, tuple[Agreement, ...]) if desk.has(trail) else ()
        await desk.save(trail, (*entries, entry))
        data = entry.model_dump(mode="json", exclude={"answers"}) | {"stage": desk.task.stage}
        await desk.tell(f"decided/{len(entries)}", "decided", data)

    async def _await(self, desk: Desk, drops: Mapping[str, str], until: datetime) -> None:
        document: Document = MADE_BY[desk.task.stage]
        found = await questions(desk.load_drop, drops, document, unread=_unread(desk.task))
        waits = Awaited(document=document, drop=drops[document], questions=found, until=until)
        data: dict[str, Any] = waits.model_dump(mode="json") | {"stage": desk.task.stage}
        await desk.tell(f"awaiting/{until.isoformat()}", "awaiting", data)


def _unread(task: Task) -> bool:
    """Whether a person is asked for other words for what the analyst did not understand: no model will read it."""
    return task.order.author != "auto"


def _why(entry: Agreement) -> str:
    if entry.act == "expired":
        return f"nobody decided about the {NAMES[entry.document]} in time"
    return f"{entry.by} rejected the {NAMES[entry.document]}" + (f": {entry.reason}" if entry.reason else "")


NAMES: dict[Document, str] = {"frd": "requirements", "spec": "specification"}
