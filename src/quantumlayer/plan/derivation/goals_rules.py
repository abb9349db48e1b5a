"""Goals about rules: each rule and guard refused and held at its boundary, uniqueness, every transition in every state."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from quantumlayer.plan.derivation.deriver import Deriver
from quantumlayer.plan.derivation.hints import Hints, alternatives, hints
from quantumlayer.plan.derivation.maker import Stuck
from quantumlayer.plan.derivation.pins import NONE, Pins
from quantumlayer.plan.derivation.search import Hit, caused_by, succeeded
from quantumlayer.plan.derivation.world import World
from quantumlayer.plan.field_values import valid
from quantumlayer.spec.http import HttpResponse
from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Unique


def rule_goals(d: Deriver) -> list[tuple[str, Route, Hit, tuple[str, ...]]]:
    """Rules and guards. The hits are the starting points of the concurrency goals."""
    hits: list[tuple[str, Route, Hit, tuple[str, ...]]] = []
    for entity, declared in d.spec.entities.items():
        for name, rule in declared.rules.items():
            satisfies = d.of(entity, rule.satisfies)
            hits += _refusal(d, f"rule:{entity}.{name}", _routes_of_rule(d, entity), rule.message, satisfies, rule.on)
        for key, operation in declared.operations.items():
            route = next(r for r in d.maker.routes if r.entity == entity and r.name == key)
            for name, guard in operation.guards.items():
                satisfies = guard.satisfies or d.of_route(route)
                hits += _refusal(d, f"guard:{entity}.{key}.{name}", [route], guard.message, satisfies, ())
    return hits


def _routes_of_rule(d: Deriver, entity: str) -> list[Route]:
    """Where a rule can be broken: creating, updating, acting on the row; then operations elsewhere whose effects touch it."""
    own = [r for k in ("create", "update", "action") for r in d.routes(k) if r.entity == entity]
    return own + [
        r for r in d.routes("create", "action", "update") if r.entity != entity and r.operation and r.operation.effects
    ]


def _refusal(
    d: Deriver, cause: str, routes: list[Route], message: str, satisfies: tuple[str, ...], on: tuple[str, ...]
) -> list[tuple[str, Route, Hit, tuple[str, ...]]]:
    expr = d.search.vary.expression(cause)
    known = hints(expr) if expr is not None else Hints()
    found: list[tuple[str, Route, Hit, tuple[str, ...]]] = []
    for route in routes:
        if (route.kind == "create" and on == ("update",)) or (route.kind == "update" and on == ("create",)):
            continue
        if found and route.kind not in ("create", "update"):
            continue
        hit = d.search.find(route, caused_by(cause), known)
        if hit is None:
            continue
        found.append((cause, route, hit, satisfies))
        level = "time" if hit.advanced else "acceptance"
        beside = _adjacent if hit.repeated else _beside
        world = beside(d, route, hit, cause) or hit.world
        title = f"{route.method} {route.path} is refused: {message}"
        goal = cause if len(found) == 1 else f"{cause}@{route.name}"
        d.add(goal, title, world, satisfies, level=level, shorten=world is hit.world)
    if not found:
        cut = d.search.last_reason if d.search.cut else ""
        d.miss(cause, cut or "no sequence of calls was found that breaks it", satisfies)
    return found


def _beside(d: Deriver, route: Route, hit: Hit, cause: str) -> Any:
    """The world with the nearest accepted call before the refused one: the rule holds on one side, not on the other."""
    base = d.search.working(route) or NONE
    for where in ("values", "input"):
        mine, before = getattr(hit.pins, where), getattr(base, where)
        changed = [k for k in mine if mine[k] != before.get(k)]
        if len(changed) != 1:
            continue
        name = changed[0]
        inputs = route.operation.input if route.kind == "action" and where == "input" and route.operation else None
        field = (inputs if inputs is not None else d.spec.entities[route.entity or ""].fields).get(name)
        if field is None or field.type not in ("integer", "number", "decimal", "date", "datetime"):
            continue
        expr = d.search.vary.expression(cause)
        if expr is None:
            continue
        values = alternatives(field, hints(expr), 0)
        for value in sorted(values, key=lambda v: _distance(v, mine[name]))[1:6]:
            pins = replace(hit.pins, **{where: {**mine, name: value}})
            held = d.search.try_(route, pins, succeeded)
            if held and succeeded(held.answer):
                world = held.world
                try:
                    answer, _ = d.search.perform(world, route, hit.pins, caused_by(cause))
                except Stuck:
                    continue
                if answer.cause == cause:
                    return world
    return None


def _adjacent(d: Deriver, route: Route, hit: Hit, cause: str) -> World:
    """Spans of time that meet without overlapping, and some that overlap by a minute or day, after the refused call."""
    last = hit.world.steps[-1]
    body = last.body if isinstance(last.body, dict) else {}
    fields = d.spec.entities[route.entity or ""].fields
    times = [k for k, f in fields.items() if f.type in ("date", "datetime") and isinstance(body.get(k), str)]
    if route.kind != "create" or len(times) < 2:
        return hit.world
    moments = {k: datetime.fromisoformat(body[k].replace("Z", "+00:00")) for k in times}
    first, end = min(moments.values()), max(moments.values())
    unit = timedelta(minutes=1) if fields[times[0]].type == "datetime" else timedelta(days=1)
    world = hit.world.fork()
    for shift in (unit - (end - first), (end - first) - unit, end - first, first - end):
        moved = {k: _moved(body[k], m + shift) for k, m in moments.items()}
        step = last.model_copy(update={"body": {**body, **moved}, "save": f"{world.alias(route.entity or '')}"})
        d.tried(world, step, lambda answer: answer.cause == cause or succeeded(answer))
    return world


def _moved(text: str, moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if "T" in text else moment.date().isoformat()


def _distance(a: Any, b: Any) -> float:
    def number(value: Any) -> float | None:
        if isinstance(value, dict):
            key, inner = next(iter(value.items()))
            return float(inner) * (86400 if key == "$today" else 1)
        return float(value) if isinstance(value, int | float) else None

    left, right = number(a), number(b)
    return abs(left - right) if left is not None and right is not None else float("inf")


def unique_goals(d: Deriver) -> list[tuple[str, Route, Hit, tuple[str, ...]]]:
    """Each uniqueness refused for the same values, allowed for others, and again once the first row is gone."""
    hits: list[tuple[str, Route, Hit, tuple[str, ...]]] = []
    for entity, declared in d.spec.entities.items():
        route = d.maker.route("create", entity)
        if route is None:
            continue
        singles = [Unique(fields=(k,), satisfies=f.satisfies) for k, f in declared.fields.items() if f.unique]
        for unique in (*singles, *declared.unique):
            hits += _unique(d, route, unique)
    return hits


def _unique(d: Deriver, route: Route, unique: Unique) -> list[tuple[str, Route, Hit, tuple[str, ...]]]:
    entity = route.entity or ""
    goal, satisfies = f"unique:{entity}.{'_'.join(unique.fields)}", d.of(entity, unique.satisfies)
    fields = d.spec.entities[entity].fields
    first = _first(d, route, unique)
    if first is None or any(f not in fields for f in unique.fields):
        if first is None:
            d.miss(goal, f"no {entity} can be made", satisfies)
        return []
    world, _, _ = first
    alias = world.steps[-1].save or ""
    pins = _same(d, world, route, unique.fields, alias)
    if pins is None:
        return []
    trial = world.fork()
    try:
        answer, _ = d.search.perform(trial, route, pins, _conflict)
    except Stuck:
        return []
    if not _conflict(answer):
        d.miss(goal, f"a second {entity} with the same values is refused for another reason: {answer.cause}", satisfies)
        return []
    hit = Hit(trial.fork(), answer, pins, repeated=True)
    _others(d, trial, route, unique, alias)
    _update_into(d, trial, route, unique, alias)
    _freed(d, trial, route, pins, alias)
    d.add(
        goal,
        f"{route.method} {route.path} twice with the same {' and '.join(unique.fields)}: the second is refused",
        trial,
        satisfies,
    )
    return [(goal, route, hit, satisfies)]


def _first(d: Deriver, route: Route, unique: Unique) -> tuple[Any, str | None, HttpResponse] | None:
    """A row whose unique values were sent, not drawn by the application."""
    fields = d.spec.entities[route.entity or ""].fields
    drawn = [
        n
        for n in unique.fields
        if n in fields and not fields[n].to and fields[n].writable != "never" and (fields[n].default or not fields[n].required)
    ]
    for shift in range(8 if drawn else 0):
        values = {}
        for name in drawn:
            options = [v for v in alternatives(fields[name], Hints(), d.maker.number()) if v is not None]
            fresh = fields[name].type in ("string", "text", "integer")
            values[name] = valid(fields[name], d.maker.number()) if fresh else options[shift % len(options)]
        if done := d.done(route, Pins(values=values)):
            return done
    return d.done(route)


def _conflict(answer: HttpResponse) -> bool:
    return answer.status == 409 and answer.cause.startswith("unique")


def _same(d: Deriver, world: Any, route: Route, names: tuple[str, ...], alias: str) -> Pins | None:
    """Pins that repeat the values which the first row was made with."""
    fields = d.spec.entities[route.entity or ""].fields
    body = world.steps[-1].body or {}
    pins = d.search.working(route) or NONE
    for name in names:
        field = fields[name]
        if field.to:
            target = next((v for k, v in body.items() if k == f"{name}_id"), None)
            if isinstance(target, dict) and "$ref" in target:
                pins = pins.with_ref(name, target["$ref"].rpartition(".")[0])
        elif name in body:
            pins = pins.with_value(name, body[name])
        elif world.session.saved.get(alias, {}).get(name) is not None and field.writable != "never":
            pins = pins.with_value(name, world.session.saved[alias][name])
    return pins


def _others(d: Deriver, world: Any, route: Route, unique: Unique, alias: str) -> None:
    """Not over-enforced: one of several members differs."""
    if len(unique.fields) < 2:
        return
    for name in unique.fields:
        rest = tuple(f for f in unique.fields if f != name)
        pins = _same(d, _as_after(world, alias), route, rest, alias)
        trial = world.fork()
        try:
            answer, _ = d.search.perform(trial, route, pins or NONE, succeeded)
        except Stuck:
            continue
        if succeeded(answer):
            world.__dict__.update(trial.__dict__)


def _as_after(world: Any, alias: str) -> Any:
    """The world seen from the step that made a row."""
    view = world.fork()
    index = next(i for i, s in enumerate(view.steps) if s.save == alias)
    del view.steps[index + 1 :]
    return view


def _update_into(d: Deriver, world: Any, route: Route, unique: Unique, alias: str) -> None:
    """An update to the values of another row is refused, one to the row's own values is not."""
    update = d.maker.route("update", route.entity)
    fields = d.spec.entities[route.entity or ""].fields
    if (
        update is None
        or len(unique.fields) != 1
        or fields[unique.fields[0]].writable != "always"
        or fields[unique.fields[0]].to
    ):
        return
    name = unique.fields[0]
    row = world.session.saved[alias]
    try:
        other = d.maker.make(world, route.entity or "")
    except Stuck:
        return
    if row.get(name) is None:
        return
    for target, want in ((other, _conflict), (alias, succeeded)):
        step = d.maker.step(world, update, Pins(input={name: row[name]}), None, target)
        for actor in d.maker.candidates(world, update, target):
            if (actor is None or actor in world.accounts) and d.tried(world, step.model_copy(update={"actor": actor}), want):
                break


def _freed(d: Deriver, world: Any, route: Route, pins: Pins, alias: str) -> None:
    deleting = d.maker.route("delete", route.entity)
    if deleting is None:
        return
    trial = world.fork()
    try:
        answer = d.maker.attempt(trial, deleting, d.maker.step(trial, deleting, NONE, None, alias), alias)
        if not succeeded(answer):
            return
        answer, _ = d.search.perform(trial, route, pins, succeeded)
    except Stuck:
        return
    if succeeded(answer):
        world.__dict__.update(trial.__dict__)


def state_goals(d: Deriver) -> list[tuple[str, Route, Hit, tuple[str, ...]]]:
    """Every transition from every state: allowed where the spec says so, 409 elsewhere."""
    hits: list[tuple[str, Route, Hit, tuple[str, ...]]] = []
    for route in d.routes("action", "update", "delete"):
        entity = d.spec.entities[route.entity or ""]
        transition = route.operation.transition if route.operation else None
        if transition is None or entity.state is None:
            continue
        satisfies = (*route.satisfies, *(entity.state.satisfies or entity.satisfies))
        base = d.search.working(route)
        goal = f"state:{route.entity}.{route.name}"
        if base is None:
            d.miss(goal, f"no state was reached in which it is allowed: {d.search.last_reason}", satisfies)
            continue
        for walk in [(), *d.search.vary.walks(route.entity or "")]:
            pins = replace(base, after=walk)
            hit = d.search.try_(route, pins, lambda a: a.cause.startswith(("state", "transition")))
            if hit is None:
                continue
            if hit.row:
                d.read_back(hit.world, hit.row)
            place = f"after {', '.join(t.name for t in walk)}" if walk else "at the start"
            outcome = "allowed" if succeeded(hit.answer) else f"refused with {hit.answer.status}"
            d.add(
                f"{goal}:{'>'.join(t.name for t in walk) or entity.state.initial}",
                f"{route.method} {route.path} {place} is {outcome}",
                hit.world,
                satisfies,
            )
            if succeeded(hit.answer):
                again = d.search.try_(route, pins, succeeded)
                if again:
                    hits.append((goal, route, again, satisfies))
    return hits
