"""Checks of units: their names, their examples, and that nothing is computed from what only a unit knows.

The reference model knows a unit by its examples alone. Its answer is therefore stored in a field that nobody else writes and
that no expression, filter, order or search reads: whatever else the application does stays decided by the spec.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from quantumlayer.spec.check_fields import RESERVED
from quantumlayer.spec.compiled import Walker
from quantumlayer.spec.expression import Call, Conditional, Expr, Select, children, walk
from quantumlayer.spec.functions import OVERLOADS, STANDARD
from quantumlayer.spec.problems import Path, Problem
from quantumlayer.spec.values import Field, Spec, Unit

_TAKEN = frozenset(STANDARD) | {overload.name for overload in OVERLOADS} | RESERVED
_BOUNDS = ("unique", "min_length", "pattern", "format", "min", "max", "step")
_HINT = "leave it to the unit alone: writable: never, without bounds"
Place = tuple[str, str]


def unit_problems(spec: Spec) -> Iterator[Problem]:
    """What is wrong with the declarations."""
    for name, unit in spec.units.items():
        if name in _TAKEN:
            yield Problem(
                ("units", name), f"«{name}» is a function or a word of the expression language", "choose another name"
            )
        for key in unit.input.keys() & RESERVED:
            yield Problem(("units", name, "input", key), f"«{key}» is a reserved word", "choose another name")
        yield from _examples(name, unit)


def known_answers(unit: Unit) -> dict[tuple[Any, ...], Any]:
    """The examples as values: arguments in the order of the input, and the answer."""
    return {
        tuple(typed(example.given[key], kind) for key, kind in unit.input.items()): typed(example.answer, unit.returns)
        for example in unit.examples
    }


def typed(value: Any, kind: str) -> Any:
    """A JSON value as the type of a unit holds it. Raises `ValueError` where it is none."""
    match kind, value:
        case ("boolean", bool()) | ("string", str()):
            return value
        case ("integer", int()) if not isinstance(value, bool):
            return value
        case ("number", int() | float()) if not isinstance(value, bool):
            return float(value)
        case ("decimal", int() | float()) if not isinstance(value, bool):
            return Decimal(repr(value))
        case ("date", str()):
            return date.fromisoformat(value)
    raise ValueError(f"{value!r} is no {kind}")


def unit_fields(spec: Spec, found: Mapping[Path, Expr]) -> dict[Place, str]:
    """The fields that units compute, by entity and field; the unit's name."""
    fields = {}
    for place, expr in found.items():
        unit = next((e.function for e in walk(expr) if isinstance(e, Call) and e.function in spec.units), None)
        if unit and len(place) == 5 and place[0] == "entities" and place[2] == "fields" and place[4] == "default":
            fields[str(place[1]), str(place[3])] = unit
        elif unit and "set" in place:
            fields[_target(spec, found, place), str(place[-1])] = unit
    return fields


def unit_use_problems(spec: Spec, walker: Walker) -> Iterator[Problem]:
    """Where the answer of a unit goes that cannot be decided without it."""
    if not spec.units:
        return
    fields = unit_fields(spec, walker.found)
    for place, expr in walker.found.items():
        called = any(isinstance(e, Call) and e.function in spec.units for e in walk(expr))
        if called and place[-1] == "default" and "input" in place:
            yield Problem(place, "a unit may not be called for an input", "call it in the default of a field, or in an effect")
        if any(isinstance(e, Call) and e.function in spec.units for part in _inner(expr) for e in walk(part)):
            yield Problem(place, "the answer of a unit is stored as it is: nothing may be computed with it", _HINT)
        for part in walk(expr):
            if isinstance(part, Select) and (part.operand.type.entity or "", part.field) in fields:
                yield Problem(place, f"{part.field} is computed by a unit: no expression may read it", _HINT)
    for (entity, key), unit in fields.items():
        field = spec.entities[entity].fields.get(key) if entity in spec.entities else None
        if field is not None:
            yield from _field(spec, entity, key, field, unit)


def _examples(name: str, unit: Unit) -> Iterator[Problem]:
    seen: dict[tuple[Any, ...], Any] = {}
    for index, example in enumerate(unit.examples):
        base: Path = ("units", name, "examples", index)
        if example.given.keys() != unit.input.keys():
            yield Problem((*base, "given"), f"an example gives {', '.join(unit.input)}, all of them and no more")
            continue
        try:
            given = tuple(typed(example.given[key], kind) for key, kind in unit.input.items())
            answer = typed(example.answer, unit.returns)
        except ValueError as error:
            yield Problem(base, str(error), "integers are whole, dates like 2026-11-22")
            continue
        if seen.setdefault(given, answer) != answer:
            yield Problem(base, "another example has the same input and another answer", "a unit is a pure function")


def _field(spec: Spec, entity: str, key: str, field: Field, unit: str) -> Iterator[Problem]:
    base: Path = ("entities", entity, "fields", key)
    if field.writable != "never":
        yield Problem((*base, "writable"), f"the unit {unit} computes it, so nobody else may write it", _HINT)
    for attribute in _BOUNDS:
        if getattr(field, attribute) != type(field).model_fields[attribute].default:
            yield Problem(
                (*base, attribute), f"the unit {unit} computes it: {attribute} could not be decided without it", _HINT
            )
    definition = spec.entities[entity]
    if any(key in unique.fields for unique in definition.unique):
        yield Problem((*base, "unique"), f"the unit {unit} computes it: uniqueness could not be decided without it", _HINT)
    for name, operation in definition.operations.items():
        used = {f.field for f in operation.filters} | {*operation.sort, *operation.search, operation.by}
        if key in used | {sort.removeprefix("-") for sort in operation.default_sort}:
            place: Path = ("entities", entity, "operations", name)
            yield Problem(place, f"{key} is computed by a unit: no list may be filtered, sorted or searched by it", _HINT)


def _inner(expr: Expr) -> Iterator[Expr]:
    """The parts of an expression in which no unit may be called: all but itself and the branches of a choice."""
    if isinstance(expr, Conditional):
        yield expr.test
        yield from _inner(expr.then)
        yield from _inner(expr.otherwise)
    else:
        yield from children(expr)


def _target(spec: Spec, found: Mapping[Path, Expr], place: Path) -> str:
    """The entity whose field an effect sets."""
    base = place[: place.index("set")]
    effect = spec.entities[str(place[1])].operations[str(place[3])].effects[int(place[5])]
    target = found.get((*base, "update"))
    return effect.create or (target.type.entity if target else None) or ""
