"""An account in memory, for a process that keeps none."""

import itertools
import time
from dataclasses import dataclass, field

from quantumlayer.account.values import Budget, Call, Payer, Spent, check


@dataclass
class MemoryBook:
    """A `Book` that is gone with its process. `organisation` is the budget of all that is asked here."""

    organisation: Budget = Budget()
    _ended: list[tuple[Payer, Call]] = field(default_factory=list)
    _open: dict[str, tuple[Payer, Spent, float]] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def reserve(self, payer: Payer, wanted: Spent, budget: Budget, seconds: float) -> str:
        """As `Book` says."""
        check("run", budget, self._spent(run=payer.run), wanted)
        check("organisation", self.organisation, self._spent(organisation=payer.organisation), wanted)
        number = str(next(self._numbers))
        self._open[number] = (payer, wanted, time.monotonic() + seconds)
        return number

    async def settle(self, reservation: str, payer: Payer, call: Call) -> None:
        """As `Book` says."""
        self._open.pop(reservation, None)
        self._ended.append((payer, call))

    async def calls(self, run: str) -> tuple[Call, ...]:
        """As `Book` says."""
        return tuple(call for payer, call in self._ended if payer.run == run)

    def _spent(self, **of: str) -> Spent:
        def mine(payer: Payer) -> bool:
            return all(getattr(payer, name) == value for name, value in of.items())

        total = Spent()
        for payer, call in self._ended:
            if mine(payer):
                total = total.plus(Spent(tokens=call.input_tokens + call.output_tokens, usd=call.cost_usd))
        for payer, wanted, until in self._open.values():
            if mine(payer) and until > time.monotonic():
                total = total.plus(wanted)
        return total
