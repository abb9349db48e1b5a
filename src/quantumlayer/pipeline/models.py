"""The models of a worker: opened once for each configuration, asked by the stages of all runs."""

import weakref
from dataclasses import dataclass, field
from pathlib import Path

from quantumlayer.account.values import Book, Call, Payer
from quantumlayer.catalog.gateways import open_gateway, open_pool
from quantumlayer.catalog.models import configured
from quantumlayer.gateway.breakers import Circuits
from quantumlayer.gateway.config import ModelsConfig
from quantumlayer.gateway.gateway import ModelGateway
from quantumlayer.gateway.pool import Pool
from quantumlayer.pipeline.values import Order
from quantumlayer.pipeline.workbench import Desk
from quantumlayer.stores.metadata import Metadata

_KEPT = 4


@dataclass
class _Open:
    """The open models of one configuration, and who may still ask them."""

    pool: Pool
    gateways: list["weakref.ref[ModelGateway]"] = field(default_factory=list)

    @property
    def used(self) -> bool:
        self.gateways = [gateway for gateway in self.gateways if gateway() is not None]
        return bool(self.gateways)


class Models:
    """What was open for the last few configurations stays open: `models.toml` may change while the worker runs.

    Older ones are closed as soon as no stage has a gateway to them.
    """

    def __init__(self, home: Path, book: Book, circuits: Circuits) -> None:
        self.home, self.book, self.circuits = home, book, circuits
        self._open: dict[str, _Open] = {}

    async def gateway(self, stage: Desk) -> ModelGateway:
        """The gateway for one stage of a run. Raises `UserError` for a broken configuration."""
        order = stage.task.order
        config = configured(self.home, order.model)
        opened = await self._opened(config)
        gateway = open_gateway(config, opened.pool, self.book, payer(order), stage.heard, stage.said).at(stage.task.stage)
        opened.gateways.append(weakref.ref(gateway))
        return gateway

    async def close(self) -> None:
        """Closes all models."""
        for opened in self._open.values():
            await opened.pool.close()

    async def _opened(self, config: ModelsConfig) -> _Open:
        key = config.model_dump_json()
        found = self._open.setdefault(key, _Open(open_pool(config, self.circuits)))
        older = [other for other in list(self._open)[:-_KEPT] if other != key and not self._open[other].used]
        for closing in [self._open.pop(other) for other in older]:
            await closing.pool.close()
        return found


async def calls_of(metadata: Metadata, run: str) -> tuple[Call, ...]:
    """The ended calls of a run, from its events: they outlive the worker that made them."""
    return tuple(
        Call.model_validate({**event.data, "run": run}) for event in await metadata.events(run) if event.kind == "model_call"
    )


def answered(calls: tuple[Call, ...]) -> str | None:
    """The models that answered, in the order of their first answer."""
    return ", ".join(dict.fromkeys(call.model for call in calls if call.outcome == "answered")) or None


def payer(order: Order) -> Payer:
    """Who pays for the calls of a run."""
    owner = order.owner
    return Payer(run=order.run, organisation=owner.organisation, project=owner.project, creator=owner.creator)
