"""Edits of `models.toml` that keep what people wrote beside them."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tomlkit

from quantumlayer.catalog.models import FILE, parse_models, read_text
from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.gateway.config import ModelsConfig
from quantumlayer.ports.llm import Role
from quantumlayer.ports.llm_options import ModelOptions


def with_model(
    text: str, name: str, options: ModelOptions, roles: Iterable[Role], *, language: str | None = None, first: bool = False
) -> str:
    """The text with the model as the last, or the first, of those roles or of the routes of a language."""
    document: Any = tomlkit.parse(text)
    given = options.model_dump(mode="json", exclude_defaults=True)
    if given:
        document.setdefault("models", tomlkit.table(is_super_table=True)).setdefault(name, tomlkit.table()).update(given)
    for role in roles:
        table = document.setdefault("roles", tomlkit.table())
        if language:
            routes = document.setdefault("routes", tomlkit.table(is_super_table=True))
            table = routes.setdefault(language, tomlkit.table())
        others = [other for other in _listed(table.get(role, [])) if other != name]
        table[role] = [name, *others] if first else [*others, name]
    return tomlkit.dumps(document)


def without_model(text: str, name: str) -> str:
    """The text without the model. Raises `UserError` when it is nowhere in it."""
    document: Any = tomlkit.parse(text)
    found = document.get("models", {}).pop(name, None) is not None
    for table in (document.get("roles", {}), document.get("last_attempt", {}), *document.get("routes", {}).values()):
        for role in [role for role, names in table.items() if name in _listed(names)]:
            found = True
            rest = [other for other in _listed(table[role]) if other != name]
            if rest:
                table[role] = rest
            else:
                del table[role]
    if not found:
        raise UserError(f"{name} is not configured", hint="ql model list shows what is")
    return tomlkit.dumps(document)


def change(home: Path, edit: Any) -> ModelsConfig:
    """Applies the edit of a text to the file, whole or not at all; the new configuration.

    Raises `UserError` where the file, or what would become of it, is no configuration, `EnvironmentError_` on a full disk.
    """
    path = home / FILE
    text = read_text(home)
    parse_models(text, str(path))
    changed = edit(text)
    config = parse_models(changed, str(path))
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=home, prefix=".models-", delete=False) as file:
            file.write(changed)
        os.replace(file.name, path)
    except OSError as error:
        raise EnvironmentError_(
            f"{path} cannot be written: {error.strerror}", hint="set QL_HOME to a folder that you may write to"
        ) from error
    return config


def _listed(names: Any) -> list[str]:
    return [str(names)] if isinstance(names, str) else [str(name) for name in names]
