"""The part of the view model that shows reports."""

from collections.abc import Callable, Mapping

from quantumlayer.languages.python.fields import FieldView
from quantumlayer.languages.python.names import Namespace, attribute, camel, variable
from quantumlayer.languages.python.plain import Plain
from quantumlayer.languages.python.scope import Context, Group, Loaded, Record, Scope, Stored
from quantumlayer.languages.python.sqlalchemy import Query
from quantumlayer.languages.python.view import ColumnView, EntityView, ReportView
from quantumlayer.spec.expression import Expr, Variable, walk
from quantumlayer.spec.routes import Route, routes
from quantumlayer.spec.values import Report

_TYPES = {
    "bool": "bool", "int": "int", "number": "float", "decimal": "ExactOutput", "string": "str", "date": "dt.date",
    "datetime": "dt.datetime",
}  # fmt: skip
InputBuilder = Callable[..., FieldView]


def build_reports(
    context: Context, plain: Plain, query: Query, entities: Mapping[str, EntityView], make_input: InputBuilder
) -> tuple[ReportView, ...]:
    """Every report of the spec."""
    context.module = "reports"
    by_name = {r.name: r for r in routes(context.spec) if r.kind == "report"}
    functions = Namespace(("router",))
    return tuple(
        _report(context, plain, query, entities[route.entity or ""], route, make_input, functions) for route in by_name.values()
    )


def _report(
    context: Context,
    plain: Plain,
    query: Query,
    entity: EntityView,
    route: Route,
    make_input: InputBuilder,
    functions: Namespace,
) -> ReportView:
    name, report, compiled = route.name, context.spec.reports[route.name], context.compiled.report(route.name)
    clock: Scope = {"now": Loaded("ctx.now"), "today": Loaded("ctx.today"), "actor": Loaded("actor")}
    locals_ = Namespace(("actor", "columns", "ctx", "items", "order", "params", "result", "row", "rows", "table", "total"))
    inputs = tuple(
        make_input(
            "report", n, f, context.compiled.at("reports", name, "input", n, "default"), locals_.claim(variable(n)), clock
        )
        for n, f in report.input.items()
    )
    given = Record({i.name: i.local if i.target else f"params.{i.names.key}" for i in inputs})
    own: Scope = {"self": Stored(entity.names.cls, entity.name), "input": given, **clock}
    rows: Scope = {"rows": Group(entity.names.cls, entity.name), **clock}

    def columns(exprs: Mapping[str, Expr], scope: Scope) -> tuple[ColumnView, ...]:
        return tuple(_column(query, key, expr, scope) for key, expr in exprs.items())

    parts = [compiled.allow, compiled.where]
    return ReportView(
        name=name,
        function=functions.claim(f"report_{name}"),
        spec=report,
        route=route,
        entity=entity,
        inputs=inputs,
        allow=plain.negated(compiled.allow, {"input": given, **clock}) if compiled.allow else None,
        where=tuple(query.conditions(compiled.where, own)) if compiled.where else (),
        groups=columns(compiled.group_by, own),
        measures=columns(compiled.measures, rows),
        columns=columns(compiled.columns, own),
        order=tuple(_order(report)),
        row_class=camel(f"{name}_report_row"),
        query_class=camel(f"{name}_report_query"),
        requirements=", ".join(report.satisfies),
        uses_actor=any(isinstance(e, Variable) and e.name == "actor" for part in parts if part for e in walk(part)),
    )


def _order(report: Report) -> list[tuple[str, bool]]:
    """What to sort by, each once; groups break ties."""
    found: dict[str, bool] = {}
    for key in (*report.sort, *report.group_by):
        found.setdefault(key.removeprefix("-"), key.startswith("-"))
    return list(found.items())


def _column(query: Query, name: str, expr: Expr, scope: Scope) -> ColumnView:
    type_ = _TYPES[expr.type.kind] + (" | None" if expr.type.nullable else "")
    return ColumnView(name, attribute(name), query._value(expr, scope), type_, expr.type.kind)
