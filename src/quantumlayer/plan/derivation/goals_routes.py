"""Goals about routes: each succeeds, does what it says, and says 404 where there is nothing."""

from typing import Any

from quantumlayer.plan.derivation.deriver import Deriver, status
from quantumlayer.plan.derivation.maker import Stuck
from quantumlayer.plan.derivation.pins import NONE, Pins
from quantumlayer.plan.derivation.search import succeeded
from quantumlayer.plan.derivation.world import World
from quantumlayer.plan.field_values import valid
from quantumlayer.plan.placeholders import ref
from quantumlayer.plan.scenario import Step
from quantumlayer.spec.ids import NOBODY, given_id
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Field


def route_goals(d: Deriver) -> None:
    """A scenario per route."""
    makers = {"create": _create, "read": _read, "update": _update, "delete": _delete, "action": _action}
    for route in d.maker.routes:
        if route.kind in makers:
            makers[route.kind](d, route)
    for entity in d.spec.entities:
        _absent(d, entity)


def _absent(d: Deriver, entity: str) -> None:
    """What an entity does not offer is refused with 405: the operations that its specification leaves out."""
    reading, listing = d.maker.route("read", entity), d.maker.route("list", entity)
    done = d.done(reading) if reading else None
    world = done[0] if done else d.start.fork()
    row, taken = (world.steps[-1].path if done else ""), len(world.steps)
    paths = [(row, reading, ("PATCH", "DELETE")), (listing.path if listing else "", listing, ("POST",))]
    for path, known, methods in paths:
        for method in methods if path and known else ():
            if not any(r.path == known.path and r.method == method for r in d.maker.routes):
                body = {} if method != "DELETE" else None
                d.tried(
                    world, Step(method=method, path=path, actor=world.steps[-1].actor if done else None, body=body), status(405)
                )
    if done and len(world.steps) > taken:
        d.read_back(world, done[1] or "")
    if len(world.steps) > taken:
        title = f"{d.spec.entities[entity].plural}: the methods that are not offered are refused and change nothing"
        d.add(f"absent:{entity}", title, world, d.spec.entities[entity].satisfies)


def _name(route: Route) -> str:
    return f"{route.kind}:{route.entity}.{route.name}"


def _missed(d: Deriver, route: Route) -> None:
    d.miss(_name(route), f"no call of {route.method} {route.path} succeeds: {d.search.last_reason}", d.of_route(route))


def optional_values(d: Deriver, fields: dict[str, Field], shift: int = 20) -> dict[str, Any]:
    """Valid values for the fields that a minimal body leaves out."""
    return {
        name: valid(field, d.maker.number() if field.unique else shift + index)
        for index, (name, field) in enumerate(fields.items())
        if not field.to
        and field.value is None
        and field.writable != "never"
        and (not field.required or field.default is not None)
    }


def _create(d: Deriver, route: Route) -> None:
    done = d.done(route)
    if done is None:
        return _missed(d, route)
    world = done[0]
    alias = world.steps[-1].save
    if alias:
        d.read_back(world, alias)
    entity = d.spec.entities[route.entity or ""]
    extras = optional_values(d, entity.fields)
    values = dict(extras)
    while extras:
        if _created(d, world, route, Pins(values=extras)):
            break
        extras = dict(list(extras.items())[:-1])
    for name, value in values.items():
        if name not in extras:
            _created(d, world, route, Pins(values={name: value}))
    _ignored(d, world, route)
    fields = (r for f in entity.fields.values() for r in f.satisfies)
    machine = entity.state.satisfies if entity.state else ()
    d.add(
        _name(route),
        f"{route.method} {route.path} creates a row and fills in the defaults",
        world,
        (*d.of_route(route), *fields, *machine),
    )
    return None


def _ignored(d: Deriver, world: World, route: Route) -> None:
    """Members that nobody may send are ignored, as unknown ones are."""
    entity = d.spec.entities[route.entity or ""]
    trial = world.fork()
    try:
        step = d.maker.step(trial, route, d.maker.known.get(route.entity or "", NONE), None)
    except Stuck:
        return
    closed = {k: f for k, f in entity.fields.items() if (f.writable == "never" or f.value is not None) and not f.to}
    extra: dict[str, Any] = {wire_name(k, f): valid(f, 77) for k, f in closed.items()}
    extra |= {} if given_id(entity) else {"id": 4711}
    extra |= {"created_at": "2001-01-01T00:00:00Z", "unknown_member": "ignored"}
    if entity.state:
        extra[entity.state.field] = entity.state.states[-1]
    extra |= _other_rows(
        d, trial, {k: f for k, f in entity.fields.items() if f.writable == "never" and f.to and f.value is None}
    )
    actor = d.maker.actors.get((route.entity, route.name))
    if d.tried(trial, step.model_copy(update={"body": {**(step.body or {}), **extra}, "actor": actor}), succeeded):
        world.__dict__.update(trial.__dict__)


def _other_rows(d: Deriver, world: World, fields: dict[str, Field]) -> dict[str, Any]:
    """References to rows that the fields do not refer to by themselves."""
    found: dict[str, Any] = {}
    for name, field in fields.items():
        auth = d.spec.auth
        try:
            is_account = auth is not None and field.to == auth.entity
            alias = d.maker.account(world, "bob") if is_account else d.maker.make(world, field.to or "")
        except Stuck:
            continue
        found[wire_name(name, field)] = ref(f"{alias}.id") if field.type == "reference" else [ref(f"{alias}.id")]
    return found


def _created(d: Deriver, world: World, route: Route, pins: Pins) -> bool:
    trial = world.fork()
    base = d.search.working(route) or NONE
    try:
        answer, _ = d.search.perform(trial, route, base.merged(pins), succeeded)
    except Stuck:
        return False
    if not succeeded(answer):
        return False
    world.__dict__.update(trial.__dict__)
    if world.steps[-1].save:
        d.read_back(world, world.steps[-1].save)
    return True


def _read(d: Deriver, route: Route) -> None:
    done = d.done(route)
    if done is None:
        return _missed(d, route)
    world, _, _ = done
    actor = world.steps[-1].actor
    for text in (str(NOBODY), "no-such-row"):
        d.tried(world, Step(method="GET", path=_row_path(route, text), actor=actor), status(404))
    d.add(_name(route), f"{route.method} {route.path} answers the row, 404 where there is none", world, d.of_route(route))
    return None


def _row_path(route: Route, text: str) -> str:
    head, _, tail = route.path.partition("{")
    return head + text + tail.partition("}")[2]


def _update(d: Deriver, route: Route) -> None:
    ready = d.ready(route)
    if ready is None:
        return _missed(d, route)
    world, row = ready
    assert row is not None
    entity = d.spec.entities[route.entity or ""]
    names = [k for k, f in entity.fields.items() if f.writable == "always" and f.value is None and not f.to]
    hits = 0
    for index, name in enumerate(names):
        field = entity.fields[name]
        value = valid(field, d.maker.number() if field.unique else 30 + index)
        step = d.maker.step(world, route, Pins(input={name: value}), None, row)
        answer = d.maker.attempt(world, route, step, row)
        hits += succeeded(answer)
        if not field.required and succeeded(answer):
            d.maker.attempt(world, route, d.maker.step(world, route, Pins(input={name: None}), None, row), row)
    actor = d.maker.actors.get((route.entity, route.name))
    empty = d.maker.step(world, route, NONE, None, row).model_copy(update={"actor": actor, "body": {}})
    hits += d.tried(world, empty, succeeded)
    frozen = {k: f for k, f in entity.fields.items() if (f.writable != "always" or f.value is not None) and not f.to}
    ignored: dict[str, Any] = {wire_name(k, f): valid(f, 77) for k, f in frozen.items()} | {
        "id": 4711,
        "unknown_member": "ignored",
    }
    closed = {k: f for k, f in entity.fields.items() if f.writable != "always" and f.to and f.value is None}
    ignored |= _other_rows(d, world, closed)
    d.tried(world, empty.model_copy(update={"body": ignored}), succeeded)
    d.read_back(world, row)
    missing = Step(method=route.method, path=_row_path(route, str(NOBODY)), actor=actor, body={})
    d.tried(world, missing, status(404))
    if not hits:
        return _missed(d, route)
    title = f"{route.method} {route.path} changes what is sent and nothing else"
    d.add(_name(route), title, world, d.of_route(route))
    return None


def _delete(d: Deriver, route: Route) -> None:
    done = d.done(route)
    if done is None:
        return _missed(d, route)
    world, row, _ = done
    assert row is not None
    last = world.steps[-1]
    reading, listing = d.maker.route("read", route.entity), d.maker.route("list", route.entity)
    if reading:
        d.tried(world, Step(method="GET", path=last.path, actor=last.actor), status(404))
    if listing:
        d.tried(world, Step(method="GET", path=listing.path, actor=last.actor), succeeded)
    d.tried(world, last, status(404))
    d.add(
        _name(route), f"{route.method} {route.path}: the row is gone from reading and from the list", world, d.of_route(route)
    )
    return None


def _action(d: Deriver, route: Route) -> None:
    done = d.done(route)
    if done is None:
        return _missed(d, route)
    world, row, _ = done
    before = d.ready(route)
    if before and row in before[0].rows:
        d.read_changed(before[0], world)
    if row and not route.operation.redirect:  # type: ignore[union-attr]
        d.read_back(world, row)
    if route.operation and route.operation.redirect and row:
        d.read_back(world, row)
    for entity in {e.create for e in route.operation.effects if e.create} if route.operation else ():
        listing = d.maker.route("list", entity)
        if listing:
            d.maker.attempt(world, listing, Step(method="GET", path=listing.path))
    _pairs(d, route)
    if route.on_row:
        actor = d.maker.actors.get((route.entity, route.name))
        body = {} if route.method != "GET" else None
        d.tried(world, Step(method=route.method, path=_row_path(route, str(NOBODY)), actor=actor, body=body), status(404))
    d.add(_name(route), f"{route.method} {route.path} does what it says", world, d.of_route(route))
    return None


def _pairs(d: Deriver, route: Route) -> None:
    """The action after each other action on the same row, about the same rows: what it undoes or adds to."""
    inputs = route.operation.input if route.operation else {}
    for other in d.routes("action"):
        if other.entity != route.entity or other.name == route.name or not (other.on_row and route.on_row):
            continue
        world = d.start.fork()
        pins = d.search.working(route) or NONE
        try:
            row = d.maker.make(world, route.entity or "", pins.row)
            d.maker.act(world, row, other.name, d.search.working(other) or NONE)
            for name, field in inputs.items():
                same = [alias for alias, made in world.rows.items() if made.entity == field.to and alias != row]
                pins = pins.with_ref(f"input.{name}", same[-1]) if same else pins
            before = world.fork()
            answer, _ = d.search.perform(world, route, pins.with_ref("self", row), succeeded)
        except Stuck:
            continue
        if succeeded(answer):
            d.read_changed(before, world)
            title = f"{route.method} {route.path} after {other.name}"
            d.add(f"action:{route.entity}.{route.name}:after_{other.name}", title, world, d.of_route(route))
