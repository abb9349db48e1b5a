"""What is known of runs, without Temporal: reading needs no service, and starts fast."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from quantumlayer.errors import UserError
from quantumlayer.pipeline.values import Finished
from quantumlayer.ports.store import Blobs
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.values import Event, Run, RunStatus

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Records:
    """The stores of a home."""

    metadata: Metadata
    blobs: Blobs

    async def find(self, prefix: str) -> Run:
        """The run whose id is or starts with the text. Raises `UserError` when there is none or more than one."""
        if (run := await self.metadata.run(prefix)) is not None:
            return run
        found = await self.metadata.runs_starting_with(prefix) if prefix else ()
        if len(found) > 1:
            raise UserError(f"{prefix!r} could be more than one run", hint=f"write more of it: {found[0].id}, {found[1].id}, …")
        if not found:
            raise UserError(f"there is no run {prefix!r}", hint="list them with: ql runs")
        return found[0]

    async def events(self, run_id: str, after: int = 0) -> AsyncIterator[Event]:
        """The run's events from the first after that number on, as they come, until the run has ended."""
        status: RunStatus | None = "running"
        while status == "running":
            status, new = await self.metadata.news(run_id, after)
            for event in new:
                after = event.number
                yield event
            if status == "running":
                await asyncio.sleep(POLL_SECONDS)

    async def finished(self, run_id: str) -> Finished | None:
        """How the run ended, None while it has not."""
        run = await self.metadata.run(run_id)
        return Finished.model_validate(run.report) if run is not None and run.report is not None else None
