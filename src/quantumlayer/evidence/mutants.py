"""Wrong applications on purpose: specs with one mistake each, served by the reference model, which the judge must catch.

A mutant that behaves exactly like its original cannot be caught by anybody; `benchmarks/judge.py` lists the survivors.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from quantumlayer.errors import UserError
from quantumlayer.spec.check import checked
from quantumlayer.spec.values import Spec

_SWAPS = (("<=", "<"), (">=", ">"), ("==", "!="), ("!=", "=="), ("&&", "||"), ("||", "&&"), (" < ", " <= "), (" > ", " >= "))
_NUMBER = re.compile(r"(?<![\w.\"'])\d+(?:\.\d+)?(?![\w.\"'])")
_CEL_MEMBERS = ("check", "default", "value", "where", "allow", "visible", "redirect")
_LIMITS = ("min", "max", "min_length", "max_length", "step", "min_items", "max_items")
_DROPS = (
    "min",
    "max",
    "max_length",
    "pattern",
    "format",
    "step",
    "places",
    "max_items",
    "unique",
    "default",
    "visible",
    "where",
)
_OTHER_STATUS = {403: 409, 409: 422, 410: 409, 422: 409}


@dataclass(frozen=True)
class Mutant:
    """`name` says where and what: `entities.loan.rules.max_open.check: 5 → 6`."""

    name: str
    spec: Spec


def mutants(spec: Spec) -> Iterator[Mutant]:
    """All single mistakes that still make a checked spec, in the spec's order."""
    data = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    seen = [spec]
    for path, value in list(_walk(data, ())):
        for label, changed in _variants(path, value):
            try:
                mutant = checked(Spec.model_validate(_replaced(data, path, changed)))
            except (UserError, ValueError):
                continue
            if mutant not in seen:
                yield Mutant(f"{'.'.join(map(str, path))}: {label}", mutant)


def _walk(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if path and path[0] in ("requirements", "name", "description", "version"):
        return
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("satisfies", "description", "message"):
                yield from _walk(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, (*path, index))


class _Dropped:
    """Marks a member that is taken away."""


DROPPED = _Dropped()


def _variants(path: tuple[Any, ...], value: Any) -> Iterator[tuple[str, Any]]:
    if not path:
        return
    name = path[-1]
    parent = path[-2] if len(path) > 1 else ""
    if isinstance(value, str) and (name in _CEL_MEMBERS or parent in ("set", "measures", "group_by", "columns")):
        yield from _expressions(value)
    if name in _DROPS:
        yield "dropped", DROPPED
    if name in _LIMITS and isinstance(value, int | float):
        yield f"{value} → {value + 1}", value + 1
        yield f"{value} → {value - 1}", value - 1
    if name == "status" and value in _OTHER_STATUS:
        yield f"{value} → {_OTHER_STATUS[value]}", _OTHER_STATUS[value]
    if name == "required":
        yield "required", DROPPED
    if parent == "fields" and isinstance(value, dict) and "value" not in value and value.get("required", True):
        yield "optional", {**value, "required": False}
    if name in ("rules", "guards") and isinstance(value, dict):
        for key in value:
            yield f"without {key}", {k: v for k, v in value.items() if k != key}
    if name in ("effects", "filters", "sort", "search", "default_sort", "from", "unique", "values") and isinstance(value, list):
        for index in range(len(value)):
            yield f"without item {index}", [v for i, v in enumerate(value) if i != index]
    if name == "default_sort" or (name == "sort" and len(path) == 3):
        assert isinstance(value, list)
        flipped = [v[1:] if v.startswith("-") else f"-{v}" for v in value]
        yield "the other way", flipped
    yield from _choices(name, value)


def _choices(name: Any, value: Any) -> Iterator[tuple[str, Any]]:
    choices = {
        "on_delete": ("restrict", "cascade", "set_null"),
        "writable": ("always", "create", "never"),
        "op": ("gte", "lte"),
        "sign_in": (False,),
    }.get(name, ())
    for choice in choices:
        if choice != value:
            yield f"{value} → {choice}", choice
    if name == "access" and isinstance(value, dict):
        yield "open to all", DROPPED
        if "allow" in value or "roles" in value:
            yield "only signed in", {"sign_in": True}
    if name == "roles" and isinstance(value, list) and len(value) > 1:
        yield "one role less", value[1:]


def _expressions(text: str) -> Iterator[tuple[str, str]]:
    for old, new in _SWAPS:
        for found in re.finditer(re.escape(old), text):
            yield f"{old.strip()} → {new.strip()} at {found.start()}", text[: found.start()] + new + text[found.end() :]
    for found in _NUMBER.finditer(text):
        number = found[0]
        for changed in (_plus(number, 1), _plus(number, -1)):
            yield f"{number} → {changed} at {found.start()}", text[: found.start()] + changed + text[found.end() :]


def _plus(number: str, amount: int) -> str:
    return (
        f"{float(number) + amount:g}"
        if "." in number and (float(number) + amount) % 1
        else (f"{float(number) + amount:.1f}" if "." in number else str(int(number) + amount))
    )


def _replaced(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(data, dict):
        if not rest and value is DROPPED:
            return {k: v for k, v in data.items() if k != head}
        return {k: _replaced(v, rest, value) if k == head else v for k, v in data.items()}
    return [_replaced(v, rest, value) if i == head else v for i, v in enumerate(data)]
