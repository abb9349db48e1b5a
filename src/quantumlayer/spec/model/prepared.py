"""A spec made ready to run: codecs and closures per field, entity, operation and report. Shared by all copies of a model."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from quantumlayer.spec.compiled import Compiled, CompiledEffect
from quantumlayer.spec.expression import Expr
from quantumlayer.spec.ids import given_id, textual
from quantumlayer.spec.model.codec import Parse, constraint, parser, query_parser, storer
from quantumlayer.spec.model.evaluate import Closure, Evaluator
from quantumlayer.spec.model.store import Key
from quantumlayer.spec.model.unknown import known_only
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.openapi import openapi
from quantumlayer.spec.routes import Route, kind_of, routes
from quantumlayer.spec.values import Entity, Field, Guard, Operation, Report, Rule, Spec


@dataclass(frozen=True)
class FieldPlan:
    """How one stored field, or one input, is read, checked, filled and stored."""

    name: str
    wire: str
    field: Field
    parse: Parse
    parse_query: Parse
    check: Callable[[Any], str]
    store: Callable[[Any], Any]
    default: Closure | None
    empty: Any


@dataclass(frozen=True)
class UniquePlan:
    """A uniqueness: the index's key, the condition, the cause when violated."""

    key: Key
    where: Closure | None
    cause: str


@dataclass(frozen=True)
class EffectPlan:
    """One effect with its closures; see `CompiledEffect`."""

    kind: str
    entity: str
    target: Closure | None
    set: dict[str, Closure]


@dataclass(frozen=True)
class EntityPlan:
    """An entity with its codecs and closures; `id` is there where clients give it."""

    name: str
    entity: Entity
    id: FieldPlan | None
    fields: dict[str, FieldPlan]
    derived: dict[str, Closure]
    uniques: tuple[UniquePlan, ...]
    rules: tuple[tuple[Rule, Closure, str], ...]
    visible: Closure | None
    shown: tuple[tuple[str, str], ...]

    @property
    def creatable(self) -> list[FieldPlan]:
        """What the body of a create may hold."""
        writable = [field for field in self.fields.values() if field.field.writable != "never"]
        return [self.id, *writable] if self.id else writable


@dataclass(frozen=True)
class OperationPlan:
    """An operation with its closures."""

    name: str
    kind: str
    operation: Operation
    inputs: dict[str, FieldPlan]
    allow: Closure | None
    where: Closure | None
    guards: tuple[tuple[Guard, Closure, str], ...]
    effects: tuple[EffectPlan, ...]
    redirect: Closure | None


@dataclass(frozen=True)
class ReportPlan:
    """A report with its closures."""

    name: str
    report: Report
    inputs: dict[str, FieldPlan]
    allow: Closure | None
    where: Closure | None
    group_by: dict[str, Closure]
    measures: dict[str, Closure]
    columns: dict[str, Closure]


class Prepared:
    """Everything about a checked spec that running it needs."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.compiled = Compiled(spec)
        self.evaluator = Evaluator(spec, self.compiled.messages)
        for owner, key in self.evaluator.derived:
            self.evaluator.values[owner, key] = self._derived(owner, key)
        self.entities = {name: self._entity(name, entity) for name, entity in spec.entities.items()}
        self.operations = {
            (name, key): self._operation(name, key, operation)
            for name, entity in spec.entities.items()
            for key, operation in entity.operations.items()
        }
        self.reports = {name: self._report(name, report) for name, report in spec.reports.items()}
        self.referrers = self._referrers()
        self.routes = RouteTable(routes(spec))

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return openapi(self.spec)

    def _derived(self, entity: str, key: str) -> Closure:
        """A derived decimal is rounded wherever it is read, so that it means the same in an answer and in a rule."""
        expr, convert = self.compiled.value(entity, key), storer(self.spec.entities[entity].fields[key])
        assert expr is not None
        inner = self.evaluator.compile(expr)
        return lambda variables: convert(inner(variables))

    def _maybe(self, expr: Expr | None) -> Closure | None:
        return None if expr is None else self.evaluator.compile(expr)

    def _all(self, exprs: Mapping[str, Expr]) -> dict[str, Closure]:
        return {name: self.evaluator.compile(expr) for name, expr in exprs.items()}

    def _field(self, name: str, field: Field, default: Expr | None, *, lower: bool = False) -> FieldPlan:
        empty = () if field.type in ("strings", "references") else None
        by_text = field.to is not None and textual(self.spec.entities[field.to])
        parse = parser(field, textual=by_text)
        return FieldPlan(
            name,
            wire_name(name, field),
            field,
            (lambda value: parse(value).lower()) if lower else parse,
            query_parser(field, textual=by_text),
            known_only(constraint(field), lambda unknown: "") if self.spec.units else constraint(field),
            known_only(storer(field), lambda unknown: unknown) if self.spec.units else storer(field),
            self._maybe(default),
            empty,
        )

    def plain_field(self, name: str, field: Field) -> FieldPlan:
        """The plan of a member that the spec does not declare (`password`, `roles`)."""
        return self._field(name, field, None)

    def _entity(self, name: str, entity: Entity) -> EntityPlan:
        compiled = self.compiled
        auth = self.spec.auth
        account_key = auth.identifier if auth and auth.entity == name and "password" in auth.methods else None
        stored = {
            k: self._field(k, f, compiled.default(name, k), lower=k == account_key and f.format == "email")
            for k, f in entity.fields.items()
            if not f.value
        }
        uniques = [UniquePlan((k,), None, f"unique:{name}.{k}") for k, plan in stored.items() if plan.field.unique]
        uniques += [
            UniquePlan(unique.fields, self._maybe(compiled.unique_where(name, i)), f"unique:{name}.{'+'.join(unique.fields)}")
            for i, unique in enumerate(entity.unique)
        ]
        shown = [("id", "id"), *((k, plan.wire) for k, plan in stored.items() if plan.field.shown)]
        shown += [(entity.state.field, entity.state.field)] if entity.state else []
        if auth and auth.entity == name and self.spec.roles:
            shown.append(("roles", "roles"))
        return EntityPlan(
            name,
            entity,
            self.plain_field("id", given) if (given := given_id(entity)) else None,
            stored,
            {k: self.evaluator.values[name, k] for k, f in entity.fields.items() if f.value},
            tuple(uniques),
            tuple(
                (rule, self.evaluator.compile(compiled.rule(name, k)), f"rule:{name}.{k}") for k, rule in entity.rules.items()
            ),
            self._maybe(compiled.visible(name)),
            (*shown, ("created_at", "created_at"), ("updated_at", "updated_at")),
        )

    def _operation(self, name: str, key: str, operation: Operation) -> OperationPlan:
        compiled = self.compiled
        return OperationPlan(
            key,
            kind_of(key, operation),
            operation,
            {k: self._field(k, f, compiled.input_default(name, key, k)) for k, f in operation.input.items()},
            self._maybe(compiled.allow(name, key)),
            self._maybe(compiled.where(name, key)),
            tuple(
                (guard, self.evaluator.compile(compiled.guard(name, key, g)), f"guard:{name}.{key}.{g}")
                for g, guard in operation.guards.items()
            ),
            tuple(self._effect(effect) for effect in compiled.effects(name, key)),
            self._maybe(compiled.redirect(name, key)),
        )

    def _effect(self, effect: CompiledEffect) -> EffectPlan:
        return EffectPlan(effect.kind, effect.entity, self._maybe(effect.target), self._all(effect.set))

    def _report(self, name: str, report: Report) -> ReportPlan:
        compiled = self.compiled.report(name)
        return ReportPlan(
            name,
            report,
            {k: self._field(k, f, self.compiled.at("reports", name, "input", k, "default")) for k, f in report.input.items()},
            self._maybe(compiled.allow),
            self._maybe(compiled.where),
            self._all(compiled.group_by),
            self._all(compiled.measures),
            self._all(compiled.columns),
        )

    def _referrers(self) -> dict[str, tuple[tuple[str, str, Field], ...]]:
        """For each entity: who refers to it, as (entity, field name, field)."""
        found: dict[str, list[tuple[str, str, Field]]] = {name: [] for name in self.spec.entities}
        for name, entity in self.spec.entities.items():
            for key, field in entity.fields.items():
                if field.type in ("reference", "references") and field.to:
                    found[field.to].append((name, key, field))
        return {name: tuple(referrers) for name, referrers in found.items()}


_RECENT: OrderedDict[int, Prepared] = OrderedDict()
_KEPT = 8


def prepare(spec: Spec) -> Prepared:
    """`Prepared(spec)`, remembered for the specs last used: a judge starts many models of one spec."""
    found = _RECENT.get(id(spec))
    if found is None or found.spec is not spec:
        found = _RECENT[id(spec)] = Prepared(spec)
        if len(_RECENT) > _KEPT:
            _RECENT.popitem(last=False)
    return found


class RouteTable:
    """Finds the route of a path: fixed paths by one look-up, others by one for each segment that may be a parameter."""

    def __init__(self, all_routes: tuple[Route, ...]) -> None:
        self._paths: dict[tuple[str, ...], dict[str, Route]] = {}
        self._parameters: set[int] = set()
        for route in all_routes:
            parts = route.path.split("/")
            at = next((i for i, part in enumerate(parts) if part.startswith("{")), None)
            if at is not None:
                self._parameters.add(at)
                parts[at] = "{}"
            self._paths.setdefault(tuple(parts), {})[route.method] = route
        self._order = sorted(self._parameters, reverse=True)

    def find(self, path: str) -> tuple[dict[str, Route], str]:
        """The routes by method of a path, and its parameter (raw). Nothing there: an empty dict."""
        parts = path.split("/")
        fixed = self._paths.get(tuple(parts), {})
        found: dict[str, Route] = {}
        parameter = ""
        for at in self._order:
            if at < len(parts) and parts[at] and parts[at] != "{}":
                routes_ = self._paths.get((*parts[:at], "{}", *parts[at + 1 :]))
                if routes_:
                    found, parameter = routes_, parts[at]
                    break
        return ({**found, **fixed} if fixed else found), parameter
