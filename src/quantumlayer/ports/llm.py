"""Port: ask a language model. An answer is untrusted input. Every adapter must pass `quantumlayer.conformance.llm`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, get_args

from quantumlayer.errors import UserError

Role = Literal["analyst", "coder", "reviewer", "vision", "embedder"]
ROLES: tuple[Role, ...] = get_args(Role)
Finish = Literal["stop", "length", "refused"]
OnText = Callable[[str], Awaitable[None]]


class NoModel(UserError):
    """No model is named for a role. `data["role"]`, `data["language"]`."""


class PromptTooLarge(UserError):
    """No model that may be asked can hold the prompt; known before any call. `data["tokens"]`, `data["context_tokens"]`."""


@dataclass(frozen=True)
class Image:
    """A picture in a prompt; `media_type` is `image/png`, `image/jpeg`, `image/webp` or `image/gif`."""

    media_type: str
    data: bytes


@dataclass(frozen=True)
class Turn:
    """One earlier turn of the conversation."""

    speaker: Literal["user", "model"]
    text: str


@dataclass(frozen=True)
class Prompt:
    """What to ask. `schema` is a JSON Schema (an object) that the answer's text must follow; None asks for plain text.

    `earlier` are the turns before `text`, oldest first. `max_tokens` bounds the answer. `seed` makes a model repeat itself
    where it can. After one of the texts in `stop`, which is left away, nothing more is wanted; many models go on nevertheless.
    """

    system: str
    text: str
    schema: Mapping[str, Any] | None = None
    earlier: tuple[Turn, ...] = ()
    images: tuple[Image, ...] = ()
    max_tokens: int = 4096
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a model said. `finish` "length" means that the text is cut; `cost_usd` is None where no price is known.

    With a schema `text` is meant to be JSON, and nothing more is promised: parse and validate it.
    """

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

    def tokens(self, prompt: Prompt) -> int:
        """How many tokens the prompt is: counted where the model's tokenizer is at hand, else estimated."""
        ...

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """US dollars for that many tokens; None where no price is known."""
        ...

    async def ask(self, prompt: Prompt, on_text: OnText | None = None) -> Answer:
        """One call, without retries, which ends within the seconds of its options. `on_text` hears the text while it comes.

        Raises `LlmUnavailable` (busy, down, slow, cut off: worth another try, maybe elsewhere) and `UserError` or
        `EnvironmentError_` where only a person can mend it (key, name, file). Cancelling the task stops the call.
        """
        ...

    async def close(self) -> None:
        """Lets go of connections and memory."""
        ...


class Gateway(Protocol):
    """Where steps ask. It picks the model, waits, tries again and elsewhere, and keeps the account of one run."""

    def at(self, stage: str) -> Self:
        """The same gateway; what is asked there is accounted under `stage`."""
        ...

    def stronger(self, role: Role) -> str | None:
        """The model that the user named for a last attempt in that role."""
        ...

    async def ask(
        self,
        role: Role,
        prompt: Prompt,
        *,
        language: str | None = None,
        model: str | None = None,
        on_text: OnText | None = None,
    ) -> Answer:
        """Asks the models of the role, or of its route for `language`, one after the other until one answers.

        `model` names the one to ask instead (a stronger one for a last attempt). After a retry `on_text` hears the text anew.
        Raises `NoModel`, `PromptTooLarge`, `BudgetExceeded` (before the call that would), `LlmUnavailable` when none
        answered, and the first model's own `UserError` or `EnvironmentError_` when each needs a person.
        """
        ...
