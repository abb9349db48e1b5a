"""Makes rows and requests: valid minimal bodies, whatever they refer to made first, by whoever may."""

import re
from collections.abc import Mapping
from itertools import count
from typing import Any

from quantumlayer.plan.derivation.pins import NONE, Pins
from quantumlayer.plan.derivation.world import World, administrator
from quantumlayer.plan.field_values import valid
from quantumlayer.plan.placeholders import ref
from quantumlayer.plan.scenario import Account, Step
from quantumlayer.spec.http import HttpResponse
from quantumlayer.spec.ids import given_fields
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.routes import ADMIN, Route, routes
from quantumlayer.spec.values import Entity, Field, Spec

_PARAMETER = re.compile(r"\{[^{}]+\}")
_PEOPLE = ("ada", "bob", "cleo", "dan", "eve", "finn", "gus", "hana", "ivo", "jun", "kim", "leo")
BOSS = "boss"
SAME, LIKE = "=", "~"
MAX_DEPTH = 8


class Stuck(Exception):
    """A row or account that a scenario needs cannot be made; `answer` is the refusal."""

    def __init__(self, what: str, answer: HttpResponse) -> None:
        super().__init__(f"{what}: {answer.status} {answer.cause}".strip())
        self.answer = answer


class Maker:
    """`known` are the pins with which an entity's rows can be made, `actors` who succeeded with a route last time."""

    def __init__(self, spec: Spec, salt: int = 0) -> None:
        self.spec = spec
        self.routes = routes(spec)
        self.known: dict[str, Pins] = {}
        self.actors: dict[tuple[str | None, str], str | None] = {}
        self._numbers = count(1 + salt * 10_000)
        self._depth = 0

    def route(self, kind: str, entity: str | None = None, name: str | None = None) -> Route | None:
        """The first route of that kind."""
        return next((r for r in self.routes if r.kind == kind and entity in (None, r.entity) and name in (None, r.name)), None)

    def number(self) -> int:
        """A number not used before in this plan."""
        return next(self._numbers)

    # accounts

    def account(self, world: World, alias: str, roles: tuple[str, ...] = (), pins: Pins = NONE) -> str:
        """Opens the account unless it is there. Raises `Stuck`."""
        if alias in world.accounts:
            return alias
        if alias == ADMIN:
            found = administrator(self.spec)
        else:
            if not roles and alias in (*self.spec.roles, BOSS):
                roles = tuple(r for r in self.spec.roles if r != ADMIN) if alias == BOSS else (alias,)
            found = Account(alias=alias, registration=self._registration(world, alias, pins), roles=roles)
        answer = world.open(found)
        if answer.status >= 400:
            raise Stuck(f"account {alias}", answer)
        return alias

    def newcomer(self, world: World, pins: Pins = NONE) -> str:
        """One more plain account."""
        alias = next((p for p in _PEOPLE if p not in world.accounts), f"person{self.number()}")
        return self.account(world, alias, pins=pins)

    def _registration(self, world: World, alias: str, pins: Pins) -> dict[str, Any]:
        auth = self.spec.auth
        assert auth is not None
        entity = self.spec.entities[auth.entity]
        body = self.body(world, entity, pins)
        if "password" in auth.methods:
            if auth.identifier not in pins.values:
                body[auth.identifier] = self.identifier(alias)
            body["password"] = f"Passw0rd-{alias}"
        return body

    def identifier(self, name: str) -> str:
        """A new identifier to log in with: an address that begins with the name, or whatever the field wants."""
        auth = self.spec.auth
        assert auth is not None
        field, n = self.spec.entities[auth.entity].fields[auth.identifier], self.number()
        return f"{name}{n}@example.com" if field.format == "email" else valid(field, n)

    # requests

    def body(self, world: World, entity: Entity, pins: Pins) -> dict[str, Any]:
        """A valid minimal body for a new row; whatever is pinned is in it."""
        writable = given_fields(entity)
        unique = {name for u in entity.unique for name in u.fields} | {k for k, f in writable.items() if f.unique}
        return self.members(world, writable, pins, unique)

    def members(
        self, world: World, fields: Mapping[str, Field], pins: Pins, unique: set[str] | frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """Values for the fields that need one, or are pinned."""
        found: dict[str, Any] = {}
        for index, (name, field) in enumerate(fields.items()):
            pinned = name in pins.values or name in pins.refs or name in pins.nested
            if not pinned and (not field.required or field.default is not None):
                continue
            alias = pins.refs.get(name, "")
            if alias.startswith(SAME):
                found[wire_name(name, field)] = self._same(alias, fields, found)
            else:
                found[wire_name(name, field)] = self._member(world, name, field, pins, index, name in unique, found)
        return found

    def _same(self, alias: str, fields: Mapping[str, Field], found: Mapping[str, Any]) -> Any:
        """`=source`: the row of another member; `=note1.owner_id`: a member of a saved row."""
        other = alias.removeprefix(SAME)
        if "." in other:
            return ref(other)
        if other not in fields:
            # Whoever acts is named by no member.
            raise Stuck(f"the same as {other}, which clients do not give", HttpResponse(0))
        return found.get(wire_name(other, fields[other]))

    def _like(self, world: World, alias: str, entity: str, found: Mapping[str, Any], pins: Pins) -> str:
        """`~stock:product`: a new row that refers to the same product as the row of the member `stock`."""
        other, _, shared = alias.removeprefix(LIKE).partition(":")
        target = found.get(f"{other}_id")
        like = target["$ref"].rpartition(".")[0] if isinstance(target, dict) else ""
        made = next((s for s in world.steps if s.save == like and isinstance(s.body, dict)), None)
        value = made.body.get(f"{shared}_id") if made else None
        if not isinstance(value, dict):
            raise Stuck(f"{entity} like {other}", HttpResponse(0))
        return self.make(world, entity, pins.with_ref(shared, value["$ref"].rpartition(".")[0]))

    def _member(
        self, world: World, name: str, field: Field, pins: Pins, index: int, unique: bool, found: Mapping[str, Any]
    ) -> Any:
        if name in pins.values:
            return pins.values[name]
        if field.type in ("reference", "references"):
            inner, alias = pins.nested.get(name, NONE), pins.refs.get(name)
            if alias in _PEOPLE and alias not in world.accounts:
                self.account(world, alias)
            if alias is None:
                alias = self.make(world, field.to or "", inner)
            elif alias.startswith(LIKE):
                alias = self._like(world, alias, field.to or "", found, inner)
            return ref(f"{alias}.id") if field.type == "reference" else [ref(f"{alias}.id")]
        if unique:
            return valid(field, self.number())
        return valid(field, 9 + index if field.type in ("datetime", "date", "time") else index)

    def step(self, world: World, route: Route, pins: Pins, actor: str | None, row: str | None = None) -> Step:
        """The request of a route; `row` is the alias of the row it is about. What it refers to is made first."""
        path, body, save = route.path, None, None
        if route.on_row:
            path = at(route, row or "")
        entity = self.spec.entities[route.entity] if route.entity else None
        if route.kind == "create" and entity:
            body = self.body(world, entity, pins)
            save = world.alias(route.entity or "")
        elif route.kind == "update" and entity:
            body = {wire_name(k, entity.fields[k]): v for k, v in pins.input.items()}
        elif route.kind == "action" and route.operation:
            body = self._input(world, route, pins, row)
        return Step(method=route.method, path=path, actor=actor, body=body, save=save, status=route.status)

    def _input(self, world: World, route: Route, pins: Pins, row: str | None) -> dict[str, Any] | None:
        assert route.operation is not None
        fields = route.operation.input
        if not fields:
            return None
        refs = {
            k.removeprefix("input."): v.replace("=self.", f"={row}.") for k, v in pins.refs.items() if k.startswith("input.")
        }
        nested = {k.removeprefix("input."): v for k, v in pins.nested.items() if k.startswith("input.")}
        return self.members(world, fields, Pins(values=pins.input, refs=refs, nested=nested))

    # rows

    def make(self, world: World, entity: str, pins: Pins = NONE) -> str:
        """A new row, in the way that is known to work, and its alias. Raises `Stuck`."""
        if self._depth > MAX_DEPTH:
            raise Stuck(f"{entity} needs itself", HttpResponse(0))
        self._depth += 1
        try:
            pins = self.known.get(entity, NONE).merged(pins)
            alias = self._new(world, entity, pins)
            for action in pins.after or ():
                self.act(world, alias, action.name, Pins(input=action.input))
            for other, name, inner in pins.extra:
                self.make(world, other, inner.with_ref(name, alias))
            return alias
        finally:
            self._depth -= 1

    def _new(self, world: World, entity: str, pins: Pins) -> str:
        auth = self.spec.auth
        route = self.route("create", entity)
        if auth and auth.entity == entity and (auth.registration or route is None or "api_key" in auth.methods):
            return self.newcomer(world, pins)
        if route is None:
            return self._by_effect(world, entity)
        alias = world.alias(entity)
        step = self.step(world, route, pins, None)
        answer = self.attempt(world, route, step, first=pins.by)
        if answer.status >= 400:
            raise Stuck(entity, answer)
        world.made(step.save or alias, route, world.steps[-1].actor)
        return step.save or alias

    def _by_effect(self, world: World, entity: str) -> str:
        """A row that only an action makes: take the action, then find the row in a list."""
        for route in self.routes:
            effects = route.operation.effects if route.operation else ()
            if not any(e.create == entity for e in effects) or route.kind not in ("action", "create", "update"):
                continue
            alias = self.make(world, route.entity or "")
            if route.kind == "action":
                self.act(world, alias, route.name)
            if found := self._newest(world, entity):
                return found
        raise Stuck(f"{entity} has no way to be created", HttpResponse(0))

    def _newest(self, world: World, entity: str) -> str | None:
        """The newest row of an entity, found in its list and read."""
        listing, reading = self.route("list", entity), self.route("read", entity)
        if not listing or not reading:
            return None
        save = f"{world.alias(entity)}_list"
        answer = self.attempt(world, listing, Step(method="GET", path=listing.path, save=save))
        items = answer.body["items"] if answer.status == 200 else []
        if not items:
            return None
        position = max(range(len(items)), key=lambda i: items[i]["id"])
        alias = world.alias(entity)
        path = at(reading, f"{save}.items.{position}")
        answer = self.attempt(world, reading, Step(method="GET", path=path, save=alias))
        if answer.status >= 400:
            return None
        world.made(alias, reading, self.actors[reading.entity, reading.name])
        return alias

    def attempt(
        self, world: World, route: Route, step: Step, row: str | None = None, *, first: str | None = None
    ) -> HttpResponse:
        """The step by whoever may take it: the first answer that is not a refusal, else the most telling refusal."""
        answer = HttpResponse(0)
        refusals: list[HttpResponse] = []
        actors: list[str | None] = [first] if first else []
        for actor in dict.fromkeys([*actors, *self.candidates(world, route, row)]):
            if actor is not None:
                self.account(world, actor)
            answer = world.call(step.model_copy(update={"actor": actor}), record=False)
            if answer.status < 400:
                if first is None or actor != first:
                    self.actors[route.entity, route.name] = actor
                world.steps.append(step.model_copy(update={"actor": actor, "status": answer.status}))
                world.answers.append(answer)
                return answer
            refusals.append(answer)
        telling = [r for r in refusals if r.status not in (401, 403, 404)]
        return (telling or refusals or [answer])[0]

    def act(self, world: World, alias: str, action: str, pins: Pins = NONE) -> HttpResponse:
        """An action or update on a row, by whoever may. Raises `Stuck`."""
        entity = world.rows[alias].entity
        route = next(r for r in self.routes if r.entity == entity and r.name == action and r.on_row)
        answer = self.attempt(world, route, self.step(world, route, pins, None, alias), alias)
        if answer.status >= 400:
            raise Stuck(f"{entity}.{action}", answer)
        return answer

    def candidates(self, world: World, route: Route, row: str | None = None) -> list[str | None]:
        """Who might succeed, most likely first."""
        if not self.spec.auth:
            return [None]
        found: list[str | None] = []
        if (route.entity, route.name) in self.actors:
            found.append(self.actors[route.entity, route.name])
        if row and row in world.rows:
            found.append(world.rows[row].actor)
            found += [row] if row in world.accounts else []
        if route.access.anonymous:
            found.append(None)
        wanted = [r for r in route.access.roles if r != ADMIN]
        others = [r for r in self.spec.roles if r != ADMIN and r not in wanted]
        plain = ["ada", "bob"] if not route.access.roles else []
        found += [*plain, *wanted, *others]
        if len(wanted) + len(others) > 1:
            found.append(BOSS)
        if self.spec.roles:
            found.append(ADMIN)
        if not route.access.anonymous:
            found = [a for a in found if a is not None]
        return list(dict.fromkeys(found))


def at(route: Route, alias: str) -> str:
    """The route's path for a saved row."""
    parameter = _PARAMETER.search(route.path)
    name = parameter[0].strip("{}") if parameter else "id"
    return _PARAMETER.sub(f"{{{alias}.{name}}}", route.path)
