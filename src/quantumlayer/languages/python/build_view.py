"""From a spec to the view model: prints every expression where the templates will put it."""

import re

from quantumlayer.languages.python.fields import FieldView, input_names
from quantumlayer.languages.python.names import Namespace, attribute, camel, variable
from quantumlayer.languages.python.plain import Plain
from quantumlayer.languages.python.scope import Context, Loaded, Record, Scope, Stored
from quantumlayer.languages.python.sqlalchemy import Query
from quantumlayer.languages.python.text import literal
from quantumlayer.languages.python.view import (
    AppView,
    AuthView,
    CheckView,
    EffectView,
    EntityView,
    FilterView,
    ListView,
    OperationView,
    SortView,
    UniqueView,
)
from quantumlayer.languages.python.view_reports import build_reports
from quantumlayer.spec.decode_cel import path
from quantumlayer.spec.expression import Conditional, Expr, Literal_, Variable, walk
from quantumlayer.spec.naming import filter_parameter
from quantumlayer.spec.routes import Route, routes
from quantumlayer.spec.values import Field, Filter, Operation, Spec

CLOCK: Scope = {"now": Loaded("ctx.now"), "today": Loaded("ctx.today")}
_OPERATION_LOCALS = ("actor", "ctx", "body", "changes", "params", "conditions", "rows", "total", "row", "answer", "session")


def build_view(spec: Spec) -> AppView:
    """The view of a checked spec."""
    return Builder(spec).build()


class Builder:
    """Builds the view of one spec. One context collects helpers and aliases, per module."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.context = Context.of(spec)
        self.plain = Plain(self.context)
        self.query = Query(self.context, self.plain)
        self.compiled = self.context.compiled
        self.routes = {(r.entity, r.name): r for r in routes(spec) if r.operation}
        self.entities: dict[str, EntityView] = {}

    def build(self) -> AppView:
        """Everything."""
        for name, entity in self.spec.entities.items():
            self.entities[name] = EntityView(name, entity, self.context.names[name])
        for view in self.entities.values():
            view.account = bool(self.spec.auth and self.spec.auth.entity == view.name)
            view.fields = tuple(self._fields(view))
        for view in self.entities.values():
            self._complete(view)
        tables = self._table_order()
        return AppView(
            context=self.context,
            entities=tuple(self.entities.values()),
            reports=build_reports(self.context, self.plain, self.query, self.entities, self._input),
            auth=self._auth(),
            tables=tables,
            requirements={r.id: r.text for r in self.spec.requirements},
        )

    def _at(self, module: str) -> None:
        self.context.module = module

    def _complete(self, view: EntityView) -> None:
        own: Scope = {"self": Loaded(view.names.variable), **CLOCK}
        self._at(f"rules/{view.name}")
        rules = []
        for key, rule in view.spec.rules.items():
            expr = self.compiled.rule(view.name, key)
            text = self._refusal(expr, own)
            rules.append(CheckView(key, text, rule.message, rule.status, _ids(rule.satisfies), rule.on))
        view.rules = tuple(rules)
        self._at("policies")
        visible = self.compiled.visible(view.name)
        stored: Scope = {"self": Stored(view.names.cls, view.name), "actor": Loaded("ctx.actor"), **CLOCK}
        view.visible = self.query.condition(visible, stored) if visible else None
        self._at(f"models/{view.name}")
        view.uniques = tuple(self._uniques(view))
        functions = Namespace(("_rows", "_answer", "register", "router"))
        view.operations = tuple(self._operation(view, key, op, functions) for key, op in view.spec.operations.items())
        view.registration = self._registration(view)

    # fields

    def _fields(self, view: EntityView) -> list[FieldView]:
        declared = [self._field(view, name, field) for name, field in view.spec.fields.items() if not field.value]
        derived = [self._field(view, name, field) for name, field in view.spec.fields.items() if field.value]
        machine = view.spec.state
        state = []
        if machine:
            field = Field(type="enum", values=machine.states, writable="never", satisfies=machine.satisfies)
            state = [FieldView(machine.field, field, view.names.fields[machine.field], state=True)]
        return [*declared, *state, *derived]

    def _field(self, view: EntityView, name: str, field: Field) -> FieldView:
        default = self.compiled.default(view.name, name)
        constant, computed = None, None
        if default is not None:
            self._at(f"services/{view.name}")
            scope: Scope = {"self": Loaded(view.names.variable), "actor": Loaded("actor"), **CLOCK}
            constant, computed = self._default(default, field, scope)
        value = self.compiled.value(view.name, name)
        printed = None
        if value is not None:
            self._at(f"services/{view.name}")
            printed = self.query._value(value, {"self": Stored(view.names.cls, view.name), **CLOCK})
        return FieldView(
            name,
            field,
            view.names.fields[name],
            self.context.names[field.to] if field.to else None,
            default=constant,
            default_from=computed,
            value=printed,
            item_class=self.context.association(view.name, name) if field.type in ("strings", "references") else "",
            target_where=self._target_where(field),
            lower=bool(
                self.spec.auth
                and (self.spec.auth.entity, self.spec.auth.identifier) == (view.name, name)
                and field.format == "email"
            ),
        )

    def _target_where(self, field: Field) -> str:
        target = self.spec.entities.get(field.to or "")
        return f"visible_{self.context.names[field.to or ''].plural}(ctx)" if target and target.visible else ""

    def _default(self, expr: Expr, field: Field, scope: Scope) -> tuple[str | None, str | None]:
        if isinstance(expr, Literal_) and field.type != "decimal":
            return self.plain(expr, scope), None
        return None, self.converted(expr, field, scope)

    def converted(self, expr: Expr, field: Field, scope: Scope) -> str:
        """The text of an expression whose value is stored in a field."""
        text = self.plain(expr, scope)
        if field.type == "decimal" and not (isinstance(expr, Literal_) and expr.value is None):
            places = 2 if field.places is None else field.places
            return f"rounded({text}, {places})"
        return f"float({text})" if field.type == "number" and expr.type.kind in ("int", "decimal") else text

    def _input(self, owner: str, name: str, field: Field, default: Expr | None, local: str, scope: Scope) -> FieldView:
        constant, computed = (None, None) if default is None else self._default(default, field, scope)
        return FieldView(
            name,
            field,
            input_names(name, field),
            self.context.names[field.to] if field.to else None,
            default=constant,
            default_from=computed,
            local=local,
            target_where=self._target_where(field),
        )

    # uniqueness

    def _uniques(self, view: EntityView) -> list[UniqueView]:
        found = []
        for index, unique in enumerate(view.spec.unique):
            where = self.compiled.unique_where(view.name, index)
            keys = [view.names.fields[f].key for f in unique.fields]
            columns = [view.names.fields[f].column for f in unique.fields]
            printed = self.query.condition(where, {"self": Stored(view.names.cls, view.name)}) if where else None
            migration = self.query.condition(where, {"self": Stored("table.c", view.name)}) if where else None
            name = f"uq_{view.names.table}_{index + 1}"[:63]
            found.append(UniqueView(name, tuple(keys), tuple(columns), printed, migration))
        return found

    # operations

    def _operation(self, view: EntityView, key: str, operation: Operation, functions: Namespace) -> OperationView:
        route = self.routes[view.name, key]
        kind = route.kind
        locals_ = Namespace((*_OPERATION_LOCALS, view.names.variable))
        self._at(f"services/{view.name}")
        creates = [f for f in view.fields if not f.derived and not f.state and f.spec.writable != "never"]
        changes = [f for f in creates if f.spec.writable == "always"]
        base_scope: Scope = {"actor": Loaded("actor"), **CLOCK}
        inputs = tuple(
            self._input(view.name, n, f, self.compiled.input_default(view.name, key, n), locals_.claim(variable(n)), base_scope)
            for n, f in operation.input.items()
        )
        scope: Scope = {
            **base_scope,
            "self": Loaded(view.names.variable),
            "input": Record(self._record(inputs, route.method in ("GET", "DELETE"))),
        }
        allow, redirect = self.compiled.allow(view.name, key), self.compiled.redirect(view.name, key)
        plural = view.names.plural.rstrip("_") if kind == "list" else view.names.variable.rstrip("_")
        body = {"create": creates, "update": changes}.get(kind, [])
        effects = tuple(self._effects(view, key, scope, locals_))
        guards = tuple(self._guards(view, key, operation, scope))
        list_view = self._list(view, key, operation, inputs) if kind == "list" else None
        parts = [allow, redirect, *(self.compiled.guard(view.name, key, g) for g in operation.guards)]
        parts += [e for f in self.compiled.effects(view.name, key) for e in (f.target, *f.set.values())]
        parts += [self.compiled.default(view.name, f.name) for f in view.fields] if kind == "create" else []
        parts += [self.compiled.default(e.entity.name, f.name) for e in effects for f in e.defaults]
        parts += [self.compiled.where(view.name, key)]
        return OperationView(
            name=key,
            kind=kind,
            function=functions.claim(f"{key}_{plural}"),
            route=route,
            path=self._path(view, route, operation),
            spec=operation,
            requirements=_ids(operation.satisfies),
            inputs=inputs,
            body_fields=(*body, *(i for i in inputs if kind != "list")),
            schema=camel(f"{view.names.cls}_{key}") if kind not in ("list", "read", "delete") else "",
            allow=self._refusal(allow, scope) if allow else None,
            guards=guards,
            effects=effects,
            redirect=self.plain(redirect, scope) if redirect else None,
            uses_actor=any(_mentions(part, "actor") for part in parts if part) or any(i.default_from for i in inputs),
            key=next((f for f in view.fields if f.name == operation.by), None),
            list=list_view,
            computed_checks=tuple(self._computed_checks(view, kind, effects)),
            with_password=kind == "create" and view.account and "password" in self._methods(),
        )

    def _methods(self) -> tuple[str, ...]:
        return self.spec.auth.methods if self.spec.auth else ()

    def _registration(self, view: EntityView) -> OperationView | None:
        """The registration of accounts: a creation without the guards and effects of the entity's own operation."""
        route = next((r for r in routes(self.spec) if r.kind == "register"), None)
        if route is None or not view.account:
            return None
        fields = tuple(f for f in view.fields if not f.derived and not f.state and f.spec.writable != "never")
        return OperationView(
            name="register",
            kind="create",
            function="register",
            route=route,
            path=route.path,
            spec=Operation(description="Makes an account."),
            requirements=_ids(route.satisfies),
            inputs=(),
            body_fields=fields,
            schema="Registration",
            allow=None,
            guards=(),
            effects=(),
            redirect=None,
            uses_actor=any(_mentions(e, "actor") for f in fields if (e := self.compiled.default(view.name, f.name))),
            key=None,
            computed_checks=tuple(self._computed_checks(view, "create", ())),
            with_password=True,
        )

    def _computed_checks(self, view: EntityView, kind: str, effects: tuple[EffectView, ...]) -> list[CheckView]:
        """Constraints of values that were computed, not sent: a breach is a conflict, not bad input."""
        computed: dict[tuple[str, str], tuple[FieldView, bool]] = {}
        if kind == "create":
            computed |= {(view.names.variable, f.name): (f, False) for f in view.fields if f.computed}
        for effect in effects:
            if effect.kind == "delete":
                continue
            variable_ = view.names.variable if effect.target == "self" else effect.variable
            computed |= {(variable_, field.name): (field, effect.nullable) for field, _ in effect.sets}
            computed |= {(variable_, field.name): (field, False) for field in effect.defaults if field.computed}
        found = []
        for (row, _), (field, optional) in computed.items():
            value = f"{row}.{field.names.attribute}"
            guards = ([f"{row} is not None"] if optional else []) + ([f"{value} is not None"] if field.nullable else [])
            for broken, message in _breaches(field, value):
                found.append(CheckView(field.name, " and ".join([*guards, broken]), f"{field.names.wire} {message}", 409, ""))
        return found

    def _record(self, inputs: tuple[FieldView, ...], in_query: bool) -> dict[str, str]:
        prefix = "params" if in_query else "body"
        return {i.name: i.local if i.target or i.default_from else f"{prefix}.{i.names.key}" for i in inputs}

    def _path(self, view: EntityView, route: Route, operation: Operation) -> str:
        return route.path.replace(f"{{{operation.by}}}", "{key}")

    def _refusal(self, expr: Expr, scope: Scope) -> str:
        """The text of the condition under which something is refused."""
        return self.plain.negated(expr, scope)

    def _guards(self, view: EntityView, key: str, operation: Operation, scope: Scope) -> list[CheckView]:
        return [
            CheckView(
                name,
                self._refusal(self.compiled.guard(view.name, key, name), scope),
                guard.message,
                guard.status,
                _ids(guard.satisfies),
            )
            for name, guard in operation.guards.items()
        ]

    def _effects(self, view: EntityView, key: str, scope: Scope, locals_: Namespace) -> list[EffectView]:
        found = []
        operation = view.spec.operations[key]
        fresh = self.routes[view.name, key].kind not in ("create", "update") and operation.transition is None
        for effect in self.compiled.effects(view.name, key):
            target = effect.target
            changed = self.entities[effect.entity]
            fields = {f.name: f for f in changed.fields}
            own = isinstance(target, Variable) and target.name == "self"
            local = view.names.variable if own else locals_.claim(f"{changed.names.variable.rstrip('_')}_changed")
            text = "self" if own else self.plain(target, scope) if target else ""
            inner = {**scope, _held(target): Loaded(local)} if target and not own else scope
            sets = tuple((fields[n], self.converted(e, fields[n].spec, inner)) for n, e in effect.set.items())
            entangled = _entangled(effect.kind, sets)
            held = tuple(locals_.claim(f"new_{field.names.attribute}") for field, _ in sets if entangled)
            nullable = bool(target and target.type.nullable)
            found.append(EffectView(effect.kind, changed, text, nullable, local, sets, held, stamps=not own or fresh))
            fresh = fresh and not own
        return found

    # lists

    def _list(self, view: EntityView, key: str, operation: Operation, inputs: tuple[FieldView, ...]) -> ListView:
        fields = {f.name: f for f in view.fields}
        scope: Scope = {
            "self": Stored(view.names.cls, view.name),
            "actor": Loaded("actor"),
            "input": Record(self._record(inputs, in_query=True)),
            **CLOCK,
        }
        where = self.compiled.where(view.name, key)
        sorts = {name.removeprefix("-") for name in (*operation.sort, *operation.default_sort)}
        return ListView(
            filters=tuple(self._filter(view, f, scope) for f in operation.filters),
            sorts=tuple(
                SortView(name, self._sort_key(view, fields, name)) for name in dict.fromkeys([*operation.sort, *sorted(sorts)])
            ),
            default=tuple((name.removeprefix("-"), name.startswith("-")) for name in operation.default_sort),
            search=tuple(f"{view.names.cls}.{fields[name].names.attribute}" for name in operation.search),
            where=tuple(self.query.conditions(where, scope)) if where else (),
            sortable=operation.sort,
        )

    def column(self, view: EntityView, name: str) -> str:
        """The text of a stored, system or derived field inside a query."""
        field = next((f for f in view.fields if f.name == name), None)
        if field and field.value:
            return f"({field.value})"
        return f"{view.names.cls}.{field.names.key if field else name}"

    def _sort_key(self, view: EntityView, fields: dict[str, FieldView], name: str) -> str:
        column, field = self.column(view, name), fields.get(name)
        if field and field.type == "enum":
            order = "{" + ", ".join(f"{literal(v)}: {i}" for i, v in enumerate(field.spec.values)) + "}"
            return f"case({order}, value={column})"
        return column

    def _filter(self, view: EntityView, filter_: Filter, scope: Scope) -> FilterView:
        field = next((f for f in view.fields if f.name == filter_.field), None)
        declared = field.spec if field else Field(type="integer" if filter_.field == "id" else "datetime")
        parameter = filter_parameter(filter_, declared)
        name = attribute(parameter)
        value = f"params.{name}"
        if field and field.type == "strings":
            cls = field.item_class
            condition = f"select({cls}.id).where({cls}.owner_id == {view.names.cls}.id, {cls}.value == {value}).exists()"
        elif field and field.type == "references":
            table = field.item_class
            owners = f"select({table}.c.owner_id).where({table}.c.target_id == {value})"
            condition = f"{view.names.cls}.id.in_({owners})"
        elif filter_.op == "eq" and declared.type == "boolean":
            condition = f"{self.column(view, filter_.field)}.is_({value})"
        else:
            sign = {"eq": "==", "gte": ">=", "lte": "<="}[filter_.op]
            condition = f"{self.column(view, filter_.field)} {sign} {value}"
        kind = field.query if field else {"integer": "QueryInteger"}.get(declared.type, "Moment")
        return FilterView(name, parameter, kind, condition)

    # accounts and tables

    def _auth(self) -> AuthView | None:
        auth = self.spec.auth
        if not auth:
            return None
        account = self.entities[auth.entity]
        identifier = next((f for f in account.fields if f.name == auth.identifier), None)
        writable = [f for f in account.fields if not f.derived and not f.state and f.spec.writable != "never"]
        return AuthView(
            auth,
            account,
            identifier,
            tuple(writable),
            identifier is not None and identifier.spec.format == "email",
            tuple((f, _neutral(f)) for f in account.stored if f.name != auth.identifier and f.spec.required),
        )

    def _table_order(self) -> tuple[EntityView, ...]:
        """Referred tables first; a reference that closes a circle is added after both tables are there."""
        done: dict[str, EntityView] = {}
        visiting: set[str] = set()

        def visit(name: str) -> None:
            if name in done or name in visiting:
                return
            visiting.add(name)
            for field in self.entities[name].references:
                visit(field.spec.to or "")
            visiting.discard(name)
            done[name] = self.entities[name]

        for name in self.entities:
            visit(name)
        order = list(done)
        for name, view in done.items():
            view.late_keys = tuple(
                f.name for f in view.references if f.spec.to != name and order.index(f.spec.to or "") > order.index(name)
            )
        return tuple(done.values())


def _neutral(field: FieldView) -> str:
    """The value of a required field of the first administrator that nobody gave."""
    if field.default is not None:
        return field.default
    match field.type:
        case "string" | "text":
            return literal("Administrator"[: field.length])
        case "enum":
            return literal(field.spec.values[0])
        case "boolean":
            return "False"
        case "decimal":
            return "Decimal(0)"
        case "integer":
            return str(max(0, int(field.spec.min or 0)))
        case "number":
            return "0.0"
        case "date":
            return "clock.now().date()"
        case "datetime":
            return "clock.now()"
        case "time":
            return '"00:00"'
    return "None"


def _entangled(kind: str, sets: tuple[tuple[FieldView, str], ...]) -> bool:
    """Whether a value of an effect may see what the effect itself writes: by its name, or by asking the database."""
    written: list[str] = []
    for field, text in sets:
        if kind == "update" and written and re.search(rf"\.({'|'.join(written)})\b|\bctx\.session\b", text):
            return True
        written += [field.names.attribute, field.names.key]
    return False


def _held(target: Expr) -> str:
    """The path of the row that an effect changes; a local variable holds it, known not to be null."""
    while isinstance(target, Conditional):
        target = target.then
    return path(target)


def _breaches(field: FieldView, value: str) -> list[tuple[str, str]]:
    """Conditions under which a computed value breaks the field's constraints, each with what to say."""
    spec, found = field.spec, []
    if field.type in ("integer", "number", "decimal"):
        if spec.min is not None:
            sign, words = ("<=", "above") if spec.exclusive_min else ("<", "at least")
            found.append((f"{value} {sign} {_bound(field, spec.min)}", f"must be {words} {spec.min}."))
        if spec.max is not None:
            sign, words = (">=", "below") if spec.exclusive_max else (">", "at most")
            found.append((f"{value} {sign} {_bound(field, spec.max)}", f"must be {words} {spec.max}."))
    if field.type in ("string", "text"):
        found.append((f"len({value}) > {field.length}", f"must have at most {field.length} characters."))
    return found


def _bound(field: FieldView, value: int | float) -> str:
    return f'Decimal("{value!r}")' if field.type == "decimal" and not isinstance(value, int) else repr(value)


def _mentions(expr: Expr, name: str) -> bool:
    return any(isinstance(part, Variable) and part.name == name for part in walk(expr))


def _ids(requirements: tuple[str, ...]) -> str:
    return ", ".join(requirements)
