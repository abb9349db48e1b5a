"""What all gateways of a process share: open models, their breakers, and how many calls a provider gets at once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from purgatory.domain.model import OpenedState

from quantumlayer.errors import LlmUnavailable
from quantumlayer.gateway.breakers import Circuits, open_breakers
from quantumlayer.gateway.config import Transport, provider_of
from quantumlayer.ports.llm import Llm

log = logging.getLogger("quantumlayer.gateway")
Opener = Callable[[str], Llm]


class Pool:
    """Models by name, each opened when it is first asked. `open_model` raises as `OpenLlm` does."""

    def __init__(self, open_model: Opener, transport: Transport, circuits: Circuits) -> None:
        self.transport = transport
        self._open = open_model
        self._models: dict[str, Llm] = {}
        self._places: dict[str, asyncio.Semaphore] = {}
        self._breakers = open_breakers(circuits, transport.breaker_failures, transport.breaker_seconds)

    async def model(self, name: str) -> Llm:
        """The open model. Opening may read libraries and files, so it is done beside the loop."""
        if name not in self._models:
            opened = await asyncio.to_thread(self._open, name)
            self._models.setdefault(name, opened)
        return self._models[name]

    @asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[None]:
        """One of the places for calls to the model's provider; waits until one is free."""
        provider = provider_of(name)
        if provider not in self._places:
            self._places[provider] = asyncio.Semaphore(self.transport.limit(provider))
        async with self._places[provider]:
            yield

    @asynccontextmanager
    async def guarded(self, name: str) -> AsyncIterator[None]:
        """Counts the failures of the body for the model's breaker. Raises `LlmUnavailable` at once while it is open."""
        breaker = await self._breakers.get_breaker(name)
        try:
            await breaker.__aenter__()
        except OpenedState as state:
            raise LlmUnavailable(
                f"{name} failed {self.transport.breaker_failures} times in a row and is left alone for a while",
                hint=f"see `ql model list`; it is tried again after {self.transport.breaker_seconds:g} s",
                open_since=state.opened_at,
            ) from None
        try:
            yield
        except BaseException as error:
            await breaker.__aexit__(type(error), error, error.__traceback__)
            raise
        await breaker.__aexit__(None, None, None)

    async def close(self) -> None:
        """Closes every model that was opened."""
        for name in list(self._models):
            try:
                await self._models.pop(name).close()
            except Exception as error:  # the others are closed all the same
                log.warning("closing %s failed: %s", name, error)
