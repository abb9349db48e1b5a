"""The door of every run, whoever asks: what cannot be built is refused before anything is written down."""

import asyncio

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.catalog.stacks import required_toolchain
from quantumlayer.errors import UserError
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request
from quantumlayer.spec.given_spec import given_spec
from quantumlayer.stores.home import default_home

AUTHORS = ("blueprint", "auto", "model")


def refuse_models(author: str | None, model: str | None, option: str) -> None:
    """Raises `UserError` for an unknown author, and for what needs a language model; `option` is how the caller named it."""
    if author is not None and author not in AUTHORS:
        raise UserError(f"there is no author {author!r}", hint=f"choose one of: {', '.join(AUTHORS)}")
    if author in ("auto", "model") or model:
        raise UserError(
            f"{option} needs a language model, and this version has no access to one",
            hint="leave it out: the author `blueprint` needs no model",
        )


async def admitted(request: Request) -> Request:
    """The request with its stack chosen. Raises `UserError` for an empty one, a wrong spec, an unknown or broken stack;
    `EnvironmentError_` where this machine's toolchain for the stack is missing or too old.
    """
    admitted, blueprint = await asyncio.to_thread(_admitted, request)
    await asyncio.to_thread(required_toolchain, blueprint.value)
    return admitted


def _admitted(request: Request) -> tuple[Request, LoadedBlueprint]:
    brief = enhance(request)
    given_spec(brief.files)
    blueprint = known_blueprints(default_home().root).get(brief.stack)
    return request.model_copy(update={"stack": brief.stack}), blueprint
