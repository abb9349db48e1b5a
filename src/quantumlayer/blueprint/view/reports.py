"""The part of the view model that shows reports."""

from collections.abc import Mapping

from quantumlayer.blueprint.view.names import Namespace, camel
from quantumlayer.blueprint.view.printing import Printing, ids, mentions
from quantumlayer.blueprint.view.scope import Group, Loaded, Record, Scope
from quantumlayer.blueprint.view.values import ColumnView, EntityView, ReportView
from quantumlayer.spec.expression import Expr
from quantumlayer.spec.routes import Route, routes
from quantumlayer.spec.values import Report


def build_reports(printing: Printing, entities: Mapping[str, EntityView]) -> tuple[ReportView, ...]:
    """Every report of the spec."""
    printing.at("reports")
    by_name = {r.name: r for r in routes(printing.spec) if r.kind == "report"}
    functions = Namespace(("router",))
    return tuple(_report(printing, entities[route.entity or ""], route, functions) for route in by_name.values())


def _report(printing: Printing, entity: EntityView, route: Route, functions: Namespace) -> ReportView:
    dialect, context = printing.dialect, printing.context
    name, report, compiled = route.name, printing.spec.reports[route.name], context.compiled.report(route.name)
    clock: Scope = {**dialect.clock, "actor": Loaded(dialect.actor)}
    locals_, variable = Namespace(dialect.report_locals), dialect.naming.variable
    names = dialect.naming.inputs(report.input, dialect.naming.parameters)
    inputs = tuple(
        printing.input(
            n, f, names[n], context.compiled.at("reports", name, "input", n, "default"), locals_.claim(variable(n)), clock
        )
        for n, f in report.input.items()
    )
    given = Record({i.name: i.local if i.target else dialect.given(i.names, in_query=True) for i in inputs})
    items = next((f.item_class for f in entity.lists if f.name == report.each), "")
    item: Scope = {"each": dialect.item(items)} if items else {}
    own: Scope = {"self": dialect.stored(entity), "input": given, **item, **clock}
    rows: Scope = {"rows": Group(dialect.stored(entity).text, entity.name), **clock}

    def columns(exprs: Mapping[str, Expr], scope: Scope) -> tuple[ColumnView, ...]:
        return tuple(_column(printing, key, expr, scope) for key, expr in exprs.items())

    return ReportView(
        name=name,
        function=functions.claim(dialect.function("report", name)),
        spec=report,
        route=route,
        entity=entity,
        inputs=inputs,
        allow=printing.plain.negated(compiled.allow, {"input": given, **clock}) if compiled.allow else None,
        where=tuple(printing.query.conditions(compiled.where, own)) if compiled.where else (),
        groups=columns(compiled.group_by, own),
        measures=columns(compiled.measures, rows),
        columns=columns(compiled.columns, own),
        order=tuple(_order(report)),
        row_class=camel(f"{name}_report_row"),
        query_class=camel(f"{name}_report_query"),
        requirements=ids(report.satisfies),
        each=items,
        uses_actor=any(mentions(part, "actor") for part in (compiled.allow, compiled.where) if part),
    )


def _order(report: Report) -> list[tuple[str, bool]]:
    """What to sort by, each once; groups break ties."""
    found: dict[str, bool] = {}
    for key in (*report.sort, *report.group_by):
        found.setdefault(key.removeprefix("-"), key.startswith("-"))
    return list(found.items())


def _column(printing: Printing, name: str, expr: Expr, scope: Scope) -> ColumnView:
    dialect = printing.dialect
    attribute = dialect.naming.attribute(name)
    return ColumnView(name, attribute, printing.query.value(expr, scope), dialect.report_type(expr.type), expr.type.kind)
