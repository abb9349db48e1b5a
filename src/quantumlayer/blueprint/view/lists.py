"""What a list accepts and shows: filters, search, sorting, its own condition."""

from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.blueprint.view.printing import Printing
from quantumlayer.blueprint.view.scope import Loaded, Record, Scope
from quantumlayer.blueprint.view.values import EntityView, FilterView, ListView, SortView
from quantumlayer.spec.naming import filter_parameter
from quantumlayer.spec.values import Field, Filter, Operation


def list_view(printing: Printing, view: EntityView, key: str, operation: Operation, given: Record) -> ListView:
    """The view of a list operation; `given` are its inputs."""
    dialect = printing.dialect
    fields = {f.name: f for f in view.fields}
    scope: Scope = {"self": dialect.stored(view), "actor": Loaded(dialect.actor), "input": given, **dialect.clock}
    where = printing.context.compiled.where(view.name, key)
    sorts = {name.removeprefix("-") for name in (*operation.sort, *operation.default_sort)}
    return dialect.list_type(
        filters=tuple(_filter(printing, view, filter_) for filter_ in operation.filters),
        sorts=tuple(
            SortView(name, _sort_key(printing, view, fields, name)) for name in dict.fromkeys([*operation.sort, *sorted(sorts)])
        ),
        default=tuple((name.removeprefix("-"), name.startswith("-")) for name in operation.default_sort),
        search=tuple(dialect.column(view, name, fields[name]) for name in operation.search),
        where=tuple(printing.query.conditions(where, scope)) if where else (),
        sortable=operation.sort,
    )


def _sort_key(printing: Printing, view: EntityView, fields: dict[str, FieldView], name: str) -> str:
    field = fields.get(name)
    column = printing.dialect.column(view, name, field)
    return printing.dialect.ranked(column, field.spec.values) if field and field.type == "enum" else column


def _filter(printing: Printing, view: EntityView, filter_: Filter) -> FilterView:
    dialect = printing.dialect
    field = next((f for f in view.fields if f.name == filter_.field), None)
    declared = field.spec if field else Field(type="integer" if filter_.field == "id" else "datetime")
    parameter = filter_parameter(filter_, declared)
    names = dialect.naming.input(parameter, Field(type="string"))
    condition = dialect.filter(view, filter_, field, declared, dialect.given(names, in_query=True))
    return FilterView(names.attribute, parameter, dialect.query_type(field, declared), condition)
