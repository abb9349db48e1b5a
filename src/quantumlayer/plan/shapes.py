"""What the members of answers are where equality of JSON is not enough: ids, random codes, secrets, integers."""

from collections.abc import Mapping

from quantumlayer.spec.check_units import unit_fields
from quantumlayer.spec.compiled import Compiled
from quantumlayer.spec.expression import Expr, Select
from quantumlayer.spec.ids import given_id
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Spec

ID, RANDOM, OPAQUE, INTEGER, UNIT = "id", "random", "opaque", "integer", "unit"
Shape = Mapping[str, tuple[str, str]]
"""Member → (kind, name): for ids the entity's name, for random codes `entity.field`, for answers of units their type."""


class Shapes:
    """The shapes of a spec's answers."""

    def __init__(self, spec: Spec, compiled: Compiled | None = None) -> None:
        self._spec = spec
        self._compiled = compiled or Compiled(spec)
        self._units = unit_fields(spec, self._compiled.expressions)
        self._rows = {name: self._row(name) for name in spec.entities}
        self._reports = {name: self._report(name) for name in spec.reports}

    def row(self, entity: str) -> Shape:
        """The shape of an entity's rows."""
        return self._rows[entity]

    def of(self, route: Route) -> Shape:
        """The shape of the answer's object, or of its items."""
        if route.kind == "report":
            return self._reports[route.name]
        if route.kind == "login":
            return {"access_token": (OPAQUE, "token")}
        if route.kind == "new_api_key":
            return {"api_key": (OPAQUE, "api_key")}
        return self._rows[route.entity] if route.entity else {}

    def _row(self, name: str) -> Shape:
        given = given_id(self._spec.entities[name])
        found = {"id": (INTEGER, "") if given and given.type == "integer" else (ID, name)}
        for key, field in self._spec.entities[name].fields.items():
            if field.type in ("reference", "references"):
                found[wire_name(key, field)] = (ID, field.to or "")
            elif field.value and (expr := self._compiled.value(name, key)) and (owner := _id_of(expr)):
                found[key] = (ID, owner)
            elif unit := self._units.get((name, key)):
                found[key] = (UNIT, self._spec.units[unit].returns)
            elif field.default and "random_code" in field.default:
                found[key] = (RANDOM, f"{name}.{key}")
            elif field.type == "integer":
                found[key] = (INTEGER, "")
        auth = self._spec.auth
        if auth and auth.entity == name and auth.methods == ("api_key",):
            found["api_key"] = (OPAQUE, "api_key")
        return found

    def _report(self, name: str) -> Shape:
        report = self._compiled.report(name)
        found: dict[str, tuple[str, str]] = {}
        for key, expr in (report.group_by or report.columns).items():
            if entity := _id_of(expr):
                found[key] = (ID, entity)
            elif isinstance(expr, Select) and (shape := self._source(expr)):
                found[key] = shape
        return found

    def _source(self, expr: Select) -> tuple[str, str] | None:
        entity = expr.operand.type.entity
        return self._rows.get(entity or "", {}).get(expr.field) if entity in self._spec.entities else None


def _id_of(expr: Expr) -> str | None:
    if isinstance(expr, Select) and expr.field == "id" and expr.operand.type.kind == "entity":
        return expr.operand.type.entity
    return expr.type.entity if expr.type.kind == "entity" else None
