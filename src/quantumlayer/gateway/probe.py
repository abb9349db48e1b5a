"""Tries a model as our steps use it: a plain answer, one that follows a schema, one that is streamed."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from quantumlayer.errors import QuantumLayerError, UserError
from quantumlayer.ports.llm import Answer, Llm, Prompt

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "inhabitants": {"type": "integer"}},
    "required": ["city", "inhabitants"],
    "additionalProperties": False,
}
What = Literal["answers", "follows a schema", "streams"]
PLAIN = Prompt("You answer with one word.", "Say hello.", max_tokens=64)
STRUCTURED = Prompt("You answer with data.", "Name a large city and how many people live there.", schema=SCHEMA, max_tokens=256)
_Try = tuple[What, Callable[[], Awaitable[Answer]], Callable[[Answer], None]]


@dataclass(frozen=True)
class Finding:
    """How one try went. `said` is what the model said, or why it did not; `seconds` for the whole call."""

    what: What
    status: Literal["passed", "failed", "not_run"]
    said: str = ""
    seconds: float = 0.0
    tokens: int = 0
    cost_usd: float | None = None


async def probe(open_model: Callable[[], Llm]) -> AsyncIterator[tuple[Finding, QuantumLayerError | None]]:
    """The three tries, each once and without retries, with the error where one failed. After a failed first none is made."""
    try:
        model = open_model()
    except QuantumLayerError as error:
        yield Finding("answers", "failed", error.message), error
        return
    first = await _try("answers", lambda: model.ask(PLAIN), _anything)
    yield first
    more: tuple[_Try, ...] = (
        ("follows a schema", lambda: model.ask(STRUCTURED), _schema),
        ("streams", lambda: _streamed(model), _anything),
    )
    for what, call, check in more:
        if first[1] is not None:
            yield Finding(what, "not_run", "the model does not answer"), None
        else:
            yield await _try(what, call, check)
    await model.close()


async def _try(
    what: What, call: Callable[[], Awaitable[Answer]], check: Callable[[Answer], None]
) -> tuple[Finding, QuantumLayerError | None]:
    began = time.monotonic()
    try:
        answer = await call()
        check(answer)
    except QuantumLayerError as error:
        return Finding(what, "failed", error.message, round(time.monotonic() - began, 3)), error
    tokens = answer.input_tokens + answer.output_tokens
    said = " ".join(answer.text.split())[:80]
    return Finding(what, "passed", said, round(time.monotonic() - began, 3), tokens, answer.cost_usd), None


async def _streamed(model: Llm) -> Answer:
    heard: list[str] = []

    async def hear(text: str) -> None:
        heard.append(text)

    answer = await model.ask(PLAIN, hear)
    if "".join(heard) != answer.text:
        raise UserError("what was streamed is not the answer", hint="this model cannot be followed live")
    return answer


def _anything(answer: Answer) -> None:
    if not answer.text.strip():
        raise UserError(
            f"{answer.model} says nothing", hint="a model that thinks first may need more tokens; is it one that writes text?"
        )


def _schema(answer: Answer) -> None:
    try:
        found = json.loads(answer.text)
        good = set(found) == {"city", "inhabitants"} and isinstance(found["inhabitants"], int)
    except (ValueError, TypeError):
        good = False
    if not good:
        raise UserError(
            f"{answer.model} has no structured output: asked for JSON of a schema it says {answer.text[:80]!r}",
            hint=f'set [models."{answer.model}"] structured = "tool" or "prompt" in models.toml, or name another model',
        )
