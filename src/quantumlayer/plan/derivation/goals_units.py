"""Goals about units: every example whose input a caller can give is given, and its answer seen in the row."""

from typing import Any

from quantumlayer.plan.derivation.deriver import Deriver
from quantumlayer.plan.derivation.maker import Stuck
from quantumlayer.plan.derivation.pins import NONE, Pins
from quantumlayer.plan.derivation.search import succeeded
from quantumlayer.plan.derivation.world import World
from quantumlayer.spec.check_units import typed, unit_fields
from quantumlayer.spec.expression import Call, Expr, Literal_, Select, Variable
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Example, Unit


def unit_goals(d: Deriver) -> None:
    """A scenario for each field that a unit fills when a row is made."""
    for (entity, key), name in unit_fields(d.spec, d.compiled.expressions).items():
        unit, expr = d.spec.units[name], d.compiled.default(entity, key)
        route = next((r for r in d.routes("create") if r.entity == entity), None)
        requirements = d.of(entity, unit.satisfies, d.spec.entities[entity].fields[key].satisfies)
        goal = f"unit:{name}"
        if route is None or not isinstance(expr, Call):
            d.miss(goal, f"no caller makes a row of {entity} for which {name} is asked directly", requirements)
            continue
        world, reached = d.start.fork(), 0
        for example in unit.examples:
            pins = _given(d, entity, unit, expr, example)
            found = _played(d, world, route, pins, wire_name(key, d.spec.entities[entity].fields[key])) if pins else None
            world, reached = (found, reached + 1) if found else (world, reached)
        if reached:
            title = f"{entity}.{key} is what {name} answers in {reached} of {len(unit.examples)} examples"
            d.add(goal, title, world, requirements)
        else:
            d.miss(goal, f"no example of {name} can be given by a caller", requirements)


def _given(d: Deriver, entity: str, unit: Unit, expr: Call, example: Example) -> Pins | None:
    """The fields of a new row that make the example's arguments; None where an argument is something else."""
    fields = d.spec.entities[entity].fields
    values: dict[str, Any] = {}
    for (name, kind), argument in zip(unit.input.items(), expr.args, strict=True):
        key = _own_field(argument)
        if key and key in fields and fields[key].writable != "never" and fields[key].value is None:
            values[key] = example.given[name]
        elif not (isinstance(argument, Literal_) and argument.value == typed(example.given[name], kind)):
            return None
    return Pins(values=values)


def _own_field(expr: Expr) -> str | None:
    own = isinstance(expr, Select) and isinstance(expr.operand, Variable) and expr.operand.name == "self"
    return expr.field if own and isinstance(expr, Select) else None


def _played(d: Deriver, world: World, route: Route, pins: Pins, member: str) -> World | None:
    """The world after a row was made so, where the model knows its answer."""
    trial = world.fork()
    try:
        answer, _ = d.search.perform(trial, route, (d.search.working(route) or NONE).merged(pins), succeeded)
    except Stuck:
        return None
    known = succeeded(answer) and isinstance(answer.body, dict) and not isinstance(answer.body.get(member), dict)
    return trial if known else None
