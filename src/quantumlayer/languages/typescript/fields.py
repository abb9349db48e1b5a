"""A field with its TypeScript types: the row's, the answer's, the column's, and how a request's value is read."""

from dataclasses import dataclass

from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.blueprint.view.names import lower_camel
from quantumlayer.languages.typescript.text import literal
from quantumlayer.spec.formats import FORMATS

_ROW = {
    "string": "string", "text": "string", "integer": "number", "number": "number", "decimal": "Decimal", "boolean": "boolean",
    "date": "PlainDate", "time": "string", "datetime": "Instant", "strings": "string[]", "reference": "number",
    "references": "number[]",
}  # fmt: skip
_READER = {
    "string": "text", "text": "text", "integer": "integer", "number": "number", "decimal": "decimal", "boolean": "flag",
    "date": "day", "time": "timeOfDay", "datetime": "moment", "strings": "texts", "reference": "rowKey",
    "references": "rowKeys",
}  # fmt: skip
_QUERY = {
    "integer": "queryInteger", "number": "queryNumber", "decimal": "queryDecimal", "boolean": "queryFlag", "date": "day",
    "time": "timeOfDay", "datetime": "moment", "reference": "queryInteger", "references": "queryInteger",
}  # fmt: skip


@dataclass(frozen=True)
class TypeScriptField(FieldView):
    """See `FieldView`."""

    @property
    def row_type(self) -> str:
        """The type of the property of a row."""
        base = union(self.spec.values) if self.type == "enum" else _ROW[self.type]
        return f"{base} | null" if self.nullable else base

    @property
    def answer_type(self) -> str:
        """The type of the member of an answer: decimals become JSON numbers."""
        return self.row_type.replace("Decimal", "number")

    @property
    def column_type(self) -> str:
        """The column type in the migration."""
        match self.type:
            case "string":
                return f"types.text({self.length})"
            case "text":
                return "types.text()"
            case "enum":
                return f"types.text({max(len(value) for value in self.spec.values)})"
            case "time":
                return "types.text(5)"
            case "decimal":
                return f"types.decimal({self.places})"
        return f"types.{_COLUMNS[self.type]}"

    @property
    def placeholder(self) -> str:
        """What stands in a new row until its default is computed."""
        if self.nullable:
            return "null"
        if self.type == "enum":
            return literal(self.spec.values[0])
        return {"integer": "0", "number": "0", "reference": "0", "decimal": "new Decimal(0)", "boolean": "false"}.get(
            self.type, '""'
        )

    @property
    def stored_default(self) -> str:
        """The text of a computed default."""
        return self.default_from or "null"

    @property
    def list_name(self) -> str:
        """The local variable with the lists of all rows, by id."""
        return lower_camel(f"{self.names.column}_by_id")

    def local_list(self, row: str) -> str:
        """The local variable that holds a list to be stored for a row."""
        return lower_camel(f"{row}_{self.names.column}_now")

    def output(self, text: str) -> str:
        """A stored or derived value as it stands in an answer."""
        if self.type == "decimal":
            return (
                f"rounded({text}, {self.places})"
                if self.derived
                else f"{text}{'?' if self.nullable else ''}.toNumber(){' ?? null' if self.nullable else ''}"
            )
        if not self.derived:
            return text
        reader = {"boolean": "Boolean", "integer": "Number", "number": "Number"}.get(self.type)
        if reader is None:
            return text
        return f"{text} === null ? null : {reader}({text})" if self.nullable else f"{reader}({text})"

    @property
    def given(self) -> str:
        """How the value is read from a request body, null excluded."""
        if self.type == "enum":
            return f"wire.choice({literal(list(self.spec.values))})"
        bounds = self._bounds()
        options = ", ".join(f"{name}: {text}" for name, text in bounds.items())
        return f"wire.{_READER[self.type]}({{ {options} }})" if options else f"wire.{_READER[self.type]}()"

    @property
    def query(self) -> str:
        """How a query parameter that is compared with the field is read."""
        if self.type == "enum":
            return f"wire.choice({literal(list(self.spec.values))})"
        return f"wire.{_QUERY.get(self.type, 'text')}()"

    @property
    def in_create(self) -> str:
        """The member of a body that makes a row, or of an action's input."""
        if not self.omittable:
            return self.given
        if self.type in ("strings", "references"):
            return (
                f"{self.given}.nullable().default([]).transform((items) => items ?? [])"
                if self.null_allowed
                else f"{self.given}.optional()"
            )
        if self.default is not None:
            return f"{self.given}{'.nullable()' if self.null_allowed else ''}.default({self.default})"
        if self.default_from is not None:
            return f"{self.given}{'.nullable()' if self.null_allowed else ''}.optional()"
        return f"{self.given}.nullable().default(null)"

    @property
    def in_update(self) -> str:
        """The member of a body that changes a row."""
        if self.type in ("strings", "references") and self.null_allowed:
            return f"{self.given}.nullable().transform((items) => items ?? []).optional()"
        return f"{self.given}{'.nullable()' if self.null_allowed else ''}.optional()"

    @property
    def in_query(self) -> str:
        """The query parameter of an input."""
        if not self.omittable:
            return self.query
        if self.default is not None:
            return f"{self.query}.default({self.default})"
        return f"{self.query}.optional()" if self.default_from is not None else f"{self.query}.nullable().default(null)"

    def _bounds(self) -> dict[str, str]:
        spec, found = self.spec, {}
        match self.type:
            case "string" | "text":
                found = self._text_bounds()
            case "integer" | "number" | "decimal":
                if self.type == "decimal":
                    found["places"] = str(self.places)
                if spec.min is not None:
                    found["above" if spec.exclusive_min else "min"] = repr(spec.min)
                if spec.max is not None:
                    found["below" if spec.exclusive_max else "max"] = repr(spec.max)
                if spec.step is not None:
                    found["step"] = repr(spec.step)
            case "strings" | "references":
                found = {n: str(v) for n, v in (("min", spec.min_items), ("max", spec.max_items)) if v is not None}
        return found

    def _text_bounds(self) -> dict[str, str]:
        found = {"min": str(self.least_length)} if self.least_length else {}
        found["max"] = str(self.length)
        if self.not_blank:
            found["notBlank"] = "true"
        patterns = [p for p in (self.spec.pattern, FORMATS[self.spec.format] if self.spec.format else None) if p]
        if patterns:
            found["patterns"] = literal(patterns)
        if self.lower:
            found["lower"] = "true"
        return found


_COLUMNS = {
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "instant",
    "reference": "reference",
}


def union(values: tuple[str, ...]) -> str:
    """A union of string literals."""
    return " | ".join(literal(value) for value in values)
