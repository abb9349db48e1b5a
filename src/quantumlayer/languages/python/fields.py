"""One field as its templates need it: names, Python types, schema types, column types."""

import re
from dataclasses import dataclass
from typing import Any

from quantumlayer.languages.python.names import EntityNames, FieldNames, attribute
from quantumlayer.languages.python.text import literal
from quantumlayer.spec.formats import FORMATS
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.values import Field

STRING_LENGTH, TEXT_LENGTH, PLACES = 255, 10_000, 2
ITEM_LENGTH = 255
_PYTHON = {
    "string": "str", "text": "str", "integer": "int", "number": "float", "decimal": "Decimal", "boolean": "bool",
    "date": "dt.date", "time": "str", "datetime": "dt.datetime", "enum": "str", "strings": "list[str]", "reference": "int",
    "references": "list[int]",
}  # fmt: skip
_WIRE = {
    "string": "Text", "text": "Text", "integer": "Integer", "number": "Number", "decimal": "Exactly", "boolean": "Flag",
    "date": "Day", "time": "TimeOfDay", "datetime": "Moment", "reference": "RowKey", "references": "RowKeys",
}  # fmt: skip
_QUERY = {
    "integer": "QueryInteger", "number": "QueryNumber", "decimal": "QueryExactly", "boolean": "QueryFlag", "date": "Day",
    "time": "TimeOfDay", "datetime": "Moment", "reference": "QueryRowKey", "references": "QueryRowKey",
}  # fmt: skip


@dataclass(frozen=True)
class FieldView:
    """A declared field, an input, or the state field. `target` is what a reference leads to.

    `default` is the text of a default that is a constant; `default_from` the text of one that is computed, in which case the
    schema lets the field be omitted.
    """

    name: str
    spec: Field
    names: FieldNames
    target: EntityNames | None = None
    state: bool = False
    default: str | None = None
    default_from: str | None = None
    value: str | None = None
    item_class: str = ""
    local: str = ""
    target_where: str = ""
    lower: bool = False

    @property
    def type(self) -> str:
        """The spec's type of the field."""
        return self.spec.type

    @property
    def derived(self) -> bool:
        """Whether it is computed at each read."""
        return self.spec.value is not None

    @property
    def computed(self) -> bool:
        """Whether its default is an expression."""
        return self.default_from is not None

    @property
    def has_default(self) -> bool:
        """Whether it has a default, constant or computed."""
        return self.default is not None or self.default_from is not None

    @property
    def local_name(self) -> str:
        """The local variable of a service that holds the row a request refers to."""
        return self.local or f"given_{self.names.attribute.rstrip('_')}"

    def default_for(self, row: str, self_name: str) -> str:
        """The default's text where the row is held by another variable."""
        text = self.default if self.default is not None else self.default_from or "None"
        return re.sub(rf"\b{re.escape(self_name)}\.", f"{row}.", text)

    @property
    def stored(self) -> bool:
        """Whether the table has a column for it."""
        return not self.derived and self.type not in ("strings", "references")

    @property
    def nullable(self) -> bool:
        """Whether it may be null; lists never are."""
        return not self.spec.required and self.type not in ("strings", "references")

    @property
    def places(self) -> int:
        """Decimal places."""
        return PLACES if self.spec.places is None else self.spec.places

    @property
    def python(self) -> str:
        """The type of the attribute in a model."""
        return _PYTHON[self.type] + (" | None" if self.nullable else "")

    @property
    def output(self) -> str:
        """The type in an answer."""
        base = "ExactOutput" if self.type == "decimal" else _PYTHON[self.type]
        if self.type == "enum":
            base = choices(self.spec.values)
        return base + (" | None" if self.nullable else "")

    @property
    def length(self) -> int:
        """The longest text."""
        return self.spec.max_length or (TEXT_LENGTH if self.type == "text" else STRING_LENGTH)

    @property
    def column_type(self) -> str:
        """The column type in a model and in the migration, where the project's own types are imported."""
        match self.type:
            case "string":
                return f"short_text({self.length})"
            case "text":
                return "long_text()"
            case "enum":
                return f"short_text({max(len(value) for value in self.spec.values)})"
            case "time":
                return "short_text(5)"
            case "integer":
                return "BigInteger"
            case "number":
                return "Float(53)"
            case "decimal":
                return f"Exact({self.places})"
            case "boolean":
                return "Boolean"
            case "date":
                return "Date"
            case "datetime":
                return "Instant"
            case _:
                return "RowId"

    @property
    def given(self) -> str:
        """The type of the value in a request body, constraints included, null excluded."""
        if self.type == "enum":
            return choices(self.spec.values)
        if self.type == "strings":
            bounds = self._bounds(min_length=self.spec.min_items, max_length=self.spec.max_items)
            return f"Annotated[list[Item], {bounds}]" if bounds else "list[Item]"
        extras = [text for text in (self._field_bounds(), *self._validators()) if text]
        base = _WIRE[self.type]
        return f"Annotated[{base}, {', '.join(extras)}]" if extras else base

    @property
    def query(self) -> str:
        """The type of a query parameter that is compared with the field."""
        if self.type == "enum":
            return choices(self.spec.values)
        return _QUERY.get(self.type, "Text")

    @property
    def json_default(self) -> Any:
        """The text of the default in a create schema."""
        if self.default is not None:
            return self.default
        return "Field(default_factory=list)" if self.type in ("strings", "references") else "None"

    @property
    def omittable(self) -> bool:
        """Whether a create request may leave it out."""
        return not self.spec.required or self.spec.default is not None

    @property
    def null_allowed(self) -> bool:
        """Whether a request may send null; for a list it means none."""
        return not self.spec.required

    def _field_bounds(self) -> str:
        match self.type:
            case "string" | "text":
                least = self.spec.min_length if self.spec.min_length is not None else int(self.spec.required)
                return self._bounds(min_length=least or None, max_length=self.length)
            case "integer" | "number" | "decimal":
                low = "gt" if self.spec.exclusive_min else "ge"
                high = "lt" if self.spec.exclusive_max else "le"
                return self._bounds(**{low: self._number(self.spec.min), high: self._number(self.spec.max)})
            case "references":
                return self._bounds(min_length=self.spec.min_items, max_length=self.spec.max_items)
        return ""

    def _number(self, value: int | float | None) -> object:
        if value is None or self.type != "decimal" or isinstance(value, int):
            return value
        return f'Decimal("{value!r}")'

    def _bounds(self, **bounds: object) -> str:
        given = [f"{name}={value}" for name, value in bounds.items() if value is not None]
        return f"Field({', '.join(given)})" if given else ""

    def _validators(self) -> list[str]:
        found = []
        if self.type in ("string", "text"):
            if self.spec.required and self.spec.min_length != 0:
                found.append("NotBlank")
            patterns = [self.spec.pattern, FORMATS[self.spec.format] if self.spec.format else None]
            found += [f"AfterValidator(Pattern({literal(pattern)}))" for pattern in patterns if pattern]
        if self.type == "decimal":
            found.append(f"AfterValidator(Places({self.places}))")
        if self.lower:
            found.append("AfterValidator(str.lower)")
        if self.spec.step is not None:
            found.append(f'AfterValidator(Step("{self.spec.step!r}"))')
        return found


def choices(values: tuple[str, ...]) -> str:
    """A Literal type."""
    return f"Literal[{', '.join(literal(value) for value in values)}]"


def input_names(name: str, field: Field) -> FieldNames:
    """Names of an input of an operation or report."""
    wire = wire_name(name, field)
    return FieldNames(attribute(name), attribute(wire), wire, wire)
