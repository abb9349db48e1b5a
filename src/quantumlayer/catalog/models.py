"""Models as the user configured them: `models.toml` in QL_HOME, the environment over it, adapters by entry points."""

import difflib
import importlib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from quantumlayer.catalog.adapters import family
from quantumlayer.errors import EnvironmentError_, QuantumLayerError, UserError
from quantumlayer.gateway.config import ModelsConfig, no_model, provider_of
from quantumlayer.llms.gguf import check_gguf
from quantumlayer.llms.keys import need_key
from quantumlayer.ports.llm import ROLES, Llm, Role

FILE = "models.toml"
ALL_ROLES = "QL_MODEL"
PORT = "llms"
LOCAL = "local"


def load_models(home: Path, environment: Mapping[str, str] = os.environ) -> ModelsConfig:
    """The configuration of a QL_HOME; empty where it names no model. Raises `UserError` for a file that is not one.

    `$QL_MODEL` names the models of all text roles, `$QL_MODEL_CODER` those of one; several are separated by commas.
    """
    config = parse_models(read_text(home), str(home / FILE))
    if everywhere := _names(environment.get(ALL_ROLES, "")):
        config = config.with_model(everywhere)
    chosen: dict[Role, tuple[str, ...]] = {role: _names(environment.get(f"{ALL_ROLES}_{role.upper()}", "")) for role in ROLES}
    config = config.with_roles({role: names for role, names in chosen.items() if names})
    for name in config.all_names:
        check_name(name)
    return config


def read_text(home: Path) -> str:
    """The text of the file; empty where there is none. Raises `UserError`."""
    try:
        return (home / FILE).read_text()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{home / FILE} cannot be read: {error}", hint="mend or remove the file") from error


def parse_models(text: str, where: str) -> ModelsConfig:
    """The configuration in a TOML text. Raises `UserError` that names the place and what may stand there."""
    try:
        return ModelsConfig.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{where} is no TOML: {error}", hint="mend the line, or remove the file") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise UserError(f"{where}: {place}: {first['msg']}", hint=_known_keys(first["loc"])) from error


def check_name(name: str) -> str:
    """The same name. Raises `UserError` for what is no `PROVIDER:MODEL` of a known provider, with the nearest that are."""
    provider, colon, model = name.partition(":")
    known = family(PORT).names
    if not colon or not model.strip():
        raise UserError(f"{name!r} names no model", hint=f"write PROVIDER:MODEL; providers: {', '.join(known)}")
    if provider not in known:
        near = difflib.get_close_matches(provider, known, n=3, cutoff=0.4)
        raise UserError(
            f"there is no provider {provider!r}",
            hint=f"did you mean {', '.join(near)}?" if near else f"providers: {', '.join(known)}",
        )
    return name


def configured(home: Path, model: str | None) -> ModelsConfig:
    """The configuration of a home, with the model that a run names for all roles that read and write text.

    Raises `UserError` for a broken file or an unknown provider.
    """
    config = load_models(home)
    return config.with_model((model,)) if model else config


def open_model(config: ModelsConfig, name: str) -> Llm:
    """The model behind the name; makes no call. Raises `UserError`, `EnvironmentError_` for what is missing or wrong."""
    check_name(name)
    options = config.options(name)
    return family(PORT).load(provider_of(name))(name, options, need_key(provider_of(name), options.key_variable))


def problem_of(config: ModelsConfig, name: str) -> QuantumLayerError | None:
    """What is wrong with a model that shows before its library is loaded: its name, key or file; None where nothing is."""
    options = config.options(name)
    try:
        check_name(name)
        need_key(provider_of(name), options.key_variable)
        if provider_of(name) == LOCAL and options.path is not None:
            check_gguf(options.path)
    except (UserError, EnvironmentError_) as problem:
        return problem
    return None


def fetch_model(place: str, folder: Path, sha256: str | None) -> tuple[Path, str]:
    """A GGUF file of the model hub and its SHA-256, as `llms.hub.fetch_model` says; `EnvironmentError_` without that extra."""
    try:
        hub = importlib.import_module("quantumlayer.llms.hub")
    except ImportError as error:
        raise EnvironmentError_(
            "the client of the model hub is not installed", hint="install it: pip install 'quantumlayer[local]'"
        ) from error
    return hub.fetch_model(place, folder, sha256)


def preflight(config: ModelsConfig, roles: Iterable[Role], language: str | None = None) -> tuple[str, ...]:
    """The models that those roles will ask first, each proven to open. Raises what is known to be wrong before any stage.

    Raises `NoModel` where a role has none, `UserError` or `EnvironmentError_` where no alternative of a role opens.
    """
    return tuple(_first_that_opens(config, role, language) for role in roles)


def _first_that_opens(config: ModelsConfig, role: Role, language: str | None) -> str:
    problems: list[QuantumLayerError] = []
    for name in config.names(role, language):
        try:
            open_model(config, name)
        except (UserError, EnvironmentError_) as problem:
            problems.append(problem)
        else:
            return name
    raise problems[0] if problems else no_model(role, language)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _known_keys(place: tuple[Any, ...]) -> str:
    known = {"roles": ", ".join(ROLES), "last_attempt": ", ".join(ROLES)}
    head = str(place[0]) if place else ""
    return f"see docs/models.md; {head} may hold: {known[head]}" if head in known else "see docs/models.md"
