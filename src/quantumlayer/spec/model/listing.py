"""Lists and reports: which rows, in which order, which page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quantumlayer.spec.check_operations import listable
from quantumlayer.spec.model.codec import Invalid, encode, query_parser
from quantumlayer.spec.model.evaluate import Evaluator, Variables
from quantumlayer.spec.model.http_errors import Refusal, invalid
from quantumlayer.spec.model.prepared import EntityPlan, OperationPlan, ReportPlan
from quantumlayer.spec.model.request_values import Reader
from quantumlayer.spec.model.store import Row
from quantumlayer.spec.naming import filter_parameter
from quantumlayer.spec.values import Field

Value = Callable[[Row], Any]


@dataclass(frozen=True)
class _Filter:
    value: Value
    op: str
    wanted: Any

    def keeps(self, row: Row) -> bool:
        value = self.value(row)
        if isinstance(value, tuple | list):
            return self.wanted in value
        if self.op == "eq":
            return value == self.wanted
        return value is not None and (value >= self.wanted if self.op == "gte" else value <= self.wanted)


def matching_rows(
    plan: EntityPlan, operation: OperationPlan, reader: Reader, query: Mapping[str, str], evaluator: Evaluator
) -> list[Row]:
    """All rows of a list, in order. Raises `Refusal` 422 for parameters that do not fit."""
    fields = listable(plan.entity)
    filters = _filters(operation, fields, reader, query, evaluator, plan)
    keys = _sort_keys(operation, fields, reader, query)
    inputs = reader.query(operation.inputs.values(), query)
    needle = _needle(operation, reader, query)
    if reader.errors:
        raise invalid(reader.errors)
    variables = reader.variables
    variables["input"] = reader.filled(operation.inputs, inputs)
    if operation.allow and not operation.allow(variables):
        raise Refusal(403, "You may not do this.", f"access:{plan.name}.{operation.name}")
    rows = [row for row in reader.store.tables[plan.name].rows.values() if reader.sees(plan.name, row)]
    if operation.where:
        rows = [row for row in rows if operation.where({**variables, "self": row})]
    rows = [row for row in rows if all(filter_.keeps(row) for filter_ in filters)]
    if needle:
        rows = [row for row in rows if any(needle in (row[name] or "").lower() for name in operation.operation.search)]
    return _sorted(rows, [(_getter(plan.name, name, fields[name], evaluator, variables), down) for name, down in keys])


def _needle(operation: OperationPlan, reader: Reader, query: Mapping[str, str]) -> str:
    if not operation.operation.search or "q" not in query:
        return ""
    if "\x00" in query["q"]:
        reader.errors.append(("q", "must not contain NUL"))
    return query["q"].lower()


def _filters(
    operation: OperationPlan,
    fields: Mapping[str, Field],
    reader: Reader,
    query: Mapping[str, str],
    evaluator: Evaluator,
    plan: EntityPlan,
) -> list[_Filter]:
    found = []
    for filter_ in operation.operation.filters:
        field = fields[filter_.field]
        name = filter_parameter(filter_, field)
        if name not in query:
            continue
        try:
            parse = plan.fields[filter_.field].parse_query if filter_.field in plan.fields else query_parser(field)
            wanted = parse(query[name])
            if field.type == "enum" and wanted not in field.values:
                raise Invalid(f"must be one of {', '.join(field.values)}")
        except Invalid as error:
            reader.errors.append((name, str(error)))
            continue
        found.append(
            _Filter(_getter(plan.name, filter_.field, field, evaluator, reader.variables, raw=True), filter_.op, wanted)
        )
    return found


def _sort_keys(
    operation: OperationPlan, fields: Mapping[str, Field], reader: Reader, query: Mapping[str, str]
) -> list[tuple[str, bool]]:
    asked = query.get("sort")
    if asked is None:
        keys = [(key.removeprefix("-"), key.startswith("-")) for key in operation.operation.default_sort]
    else:
        keys = [(asked.removeprefix("-"), asked.startswith("-"))]
        if keys[0][0] not in operation.operation.sort:
            allowed = ", ".join(operation.operation.sort)
            reader.errors.append(
                ("sort", f"must be one of {allowed}, with or without a minus" if allowed else "is not supported")
            )
            return []
    return [*keys, ("id", keys[0][1])] if keys else [("id", False)]


def _getter(entity: str, name: str, field: Field, evaluator: Evaluator, variables: Variables, *, raw: bool = False) -> Value:
    """The value of a field of a row; for sorting, enums stand at their position."""
    if field.value is not None:
        plain: Value = lambda row: evaluator.derive(variables, entity, name, row)  # noqa: E731
    else:
        plain = lambda row: row[name]  # noqa: E731
    if raw or field.type != "enum":
        return plain
    position = {value: index for index, value in enumerate(field.values)}
    return lambda row: position.get(plain(row))


def _sorted(rows: list[Any], keys: list[tuple[Value, bool]]) -> list[Any]:
    """Stable, last key first; nulls last in either direction."""
    for value, down in reversed(keys):
        keyed = [(value(row), row) for row in rows]
        present = [pair for pair in keyed if pair[0] is not None]
        present.sort(key=lambda pair: pair[0], reverse=down)
        rows = [row for _, row in present] + [row for key, row in keyed if key is None]
    return rows


def report_items(plan: ReportPlan, reader: Reader, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """All items of a report, in order, as JSON."""
    inputs = reader.query(plan.inputs.values(), query)
    if reader.errors:
        raise invalid(reader.errors)
    variables = reader.variables
    variables["input"] = reader.filled(plan.inputs, inputs)
    if plan.allow and not plan.allow(variables):
        raise Refusal(403, "You may not do this.", f"access:report.{plan.name}")
    entity = plan.report.entity
    rows = [row for row in reader.store.tables[entity].rows.values() if reader.sees(entity, row)]
    rows.sort(key=lambda row: row["id"])
    scopes = [{**variables, "self": row} for row in rows]
    if each := plan.report.each:
        scopes = [{**scope, "each": item} for scope in scopes for item in scope["self"][each]]
    if plan.where:
        scopes = [scope for scope in scopes if plan.where(scope)]
    if plan.columns:
        items = [{name: closure(scope) for name, closure in plan.columns.items()} for scope in scopes]
    else:
        items = _grouped(plan, scopes, variables)
    keys = [(key.removeprefix("-"), key.startswith("-")) for key in plan.report.sort] + [(key, False) for key in plan.group_by]
    ordered = _sorted(items, [(lambda item, name=name: item[name], down) for name, down in keys])
    return [{name: encode(value) for name, value in item.items()} for item in ordered]


def _grouped(plan: ReportPlan, scopes: list[Variables], variables: Variables) -> list[dict[str, Any]]:
    groups: dict[tuple[Any, ...], list[Row]] = {} if plan.group_by else {(): []}
    for scope in scopes:
        groups.setdefault(tuple(closure(scope) for closure in plan.group_by.values()), []).append(scope["self"])
    items = []
    for values, members in groups.items():
        scope = {**variables, "rows": members}
        measures = {name: closure(scope) for name, closure in plan.measures.items()}
        items.append({**dict(zip(plan.group_by, values, strict=True)), **measures})
    return items
