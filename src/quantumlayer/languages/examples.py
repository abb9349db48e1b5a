"""Examples of units: how each is printed as a call of a language, and how what a trial program answers is read."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from quantumlayer.spec.check_units import typed
from quantumlayer.spec.values import Unit


def printed(unit: Unit, literal: Callable[[Any, str], str]) -> tuple[tuple[str, str], ...]:
    """The arguments and the answer of each example; `literal` prints a JSON value of a kind."""
    return tuple(
        (
            ", ".join(literal(example.given[key], kind) for key, kind in unit.input.items()),
            literal(example.answer, unit.returns),
        )
        for example in unit.examples
    )


def answered(answer: Mapping[str, Any], kind: str, type_: str) -> Any:
    """The value in `{"type": …, "answer": …}`, which must be of the language's `type_`. Raises `ValueError`."""
    found = answer.get("answer")
    if answer.get("type") != type_:
        raise ValueError(f"{json.dumps(found)} of type {answer.get('type')}, not {type_}")
    try:
        return Decimal(str(found)) if kind == "decimal" else typed(found, kind)
    except InvalidOperation as error:
        raise ValueError(f"{found!r} is no decimal") from error
