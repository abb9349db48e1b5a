"""Random moves: one request, mostly valid with at most one deviation, about rows that this example made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from quantumlayer.plan.derivation.hints import Hints, alternatives, hints
from quantumlayer.plan.derivation.maker import at
from quantumlayer.plan.field_values import HOSTILE, accepted, limits, refused, valid
from quantumlayer.plan.placeholders import ref
from quantumlayer.plan.scenario import Step
from quantumlayer.spec.compiled import Compiled
from quantumlayer.spec.ids import NOBODY, given_fields
from quantumlayer.spec.naming import filter_parameter, wire_name
from quantumlayer.spec.routes import Route, routes
from quantumlayer.spec.values import Field, Spec

Draw = Callable[[st.SearchStrategy[Any]], Any]
T = TypeVar("T")
_KINDS = {"create": 8, "update": 4, "action": 6, "delete": 2, "read": 2, "list": 4, "report": 2, "me": 1}
_QUERIES = ("a", "E", "%", "_", "'", '"', "\\", "sample", "SAMPLE", " ", "☃", "nothing like it", "' OR '1'='1")


# Strategies are made once: what one is able to draw is worked out anew for each new object, which takes longer than a draw.
@cache
def _index(length: int) -> st.SearchStrategy[int]:
    return st.sampled_from(range(length))


@cache
def _indices(length: int, smallest: int, largest: int, unique: bool) -> st.SearchStrategy[list[int]]:
    return st.lists(_index(length), min_size=smallest, max_size=largest, unique=unique)


def _one(draw: Draw, values: Sequence[T]) -> T:
    return values[draw(_index(len(values)))]


def _some(draw: Draw, values: Sequence[T], smallest: int, largest: int, *, unique: bool = False) -> list[T]:
    return [values[index] for index in draw(_indices(len(values), smallest, largest, unique))]


@dataclass
class Cast:
    """Who and what a move can be about: accounts by alias, the rows of this example with their makers, its salt."""

    actors: tuple[str | None, ...]
    salt: int
    rows: dict[str, tuple[str, str | None]] = field(default_factory=dict)

    def of(self, entity: str) -> list[str]:
        """The aliases of an entity's rows."""
        return [alias for alias, (kind, _) in self.rows.items() if kind == entity]


class Moves:
    """Draws moves for a spec."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        found = [r for r in routes(spec) if r.kind in _KINDS]
        self._weighted = st.sampled_from([r for r in found for _ in range(_KINDS[r.kind])])
        self._creates = {r.entity: r for r in reversed(found) if r.kind == "create"}
        compiled = Compiled(spec)
        self._hints = {name: self._entity_hints(compiled, name) for name in spec.entities}
        self._values: dict[tuple[int, bool], st.SearchStrategy[Any]] = {}
        self._small = st.integers(0, 3)
        self._chance = st.integers(0, 99)

    def _entity_hints(self, compiled: Compiled, name: str) -> Hints:
        found = Hints()
        for place, expr in compiled.expressions.items():
            if name in place:
                found |= hints(expr)
        return found

    def draw(self, draw: Draw, cast: Cast) -> Step:
        """The next move. A move about a row that is not there yet becomes the one that makes it."""
        route: Route = draw(self._weighted)
        for _ in range(6):
            missing = self._missing(route, cast)
            if missing is None:
                break
            route = missing
        return getattr(self, f"_{route.kind}")(draw, cast, route)

    def _missing(self, route: Route, cast: Cast) -> Route | None:
        if route.on_row and not cast.of(route.entity or ""):
            return self._creates.get(route.entity)
        fields: Mapping[str, Field] = {}
        if route.kind == "create":
            fields = self.spec.entities[route.entity or ""].fields
        elif route.kind == "action" and route.operation:
            fields = route.operation.input
        for declared in fields.values():
            if declared.to and declared.required and declared.default is None and declared.writable != "never":
                maker = self._creates.get(declared.to)
                if maker and not cast.of(declared.to) and maker is not route:
                    return maker
        return None

    # bodies

    def _create(self, draw: Draw, cast: Cast, route: Route) -> Step:
        entity = self.spec.entities[route.entity or ""]
        fields = given_fields(entity)
        unique = {n for u in entity.unique for n in u.fields} | {n for n, f in fields.items() if f.unique}
        body = self._body(draw, cast, route.entity or "", fields, unique)
        return Step(
            method=route.method,
            path=route.path,
            actor=self._actor(draw, cast, None),
            body=body,
            save=f"{route.entity}_{len(cast.rows) + 1}",
        )

    def _body(self, draw: Draw, cast: Cast, entity: str, fields: Mapping[str, Field], unique: set[str]) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for name, declared in fields.items():
            optional = not declared.required or declared.default is not None
            if optional and draw(self._chance) < 50:
                continue
            body[wire_name(name, declared)] = self._value(draw, cast, entity, declared, name in unique)
        if fields and draw(self._chance) < 12:
            self._deviate(draw, body, fields)
        return body

    def _deviate(self, draw: Draw, body: dict[str, Any], fields: Mapping[str, Field]) -> None:
        name = _one(draw, sorted(fields))
        declared, member = fields[name], wire_name(name, fields[name])
        samples = refused(declared, 1)
        if samples and draw(self._chance) < 80:
            body[member] = _one(draw, [s.value for s in samples])
        else:
            body.pop(member, None)

    def _value(self, draw: Draw, cast: Cast, entity: str, declared: Field, unique: bool) -> Any:
        if declared.type in ("reference", "references"):
            aliases = cast.of(declared.to or "")
            if not aliases:
                return None if declared.type == "reference" else []
            if declared.type == "reference":
                return ref(f"{_one(draw, aliases)}.id")
            some = _some(draw, aliases, 1, 3)
            return [ref(f"{alias}.id") for alias in some]
        if unique and declared.type not in ("enum", "boolean"):
            return valid(declared, cast.salt * 8 + draw(self._small))
        key = (id(declared), unique)
        if key not in self._values:
            self._values[key] = self._pool(entity, declared)
        return draw(self._values[key])

    def _pool(self, entity: str, declared: Field) -> st.SearchStrategy[Any]:
        values = [valid(declared, n) for n in range(4)] + [s.value for s in accepted(declared, 1)]
        values += alternatives(declared, self._hints.get(entity, Hints()), 2)
        pool = st.sampled_from(list({repr(v): v for v in values}.values()))
        if declared.type in ("string", "text") and not declared.pattern and not declared.format:
            low, high = limits(declared)
            letters = st.characters(codec="utf-8", exclude_characters="\x00")
            free = st.text(letters, min_size=low, max_size=min(high, max(low, 12)))
            hostile = [t for t in HOSTILE if low <= len(t) <= high]
            return st.one_of(pool, free, st.sampled_from(hostile)) if hostile else st.one_of(pool, free)
        if declared.type == "integer":
            low, high = int(declared.min or 0), int(declared.max if declared.max is not None else 1000)
            return pool if declared.step or low > high else st.one_of(pool, st.integers(low, high))
        return pool

    # moves

    def _update(self, draw: Draw, cast: Cast, route: Route) -> Step:
        entity = self.spec.entities[route.entity or ""]
        fields = given_fields(entity)
        alias = _one(draw, cast.of(route.entity or ""))
        chosen = _some(draw, sorted(fields), 0, 2, unique=True) if fields else []
        unique = {n for n, f in fields.items() if f.unique} | {n for u in entity.unique for n in u.fields}
        picked = {n: fields[n] for n in chosen}
        body = {wire_name(n, f): self._value(draw, cast, route.entity or "", f, n in unique) for n, f in picked.items()}
        if picked and draw(self._chance) < 12:
            self._deviate(draw, body, picked)
        return Step(method=route.method, path=self._at(draw, route, alias), actor=self._actor(draw, cast, alias), body=body)

    def _action(self, draw: Draw, cast: Cast, route: Route) -> Step:
        body: dict[str, Any] | None = None
        if route.operation and route.operation.input:
            body = self._body(draw, cast, route.entity or "", route.operation.input, set())
        alias = _one(draw, cast.of(route.entity or "")) if route.on_row else None
        path = self._at(draw, route, alias) if alias else route.path
        return Step(method=route.method, path=path, actor=self._actor(draw, cast, alias), body=body)

    def _delete(self, draw: Draw, cast: Cast, route: Route) -> Step:
        return self._read(draw, cast, route)

    def _read(self, draw: Draw, cast: Cast, route: Route) -> Step:
        alias = _one(draw, cast.of(route.entity or ""))
        return Step(method=route.method, path=self._at(draw, route, alias), actor=self._actor(draw, cast, alias))

    def _me(self, draw: Draw, cast: Cast, route: Route) -> Step:
        return Step(method="GET", path=route.path, actor=self._actor(draw, cast, None))

    def _at(self, draw: Draw, route: Route, alias: str) -> str:
        if draw(self._chance) >= 98:
            head, _, tail = route.path.partition("{")
            return head + str(NOBODY) + tail.partition("}")[2]
        return at(route, alias)

    def _list(self, draw: Draw, cast: Cast, route: Route) -> Step:
        operation, entity = route.operation, self.spec.entities[route.entity or ""]
        query: dict[str, Any] = {}
        assert operation is not None
        for filter_ in operation.filters:
            declared = entity.fields.get(filter_.field)
            if declared is not None and draw(self._chance) < 25:
                value = self._filter_value(draw, cast, route.entity or "", declared)
                if value is not None:
                    query[filter_parameter(filter_, declared)] = value
            elif declared is None and entity.state and entity.state.field == filter_.field and draw(self._chance) < 25:
                query[filter_.field] = _one(draw, entity.state.states)
        if operation.search and draw(self._chance) < 40:
            query["q"] = _one(draw, _QUERIES)
        if operation.sort and draw(self._chance) < 50:
            query["sort"] = _one(draw, [sign + n for n in operation.sort for sign in ("", "-")])
        query |= self._page(draw)
        return Step(method="GET", path=route.path, query=query, actor=self._actor(draw, cast, None))

    def _filter_value(self, draw: Draw, cast: Cast, entity: str, declared: Field) -> Any:
        if declared.to:
            aliases = cast.of(declared.to)
            return ref(f"{_one(draw, aliases)}.id") if aliases else NOBODY
        if declared.type == "strings":
            return _one(draw, ["tag1", "tag2", "shared", "no such tag"])
        return self._value(draw, cast, entity, declared, declared.unique)

    def _page(self, draw: Draw) -> dict[str, Any]:
        if draw(self._chance) < 60:
            return {}
        return {
            "limit": _one(draw, [1, 2, 3, 50, 100, 0, 101]),
            "offset": _one(draw, [0, 0, 1, 2, 7, -1]),
        }

    def _report(self, draw: Draw, cast: Cast, route: Route) -> Step:
        query: dict[str, Any] = {}
        for name, declared in (route.report.input if route.report else {}).items():
            value = self._filter_value(draw, cast, route.report.entity if route.report else "", declared)
            if value is not None and draw(self._chance) < 90:
                query[wire_name(name, declared)] = value
        return Step(method="GET", path=route.path, query=query | self._page(draw), actor=self._actor(draw, cast, None))

    def _actor(self, draw: Draw, cast: Cast, alias: str | None) -> str | None:
        if len(cast.actors) == 1:
            return cast.actors[0]
        if alias is not None and alias in cast.rows and draw(self._chance) < 60:
            return cast.rows[alias][1]
        return _one(draw, cast.actors)
