"""What a load run sends: a mixed read and write journey that the specification determines, with valid bodies.

The steps that set the scene and the calls of the mix are worked out against the reference model, so that the statuses of a
correct server are known beforehand; the ids come from the real server's answers.
"""

from dataclasses import dataclass, field

from quantumlayer.plan.derivation.maker import Maker, Stuck, at
from quantumlayer.plan.derivation.pins import NONE
from quantumlayer.plan.derivation.world import Clock, World
from quantumlayer.plan.scenario import Account, Step
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Spec

ROWS = 3
CREATES = 60
PLAIN = ("string", "text", "integer", "number", "boolean", "enum", "date", "datetime")
READ_STATUSES = frozenset({200, 307})


@dataclass(frozen=True)
class Call:
    """One call of the mix. `expected` are the statuses of a correct server."""

    route: str
    step: Step
    expected: frozenset[int]


@dataclass
class Journey:
    """`accounts` are opened and `scene` is played first, in order; then `reads` and `writes` come in any order.

    A write is refused with 409 where a rule of the specification says so, hence 409 is expected of it too. `left_out` names the
    routes that the mix does not hold, and why.
    """

    accounts: list[Account] = field(default_factory=list)
    scene: list[Step] = field(default_factory=list)
    reads: list[Call] = field(default_factory=list)
    writes: list[Call] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def plan_journey(spec: Spec) -> Journey:
    """The journey through a whole specification. Sign-in is played but not measured: hashing a password is slow by design."""
    maker, world, journey = Maker(spec), World.new(spec, Clock()), Journey()
    rows: dict[str, list[str]] = {}
    for entity in spec.entities:
        for _ in range(ROWS):
            try:
                rows.setdefault(entity, []).append(maker.make(world, entity))
            except Stuck as reason:
                journey.left_out[f"rows of {entity}"] = str(reason)
                break
    journey.scene += world.steps
    for route in maker.routes:
        _read(maker, world, journey, route, rows)
        if route.kind == "update":
            _update(maker, world, journey, route, rows)
    _creates(maker, world, journey)
    journey.accounts += world.accounts.values()
    return journey


def _read(maker: Maker, world: World, journey: Journey, route: Route, rows: dict[str, list[str]]) -> None:
    if route.kind not in ("list", "read", "report", "me"):
        return
    aliases = rows.get(route.entity or "", []) if route.on_row else [None]
    if not aliases:
        journey.left_out[_title(route)] = "there is no row to read"
    for alias in aliases:
        step = Step(method=route.method, path=at(route, alias) if alias else route.path)
        answer = maker.attempt(world, route, step, alias)
        if answer.status not in READ_STATUSES:
            journey.left_out[_title(route)] = f"{answer.status} {answer.cause}".strip()
            continue
        actor = maker.actors[route.entity, route.name]
        journey.reads.append(Call(_title(route), step.model_copy(update={"actor": actor}), frozenset({answer.status})))


def _update(maker: Maker, world: World, journey: Journey, route: Route, rows: dict[str, list[str]]) -> None:
    fields = maker.spec.entities[route.entity or ""].fields
    plain = [n for n, f in fields.items() if f.type in PLAIN and f.writable == "always" and f.value is None and not f.unique]
    for alias in rows.get(route.entity or "", []):
        row = world.session.saved.get(alias, {})
        body = next(({w: row[w]} for n in plain if row.get(w := wire_name(n, fields[n])) is not None), {})
        step = Step(method=route.method, path=at(route, alias), body=body)
        answer = maker.attempt(world, route, step, alias)
        if answer.status != 200:
            journey.left_out[_title(route)] = f"{answer.status} {answer.cause}".strip()
            continue
        actor = maker.actors[route.entity, route.name]
        journey.writes.append(Call(_title(route), step.model_copy(update={"actor": actor}), frozenset({200, 409})))


def _creates(maker: Maker, world: World, journey: Journey) -> None:
    """New rows in turn; what a row refers to belongs to the scene, so that the creates can come in any order."""
    creating = [r for r in maker.routes if r.kind == "create" and f"rows of {r.entity}" not in journey.left_out]
    auth = maker.spec.auth
    creating = [r for r in creating if not (auth and auth.entity == r.entity)]
    for number in range(CREATES if creating else 0):
        route = creating[number % len(creating)]
        before = len(world.steps)
        try:
            alias = maker.make(world, route.entity or "", NONE)
        except Stuck as reason:
            journey.left_out[_title(route)] = str(reason)
            creating.remove(route)
            if not creating:
                return
            continue
        made = world.steps[before:]
        last = max((i for i, step in enumerate(made) if step.save == alias), default=None)
        if last is None or made[last].method != route.method:
            continue
        journey.scene += made[:last]
        journey.writes.append(Call(_title(route), made[last].model_copy(update={"save": None}), frozenset({201, 409})))


def _title(route: Route) -> str:
    return f"{route.method} {route.path}"
