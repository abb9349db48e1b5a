"""What a model says while it says it, told in handfuls: an event a word would drown the reader and the database."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from quantumlayer.ports.llm import OnText

SECONDS = 1.0
MOST = 2000
OnSaid = Callable[[str, str], Awaitable[None]]


@dataclass
class Gathered:
    """Passes text on at once to `also`; in handfuls of a second or `MOST` characters to `told`, with the model's name."""

    model: str
    told: OnSaid
    also: OnText | None = None
    _waiting: list[str] = field(default_factory=list)
    _since: float = field(default_factory=time.monotonic)

    async def hear(self, text: str) -> None:
        """A piece of the answer."""
        if self.also is not None:
            await self.also(text)
        self._waiting.append(text)
        if time.monotonic() - self._since >= SECONDS or sum(map(len, self._waiting)) >= MOST:
            await self.flush()

    async def flush(self) -> None:
        """Tells what is left."""
        text, self._waiting, self._since = "".join(self._waiting), [], time.monotonic()
        for start in range(0, len(text), MOST):
            await self.told(self.model, text[start : start + MOST])
