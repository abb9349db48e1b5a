"""What a list accepts and shows: filters, search, sorting, its own condition."""

from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.blueprint.view.names import FieldNames
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
    declared = [_declared(fields, filter_) for filter_ in operation.filters]
    parameters = [filter_parameter(filter_, field) for filter_, field in zip(operation.filters, declared, strict=True)]
    naming = dialect.naming
    inputs = (names.attribute for names in naming.inputs(operation.input, naming.parameters).values())
    names = naming.inputs(dict.fromkeys(parameters, Field(type="string")), (*naming.parameters, *inputs))
    unasked = sorted(name.removeprefix("-") for name in operation.default_sort)
    sorts = {name: _sort(printing, view, name, fields.get(name)) for name in dict.fromkeys((*operation.sort, *unasked))}
    return dialect.list_type(
        filters=tuple(
            _filter(printing, view, filter_, fields.get(filter_.field), field, names[parameter])
            for filter_, field, parameter in zip(operation.filters, declared, parameters, strict=True)
        ),
        sorts=tuple(sorts.values()),
        default=tuple((sorts[name.removeprefix("-")], name.startswith("-")) for name in operation.default_sort),
        search=tuple(dialect.column(view, name, fields[name]) for name in operation.search),
        where=tuple(printing.query.conditions(where, scope)) if where else (),
        sortable=operation.sort,
    )


def _sort(printing: Printing, view: EntityView, name: str, field: FieldView | None) -> SortView:
    column = printing.dialect.column(view, name, field)
    if field and field.type == "enum":
        column = printing.dialect.ranked(column, field.spec.values)
    return SortView(name, column, nullable=field is not None and not field.spec.required)


def _declared(fields: dict[str, FieldView], filter_: Filter) -> Field:
    found = fields.get(filter_.field)
    return found.spec if found else Field(type="integer" if filter_.field == "id" else "datetime")


def _filter(
    printing: Printing, view: EntityView, filter_: Filter, field: FieldView | None, declared: Field, names: FieldNames
) -> FilterView:
    dialect = printing.dialect
    condition = dialect.filter(view, filter_, field, declared, dialect.given(names, in_query=True))
    return FilterView(names.attribute, names.wire, dialect.query_type(field, declared), condition)
