"""Port: ask a language model. An answer is untrusted input. Every adapter must pass `quantumlayer.conformance.llm`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Role = Literal["analyst", "coder", "reviewer", "vision", "embedder"]
Finish = Literal["stop", "length", "refused"]


@dataclass(frozen=True)
class Image:
    """A picture in a prompt."""

    media_type: str
    data: bytes


@dataclass(frozen=True)
class Turn:
    """One earlier turn of the conversation."""

    speaker: Literal["user", "model"]
    text: str


@dataclass(frozen=True)
class Prompt:
    """What to ask. `schema` is a JSON Schema that the answer's text must follow; None asks for plain text.

    `earlier` are the turns before `text`, oldest first. `max_tokens` bounds the answer. `seed` makes a model repeat itself
    where it can.
    """

    system: str
    text: str
    schema: Mapping[str, Any] | None = None
    earlier: tuple[Turn, ...] = ()
    images: tuple[Image, ...] = ()
    max_tokens: int = 4096
    temperature: float = 0.0
    seed: int | None = None


@dataclass(frozen=True)
class Answer:
    """What a model said. `finish` "length" means that the text is cut; `cost_usd` is None where no price is known."""

    text: str
    finish: Finish
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None = None


class Llm(Protocol):
    """An adapter: one model behind one name. Holds no keys in anything that it prints."""

    @property
    def name(self) -> str:
        """`PROVIDER:MODEL`, as users write it."""
        ...

    @property
    def context_tokens(self) -> int | None:
        """How much fits in, prompt and answer together; None where it is not known."""
        ...

    async def ask(self, prompt: Prompt, on_text: Callable[[str], Awaitable[None]] | None = None) -> Answer:
        """One call, without retries. `on_text` hears the text while it comes.

        Raises `LlmUnavailable` (busy, down, slow: worth another try, maybe elsewhere) and `UserError` or `EnvironmentError_`
        where only a person can mend it (key, name, file). Cancelling the task stops the call.
        """
        ...
