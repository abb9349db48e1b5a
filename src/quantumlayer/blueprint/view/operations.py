"""The operations of an entity: who may, what is checked, what changes, in the order in which it happens."""

from collections.abc import Mapping

from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.blueprint.view.lists import list_view
from quantumlayer.blueprint.view.names import Namespace
from quantumlayer.blueprint.view.printing import Printing, ids, mentions
from quantumlayer.blueprint.view.scope import Loaded, Record, Scope
from quantumlayer.blueprint.view.values import CheckView, EffectView, EntityView, OperationView
from quantumlayer.spec.compiled import CompiledEffect
from quantumlayer.spec.decode_cel import path
from quantumlayer.spec.expression import Conditional, Expr, Select, Variable, walk
from quantumlayer.spec.routes import Route, kind_of, routes
from quantumlayer.spec.values import Operation


class Operations:
    """Builds the views of operations. `entities` must hold all entities with their fields when it is asked."""

    def __init__(self, printing: Printing, entities: Mapping[str, EntityView]) -> None:
        self.printing, self.dialect, self.entities = printing, printing.dialect, entities
        self.compiled, self.spec = printing.context.compiled, printing.spec
        self.all_routes = routes(printing.spec)
        self.routes = {(r.entity, r.name): r for r in self.all_routes if r.operation}
        self.schemas = Namespace(name for e in printing.context.names.values() for name in (e.cls, f"{e.cls}Read"))

    def view(self, view: EntityView, key: str, operation: Operation, functions: Namespace) -> OperationView:
        """One operation."""
        route, compiled = self.routes[view.name, key], self.compiled
        kind = route.kind
        locals_ = Namespace((*self.dialect.operation_locals, view.names.variable))
        self.printing.at(f"services/{view.name}")
        creates = view.given
        changes = [f for f in creates if f.spec.writable == "always"]
        inputs = self._inputs(view, key, operation, locals_)
        scope = self._scope(view, inputs, route)
        allow, redirect = compiled.allow(view.name, key), compiled.redirect(view.name, key)
        plural = view.names.plural.rstrip("_") if kind == "list" else view.names.variable.rstrip("_")
        body = {"create": creates, "update": changes}.get(kind, ())
        effects = tuple(self._effects(view, key, scope, locals_))
        guards = tuple(self._guards(view, key, operation, scope))
        listed = list_view(self.printing, view, key, operation, self._given(inputs, route)) if kind == "list" else None
        plain = self.printing.plain
        return self.dialect.operation_type(
            name=key,
            kind=kind,
            function=functions.claim(self.dialect.function(key, plural)),
            route=route,
            path=route.path.replace(f"{{{operation.by}}}", "{key}"),
            spec=operation,
            requirements=ids(operation.satisfies),
            inputs=inputs,
            body_fields=(*body, *(i for i in inputs if kind != "list")),
            schema=self.schemas.claim(self.dialect.schema(view.names, key)) if kind not in ("list", "read", "delete") else "",
            allow=plain.negated(allow, scope) if allow else None,
            guards=guards,
            effects=effects,
            redirect=plain(redirect, scope) if redirect else None,
            uses_actor=self._uses_actor(view, key, operation, effects) or any(i.default_from for i in inputs),
            key=next((f for f in view.fields if f.name == operation.by), None),
            list=listed,
            computed_checks=tuple(self._computed_checks(view, kind, effects)),
            with_password=kind == "create" and view.account and self._passwords(),
        )

    def registration(self, view: EntityView) -> OperationView | None:
        """The registration of accounts: a creation without the guards and effects of the entity's own operation."""
        route = next((r for r in self.all_routes if r.kind == "register"), None)
        if route is None or not view.account:
            return None
        fields = view.given
        defaults = [self.compiled.default(view.name, f.name) for f in view.fields if f in fields]
        return self.dialect.operation_type(
            name="register",
            kind="create",
            function=self.dialect.local("register"),
            route=route,
            path=route.path,
            spec=Operation(description="Makes an account."),
            requirements=ids(route.satisfies),
            inputs=(),
            body_fields=fields,
            schema="Registration",
            allow=None,
            guards=(),
            effects=(),
            redirect=None,
            uses_actor=any(mentions(expr, "actor") for expr in defaults if expr),
            key=None,
            computed_checks=tuple(self._computed_checks(view, "create", ())),
            with_password=True,
        )

    def _passwords(self) -> bool:
        return self.spec.auth is not None and "password" in self.spec.auth.methods

    def _inputs(self, view: EntityView, key: str, operation: Operation, locals_: Namespace) -> tuple[FieldView, ...]:
        scope: Scope = {"actor": Loaded(self.dialect.actor), **self.dialect.clock}
        variable = self.dialect.naming.variable
        match kind_of(key, operation):
            case "create" | "update":
                taken = tuple(f.names.key for f in view.fields)
            case "list":
                taken = tuple(self.dialect.naming.parameters)
            case _:
                taken = ()
        names = self.dialect.naming.inputs(operation.input, taken)
        return tuple(
            self.printing.input(
                name,
                field,
                names[name],
                self.compiled.input_default(view.name, key, name),
                locals_.claim(variable(name)),
                scope,
            )
            for name, field in operation.input.items()
        )

    def _scope(self, view: EntityView, inputs: tuple[FieldView, ...], route: Route) -> Scope:
        return {
            "actor": Loaded(self.dialect.actor),
            **self.dialect.clock,
            "self": Loaded(view.names.variable),
            "input": self._given(inputs, route),
        }

    def _given(self, inputs: tuple[FieldView, ...], route: Route) -> Record:
        in_query = route.method in ("GET", "DELETE")
        return Record(
            {i.name: i.local if i.target or i.default_from else self.dialect.given(i.names, in_query) for i in inputs}
        )

    def _uses_actor(self, view: EntityView, key: str, operation: Operation, effects: tuple[EffectView, ...]) -> bool:
        compiled, name = self.compiled, view.name
        parts = [compiled.allow(name, key), compiled.redirect(name, key), compiled.where(name, key)]
        parts += [compiled.guard(name, key, guard) for guard in operation.guards]
        parts += [expr for effect in compiled.effects(name, key) for expr in (effect.target, *effect.set.values())]
        if self.routes[name, key].kind == "create":
            parts += [compiled.default(name, field.name) for field in view.fields]
        parts += [compiled.default(effect.entity.name, field.name) for effect in effects for field in effect.defaults]
        return any(mentions(part, "actor") for part in parts if part)

    def _guards(self, view: EntityView, key: str, operation: Operation, scope: Scope) -> list[CheckView]:
        found = []
        for name, guard in operation.guards.items():
            text = self.printing.plain.negated(self.compiled.guard(view.name, key, name), scope)
            found.append(CheckView(name, text, guard.message, guard.status, ids(guard.satisfies)))
        return found

    def _effects(self, view: EntityView, key: str, scope: Scope, locals_: Namespace) -> list[EffectView]:
        found = []
        operation = view.spec.operations[key]
        fresh = self.routes[view.name, key].kind not in ("create", "update") and operation.transition is None
        for effect in self.compiled.effects(view.name, key):
            target = effect.target
            changed = self.entities[effect.entity]
            fields = {f.name: f for f in changed.fields}
            own = isinstance(target, Variable) and target.name == "self"
            wanted = self.dialect.local(f"{changed.names.variable.rstrip('_')}_changed")
            local = view.names.variable if own else locals_.claim(wanted)
            text = "self" if own else self.printing.plain(target, scope) if target else ""
            inner = {**scope, _held(target): Loaded(local)} if target and not own else scope
            sets = tuple((fields[n], self.printing.converted(e, fields[n].spec, inner)) for n, e in effect.set.items())
            held: tuple[str, ...] = ()
            if self._entangled(effect):
                held = tuple(locals_.claim(self.dialect.local(f"new_{field.names.attribute}")) for field, _ in sets)
            nullable = bool(target and target.type.nullable)
            found.append(EffectView(effect.kind, changed, text, nullable, local, sets, held, stamps=not own or fresh))
            fresh = fresh and not own
        return found

    def _entangled(self, effect: CompiledEffect) -> bool:
        """Whether a value of an effect may see what the effect itself writes before: by its name, or by asking the database."""
        written: set[str] = set()
        for name, expr in effect.set.items():
            if effect.kind == "update" and written and self._sees(expr, written):
                return True
            written.add(name)
        return False

    def _sees(self, expr: Expr, written: set[str]) -> bool:
        for part in walk(expr):
            if isinstance(part, Select) and (part.field in written or part.relation == "inverse"):
                return True
            expanded = self.printing.context.expanded(part)
            if expanded is not part and self._sees(expanded, written):
                return True
        return False

    def _computed_checks(self, view: EntityView, kind: str, effects: tuple[EffectView, ...]) -> list[CheckView]:
        """Constraints of values that were computed, not sent: a breach is a conflict, not bad input."""
        computed: dict[tuple[str, str], tuple[FieldView, bool]] = {}
        if kind == "create":
            computed |= {(view.names.variable, f.name): (f, False) for f in view.fields if f.computed}
        for effect in effects:
            if effect.kind == "delete":
                continue
            variable = view.names.variable if effect.target == "self" else effect.variable
            computed |= {(variable, field.name): (field, effect.nullable) for field, _ in effect.sets}
            computed |= {(variable, field.name): (field, False) for field in effect.defaults if field.computed}
        found = []
        for (row, _), (field, optional) in computed.items():
            value = f"{row}.{field.names.attribute}"
            there = [self.dialect.present(text) for text, needed in ((row, optional), (value, field.nullable)) if needed]
            for broken, message in self.dialect.breaches(field, value):
                text = self.dialect.both([*there, broken])
                found.append(CheckView(field.name, text, f"{field.names.wire} {message}", 409, ""))
        return found


def _held(target: Expr) -> str:
    """The path of the row that an effect changes; a local variable holds it, known not to be null."""
    while isinstance(target, Conditional):
        target = target.then
    return path(target)
