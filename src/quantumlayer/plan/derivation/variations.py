"""What a search varies: the pins of a request, one thing at a time, led by what an expression looks at."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from quantumlayer.plan.derivation.hints import Hints, Path, alternatives, hints
from quantumlayer.plan.derivation.maker import LIKE, SAME, Maker
from quantumlayer.plan.derivation.pins import NONE, Pins, Taken
from quantumlayer.plan.derivation.world import World
from quantumlayer.spec.compiled import Compiled
from quantumlayer.spec.expression import Expr
from quantumlayer.spec.ids import given_fields
from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Entity


class Variations:
    """Of one spec. `start` is the empty world."""

    def __init__(self, maker: Maker, compiled: Compiled, start: World) -> None:
        self.maker, self.compiled, self.start = maker, compiled, start
        self.spec = maker.spec

    def own_fields(self, route: Route) -> dict[str, Any]:
        """The fields that a request of the route may send."""
        if route.kind == "create":
            return given_fields(self.entity(route))
        return dict(route.operation.input) if route.operation else {}

    def entity(self, route: Route) -> Entity:
        """The entity that a route is about."""
        return self.spec.entities[route.entity or ""]

    # what to vary

    def mutations(self, route: Route, pins: Pins, known: Hints, cause: str) -> Iterator[Pins]:
        """The pins with one more thing fixed, most telling first."""
        entity = route.entity or ""
        if cause.startswith("validation"):
            yield from self._by_field(route, pins, known)
        for path in (*self._own_paths(entity, known), *known.paths):
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

    def _own_paths(self, entity: str, known: Hints) -> list[Path]:
        """What an expression looks at in rows of the same entity, `self.product.movements.type`, it sees in this row too."""
        found = {}
        for path in known.paths:
            at: str | None = entity
            for index, member in enumerate(path[1:-1] if path[0] == "self" else (), 2):
                at = self._leads_to(at, member)
                if at is None:
                    break
                if at == entity:
                    found["self", *path[index:]] = None
        return [p for p in found if p not in known.paths]

    def _leads_to(self, entity: str, member: str) -> str | None:
        field = self.spec.entities[entity].fields.get(member)
        if field is not None:
            return field.to
        for other, declared in self.spec.entities.items():
            if any(f.to == entity and (f.inverse or declared.plural) == member for f in declared.fields.values()):
                return other
        return None

    def _by_field(self, route: Route, pins: Pins, known: Hints) -> Iterator[Pins]:
        for name, field in self.own_fields(route).items():
            for value in alternatives(field, known, self.maker.number())[:6]:
                yield pins.with_value(name, value) if route.kind == "create" else pins.with_input(name, value)

    def _changes(self, route: Route, pins: Pins, known: Hints) -> Iterator[Pins]:
        looked_at = {p[1] for p in known.paths if p[0] == "self" and len(p) > 1}
        for name, field in self.entity(route).fields.items():
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
