"""The models of a worker: opened once for each configuration, asked by the stages of all runs."""

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


class Models:
    """What was open for the last few configurations stays open: `models.toml` may change while the worker runs."""

    def __init__(self, home: Path, book: Book, circuits: Circuits) -> None:
        self.home, self.book, self.circuits = home, book, circuits
        self._pools: dict[str, Pool] = {}

    async def gateway(self, stage: Desk) -> ModelGateway:
        """The gateway for one stage of a run. Raises `UserError` for a broken configuration."""
        order = stage.task.order
        config = configured(self.home, order.model)
        pool = await self._pool(config)
        return open_gateway(config, pool, self.book, payer(order), stage.heard, stage.said).at(stage.task.stage)

    async def close(self) -> None:
        """Closes all models."""
        for pool in self._pools.values():
            await pool.close()

    async def _pool(self, config: ModelsConfig) -> Pool:
        key = config.model_dump_json()
        if key not in self._pools:
            self._pools[key] = open_pool(config, self.circuits)
            while len(self._pools) > _KEPT:
                await self._pools.pop(next(iter(self._pools))).close()
        return self._pools[key]


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
