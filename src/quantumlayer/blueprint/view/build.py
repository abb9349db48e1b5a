"""From a spec and a dialect to the view model: every expression printed where the templates will put it."""

from quantumlayer.blueprint.view.dialect import Dialect
from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.blueprint.view.names import FieldNames, Namespace, sql_name
from quantumlayer.blueprint.view.operations import Operations
from quantumlayer.blueprint.view.printing import Printing, ids
from quantumlayer.blueprint.view.reports import build_reports
from quantumlayer.blueprint.view.scope import Loaded, Scope
from quantumlayer.blueprint.view.values import AppView, AuthView, CheckView, EntityView, UniqueView
from quantumlayer.spec.ids import given_id
from quantumlayer.spec.values import Field, Spec


def build_view(spec: Spec, dialect: Dialect) -> AppView:
    """The view of a checked spec."""
    return Builder(Printing.of(spec, dialect)).build()


class Builder:
    """Builds the view of one spec."""

    def __init__(self, printing: Printing) -> None:
        self.printing, self.dialect, self.spec = printing, printing.dialect, printing.spec
        self.context, self.compiled = printing.context, printing.context.compiled
        self.entities: dict[str, EntityView] = {}
        self.operations = Operations(printing, self.entities)

    def build(self) -> AppView:
        """Everything."""
        for name, entity in self.spec.entities.items():
            self.entities[name] = EntityView(name, entity, self.context.names[name])
        for view in self.entities.values():
            view.account = bool(self.spec.auth and self.spec.auth.entity == view.name)
            view.id = self._id(view)
            view.fields = tuple(self._fields(view))
        for view in self.entities.values():
            self._complete(view)
        tables = self._table_order()
        return AppView(
            context=self.context,
            entities=tuple(self.entities.values()),
            reports=build_reports(self.printing, self.entities),
            auth=self._auth(),
            tables=tables,
            requirements={r.id: r.text for r in self.spec.requirements},
        )

    def _complete(self, view: EntityView) -> None:
        printing, clock = self.printing, self.dialect.clock
        own: Scope = {"self": Loaded(view.names.variable), "actor": Loaded(self.dialect.policy_actor), **clock}
        printing.at(f"rules/{view.name}")
        rules = []
        for key, rule in view.spec.rules.items():
            text = printing.plain.negated(self.compiled.rule(view.name, key), own)
            rules.append(CheckView(key, text, rule.message, rule.status, ids(rule.satisfies), rule.on))
        view.rules = tuple(rules)
        printing.at("policies")
        visible = self.compiled.visible(view.name)
        stored: Scope = {"self": self.dialect.stored(view), "actor": Loaded(self.dialect.policy_actor), **clock}
        view.visible = printing.query.condition(visible, stored) if visible else None
        printing.at(f"models/{view.name}")
        view.uniques = tuple(self._uniques(view))
        functions = Namespace(self.dialect.functions)
        view.operations = tuple(self.operations.view(view, key, op, functions) for key, op in view.spec.operations.items())
        view.registration = self.operations.registration(view)

    def _id(self, view: EntityView) -> FieldView | None:
        if view.spec.id is None:
            return None
        field = given_id(view.spec) or view.spec.id
        return self.dialect.field_type("id", field, FieldNames("id", "id", "id", "id"))

    def _fields(self, view: EntityView) -> list[FieldView]:
        declared = [self._field(view, name, field) for name, field in view.spec.fields.items() if not field.value]
        derived = [self._field(view, name, field) for name, field in view.spec.fields.items() if field.value]
        machine = view.spec.state
        state = []
        if machine:
            field = Field(type="enum", values=machine.states, writable="never", satisfies=machine.satisfies)
            state = [self.dialect.field_type(machine.field, field, view.names.fields[machine.field], state=True)]
        return [*declared, *state, *derived]

    def _field(self, view: EntityView, name: str, field: Field) -> FieldView:
        printing, clock = self.printing, self.dialect.clock
        printing.at(f"services/{view.name}")
        default = self.compiled.default(view.name, name)
        scope: Scope = {"self": Loaded(view.names.variable), "actor": Loaded(self.dialect.actor), **clock}
        constant, computed = printing.default(default, field, scope)
        value = self.compiled.value(view.name, name)
        viewer: Scope = {"self": self.dialect.stored(view), "actor": Loaded(self.dialect.policy_actor), **clock}
        auth = self.spec.auth
        return self.dialect.field_type(
            name,
            field,
            view.names.fields[name],
            self.context.names[field.to] if field.to else None,
            refers=self.spec.entities[field.to].id if field.to else None,
            default=constant,
            default_from=computed,
            value=None if value is None else printing.query.value(value, viewer),
            item_class=self.context.association(view.name, name) if field.type in ("strings", "references") else "",
            target_where=printing.target_where(field),
            lower=bool(auth and (auth.entity, auth.identifier) == (view.name, name) and field.format == "email"),
        )

    def _uniques(self, view: EntityView) -> list[UniqueView]:
        found, query = [], self.printing.query
        for index, unique in enumerate(view.spec.unique):
            where = self.compiled.unique_where(view.name, index)
            keys = [view.names.fields[f].key for f in unique.fields]
            columns = [view.names.fields[f].column for f in unique.fields]
            printed = query.condition(where, {"self": self.dialect.stored(view)}) if where else None
            migration = self.dialect.index_condition(query, where, view) if where else None
            name = sql_name(f"uq_{view.names.table}_{index + 1}")
            found.append(UniqueView(name, tuple(keys), tuple(columns), printed, migration))
        return found

    def _auth(self) -> AuthView | None:
        auth = self.spec.auth
        if not auth:
            return None
        account = self.entities[auth.entity]
        identifier = next((f for f in account.fields if f.name == auth.identifier), None)
        return AuthView(
            auth,
            account,
            identifier,
            account.given,
            identifier is not None and identifier.spec.format == "email",
            tuple((f, self.dialect.neutral(f)) for f in account.stored if f.name != auth.identifier and f.spec.required),
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
