"""One field as its templates need it: names, Python types, schema types, column types."""

from dataclasses import dataclass
from typing import Any

from quantumlayer.blueprint.view.fields import STRING_LENGTH, FieldView
from quantumlayer.languages.python.text import literal
from quantumlayer.spec.formats import FORMATS
from quantumlayer.spec.ids import UUID_LENGTH
from quantumlayer.spec.values import Field

_PYTHON = {
    "string": "str", "text": "str", "integer": "int", "number": "float", "decimal": "Decimal", "boolean": "bool",
    "date": "dt.date", "time": "str", "datetime": "dt.datetime", "enum": "str", "strings": "list[str]", "reference": "int",
    "references": "list[int]",
}  # fmt: skip
_WIRE = {
    "string": "Text", "text": "Text", "integer": "Integer", "number": "Number", "decimal": "Exactly", "boolean": "Flag",
    "date": "Day", "time": "TimeOfDay", "datetime": "Moment", "reference": "RowKey", "references": "RowKeys",
}  # fmt: skip
_BY_TEXT = {"reference": "str", "references": "list[str]"}
_BY_TEXT_WIRE = {"reference": "Text", "references": "TextKeys"}
_QUERY = {
    "integer": "QueryInteger", "number": "QueryNumber", "decimal": "QueryExactly", "boolean": "QueryFlag", "date": "Day",
    "time": "TimeOfDay", "datetime": "Moment", "reference": "QueryRowKey", "references": "QueryRowKey",
}  # fmt: skip


@dataclass(frozen=True)
class PythonField(FieldView):
    """A field with its Python types. Constraints are those of Pydantic."""

    @property
    def python(self) -> str:
        """The type of the attribute in a model."""
        return self._base + (" | None" if self.nullable else "")

    @property
    def python_key(self) -> str:
        """The type of the id that it is, which no row lacks."""
        return _PYTHON[self.type]

    @property
    def column_key(self) -> str:
        """The column type of the ids of the rows that a reference leads to."""
        return key_column(self.refers)

    @property
    def _base(self) -> str:
        return _BY_TEXT.get(self.type, _PYTHON[self.type]) if self.by_text else _PYTHON[self.type]

    @property
    def output(self) -> str:
        """The type in an answer."""
        base = "ExactOutput" if self.type == "decimal" else self._base
        if self.type == "enum":
            base = choices(self.spec.values)
        return base + (" | None" if self.nullable else "")

    @property
    def id_column(self) -> str:
        """The column type of the id that it is."""
        return key_column(self.spec)

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
                return key_column(self.refers)

    @property
    def given(self) -> str:
        """The type of the value in a request body, constraints included, null excluded."""
        if self.type == "enum":
            return choices(self.spec.values)
        if self.type == "strings":
            bounds = self._bounds(min_length=self.spec.min_items, max_length=self.spec.max_items)
            extras = [text for text in (bounds, "AfterValidator(sorted)" if self.spec.sorted else "") if text]
            return f"Annotated[list[Item], {', '.join(extras)}]" if extras else "list[Item]"
        extras = [text for text in (self._field_bounds(), *self._validators()) if text]
        base = _BY_TEXT_WIRE.get(self.type, _WIRE[self.type]) if self.by_text else _WIRE[self.type]
        return f"Annotated[{base}, {', '.join(extras)}]" if extras else base

    @property
    def query(self) -> str:
        """The type of a query parameter that is compared with the field."""
        if self.type == "enum":
            return choices(self.spec.values)
        return "Text" if self.by_text else _QUERY.get(self.type, "Text")

    @property
    def json_default(self) -> Any:
        """The text of the default in a create schema."""
        if self.default is not None:
            return self.default
        return "Field(default_factory=list)" if self.type in ("strings", "references") else "None"

    def _field_bounds(self) -> str:
        match self.type:
            case "string" | "text":
                return self._bounds(min_length=self.least_length or None, max_length=self.length)
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
            if self.not_blank:
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


def key_column(key: Field | None) -> str:
    """The column type of what names rows: a number of the application's own, or what the field says."""
    if key is None:
        return "RowId"
    longest = UUID_LENGTH if key.format == "uuid" else key.max_length or STRING_LENGTH
    return f"short_text({longest})" if key.type == "string" else "BigInteger"


def choices(values: tuple[str, ...]) -> str:
    """A Literal type."""
    return f"Literal[{', '.join(literal(value) for value in values)}]"
