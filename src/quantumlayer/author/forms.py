"""A form that a model fills in: asked, read against its schema, given back with what is wrong with it, within bounds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from quantumlayer.answer.data import read_json
from quantumlayer.answer.values import Refusal
from quantumlayer.author.asking import ask_whole
from quantumlayer.author.prompts import data
from quantumlayer.errors import UserError
from quantumlayer.ports.llm import Gateway, Prompt, Role

TRIES = 3
Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class Form(BaseModel):
    """A part of a form; unknown members are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


F = TypeVar("F", bound=Form)


@dataclass(frozen=True)
class Filled(Generic[F]):
    """What a model wrote into a form, and which model."""

    form: F
    model: str


def anything(_form: Form) -> None:
    """Takes every form that follows its schema."""


async def fill(
    gateway: Gateway,
    role: Role,
    prompt: Prompt,
    kind: type[F],
    check: Callable[[F], object] = anything,
    *,
    tries: int = TRIES,
    language: str | None = None,
) -> Filled[F]:
    """The form as a model of that role fills it in. `check` raises `Refusal` or `UserError` for what may not stand in it.

    Raises the last `Refusal` after so many `tries`, and what the gateway raises.
    """
    schema, problem = kind.model_json_schema(), Refusal("empty", "nothing was asked")
    asked = replace(prompt, schema=schema)
    for _ in range(tries):
        answer = await ask_whole(gateway, role, asked, language=language)
        try:
            form = kind.model_validate(read_json(answer, schema))
            check(form)
            return Filled(form, answer.model)
        except Refusal as refusal:
            problem = refusal
        except (ValidationError, UserError) as error:
            problem = Refusal("schema", getattr(error, "message", str(error)))
        told = f"Your last answer was refused:\n{data(problem.message[:2000])}\nSend the whole object again, mended."
        asked = replace(asked, text=f"{prompt.text}\n\n{told}")
    raise problem


def one_line(text: str) -> str:
    """The text without line ends and double spaces."""
    return " ".join(text.split())
