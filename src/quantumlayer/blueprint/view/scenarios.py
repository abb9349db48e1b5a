"""Scenarios as tests of any language need them: names for what is saved, who calls, and what is needed later."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from quantumlayer.blueprint.view.names import Namespace
from quantumlayer.plan.scenario import Scenario, Step
from quantumlayer.plan.session import LOGIN
from quantumlayer.plan.test_plan import TestPlan
from quantumlayer.spec.routes import ADMIN

CAPTURE = re.compile(r"\{([^{}]+)\}")
LONGEST_NAME = 80
_WORD = re.compile(r"[^a-z0-9]+")
MADE_UP = ("admin@example.com", "correct horse battery")


@dataclass(frozen=True)
class ScenarioNames:
    """The test's function and the variables of its saved answers (`saved`) and signed-in callers (`actors`), by alias.

    `used` are the aliases whose saved answers are needed later, `calling` those of the callers.
    """

    function: str
    saved: dict[str, str]
    actors: dict[str, str]
    used: frozenset[str]
    calling: frozenset[str]


def scenario_names(
    scenario: Scenario, reserved: tuple[str, ...], variable: Callable[[str], str], local: Callable[[str], str] = str
) -> ScenarioNames:
    """Names for one scenario, the same each time. `variable` makes a legal variable, `local` writes snake case as is usual."""
    words = _WORD.sub("_", scenario.title.lower()).strip("_")[:LONGEST_NAME].rstrip("_")
    identity = _WORD.sub("_", scenario.id.lower()).strip("_")
    space = Namespace(reserved)
    callers = [account.alias for account in scenario.accounts] + [s.actor for s in scenario.steps if s.actor]
    actors = {alias: space.claim(local(f"{_word(alias)}_headers")) for alias in dict.fromkeys(callers)}
    aliases = [account.alias for account in scenario.accounts] + [step.save for step in scenario.steps if step.save]
    return ScenarioNames(
        f"test_{identity}_{words}",
        {alias: space.claim(variable(_word(alias))) for alias in dict.fromkeys(aliases)},
        actors,
        frozenset(_references(scenario)),
        frozenset(s.actor for s in scenario.steps if s.actor),
    )


def reference(value: Any) -> tuple[str, Any] | None:
    """The kind and argument of a placeholder such as `{"$ref": "a.id"}`, `$now`, `$today`, `$any`; None for plain values."""
    if isinstance(value, dict) and len(value) == 1:
        kind, argument = next(iter(value.items()))
        if kind in ("$ref", "$now", "$today", "$any"):
            return kind, argument
    return None


def captures(path: str) -> Iterator[tuple[str, bool]]:
    """A path in pieces: fixed text, and (True) the references `alias.member` between them."""
    for number, piece in enumerate(CAPTURE.split(path)):
        if piece:
            yield piece, number % 2 == 1


def query_texts(query: dict[str, Any]) -> dict[str, Any]:
    """Query parameters with booleans as they stand in an address."""
    return {key: ("true" if value else "false") if isinstance(value, bool) else value for key, value in query.items()}


def signs_in(step: Step) -> tuple[str, bool] | None:
    """The alias whose credentials a step's answer holds, and whether they are a token (else an API key)."""
    if not step.save or step.status >= 400:
        return None
    return (step.save.removesuffix(LOGIN), True) if step.save.endswith(LOGIN) else (step.save, False)


def administrator(test_plan: TestPlan | None) -> tuple[str, str]:
    """Identifier and password of the first administrator in the scenarios; a made-up one where none is used."""
    for scenario in test_plan.scenarios if test_plan else ():
        for account in scenario.accounts:
            if ADMIN in account.roles:
                password = account.registration["password"]
                identifier = next(v for k, v in account.registration.items() if k != "password" and isinstance(v, str))
                return identifier, password
    return MADE_UP


def _word(alias: str) -> str:
    word = _WORD.sub("_", alias.lower()).strip("_")
    return word if word[:1].isalpha() else f"answer_{word}"


def _references(scenario: Scenario) -> set[str]:
    found: set[str] = set()
    for step in scenario.steps:
        found.update(capture.partition(".")[0] for capture in CAPTURE.findall(step.path))
        for part in (step.query, step.body, step.variants, step.expect, step.headers):
            _collect(part, found)
    return found


def _collect(value: Any, found: set[str]) -> None:
    if isinstance(value, dict):
        if len(value) == 1 and "$ref" in value:
            found.add(value["$ref"].partition(".")[0])
        for inner in value.values():
            _collect(inner, found)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _collect(inner, found)
