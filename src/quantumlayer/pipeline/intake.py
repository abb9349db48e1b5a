"""The door of every run, whoever asks: what cannot be built is refused before anything is written down."""

import asyncio
from pathlib import Path

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.catalog.blueprints import bare_or_known, known_blueprints
from quantumlayer.catalog.models import configured, preflight
from quantumlayer.catalog.stacks import required_toolchain
from quantumlayer.errors import UserError
from quantumlayer.pipeline.values import Author
from quantumlayer.plan.needs import IDS, SURFACE, needs, require
from quantumlayer.ports.llm import Role
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request
from quantumlayer.spec.given_spec import given_spec
from quantumlayer.spec.importers.read import kind_of, names_rows
from quantumlayer.stores.home import default_home

AUTHORS = ("blueprint", "auto", "model")


ROLES: dict[str, tuple[Role, ...]] = {"blueprint": (), "auto": ("analyst", "coder"), "model": ("coder",)}


def chosen_author(author: str | None, model: str | None, home: Path) -> Author:
    """Who writes: as told, else `auto` where a model for code is configured or named, else `blueprint`.

    Raises `UserError` for an unknown author, for `blueprint` with a model named, and for a broken configuration.
    """
    if author is not None and author not in AUTHORS:
        raise UserError(f"there is no author {author!r}", hint=f"choose one of: {', '.join(AUTHORS)}")
    if author == "blueprint" and model:
        raise UserError("the author blueprint asks no model", hint="leave --model out, or choose --author auto or model")
    if author is not None:
        return author  # type: ignore[return-value]
    return "auto" if configured(home, model).names("coder") else "blueprint"


def configured_vision(home: Path, picture: str) -> None:
    """Raises `UserError` where no model is named that could see the picture."""
    if not configured(home, None).names("vision"):
        hint = "name one: ql model add PROVIDER:MODEL --role vision; or describe the picture in words"
        raise UserError(f"{picture} is a picture, and no model is named for the role vision", hint=hint)


def reviewed(author: str, model: str | None, home: Path) -> bool:
    """Whether a model reads the finished sources: one is named for it, and the author is not one that asks none."""
    return author != "blueprint" and bool(configured(home, model).names("reviewer"))


async def require_models(author: str, request: Request, home: Path) -> None:
    """Opens the models that the author will ask, and that of pictures, without a call.

    Raises `UserError` or `EnvironmentError_` naming the mend.
    """
    model, stack = request.model, request.stack or ""
    roles: tuple[Role, ...] = (*ROLES[author], "vision") if request.pictures else ROLES[author]
    if roles:
        await asyncio.to_thread(preflight, configured(home, model), roles, stack.partition("/")[0])


async def admitted(request: Request) -> Request:
    """The request with its stack chosen.

    Raises `UserError` for an empty one, a wrong spec, an unknown or broken stack, or one that cannot carry the files;
    `EnvironmentError_` where this machine's toolchain for the stack is missing or too old.
    """
    admitted, blueprint = await asyncio.to_thread(_admitted, request)
    await asyncio.to_thread(required_toolchain, blueprint.value)
    return admitted


def _admitted(request: Request) -> tuple[Request, LoadedBlueprint]:
    brief = enhance(request)
    spec = given_spec(brief.files)
    wanted = [*(needs(spec) if spec else ()), *(SURFACE for file in brief.files if kind_of(file) == "openapi")]
    known = known_blueprints(default_home().root)
    blueprint = bare_or_known(known, brief.stack)
    if blueprint.value.bare and request.author != "model":
        hint = f"choose one of {', '.join(sorted(known.places))}, or let a model write everything: --author model"
        raise UserError(f"no blueprint describes {brief.stack}", hint=hint, stack=brief.stack)
    provided = blueprint.value.provides
    require(brief.stack, provided, wanted, known.providing)
    if spec is None and IDS.capability not in provided:
        require(brief.stack, provided, (IDS for file in brief.files if names_rows(file)), known.providing)
    return request.model_copy(update={"stack": brief.stack}), blueprint
