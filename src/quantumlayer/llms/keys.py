"""Where keys come from: the environment, else the keyring of this machine. They are kept nowhere else and never shown."""

import importlib
import os
from collections.abc import Mapping
from typing import Any

from quantumlayer.errors import EnvironmentError_

SERVICE = "quantumlayer"
# The variables that each provider's own documentation names, the first that is set counts. None: it needs no key of ours.
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("ANTHROPIC_API_KEY",),
    "azure": ("AZURE_OPENAI_API_KEY",),
    "bedrock": (),
    "cohere": ("CO_API_KEY",),
    "google": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "local": (),
    "mistral": ("MISTRAL_API_KEY",),
    "ollama": (),
    "openai": ("OPENAI_API_KEY",),
    "openai-chat": ("OPENAI_API_KEY",),
    "openai-compatible": (),
    "openrouter": ("OPENROUTER_API_KEY",),
    "scripted": (),
}
# Keys that are taken where they are set, and not missed where they are not.
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "bedrock": ("AWS_BEARER_TOKEN_BEDROCK",),
    "ollama": ("OLLAMA_API_KEY",),
    "openai-compatible": ("OPENAI_COMPATIBLE_API_KEY",),
}


def variables(provider: str, chosen: str | None = None) -> tuple[str, ...]:
    """The variables that hold the key of a provider: the chosen one, else those that are known of it; may be none."""
    if chosen:
        return (chosen,)
    return VARIABLES.get(provider) or OPTIONAL.get(provider, ())


def find_key(provider: str, chosen: str | None = None) -> str | None:
    """The key; None where there is none."""
    for variable in variables(provider, chosen):
        if found := os.environ.get(variable, "").strip() or _from_keyring(variable):
            return found
    return None


def need_key(provider: str, chosen: str | None = None) -> str | None:
    """The key; None where the provider needs none. Raises `EnvironmentError_`, which names the variable, where it lacks."""
    found = find_key(provider, chosen)
    needed = (chosen,) if chosen else VARIABLES.get(provider, ())
    if found is None and needed:
        raise EnvironmentError_(
            f"the key of {provider} is missing: {needed[0]} is not set",
            hint=f"export {needed[0]}=…, or keep it in the keyring: keyring set {SERVICE} {needed[0]}",
            variable=needed[0],
        )
    return found


def _from_keyring(variable: str) -> str | None:
    # Loaded only here: most runs ask no model, and looking for backends takes long.
    keyring: Any = importlib.import_module("keyring")
    try:
        return keyring.get_password(SERVICE, variable)
    except (keyring.errors.KeyringError, OSError, RuntimeError):
        return None  # a machine without one, or one that is locked
