"""A circuit breaker per model: after failures in a row nobody asks it for a while, and its state can be seen elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from purgatory import AsyncCircuitBreakerFactory, AsyncInMemoryUnitOfWork
from purgatory.domain.model import Context
from purgatory.service._async.repository import AsyncInMemoryRepository

from quantumlayer.errors import LlmUnavailable


@dataclass(frozen=True)
class Circuit:
    """The state of a model's breaker: `closed` is well, `opened` is left alone, `half-opened` is tried once more.

    `failures` in a row; `opened_at` in seconds since 1970.
    """

    model: str
    state: str = "closed"
    failures: int = 0
    opened_at: float | None = None


class Circuits(Protocol):
    """Where the states are kept for other processes: a new worker starts with them, and people see them."""

    async def load(self, model: str) -> Circuit | None:
        """The state last kept."""
        ...

    async def keep(self, circuit: Circuit) -> None:
        """Remembers the state."""
        ...

    async def all(self) -> Sequence[Circuit]:
        """All that are known, by name."""
        ...


class KeptRepository(AsyncInMemoryRepository):
    """The breakers of this process, written through to where others see them."""

    def __init__(self, circuits: Circuits, threshold: int, seconds: float) -> None:
        super().__init__()
        self._circuits, self._threshold, self._seconds = circuits, threshold, seconds

    async def get(self, name: str) -> Context | None:
        """The breaker of this process, or the state that another left."""
        if name not in self.breakers and (kept := await self._circuits.load(name)) is not None:
            self.breakers[name] = Context(name, self._threshold, self._seconds, kept.state, kept.failures, kept.opened_at)  # type: ignore[arg-type]
        return self.breakers.get(name)

    async def update_state(self, name: str, state: str, opened_at: float | None) -> None:
        """Told when a breaker opens or closes."""
        await self._keep(name)

    async def inc_failures(self, name: str, failure_count: int) -> None:
        """Told of every failure."""
        await self._keep(name)

    async def reset_failure(self, name: str) -> None:
        """Told when a failing model answers again."""
        await self._keep(name)

    async def _keep(self, name: str) -> None:
        now = self.breakers[name]
        await self._circuits.keep(Circuit(name, now.state, now.failure_count or 0, now.opened_at))


class _Unit(AsyncInMemoryUnitOfWork):
    def __init__(self, repository: KeptRepository) -> None:
        super().__init__()
        self.contexts = repository


def open_breakers(circuits: Circuits, threshold: int, seconds: float) -> AsyncCircuitBreakerFactory:
    """Breakers that count `LlmUnavailable` alone: neither our own mistakes nor a cancelled call say that a model is down."""
    exclude: list[Any] = [(BaseException, lambda error: not isinstance(error, LlmUnavailable))]
    unit = _Unit(KeptRepository(circuits, threshold, seconds))
    return AsyncCircuitBreakerFactory(threshold, seconds, exclude, unit)


class MemoryCircuits:
    """States that end with their process."""

    def __init__(self) -> None:
        self._kept: dict[str, Circuit] = {}

    async def load(self, model: str) -> Circuit | None:
        """As `Circuits` says."""
        return self._kept.get(model)

    async def keep(self, circuit: Circuit) -> None:
        """As `Circuits` says."""
        self._kept[circuit.model] = circuit

    async def all(self) -> Sequence[Circuit]:
        """As `Circuits` says."""
        return [self._kept[name] for name in sorted(self._kept)]
