"""The answer of a unit that no example gives: it may be stored and shown, and nothing is known of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# As in the expectations of scenarios.
ANY = {"$any": True}


@dataclass(frozen=True)
class Unknown:
    """What `unit` would answer."""

    unit: str


def known_only(function: Callable[[Any], Any], otherwise: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function for what is known; `otherwise` for what is not."""
    return lambda value: otherwise(value) if isinstance(value, Unknown) else function(value)


def settled(body: Any) -> Any:
    """A body with null where nothing is known: the mock has no better."""
    if body == ANY:
        return None
    if isinstance(body, dict):
        return {key: settled(value) for key, value in body.items()}
    return [settled(item) for item in body] if isinstance(body, list) else body
