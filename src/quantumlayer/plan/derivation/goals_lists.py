"""Goals about lists and reports: filters, ranges, search, sorting, paging over a handful of telling rows."""

from collections.abc import Callable, Sequence
from typing import Any

from quantumlayer.plan.derivation.deriver import Deriver, status
from quantumlayer.plan.derivation.maker import Stuck
from quantumlayer.plan.derivation.pins import NONE, Pins, Taken
from quantumlayer.plan.derivation.search import succeeded
from quantumlayer.plan.derivation.world import World
from quantumlayer.plan.field_values import accepted, limits, valid
from quantumlayer.plan.placeholders import ref
from quantumlayer.plan.scenario import Step
from quantumlayer.spec.ids import given_fields
from quantumlayer.spec.naming import filter_parameter
from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Field, Filter

ROWS = 6
_TEXTS = ("Alpha 100% sure", "beta_one", "BETA two", 'quoted "gamma"', "it's delta", "Zeta\\path")
_QUERIES = ("beta", "BETA", "%", "_", "100%", '"', "'", "\\", "nothing like this", "' OR 1=1 --")


def list_goals(d: Deriver) -> None:
    """Scenarios per list: paging, sorting, filtering, searching; one per report."""
    for route in d.routes("list"):
        for goals in ((_paging, _sorting), (_filters, _search)):
            _listing(d, route, goals)
    for route in d.routes("report"):
        _report(d, route)


def populated(d: Deriver, entity: str) -> World | None:
    """A world with several different rows, some of them moved on by actions."""
    create = d.maker.route("create", entity)
    world = d.start.fork()
    if create is None:
        try:
            d.maker.make(world, entity)
        except Stuck:
            return None
        return world
    aliases = [alias for n in range(ROWS) if (alias := _row(d, world, create, n))]
    if not aliases:
        return None
    _move_on(d, world, entity, aliases)
    return world


def _row(d: Deriver, world: World, create: Route, n: int) -> str | None:
    entity = d.spec.entities[create.entity or ""]
    writable = given_fields(entity)
    free = {k: f for k, f in writable.items() if not f.to and not f.unique and not any(k in u.fields for u in entity.unique)}
    values = {k: _value(f, n + 2 * index if f.type in ("string", "text") else n) for index, (k, f) in enumerate(free.items())}
    if n % 2:
        values |= {k: None for k, f in free.items() if not f.required}
    base = d.search.working(create) or NONE
    shared = base
    for name, field in writable.items():
        if field.type == "reference" and n % 2 and (alias := _existing(world, field.to or "")):
            shared = shared.with_ref(name, alias)
    fewer = {k: v for k, v in values.items() if not free[k].required or free[k].default is not None}
    for pins in (shared.merged(Pins(values=values)), base.merged(Pins(values=values)), base.merged(Pins(values=fewer)), base):
        trial = world.fork()
        try:
            answer, _ = d.search.perform(trial, create, pins, succeeded)
        except Stuck:
            continue
        if succeeded(answer):
            world.__dict__.update(trial.__dict__)
            return world.steps[-1].save
    return None


def _existing(world: World, entity: str) -> str | None:
    return next((alias for alias, row in world.rows.items() if row.entity == entity), None)


def _value(field: Field, n: int) -> Any:
    if field.type in ("string", "text") and not field.pattern and not field.format:
        low, high = limits(field)
        text = _TEXTS[n % len(_TEXTS)]
        return text[:high] if len(text[:high]) >= low else valid(field, n)
    if field.type == "integer" and n == ROWS - 1 and (edges := accepted(field, n)):
        return edges[-1].value
    if field.type == "strings":
        return ["shared", f"tag{n}"][: field.max_items or 2] if (field.min_items or 0) <= 2 else valid(field, n)
    return valid(field, (n * 5 + 3) % 7 if field.type != "enum" else n)


def _move_on(d: Deriver, world: World, entity: str, aliases: list[str]) -> None:
    walks = d.search.vary.walks(entity)
    if not walks:
        walks = [(Taken(r.name),) for r in d.routes("action") if r.entity == entity and r.on_row and not r.operation.input]  # type: ignore[union-attr]
    for alias, walk in zip(aliases[1:], walks, strict=False):
        try:
            for taken in walk:
                route = d.maker.route("action", entity, taken.name)
                d.maker.act(world, alias, taken.name, (d.search.working(route) or NONE) if route else NONE)
        except Stuck:
            continue


def _reader(d: Deriver, route: Route, world: World) -> str | None | bool:
    """Who sees most rows; False where nobody may read the list."""
    best: tuple[int, str | None] | None = None
    for actor in d.maker.candidates(world, route):
        if actor is not None:
            try:
                d.maker.account(world, actor)
            except Stuck:
                continue
        answer = world.fork().call(Step(method="GET", path=route.path, actor=actor))
        if answer.status == 200 and (best is None or answer.body["total"] > best[0]):
            best = (answer.body["total"], actor)
    return best[1] if best else False


Goal = Callable[[Deriver, Route, World], tuple[str, list[dict[str, Any]]]]


def _listing(d: Deriver, route: Route, goals: Sequence[Goal]) -> None:
    """One world of rows for several goals."""
    world = populated(d, route.entity or "")
    asked = [(name, queries) for goal in goals for name, queries in [goal(d, route, world)] if queries] if world else []
    label = "+".join(name for name, _ in asked) or "page"
    goal, title = f"{label}:{route.entity}.{route.name}", f"GET {route.path}: {', '.join(name for name, _ in asked)}"
    if world is None:
        if _paging in goals:
            d.miss(goal, f"no rows to list: {d.search.last_reason}", d.of_route(route))
        return
    if not asked:
        return
    actor = _reader(d, route, world)
    if isinstance(actor, bool):
        d.miss(goal, "nobody may read the list", d.of_route(route))
        return
    for name, queries in asked:
        for query in queries:
            d.tried(world, Step(method="GET", path=route.path, query=query, actor=actor, note=name), status(200, 422))
    d.add(goal, title, world, d.of_route(route))


def _paging(d: Deriver, route: Route, world: World) -> tuple[str, list[dict[str, Any]]]:
    queries: list[dict[str, Any]] = [{}, {"limit": 2}, {"limit": 2, "offset": 1}, {"offset": 4}, {"limit": 1, "offset": 100}]
    queries += [
        {"limit": 100},
        {"limit": 101},
        {"limit": 0},
        {"limit": -1},
        {"limit": "many"},
        {"offset": -1},
        {"unknown": "x"},
    ]
    return "paging", queries


def _sorting(d: Deriver, route: Route, world: World) -> tuple[str, list[dict[str, Any]]]:
    names = route.operation.sort if route.operation else ()
    queries = [{"sort": sign + name} for name in names for sign in ("", "-")]
    if names:
        queries += [{"sort": f"-{names[0]}", "limit": 2, "offset": 1}]
    queries.append({"sort": "no_such_field"})
    return "sorting", queries


def _filters(d: Deriver, route: Route, world: World) -> tuple[str, list[dict[str, Any]]]:
    entity = d.spec.entities[route.entity or ""]
    queries: list[dict[str, Any]] = []
    rows = [
        row for alias, row in world.session.saved.items() if alias in world.rows and world.rows[alias].entity == route.entity
    ]
    for filter_ in route.operation.filters if route.operation else ():
        field = entity.fields.get(filter_.field)
        if field is None:
            queries += _system_filters(d, route, filter_)
            continue
        parameter = filter_parameter(filter_, field)
        values = _filter_values(field, filter_, rows, world)
        queries += [{parameter: v} for v in values]
        if field.type not in ("string", "text", "strings"):
            queries.append({parameter: "not-a-value"})
        if values:
            queries.append({parameter: values[0], "limit": 1})
    return "filtering", queries[:60]


def _system_filters(d: Deriver, route: Route, filter_: Filter) -> list[dict[str, Any]]:
    machine = d.spec.entities[route.entity or ""].state
    if machine and machine.field == filter_.field:
        return [{filter_.field: state} for state in machine.states] + [{filter_.field: "no_such_state"}]
    suffix = {"eq": "", "gte": "_from", "lte": "_to"}[filter_.op]
    return [{filter_.field + suffix: v} for v in ("2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "yesterday")]


def _filter_values(field: Field, filter_: Filter, rows: list[Any], world: World) -> list[Any]:
    if field.to:
        aliases = [alias for alias, row in world.rows.items() if row.entity == field.to]
        return [ref(f"{alias}.id") for alias in aliases[:2]] + [999_999_999]
    seen: list[Any] = []
    for row in rows:
        value = row.get(filter_.field) if isinstance(row, dict) else None
        seen += value if isinstance(value, list) else [value]
    distinct = list({repr(v): v for v in seen if v is not None}.values())[:4]
    if field.type == "boolean":
        return [True, False]
    if field.type == "enum":
        return list(field.values)
    return distinct + ([valid(field, 5)] if field.type not in ("strings",) else ["no such tag"])


def _search(d: Deriver, route: Route, world: World) -> tuple[str, list[dict[str, Any]]]:
    if route.operation is None or not route.operation.search:
        return "searching", []
    rows = [
        row for alias, row in world.session.saved.items() if alias in world.rows and world.rows[alias].entity == route.entity
    ]
    parts: list[str] = []
    for name in route.operation.search:
        values = [row[name] for row in rows if isinstance(row.get(name), str) and len(row[name]) > 3]
        parts += [part for value in values[:2] for part in (value[1:-1].swapcase(), value[-5:])]
    return "searching", [{"q": q} for q in dict.fromkeys([*_QUERIES, *parts])]


def _report(d: Deriver, route: Route) -> None:
    report = route.report
    assert report is not None
    goal = f"report:{route.name}"
    world = populated(d, report.entity)
    if world is None:
        d.miss(goal, f"no rows to report on: {d.search.last_reason}", route.satisfies)
        return
    queries = _report_queries(d, route, world)
    actor = _reader_of_report(d, route, world, queries[0])
    if isinstance(actor, bool):
        d.miss(goal, "nobody may read the report", route.satisfies)
        return
    for query in queries:
        for extra in ({}, {"limit": 1}, {"limit": 1, "offset": 1}) if query is queries[0] else ({},):
            d.tried(world, Step(method="GET", path=route.path, query={**query, **extra}, actor=actor), status(200, 422))
    d.add(goal, f"GET {route.path} reports what the rows say", world, d.of_route(route))


def _report_queries(d: Deriver, route: Route, world: World) -> list[dict[str, Any]]:
    fields = route.report.input if route.report else {}
    full: dict[str, Any] = {}
    variants: list[dict[str, Any]] = []
    for name, field in fields.items():
        if field.to:
            alias = _existing(world, field.to)
            full[f"{name}_id"] = ref(f"{alias}.id") if alias else 1
        else:
            values = ["2001-01-01", "2099-01-01"] if field.type == "date" else [valid(field, n) for n in range(3)]
            full[name] = values[0]
            variants += [{name: v} for v in values[1:]]
    return [full, *({**full, **v} for v in variants)]


def _reader_of_report(d: Deriver, route: Route, world: World, query: dict[str, Any]) -> str | None | bool:
    best: tuple[int, str | None] | None = None
    for actor in d.maker.candidates(world, route):
        if actor is not None:
            try:
                d.maker.account(world, actor)
            except Stuck:
                continue
        answer = world.fork().call(Step(method="GET", path=route.path, query=query, actor=actor))
        if answer.status == 200 and (best is None or answer.body["total"] > best[0]):
            best = (answer.body["total"], actor)
    return best[1] if best else False
