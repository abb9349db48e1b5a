"""Finds, in the reference model, a short sequence of calls whose last answer is the wanted one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from quantumlayer.plan.derivation.hints import Hints, alternatives, hints
from quantumlayer.plan.derivation.maker import LIKE, SAME, Maker, Stuck
from quantumlayer.plan.derivation.pins import NONE, Pins, Taken
from quantumlayer.plan.derivation.world import World
from quantumlayer.plan.scenario import Step
from quantumlayer.spec.compiled import Compiled
from quantumlayer.spec.expression import Expr
from quantumlayer.spec.http import HttpResponse
from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Entity

REPEATS = 12
TRIES = 160
Want = Callable[[HttpResponse], bool]


@dataclass(frozen=True)
class Hit:
    """A world whose last answer is the wanted one. `varied` is the mutation that turned it, if a single one did."""

    world: World
    answer: HttpResponse
    pins: Pins
    row: str | None = None
    repeated: bool = False
    advanced: bool = False


def succeeded(answer: HttpResponse) -> bool:
    """Not refused."""
    return 0 < answer.status < 400


def caused_by(cause: str) -> Want:
    """Refused for this reason."""
    return lambda answer: answer.cause == cause


class Search:
    """All searches over one spec. `start` is the empty world from which each attempt forks."""

    def __init__(self, maker: Maker, compiled: Compiled, start: World) -> None:
        self.maker, self.compiled, self.start = maker, compiled, start
        self.spec = maker.spec
        self._working: dict[tuple[str | None, str], Pins] = {}

    # making every row and taking every action once

    def learn(self) -> dict[str, str]:
        """Finds out how each entity's rows are made; the reasons for those that cannot be. Entities that others need first."""
        reasons: dict[str, str] = {}
        for name in self._ordered():
            route = self.maker.route("create", name)
            if route is None or self._is_account(name):
                continue
            hit = self.find(route, succeeded, Hints(), success=True)
            if hit:
                self.maker.known[name] = hit.pins
            else:
                reasons[name] = self.last_reason
        return reasons

    def _is_account(self, name: str) -> bool:
        auth = self.spec.auth
        return auth is not None and auth.entity == name and auth.registration

    def _ordered(self) -> list[str]:
        done: list[str] = []

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in done or name in path:
                return
            for field in self.spec.entities[name].fields.values():
                if field.to and field.required:
                    visit(field.to, (*path, name))
            done.append(name)

        for name in self.spec.entities:
            visit(name, ())
        return done

    def working(self, route: Route) -> Pins | None:
        """Pins with which the route succeeds, None where no way was found."""
        key = (route.entity, route.name)
        if key not in self._working:
            hit = self.find(route, succeeded, self.route_hints(route), success=True)
            if hit is None:
                return None
            self._working[key] = hit.pins
        return self._working[key]

    # one attempt

    def perform(
        self, world: World, route: Route, pins: Pins, want: Want | None = None, advance: int = 0
    ) -> tuple[HttpResponse, str | None]:
        """The focus operation with everything it needs made first. Recorded, whatever the answer. Raises `Stuck`."""
        row = pins.refs.get("self")
        if route.on_row and row is None:
            row = self.maker.make(world, route.entity or "", pins.row)
        step = self.maker.step(world, route, self._effective(route, pins), None, row)
        if advance:
            step = step.model_copy(update={"advance": advance})
        return self._by_anyone(world, route, step, row, want), row

    def _effective(self, route: Route, pins: Pins) -> Pins:
        return self.maker.known.get(route.entity or "", NONE).merged(pins) if route.kind == "create" else pins

    def _by_anyone(self, world: World, route: Route, step: Step, row: str | None, want: Want | None) -> HttpResponse:
        """By the candidate whose answer is wanted, else who succeeds, else the first with a telling refusal."""
        chosen: tuple[int, Step, HttpResponse] | None = None
        candidates = self.maker.candidates(world, route, row)
        for actor in candidates:
            if actor is not None:
                self.maker.account(world, actor)
        for actor in candidates:
            trial = world.fork() if len(candidates) > 1 else None
            mine = step.model_copy(update={"actor": actor})
            if trial is None:
                answer = world.call(mine)
                self._saved(world, route, mine, answer)
                return answer
            answer = trial.call(mine)
            rank = 0 if (want and want(answer)) else 1 if succeeded(answer) else 3 if answer.status in (401, 403, 404) else 2
            if chosen is None or rank < chosen[0]:
                chosen = (rank, mine, answer)
            if rank == 0 or (want is None and rank == 1):
                break
        assert chosen is not None
        answer = world.call(chosen[1])
        self._saved(world, route, chosen[1], answer)
        return answer

    def _saved(self, world: World, route: Route, step: Step, answer: HttpResponse) -> None:
        if succeeded(answer):
            self.maker.actors[route.entity, route.name] = step.actor
            if step.save:
                world.made(step.save, route, step.actor)

    def try_(self, route: Route, pins: Pins, want: Want | None = None, advance: int = 0) -> Hit | None:
        """One attempt on a fresh world, None where something that it needs cannot be made."""
        world = self.start.fork()
        try:
            answer, row = self.perform(world, route, pins, want, advance)
        except Stuck as stuck:
            self._note(stuck.answer, str(stuck))
            return None
        self._note(answer, answer.cause)
        return Hit(world, answer, pins, row, advanced=bool(advance))

    last_reason = ""
    last_cause = ""

    def _note(self, answer: HttpResponse, text: str) -> None:
        self.last_cause = answer.cause
        self.last_reason = f"refused with {answer.status} {text}".strip() if answer.status else text

    # searching

    def find(self, route: Route, want: Want, known: Hints, *, success: bool = False, tries: int = TRIES) -> Hit | None:
        """The first hit: as it stands, one thing varied, the same again and again, time passing, two things varied."""
        base = NONE if success else (self.working(route) or NONE)
        left = tries
        queue: list[tuple[int, Pins, Hints]] = [(0, base, known)]
        seen = {repr(base)}
        while queue and left > 0:
            depth, pins, current = queue.pop(0)
            hit = self.try_(route, pins, want)
            left -= 1
            if hit and want(hit.answer):
                return hit
            if depth >= (3 if success else 2):
                continue
            cause_hints = self.cause_hints(self.last_cause, route) if success else Hints()
            further = []
            for mutant in self.mutations(route, pins, current | cause_hints, self.last_cause):
                if repr(mutant) not in seen:
                    seen.add(repr(mutant))
                    further.append((depth + 1, mutant, current | cause_hints))
            # Depth first where each step follows from a refusal, breadth first where we look for one.
            queue = further + queue if success and depth == 0 else queue + further
            if depth == 0 and not success and (hit := self.repeat(route, base, want, known)):
                return hit
            if depth == 0 and not success and known.timed and (hit := self._later(route, base, want, known)):
                queue = [(d, p, h) for d, p, h in queue if d == 1]
                return self._without_waiting(route, queue, want) or hit
        return None

    def _without_waiting(self, route: Route, queue: Sequence[tuple[int, Pins, Hints]], want: Want) -> Hit | None:
        for _, pins, _ in queue[:60]:
            hit = self.try_(route, pins, want)
            if hit and want(hit.answer):
                return hit
        return None

    def _later(self, route: Route, base: Pins, want: Want, known: Hints) -> Hit | None:
        spans = [s for d in known.durations for s in (d + 60, d - 60)] + [3600, 86400, 40 * 86400, 400 * 86400]
        for span in spans:
            hit = self.try_(route, base, want, advance=span) if span > 0 else None
            if hit and want(hit.answer):
                return hit
        return None

    def repeat(self, route: Route, base: Pins, want: Want, known: Hints) -> Hit | None:
        """The same operation again and again, with some of its references kept: limits, overlaps, uniqueness."""
        entity = self.spec.entities[route.entity] if route.entity else None
        if route.kind not in ("create", "action") or entity is None:
            return None
        fields = entity.fields if route.kind == "create" else {}
        refs = [k for k, f in fields.items() if f.type == "reference" and f.required and f.writable != "never"]
        subsets = [tuple(refs), *((r,) for r in refs), *(combinations(refs, 2) if len(refs) > 2 else ()), ()]
        amounts = list(self._amounts(route, base, known))[:4]
        for pins in (base, *amounts):
            for kept in dict.fromkeys(subsets):
                if hit := self._repeat(route, pins, kept, want):
                    return hit
        return None

    def _amounts(self, route: Route, base: Pins, known: Hints) -> Iterator[Pins]:
        numeric = ("integer", "number", "decimal")
        for name, field in self._own_fields(route).items():
            if field.type in numeric:
                values = [v for v in alternatives(field, known, 0) if isinstance(v, int | float) and v > 1]
                for value in sorted(values, reverse=True)[:2]:
                    yield base.with_value(name, value) if route.kind == "create" else base.with_input(name, value)

    def _own_fields(self, route: Route) -> dict[str, Any]:
        if route.kind == "create":
            return {k: f for k, f in self._entity(route).fields.items() if f.writable != "never" and f.value is None}
        return dict(route.operation.input) if route.operation else {}

    def _entity(self, route: Route) -> Entity:
        return self.spec.entities[route.entity or ""]

    def _repeat(self, route: Route, pins: Pins, kept: tuple[str, ...], want: Want) -> Hit | None:
        world = self.start.fork()
        try:
            effective = self._effective(route, pins)
            for name in kept:
                if name not in effective.refs:
                    to = self._entity(route).fields[name].to or ""
                    effective = effective.with_ref(name, self.maker.make(world, to, effective.nested.get(name, NONE)))
            for _ in range(REPEATS):
                answer, row = self.perform(world, route, effective, want)
                if want(answer):
                    return Hit(world, answer, pins, row, repeated=True)
                if not succeeded(answer):
                    return None
                if row:
                    effective = effective.with_ref("self", row)
        except Stuck:
            return None
        return None

    # what to vary

    def mutations(self, route: Route, pins: Pins, known: Hints, cause: str) -> Iterator[Pins]:
        """The pins with one more thing fixed, most telling first."""
        entity = route.entity or ""
        if cause.startswith("validation"):
            yield from self._by_field(route, pins, known)
        for path in known.paths:
            if len(path) > 1 and path[0] == "self":
                yield from self._along(entity, path[1:], pins, known)
            elif len(path) > 1 and path[0] == "input" and route.operation:
                yield from self._input(route, path[1:], pins, known)
        if known.personal and route.on_row and pins.by is None:
            for actor in self.maker.candidates(self.start, route):
                if actor is not None:
                    yield replace(pins, by=actor)
        if route.kind == "update":
            yield from self._changes(route, pins, known)

    def _by_field(self, route: Route, pins: Pins, known: Hints) -> Iterator[Pins]:
        for name, field in self._own_fields(route).items():
            for value in alternatives(field, known, self.maker.number())[:6]:
                yield pins.with_value(name, value) if route.kind == "create" else pins.with_input(name, value)

    def _changes(self, route: Route, pins: Pins, known: Hints) -> Iterator[Pins]:
        looked_at = {p[1] for p in known.paths if p[0] == "self" and len(p) > 1}
        for name, field in self._entity(route).fields.items():
            if name in looked_at and field.writable == "always" and field.value is None and not field.to:
                for value in alternatives(field, known, self.maker.number()):
                    yield pins.with_input(name, value)

    def _input(self, route: Route, path: tuple[str, ...], pins: Pins, known: Hints) -> Iterator[Pins]:
        field = route.operation.input.get(path[0]) if route.operation else None
        if field is None:
            return
        if field.to:
            key = f"input.{path[0]}"
            yield from (pins.with_ref(key, f"=self.{member}") for member in self._members_naming(route.entity or "", field.to))
            yield pins.with_nested(key, NONE)
            for inner in self._along(field.to, path[1:], pins.nested.get(key, NONE), known) if len(path) > 1 else ():
                yield pins.with_nested(key, inner)
        else:
            for value in alternatives(field, known, self.maker.number()):
                yield pins.with_input(path[0], value)

    def _members_naming(self, entity: str, to: str) -> list[str]:
        """The members of an entity's rows that hold the id of a row of `to`."""
        own = ["id"] if entity == to else []
        fields = self.spec.entities[entity].fields
        return own + [f"{k}_id" for k, f in fields.items() if f.type == "reference" and f.to == to]

    def _related(self, entity: str, name: str, pins: Pins) -> Iterator[Pins]:
        """A reference set to a row of its own, to the same row as another, to a row that shares something with another."""
        fields = self.spec.entities[entity].fields
        if name not in pins.refs:
            yield pins.with_nested(name, pins.nested.get(name, NONE))
        for other, field in fields.items():
            if other == name:
                break
            if field.type == "reference" and field.to == fields[name].to:
                yield pins.with_ref(name, f"{SAME}{other}")
                for shared, inner in self.spec.entities[field.to or ""].fields.items():
                    if inner.type == "reference":
                        yield pins.with_ref(name, f"{LIKE}{other}:{shared}")

    def _along(self, entity: str, path: tuple[str, ...], pins: Pins, known: Hints) -> Iterator[Pins]:
        declared, name = self.spec.entities[entity], path[0]
        field = declared.fields.get(name)
        if declared.state and declared.state.field == name:
            for walk in [(), *self.walks(entity)]:
                yield replace(pins, after=walk)
        elif field is None:
            yield from self._inverse(entity, name, path[1:], pins, known)
        elif field.value is not None:
            expr = self.compiled.value(entity, name)
            for inner in hints(expr).paths if expr else ():
                if inner[0] == "self" and len(inner) > 1 and inner[1] != name:
                    yield from self._along(entity, inner[1:], pins, known)
        elif field.to and field.writable != "never" and (len(path) > 1 or field.type == "reference"):
            yield from self._related(entity, name, pins)
            for inner in () if len(path) == 1 else self._along(field.to, path[1:], pins.nested.get(name, NONE), known):
                yield pins.with_nested(name, inner)
        elif field.writable == "never" or field.to:
            for route in self._actions(entity):
                yield from (pins.then(taken) for taken in self._ways(route))
        else:
            for value in alternatives(field, known, self.maker.number()):
                yield pins.with_value(name, value)
            for other, declared_other in declared.fields.items():
                if other == name:
                    break
                if declared_other.type == field.type and ("self", other) in known.paths:
                    yield pins.with_ref(name, f"{SAME}{other}")

    def _inverse(self, entity: str, name: str, rest: tuple[str, ...], pins: Pins, known: Hints) -> Iterator[Pins]:
        for other, declared in self.spec.entities.items():
            for key, field in declared.fields.items():
                if field.to == entity and (field.inverse or declared.plural) == name:
                    yield pins.with_extra(other, key, NONE)
                    if rest:
                        for inner in self._along(other, rest, NONE, known):
                            yield pins.with_extra(other, key, inner)

    def _actions(self, entity: str) -> list[Route]:
        return [r for r in self.maker.routes if r.kind == "action" and r.entity == entity and r.on_row]

    def _ways(self, route: Route) -> Iterator[Taken]:
        """An action as it is, and with each choice that its input offers."""
        yield Taken(route.name)
        for name, field in (route.operation.input if route.operation else {}).items():
            if field.type in ("boolean", "enum"):
                yield from (Taken(route.name, {name: value}) for value in alternatives(field, Hints(), 0) if value is not None)

    def walks(self, entity: str) -> list[tuple[Taken, ...]]:
        """The shortest sequence of actions to each state but the initial one."""
        machine = self.spec.entities[entity].state
        if machine is None:
            return []
        paths: dict[str, tuple[Taken, ...]] = {machine.initial: ()}
        queue = [machine.initial]
        while queue:
            state = queue.pop(0)
            for route in self._actions(entity):
                transition = route.operation.transition if route.operation else None
                if transition and state in transition.from_states and transition.to not in paths:
                    paths[transition.to] = (*paths[state], Taken(route.name))
                    queue.append(transition.to)
        return [p for p in paths.values() if p]

    # hints

    def route_hints(self, route: Route) -> Hints:
        """What the expressions of an operation look at: its guards, its access, the states it starts from."""
        operation, entity = route.operation, route.entity or ""
        found = Hints()
        if operation is None:
            return found
        if operation.transition and (machine := self.spec.entities[entity].state):
            found |= Hints(paths=(("self", machine.field),))
        for name in operation.guards:
            found |= hints(self.compiled.guard(entity, route.name, name))
        if allow := self.compiled.allow(entity, route.name):
            found |= hints(allow)
        return found

    def cause_hints(self, cause: str, route: Route) -> Hints:
        """What the expression behind a refusal looks at."""
        expr = self.expression(cause)
        if expr is not None:
            return hints(expr)
        return self.route_hints(route) if cause.startswith(("state", "allow")) else Hints()

    def expression(self, cause: str) -> Expr | None:
        """The expression that `rule:loan.max_open` or `guard:booking.cancel.in_time` names."""
        kind, _, place = cause.partition(":")
        parts = place.split(".")
        if kind == "rule" and len(parts) == 2:
            return self.compiled.at("entities", parts[0], "rules", parts[1], "check")
        if kind == "guard" and len(parts) == 3:
            return self.compiled.at("entities", parts[0], "operations", parts[1], "guards", parts[2], "check")
        return None
