"""What a language adds to the neutral view: names, printers, and the few texts that stand around printed expressions."""

from abc import ABC, abstractmethod
from typing import Protocol

from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.blueprint.view.names import EntityNames, FieldNames, Naming, camel
from quantumlayer.blueprint.view.scope import Context, Loaded, Scalar, Scope, Stored
from quantumlayer.blueprint.view.values import EntityView, ListView, OperationView
from quantumlayer.spec.expression import Expr, Literal_, Type
from quantumlayer.spec.values import Field, Filter

NO_VALUE = ""


class PlainPrinter(Protocol):
    """Prints expressions over loaded values."""

    def __call__(self, expr: Expr, scope: Scope) -> str:
        """The expression as text."""
        ...

    def negated(self, expr: Expr, scope: Scope) -> str:
        """The text of the condition's opposite, which is when something is refused."""
        ...


class QueryPrinter(Protocol):
    """Prints expressions over the rows of a query."""

    def condition(self, expr: Expr, scope: Scope) -> str:
        """A boolean expression for the query's filter."""
        ...

    def conditions(self, expr: Expr, scope: Scope) -> list[str]:
        """The same, one text for each part of a conjunction."""
        ...

    def value(self, expr: Expr, scope: Scope) -> str:
        """An expression to be selected or compared with, constants included."""
        ...


class Dialect(ABC):
    """One per query layer of a language. Attributes that are plain data have defaults that suit most languages.

    `*_locals` are names that the templates' functions use themselves, `functions` those of a module of services; what a spec
    names steps aside for them. `service_module`, `rule_module`, `model_module`, `policy_module` and `report_module` tell
    where a text will stand, for imports and aliases.
    """

    naming: Naming
    field_type: type[FieldView] = FieldView
    operation_type: type[OperationView] = OperationView
    list_type: type[ListView] = ListView
    operation_locals: tuple[str, ...] = ()
    report_locals: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    now, today, actor, policy_actor = "ctx.now", "ctx.today", "actor", "ctx.actor"

    @abstractmethod
    def printers(self, context: Context) -> tuple[PlainPrinter, QueryPrinter]:
        """Both printers over one context."""

    # texts around expressions

    @property
    def clock(self) -> Scope:
        """The time of the request."""
        return {"now": Loaded(self.now), "today": Loaded(self.today)}

    def stored(self, view: EntityView) -> Stored:
        """A row of the entity inside a query of its own."""
        return Stored(self.naming.source(view.names), view.name)

    def item(self, source: str) -> Scalar:
        """An item of a list of texts, inside a query of the table that holds them."""
        return Scalar(f"{source}.value")

    def given(self, names: FieldNames, in_query: bool) -> str:
        """What a request gives for an input, in its body or its query."""
        return f"{'params' if in_query else 'body'}.{names.key}"

    @abstractmethod
    def converted(self, text: str, expr: Expr, field: Field) -> str:
        """The text of a loaded expression, as the type that is stored in the field."""

    @abstractmethod
    def sees(self, names: EntityNames) -> str:
        """The text of the condition that a row of an entity is visible to the caller."""

    @abstractmethod
    def breaches(self, field: FieldView, value: str) -> list[tuple[str, str]]:
        """Conditions under which a computed value breaks the field's bounds, each with the words to follow the field's name."""

    @abstractmethod
    def present(self, text: str) -> str:
        """The condition that a nullable value is there."""

    @abstractmethod
    def both(self, conditions: list[str]) -> str:
        """All of them."""

    def index_condition(self, query: QueryPrinter, where: Expr, view: EntityView) -> str:
        """The condition of a partial unique index, as a migration writes it."""
        return query.condition(where, {"self": self.stored(view)})

    @abstractmethod
    def neutral(self, field: FieldView) -> str:
        """The value of a required field of the first administrator that nobody gave."""

    # queries

    @abstractmethod
    def column(self, view: EntityView, name: str, field: FieldView | None) -> str:
        """A stored, system (no `field`) or derived field inside a query of the entity."""

    @abstractmethod
    def ranked(self, column: str, values: tuple[str, ...]) -> str:
        """A sort key that puts an enumeration in its declared order."""

    @abstractmethod
    def filter(self, view: EntityView, filter_: Filter, field: FieldView | None, declared: Field, value: str) -> str:
        """The condition that a list filter adds; `value` is the text of the query parameter."""

    @abstractmethod
    def query_type(self, field: FieldView | None, declared: Field) -> str:
        """The type of the query parameter that is compared with a field."""

    @abstractmethod
    def report_type(self, type_: Type) -> str:
        """The type of a report's column in an answer."""

    # names

    def function(self, key: str, thing: str) -> str:
        """The function of an operation: `list`, `books` → `list_books`."""
        return f"{key}_{thing}"

    def schema(self, names: EntityNames, key: str) -> str:
        """The type of an operation's body."""
        return camel(f"{names.cls}_{key}")

    def local(self, name: str) -> str:
        """A local variable that the view makes up, from snake case."""
        return name

    def constant(self, expr: Expr, field: Field) -> bool:
        """Whether a default may stand in a schema instead of being computed at each call."""
        return isinstance(expr, Literal_) and field.type != "decimal"
