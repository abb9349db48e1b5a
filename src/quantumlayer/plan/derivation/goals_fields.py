"""Goals about values: each constraint on both sides of its boundary, missing and null members, bodies that are not JSON."""

from collections.abc import Mapping
from typing import Any

from quantumlayer.plan.derivation.deriver import Deriver, status
from quantumlayer.plan.derivation.maker import Stuck
from quantumlayer.plan.derivation.pins import NONE
from quantumlayer.plan.derivation.search import succeeded
from quantumlayer.plan.derivation.world import World
from quantumlayer.plan.field_values import Sample, accepted, refused, valid
from quantumlayer.plan.scenario import Step
from quantumlayer.spec.ids import NOBODY_TEXT, given_fields, textual
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Field

invalid = status(422)


def field_goals(d: Deriver) -> None:
    """A scenario per field that can be written, one per update, one per input of an action or report."""
    for route in d.routes("create"):
        for name, field in given_fields(d.spec.entities[route.entity or ""]).items():
            _field(d, route, name, field)
        _malformed(d, route)
    for route in d.routes("update"):
        _updates(d, route)
    for route in d.routes("action"):
        _inputs(d, route)
    for route in d.routes("report"):
        _report_inputs(d, route)


def _based(d: Deriver, route: Route) -> tuple[World, Step] | None:
    """A world in which everything that a valid body refers to exists, and the step that would succeed there."""
    pins = d.search.working(route)
    if pins is None:
        return None
    world = d.start.fork()
    try:
        row = d.maker.make(world, route.entity or "", pins.row) if route.on_row else None
        own = d.maker.known.get(route.entity or "", NONE).merged(pins) if route.kind == "create" else pins
        step = d.maker.step(world, route, own, None, row)
        actor = d.maker.actors.get((route.entity, route.name))
        if actor:
            d.maker.account(world, actor)
    except Stuck:
        return None
    return world, step.model_copy(update={"actor": actor})


def _with(step: Step, member: str, value: Any) -> Step:
    return step.model_copy(update={"body": {**(step.body or {}), member: value}, "save": None})


def _without(step: Step, member: str) -> Step:
    return step.model_copy(update={"body": {k: v for k, v in (step.body or {}).items() if k != member}, "save": None})


def _field(d: Deriver, route: Route, name: str, field: Field) -> None:
    based = _based(d, route)
    if based is None:
        return
    world, step = based
    member = wire_name(name, field)
    samples = [*refused(field, d.maker.number())]
    if field.type == "reference" and textual(d.spec.entities[field.to or ""]):
        samples.append(Sample("no such row", NOBODY_TEXT))
    for sample in samples:
        d.tried(world, _noted(_with(step, member, sample.value), name, sample), invalid)
    if field.required and field.default is None:
        d.tried(world, _without(step, member).model_copy(update={"note": f"{name}: missing"}), invalid)
    for sample in accepted(field, d.maker.number()):
        _accept(d, world, route, name, sample)
    if not field.required:
        _accept(d, world, route, name, Sample("null", None))
    entity = route.entity or ""
    title = f"{entity}.{name} is checked on both sides of its limits"
    d.add(f"field:{entity}.{name}", title, world, d.of(entity, field.satisfies))


def _noted(step: Step, name: str, sample: Sample) -> Step:
    return step.model_copy(update={"note": f"{name}: {sample.label}"})


def _accept(d: Deriver, world: World, route: Route, name: str, sample: Sample) -> None:
    trial = world.fork()
    pins = (d.search.working(route) or NONE).with_value(name, sample.value)
    try:
        answer, _ = d.search.perform(trial, route, pins, succeeded)
    except Stuck:
        return
    if succeeded(answer):
        trial.steps[-1] = _noted(trial.steps[-1], name, sample)
        world.__dict__.update(trial.__dict__)


def _malformed(d: Deriver, route: Route) -> None:
    based = _based(d, route)
    if based is None:
        return
    world, step = based
    bare = step.model_copy(update={"body": None, "save": None})
    for text, note in (
        ("{", "broken JSON"),
        ('{"a": }', "broken JSON"),
        ("[1, 2]", "a list"),
        ('"text"', "a string"),
        ("null", "null"),
    ):
        d.tried(world, bare.model_copy(update={"raw_body": text, "note": note}), status(400))
    title = f"{route.method} {route.path} refuses what is not a JSON object"
    d.add(f"malformed:{route.entity}", title, world, ())


def _updates(d: Deriver, route: Route) -> None:
    ready = d.ready(route)
    if ready is None:
        return
    world, row = ready
    entity = d.spec.entities[route.entity or ""]
    actor = d.maker.actors.get((route.entity, route.name))
    if actor:
        d.maker.account(world, actor)
    base = d.maker.step(world, route, NONE, actor, row)
    satisfies: list[str] = []
    for name, field in entity.fields.items():
        if field.writable != "always" or field.value is not None:
            continue
        satisfies += field.satisfies
        samples = refused(field, d.maker.number())
        boundary = [s for s in samples if s.label.startswith(("just", "one", "not")) or s.value is None]
        for sample in [*samples[:1], *boundary]:
            step = base.model_copy(update={"body": {wire_name(name, field): sample.value}})
            d.tried(world, _noted(step, name, sample), invalid)
    if row:
        d.read_back(world, row)
    title = f"{route.method} {route.path} checks what it is sent and changes nothing when it refuses"
    d.add(f"field:{route.entity}.{route.name}", title, world, d.of(route.entity or "", tuple(satisfies)))


def _inputs(d: Deriver, route: Route) -> None:
    fields: Mapping[str, Field] = route.operation.input if route.operation else {}
    based = _based(d, route) if fields else None
    if based is None:
        return
    world, step = based
    for name, field in fields.items():
        member = wire_name(name, field)
        for sample in refused(field, 3):
            d.tried(world, _noted(_with(step, member, sample.value), name, sample), invalid)
        if field.required and field.default is None:
            d.tried(world, _without(step, member), invalid)
    edges = {wire_name(k, f): found[0].value for k, f in fields.items() if (found := accepted(f, 3))}
    d.tried(world, step.model_copy(update={"body": {**(step.body or {}), **edges}, "save": None}), succeeded)
    satisfies = tuple(r for f in fields.values() for r in f.satisfies)
    d.add(
        f"input:{route.entity}.{route.name}",
        f"{route.method} {route.path} checks its input",
        world,
        (*d.of_route(route), *satisfies),
    )


def _report_inputs(d: Deriver, route: Route) -> None:
    fields = route.report.input if route.report else {}
    world = d.start.fork()
    valid_query = {wire_name(k, f): valid(f, 3) for k, f in fields.items() if not f.to}
    for name, field in fields.items():
        for sample in refused(field, 3):
            if isinstance(sample.value, str) and not field.to:
                query = {**valid_query, wire_name(name, field): sample.value}
                for actor in d.maker.candidates(world, route):
                    if actor and actor not in world.accounts:
                        d.maker.account(world, actor)
                    if d.tried(world, Step(method="GET", path=route.path, query=query, actor=actor), invalid):
                        break
    d.add(f"input:report.{route.name}", f"GET {route.path} checks its parameters", world, route.satisfies)
