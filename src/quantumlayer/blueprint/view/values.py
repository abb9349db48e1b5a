"""The view model: what templates of any language show of a spec, in which order, every expression already printed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.blueprint.view.names import EntityNames
from quantumlayer.blueprint.view.scope import Context
from quantumlayer.spec.ids import makes_texts
from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Auth, Entity, Operation, Report, RuleStatus


@dataclass(frozen=True)
class CheckView:
    """A rule or guard: refused with `status` and `message` where the condition `text` holds."""

    name: str
    text: str
    message: str
    status: RuleStatus
    requirements: str
    on: tuple[str, ...] = ()


@dataclass(frozen=True)
class EffectView:
    """One effect. `target` is the text of the row that is changed; `variable` the local that holds it.

    `held` names locals for the values of `sets` where one may read what another writes, else it is empty. `stamps` says
    whether it is the first change of a row whose `updated_at` nothing has set yet.
    """

    kind: str
    entity: "EntityView"
    target: str
    nullable: bool
    variable: str
    sets: tuple[tuple[FieldView, str], ...]
    held: tuple[str, ...] = ()
    stamps: bool = True

    @property
    def defaults(self) -> tuple[FieldView, ...]:
        """The fields of a row to be made that take their defaults."""
        given = {field.name for field, _ in self.sets}
        fields = self.entity.fields if self.kind == "create" else ()
        return tuple(f for f in fields if f.name not in given and not f.derived and not f.state and f.has_default)


@dataclass(frozen=True)
class FilterView:
    """A query parameter and the condition that it adds."""

    attribute: str
    parameter: str
    type: str
    condition: str


@dataclass(frozen=True)
class SortView:
    """A sort key: the wire name, the column or expression, and whether rows may lack it."""

    name: str
    text: str
    nullable: bool


@dataclass(frozen=True)
class ListView:
    """What a list accepts. `default` has the sort keys of a list that was asked for no order, each with whether it descends."""

    filters: tuple[FilterView, ...]
    sorts: tuple[SortView, ...]
    default: tuple[tuple[SortView, bool], ...]
    search: tuple[str, ...]
    where: tuple[str, ...]
    sortable: tuple[str, ...]

    @property
    def sort_values(self) -> tuple[str, ...]:
        """Every value that the query parameter `sort` accepts."""
        return tuple(sign + name for name in self.sortable for sign in ("", "-"))


@dataclass(frozen=True)
class OperationView:
    """An operation of an entity."""

    name: str
    kind: str
    function: str
    route: Route
    path: str
    spec: Operation
    requirements: str
    inputs: tuple[FieldView, ...]
    body_fields: tuple[FieldView, ...]
    schema: str
    allow: str | None
    guards: tuple[CheckView, ...]
    effects: tuple[EffectView, ...]
    redirect: str | None
    uses_actor: bool
    key: FieldView | None
    list: ListView | None = None
    computed_checks: tuple[CheckView, ...] = ()
    with_password: bool = False

    @property
    def has_body(self) -> bool:
        """Whether the router reads a body."""
        return self.kind in ("create", "update") or (self.kind == "action" and not self.in_query and bool(self.body_fields))

    @property
    def in_query(self) -> bool:
        """Whether inputs come as query parameters."""
        return self.route.method in ("GET", "DELETE")

    @property
    def has_query(self) -> bool:
        """Whether the router reads query parameters."""
        return self.list is not None or (self.in_query and bool(self.inputs))

    @property
    def touches_self(self) -> bool:
        """Whether the row itself is changed and still there."""
        changed = self.kind == "update" or self.spec.transition is not None or self.changes_self
        return self.on_row and self.kind != "delete" and changed and not self.deletes_self

    @property
    def new_password(self) -> bool:
        """Whether it may change the password of the account."""
        return self.spec.password

    @property
    def on_row(self) -> bool:
        """Whether the path names a row."""
        return self.route.on_row

    @property
    def signed_in(self) -> bool:
        """Whether a caller is wanted."""
        return not self.spec.access.anonymous

    @property
    def body_optional(self) -> bool:
        """Whether the body may be absent."""
        return self.kind == "update" or (not self.with_password and all(f.omittable for f in self.body_fields))

    @property
    def changes_self(self) -> bool:
        """Whether an effect changes the row itself."""
        return any(effect.kind == "update" and effect.target == "self" for effect in self.effects)

    @property
    def deletes_self(self) -> bool:
        """Whether an effect deletes the row itself."""
        return any(effect.kind == "delete" and effect.target == "self" for effect in self.effects)


@dataclass
class EntityView:
    """An entity. `fields` are in the order of answers: declared, state, derived. `id` is None for plain numbers."""

    name: str
    spec: Entity
    names: EntityNames
    id: FieldView | None = None
    fields: tuple[FieldView, ...] = ()
    rules: tuple[CheckView, ...] = ()
    visible: str | None = None
    uniques: tuple["UniqueView", ...] = ()
    operations: tuple[OperationView, ...] = ()
    account: bool = False
    late_keys: tuple[str, ...] = ()
    registration: OperationView | None = None

    @property
    def given(self) -> tuple[FieldView, ...]:
        """What a create may send: the id where clients give it, then the writable fields."""
        named = (self.id,) if self.id and self.id.spec.writable != "never" else ()
        return (*named, *(f for f in self.fields if not f.derived and not f.state and f.spec.writable != "never"))

    @property
    def makes_ids(self) -> bool:
        """Whether the application makes its ids as texts, always or where nobody gives one."""
        return makes_texts(self.spec)

    @cached_property
    def stored(self) -> tuple[FieldView, ...]:
        """Fields with a column."""
        return tuple(f for f in self.fields if f.stored)

    @cached_property
    def references(self) -> tuple[FieldView, ...]:
        """Fields that name one row."""
        return tuple(f for f in self.fields if f.type == "reference")

    @cached_property
    def many(self) -> tuple[FieldView, ...]:
        """Fields that name several rows."""
        return tuple(f for f in self.fields if f.type == "references")

    @cached_property
    def lists(self) -> tuple[FieldView, ...]:
        """Fields that hold a list of texts."""
        return tuple(f for f in self.fields if f.type == "strings")

    @cached_property
    def derived(self) -> tuple[FieldView, ...]:
        """Fields that are computed."""
        return tuple(f for f in self.fields if f.derived)

    @property
    def sort_indexes(self) -> tuple[tuple[str, str], ...]:
        """Attribute and column of what lists are sorted by unless asked otherwise: an index spares them sorting every row."""
        columns = {
            field.name: (field.names.attribute, field.names.column)
            for field in self.stored
            if field.type not in ("reference", "enum") and not field.spec.unique
        }
        columns |= {name: (name, name) for name in ("created_at", "updated_at")}
        first = (
            operation.list.default[0][0].name for operation in self.operations if operation.list and operation.list.default
        )
        return tuple(dict.fromkeys(columns[name] for name in first if name in columns))

    @property
    def services(self) -> tuple[OperationView, ...]:
        """The operations and, for accounts, the registration."""
        return (*self.operations, *((self.registration,) if self.registration else ()))

    def of_kind(self, kind: str) -> Iterator[OperationView]:
        """The operations of one kind."""
        return (operation for operation in self.operations if operation.kind == kind)


@dataclass(frozen=True)
class UniqueView:
    """Several fields, or one under a condition. `where` and `migration_where` are texts of the condition."""

    name: str
    attributes: tuple[str, ...]
    columns: tuple[str, ...]
    where: str | None
    migration_where: str | None


@dataclass(frozen=True)
class ReportView:
    """A report: groups and measures, or plain columns. `each` is the table of the list of texts whose items are its rows."""

    name: str
    function: str
    spec: Report
    route: Route
    entity: EntityView
    inputs: tuple[FieldView, ...]
    allow: str | None
    where: tuple[str, ...]
    groups: tuple["ColumnView", ...]
    measures: tuple["ColumnView", ...]
    columns: tuple["ColumnView", ...]
    order: tuple[tuple[str, bool], ...]
    row_class: str
    query_class: str
    requirements: str
    uses_actor: bool
    each: str = ""

    @property
    def sorted(self) -> bool:
        """Whether rows have an order: measures without groups are one row."""
        return bool(self.order or self.columns)


@dataclass(frozen=True)
class ColumnView:
    """A column of a report."""

    name: str
    attribute: str
    text: str
    type: str
    kind: str


@dataclass(frozen=True)
class AuthView:
    """Authentication: the account entity and its identifier."""

    spec: Auth
    account: EntityView
    identifier: FieldView | None
    registration: tuple[FieldView, ...]
    lower_identifier: bool
    neutral: tuple[tuple[FieldView, str], ...]


@dataclass
class AppView:
    """The whole project."""

    context: Context
    entities: tuple[EntityView, ...] = ()
    reports: tuple[ReportView, ...] = ()
    auth: AuthView | None = None
    tables: tuple[EntityView, ...] = ()
    requirements: dict[str, str] = field(default_factory=dict)

    @property
    def helpers(self) -> set[str]:
        """The helper functions that printed expressions use."""
        return self.context.helpers

    @property
    def aliases(self) -> dict[str, dict[str, str]]:
        """Aliased sources of queries by module: alias → source."""
        return self.context.aliases

    @property
    def routed(self) -> tuple[EntityView, ...]:
        """Entities with operations; those with a parameter right after the root come last, so that they hide nothing."""
        with_routes = [e for e in self.entities if e.operations]
        return tuple(sorted(with_routes, key=lambda e: any(o.route.path.startswith("/{") for o in e.operations)))

    def names(self) -> dict[str, Any]:
        """What templates of every language see of it, by name."""
        parts = ("entities", "routed", "tables", "reports", "auth", "helpers")
        return {"app": self} | {part: getattr(self, part) for part in parts}
