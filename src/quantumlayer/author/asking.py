"""One answer of a model, put together where it was cut off at the token limit."""

import re
from dataclasses import replace

from quantumlayer.ports.llm import Answer, Gateway, Prompt, Role, Turn

CONTINUATIONS = 3
_TAIL = 1200
_CIRCLE = re.compile(r"(.{8,200}?)\1{4}.{0,200}\Z", re.DOTALL)
_GO_ON = "Your answer was cut off. Go on exactly where it stopped, in the middle of the line if need be. Repeat nothing."


async def ask_whole(
    gateway: Gateway, role: Role, prompt: Prompt, *, language: str | None = None, model: str | None = None
) -> Answer:
    """The answer, continued at most `CONTINUATIONS` times; cut still (finish "length") where that was not enough, or where it
    only repeats itself.

    Raises what `Gateway.ask` raises.
    """
    answer = await gateway.ask(role, prompt, language=language, model=model)
    earlier = (*prompt.earlier, Turn("user", prompt.text))
    for _ in range(CONTINUATIONS):
        if answer.finish != "length" or not answer.text.strip() or _runs_in_circles(answer.text):
            break
        going_on = replace(prompt, text=_GO_ON, earlier=(*earlier, Turn("model", answer.text)), schema=None)
        rest = await gateway.ask(role, going_on, language=language, model=model)
        answer = _joined(answer, rest)
    return answer


def _runs_in_circles(text: str) -> bool:
    """Whether the end is the same words again and again: a weak model goes on so until its last token."""
    return _CIRCLE.search(text[-_TAIL:]) is not None


def _joined(first: Answer, rest: Answer) -> Answer:
    cost = None if first.cost_usd is None or rest.cost_usd is None else first.cost_usd + rest.cost_usd
    return Answer(
        first.text + _without_fence(first.text, rest.text),
        rest.finish,
        rest.model,
        first.input_tokens + rest.input_tokens,
        first.output_tokens + rest.output_tokens,
        cost,
    )


def _without_fence(before: str, text: str) -> str:
    """Some models open the code block once more; inside an open one that is no code."""
    inside = before.count("\n```") + before.startswith("```")
    first, _, rest = text.partition("\n")
    return rest if inside % 2 and first.strip().startswith("```") and rest else text
