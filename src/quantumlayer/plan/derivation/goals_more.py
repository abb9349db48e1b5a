"""Goals about relations, the passage of time and requests at the same moment."""

from typing import Any

from quantumlayer.plan.derivation.deriver import Deriver
from quantumlayer.plan.derivation.hints import Hints, hints
from quantumlayer.plan.derivation.maker import Stuck
from quantumlayer.plan.derivation.pins import NONE, Pins
from quantumlayer.plan.derivation.search import Hit, succeeded
from quantumlayer.plan.derivation.world import World
from quantumlayer.plan.field_values import valid
from quantumlayer.plan.placeholders import Unsaved, ref
from quantumlayer.plan.route_matching import route_of
from quantumlayer.plan.scenario import Account, Step
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.routes import ADMIN, Route
from quantumlayer.spec.values import Entity

PARALLEL = 8
_SPANS = (3600, 86400 + 60, 8 * 86400, 40 * 86400, 400 * 86400)


def relation_goals(d: Deriver) -> None:
    """Deleting a row that others refer to: refused, followed or cleared, as the spec says."""
    for route in d.routes("delete"):
        for other, declared in d.spec.entities.items():
            for name, field in declared.fields.items():
                if field.to == route.entity and d.maker.route("create", other):
                    _on_delete(d, route, other, name)


def _on_delete(d: Deriver, route: Route, other: str, name: str) -> None:
    field = d.spec.entities[other].fields[name]
    goal = f"on_delete:{other}.{name}"
    satisfies = d.of(other, field.satisfies)
    world = d.start.fork()
    working = d.search.working(route) or NONE
    own = d.maker.known.get(other, NONE).nested.get(name, NONE).merged(working.row)
    try:
        target = d.maker.make(world, route.entity or "", own)
        referring = d.maker.make(world, other, Pins(refs={name: target}))
    except Stuck as stuck:
        creating = d.maker.route("create", other)
        hit = d.search.another(creating, Pins(nested={name: own})) if creating else None
        found = _saved_rows(hit.world.steps[-1], wire_name(name, field)) if hit else None
        if hit is None or found is None:
            d.miss(goal, f"no {other} that refers to a {route.entity}: {stuck}", ())
            return
        world, (referring, target) = hit.world, found
    step = d.maker.step(world, route, NONE, None, target)
    by_anyone(d, world, route, step, target)
    for alias in (referring, target):
        _look(d, world, alias)
    d.add(goal, f"DELETE of a {route.entity} that a {other} refers to ({field.on_delete})", world, satisfies)


def _saved_rows(step: Step, member: str) -> tuple[str, str] | None:
    """The aliases of the row that a step made and of the row that it refers to with this member."""
    value = step.body.get(member) if isinstance(step.body, dict) else None
    value = value[0] if isinstance(value, list) and value else value
    if step.save is None or not isinstance(value, dict) or "$ref" not in value:
        return None
    return step.save, value["$ref"].rpartition(".")[0]


def by_anyone(d: Deriver, world: World, route: Route, step: Step, row: str) -> None:
    """The step by the first who succeeds, else by the first who is refused for the row's sake."""
    answers = []
    for actor in d.maker.candidates(world, route, row):
        if actor is None or actor in world.accounts:
            mine = step.model_copy(update={"actor": actor})
            answers.append((mine, world.fork().call(mine)))
    ranked = sorted(answers, key=lambda pair: 0 if succeeded(pair[1]) else 2 if pair[1].status in (401, 403) else 1)
    if ranked:
        world.call(ranked[0][0])


def _look(d: Deriver, world: World, alias: str) -> None:
    row = world.rows[alias]
    reading, listing = d.maker.route("read", row.entity), d.maker.route("list", row.entity)
    if reading:
        by_anyone(d, world, reading, d.maker.step(world, reading, NONE, None, alias), alias)
    elif listing:
        by_anyone(d, world, listing, Step(method="GET", path=listing.path), alias)


def time_goals(d: Deriver) -> None:
    """Derived values, lists and reports that change as time passes."""
    for entity, declared in d.spec.entities.items():
        for name, field in declared.fields.items():
            expr = d.compiled.value(entity, name)
            reading = d.maker.route("read", entity)
            if expr is not None and reading and _timed(d, hints(expr)):
                _changes(d, f"time:{entity}.{name}", entity, reading, hints(expr), d.of(entity, field.satisfies))
        for key in declared.operations:
            expr = d.compiled.where(entity, key)
            route = d.maker.route("list", entity, key)
            if expr is not None and route and hints(expr).timed:
                _changes(d, f"time:{entity}.{key}", entity, route, hints(expr), d.of_route(route))
    for route in d.routes("report"):
        report = d.compiled.report(route.name)
        exprs = [e for e in (report.where, *report.group_by.values(), *report.measures.values(), *report.columns.values()) if e]
        if any(hints(e).timed for e in exprs) and route.report and not route.report.input:
            _changes(d, f"time:{route.name}", route.report.entity, route, Hints(timed=True), d.of_route(route))


def _timed(d: Deriver, known: Hints) -> bool:
    return known.timed


def _changes(d: Deriver, goal: str, entity: str, route: Route, known: Hints, satisfies: tuple[str, ...]) -> None:
    known |= Hints(durations=tuple(_spans_of(d, entity)))
    spans = sorted({t for s in known.durations for t in (s - 60, s, s + 60, s + 86400) if t > 0} | set(_SPANS))
    try:
        world = d.start.fork()
        alias = d.maker.make(world, entity)
        answer, _ = d.search.perform(world, route, Pins(refs={"self": alias}) if route.on_row else NONE, succeeded)
    except Stuck as stuck:
        d.miss(goal, f"no {entity} can be made: {stuck}", satisfies)
        return
    step = world.steps[-1]
    before, seen = 0, answer.body
    for changes in range(2):
        found = next((s for s in spans if s > before and _later(d, world, step, s - before)[1] != seen), None)
        if found is None:
            break
        edge = max((s for s in spans if before < s < found), default=0)
        if edge and not changes:
            world, before = _later(d, world, step, edge - before)[0], edge
        world, seen = _later(d, world, step, found - before)
        before = found
    if before:
        d.add(goal, f"{route.method} {route.path} changes as time passes", world, satisfies, level="time")


def _later(d: Deriver, world: World, step: Step, seconds: int) -> tuple[World, object]:
    """The same read after that many seconds, signed in again where the token has ended; the answer's body."""
    trial = world.fork()
    answer = trial.call(step.model_copy(update={"advance": seconds}))
    if answer.status == 401 and step.actor:
        trial = world.fork()
        if _sign_in_again(d, trial, step.actor, seconds):
            answer = trial.call(step)
    return trial, answer.body if succeeded(answer) else None


def _spans_of(d: Deriver, entity: str) -> list[int]:
    """The durations in the defaults of an entity's fields: when something falls due."""
    found: list[int] = []
    for name in d.spec.entities[entity].fields:
        expr = d.compiled.default(entity, name)
        if expr is not None:
            found += hints(expr).durations
    return found


def _sign_in_again(d: Deriver, world: World, alias: str, advance: int) -> bool:
    auth = d.spec.auth
    if auth is None or "password" not in auth.methods or alias not in world.accounts:
        return False
    registration = world.accounts[alias].registration
    body = {n: registration[n] for n in (auth.identifier, "password")}
    answer = world.call(Step(method="POST", path="/auth/login", body=body, save=f"{alias}/login", advance=advance))
    return succeeded(answer)


def concurrency_goals(d: Deriver, hits: list[tuple[str, Route, Hit, tuple[str, ...]]]) -> None:
    """At the boundary of each limit, the same request eight times at once; then what is stored is read."""
    done: set[str] = set()
    for cause, route, hit, satisfies in hits:
        goal = f"race:{cause}"
        if goal in done or route.kind not in ("create", "action"):
            continue
        world = _racing(d, route, hit)
        if world is None:
            continue
        done.add(goal)
        listing = d.maker.route("list", route.entity)
        if listing:
            try:
                d.maker.attempt(world, listing, Step(method="GET", path=listing.path))
            except Stuck:
                continue
        title = f"{route.method} {route.path} {PARALLEL} times at once keeps what holds one by one"
        d.add(goal, title, world, satisfies, level="concurrency", shorten=False)


def _racing(d: Deriver, route: Route, hit: Hit) -> World | None:
    """The world before the last call that succeeded, then that call in parallel: only where not all of them succeed.

    Where the calls so far differed in what they refer to, so do those in parallel: else another rule could refuse them all.
    """
    last = hit.world.steps[-1]
    mine = [i for i, s in enumerate(hit.world.steps) if s.method == last.method and _same_place(s, last) and s.status < 400]
    if not mine:
        return None
    index = mine[-1]
    steps, accounts = renewed(d, hit.world, index)
    world = d.start.fork()
    try:
        for account in accounts:
            if account.alias not in world.accounts and world.open(account).status >= 400:
                return None
        for step in steps[:index]:
            world.call(step)
    except (KeyError, Unsaved):
        return None
    together = steps[index].model_copy(update={"parallel": PARALLEL, "save": None})
    changing = _changing(hit.world.steps[index].body, last.body) if hit.repeated and route.kind == "create" else ()
    return (_different(d, route, world, together, changing) if changing else None) or _together(world, together)


def _changing(before: Any, after: Any) -> tuple[str, ...]:
    """The members that differ between two bodies."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return ()
    return tuple(k for k, v in before.items() if k in after and after[k] != v)


def _different(d: Deriver, route: Route, world: World, together: Step, members: tuple[str, ...]) -> World | None:
    """The calls in parallel, each with other values for these members."""
    trial, bodies = world.fork(), []
    fields = {wire_name(k, f): f for k, f in d.spec.entities[route.entity or ""].fields.items()}
    try:
        for _ in range(PARALLEL):
            body = dict(together.body)
            for name in members:
                field = fields[name]
                made = ref(f"{d.maker.make(trial, field.to)}.id") if field.to else valid(field, d.maker.number())
                body[name] = [made] if field.type == "references" else made
            bodies.append(body)
    except (Stuck, KeyError):
        return None
    return _together(trial, together.model_copy(update={"body": bodies[0], "variants": tuple(bodies)}))


def _together(world: World, step: Step) -> World | None:
    """The world after the parallel calls, None where they all succeed or where their order or the instant matters."""
    orders = (step.variants, step.variants[::-1], step.variants[3:] + step.variants[:3]) if step.variants else ((),)
    seen = set()
    try:
        for frozen in (True, False):
            for order in orders:
                trial = world.fork()
                trial.frozen = frozen
                trial.call(step.model_copy(update={"variants": order}))
                seen.add(trial.steps[-1].statuses)
        world.call(step)
    except (KeyError, Unsaved):
        return None
    statuses = world.steps[-1].statuses
    return world if len(seen) == 1 and len(set(statuses)) > 1 and any(s >= 400 for s in statuses) else None


def renewed(d: Deriver, world: World, last: int) -> tuple[list[Step], list[Account]]:
    """The steps and accounts with other values wherever they must be unique, so that both scenarios can share a database."""
    new: dict[Any, Any] = {}
    for step in world.steps[: last + 1]:
        route = route_of(d.maker.routes, step.method, step.path)
        if route and route.kind == "create" and isinstance(step.body, dict):
            _renew(d, d.spec.entities[route.entity or ""], step.body, new)
    auth = d.spec.auth
    for account in world.accounts.values():
        if auth and ADMIN not in account.roles:
            text = str(account.registration.get(auth.identifier))
            new[text] = f"{d.maker.number()}.{text}" if "@" in text else f"{text}{d.maker.number()}"
            _renew(d, d.spec.entities[auth.entity], account.registration, new)
    steps = [step.model_copy(update={"body": _replaced(step.body, new)}) for step in world.steps]
    accounts = [a.model_copy(update={"registration": _replaced(a.registration, new)}) for a in world.accounts.values()]
    return steps, accounts


def _renew(d: Deriver, entity: Entity, body: dict[str, Any], new: dict[Any, Any]) -> None:
    for name, field in entity.fields.items():
        value = body.get(name)
        if field.unique and isinstance(value, str | int) and value not in new and not isinstance(value, bool):
            new[value] = valid(field, d.maker.number())


def _replaced(body: Any, new: dict[Any, Any]) -> Any:
    if not isinstance(body, dict):
        return body
    return {k: new[v] if isinstance(v, str | int) and not isinstance(v, bool) and v in new else v for k, v in body.items()}


def _same_place(a: Step, b: Step) -> bool:
    return a.path == b.path
