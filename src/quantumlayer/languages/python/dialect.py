"""Python with SQLAlchemy: what the neutral view needs of it."""

from dataclasses import dataclass

from quantumlayer.blueprint.view.dialect import Dialect, QueryPrinter
from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.blueprint.view.names import EntityNames
from quantumlayer.blueprint.view.scope import Context, Stored
from quantumlayer.blueprint.view.values import EntityView, ListView, OperationView
from quantumlayer.languages.python.fields import PythonField, choices
from quantumlayer.languages.python.names import NAMING
from quantumlayer.languages.python.plain import Plain
from quantumlayer.languages.python.sqlalchemy import Query
from quantumlayer.languages.python.text import literal
from quantumlayer.spec.expression import Expr, Literal_, Type
from quantumlayer.spec.values import Field, Filter

PYTHON_HELPERS = (
    "average", "days_between", "hours_between", "quotient", "random_code", "remainder", "round_half_up", "slug", "text_of",
)  # fmt: skip
SQL_HELPERS = (
    "add_days", "add_seconds", "ceil_of", "contains", "date_of", "days_apart", "endswith", "exact", "floor_of",
    "getfullyear_of", "gethours_of", "getminutes_of", "getmonth_of", "getseconds_of", "greatest_of", "hour_of", "least_of",
    "month_of", "round_of",
    "seconds_between", "start_of_of", "startswith", "truncated", "weekday_of", "whole_days_apart",
)  # fmt: skip
_REPORT_TYPES = {
    "bool": "bool", "int": "int", "number": "float", "decimal": "ExactOutput", "string": "str", "date": "dt.date",
    "datetime": "dt.datetime",
}  # fmt: skip


@dataclass(frozen=True)
class PythonOperation(OperationView):
    """An operation with what its FastAPI route declares."""

    @property
    def dependencies(self) -> tuple[str, ...]:
        """What the route checks before its own parameters."""
        wanted = "optional_json_object" if self.body_optional or not self.schema else "require_json_object"
        body = (f"Depends({wanted})",) if self.has_body else ()
        roles = ", ".join(literal(role) for role in self.spec.access.roles)
        return (*body, *((f"Depends(require_roles({roles}))",) if roles else ()))


@dataclass(frozen=True)
class PythonList(ListView):
    """A list with its Python types."""

    @property
    def sort_type(self) -> str:
        """The type of the query parameter `sort`."""
        return choices(self.sort_values) if self.sortable else "Never"


class SqlAlchemy(Dialect):
    """See `Dialect`."""

    naming = NAMING
    field_type = PythonField
    operation_type = PythonOperation
    list_type = PythonList
    operation_locals = (
        "actor", "ctx", "body", "changes", "params", "conditions", "rows", "total", "row", "answer", "session",
    )  # fmt: skip
    report_locals = ("actor", "columns", "ctx", "items", "order", "params", "result", "row", "rows", "table", "total")
    functions = ("_rows", "_answer", "register", "router")

    def printers(self, context: Context) -> tuple[Plain, Query]:
        plain = Plain(context)
        return plain, Query(context, plain)

    def converted(self, text: str, expr: Expr, field: Field) -> str:
        if field.type == "decimal" and not (isinstance(expr, Literal_) and expr.value is None):
            places = 2 if field.places is None else field.places
            return f"rounded({text}, {places})"
        return f"float({text})" if field.type == "number" and expr.type.kind in ("int", "decimal") else text

    def sees(self, names: EntityNames) -> str:
        return f"visible_{names.plural}(ctx)"

    def breaches(self, field: FieldView, value: str) -> list[tuple[str, str]]:
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

    def present(self, text: str) -> str:
        return f"{text} is not None"

    def both(self, conditions: list[str]) -> str:
        return " and ".join(conditions)

    def index_condition(self, query: QueryPrinter, where: Expr, view: EntityView) -> str:
        return query.condition(where, {"self": Stored("table.c", view.name)})

    def neutral(self, field: FieldView) -> str:
        if field.default is not None:
            return field.default
        match field.type:
            case "string" | "text":
                return literal("Administrator"[: field.length])
            case "enum":
                return literal(field.spec.values[0])
            case "integer":
                return str(max(0, int(field.spec.min or 0)))
        return _NEUTRAL.get(field.type, "None")

    def column(self, view: EntityView, name: str, field: FieldView | None) -> str:
        if field and field.value:
            return f"({field.value})"
        return f"{view.names.cls}.{field.names.key if field else name}"

    def ranked(self, column: str, values: tuple[str, ...]) -> str:
        order = "{" + ", ".join(f"{literal(v)}: {i}" for i, v in enumerate(values)) + "}"
        return f"case({order}, value={column})"

    def filter(self, view: EntityView, filter_: Filter, field: FieldView | None, declared: Field, value: str) -> str:
        cls, items = view.names.cls, field.item_class if field else ""
        if declared.type == "strings":
            return f"select({items}.id).where({items}.owner_id == {cls}.id, {items}.value == {value}).exists()"
        if declared.type == "references":
            return f"{cls}.id.in_(select({items}.c.owner_id).where({items}.c.target_id == {value}))"
        column = self.column(view, filter_.field, field)
        if filter_.op == "eq" and declared.type == "boolean":
            return f"{column}.is_({value})"
        return f"{column} {_SIGNS[filter_.op]} {value}"

    def query_type(self, field: FieldView | None, declared: Field) -> str:
        if isinstance(field, PythonField):
            return field.query
        return "QueryInteger" if declared.type == "integer" else "Moment"

    def report_type(self, type_: Type) -> str:
        return _REPORT_TYPES[type_.kind] + (" | None" if type_.nullable else "")


_SIGNS = {"eq": "==", "gte": ">=", "lte": "<="}
_NEUTRAL = {
    "boolean": "False", "decimal": "Decimal(0)", "number": "0.0", "date": "clock.now().date()", "datetime": "clock.now()",
    "time": '"00:00"',
}  # fmt: skip


def _bound(field: FieldView, value: int | float) -> str:
    return f'Decimal("{value!r}")' if field.type == "decimal" and not isinstance(value, int) else repr(value)
