"""One field as Go templates need it: types of structs, readers of requests, column types."""

import math
from dataclasses import dataclass

from quantumlayer.blueprint.view.fields import FieldView
from quantumlayer.languages.go.text import literal, pattern
from quantumlayer.spec.formats import FORMATS

_TYPES = {
    "string": "string", "text": "string", "integer": "int64", "number": "float64", "decimal": "decimal.Decimal",
    "boolean": "bool", "date": "value.Date", "time": "string", "datetime": "value.Instant", "enum": "string",
    "strings": "[]string", "reference": "int64", "references": "[]int64",
}  # fmt: skip
_READERS = {
    "string": "Text", "text": "Text", "integer": "Integer", "number": "Number", "decimal": "Decimal", "boolean": "Boolean",
    "date": "Date", "time": "Text", "datetime": "Instant", "enum": "Text", "strings": "Texts", "reference": "Key",
    "references": "Keys",
}  # fmt: skip
_COLUMNS = {
    "integer": ("INTEGER", "bigint"), "number": ("REAL", "double precision"), "boolean": ("INTEGER", "boolean"),
    "date": ("TEXT", "date"), "datetime": ("TEXT", "timestamptz"), "reference": ("INTEGER", "bigint"),
}  # fmt: skip
WHOLE_DIGITS = 12


@dataclass(frozen=True)
class GoField(FieldView):
    """See `FieldView`."""

    @property
    def base(self) -> str:
        """The type of the value where it is there."""
        return _TYPES[self.type]

    @property
    def many(self) -> bool:
        """Whether it is a list."""
        return self.type in ("strings", "references")

    @property
    def go(self) -> str:
        """The type in a struct: a pointer where the value may be null."""
        return f"*{self.base}" if self.nullable else self.base

    @property
    def changes(self) -> str:
        """The type in the body of an update, or where a default is computed."""
        return f"value.Change[{self.go}]"

    @property
    def reader(self) -> str:
        """The call that reads it from a request, constraints included."""
        rules = [self._quoted_wire(), *self._rules()]
        return f"in.{_READERS[self.type]}({', '.join(rules)})"

    @property
    def query_reader(self) -> str:
        """The call that reads it from a query, held to its type alone, the name as @."""
        return query_reader(self.type, self.spec.values)

    @property
    def reads(self) -> str:
        """How a create request's value is taken from its reader."""
        if self.many:
            return "Required()" if self.spec.required and self.spec.default is None else "OrNone()"
        if self.default_from is not None:
            return "NullableChange()" if self.nullable else "Change()"
        if self.default is not None:
            return f"OptionalOr({self.default})" if self.nullable else f"Or({self.default})"
        return "Optional()" if self.nullable else "Required()"

    @property
    def reads_change(self) -> str:
        """How an update's value is taken from its reader."""
        if self.many:
            return "ListChange()" if self.null_allowed else "Change()"
        return "NullableChange()" if self.nullable else "Change()"

    def kept(self, text: str) -> str:
        """What is stored of a value that was sent: identifiers are compared in lower case."""
        return f"strings.ToLower({text})" if self.lower else text

    def stored_default(self, row: str = "", self_name: str = "") -> str:
        """The default's text where the row is held by the variable `row`; a pointer where the column may be null."""
        if self.default is not None:
            return f"new({self.default})" if self.nullable else self.default
        return self.default_for(row, self_name)

    def column(self, database: str) -> str:
        """The column type on `sqlite` or `postgresql`."""
        if self.type == "decimal":
            return "REAL" if database == "sqlite" else f"numeric({WHOLE_DIGITS + self.places}, {self.places})"
        found = _COLUMNS.get(self.type, ("TEXT", 'text COLLATE "C"'))
        return found[database == "postgresql"]

    def _quoted_wire(self) -> str:
        return literal(self.names.wire)

    def _rules(self) -> list[str]:
        spec = self.spec
        match self.type:
            case "string" | "text":
                patterns = [spec.pattern, FORMATS[spec.format] if spec.format else None]
                return [
                    f"wire.Length({self.least_length}, {self.length})",
                    *(["wire.NotBlank"] if self.not_blank else []),
                    *(f"wire.Match({pattern(p)})" for p in patterns if p),
                ]
            case "enum":
                return [f"wire.OneOf({', '.join(literal(v) for v in spec.values)})"]
            case "time":
                return ["wire.TimeOfDay"]
            case "integer" | "number":
                return self._bounds()
            case "decimal":
                return [f"wire.Places({self.places})", *self._bounds()]
            case "strings" | "references":
                bounds = (spec.min_items or 0, spec.max_items or 0)
                return [f"wire.Items[{self.base[2:]}]({bounds[0]}, {bounds[1]})"] if any(bounds) else []
        return []

    def _bounds(self) -> list[str]:
        spec, found = self.spec, []
        if spec.min is not None:
            found.append(self._bound("Above" if spec.exclusive_min else "AtLeast", spec.min))
        if spec.max is not None:
            found.append(self._bound("Below" if spec.exclusive_max else "AtMost", spec.max))
        if spec.step is not None:
            kind = {"integer": "Integer", "number": "Number"}.get(self.type, "Decimal")
            found.append(f'wire.{kind}Step("{spec.step!r}")')
        return found

    def _bound(self, word: str, bound: int | float) -> str:
        if self.type == "decimal":
            return f'wire.Decimal{word}("{bound!r}")'
        if self.type == "integer":
            if not float(bound).is_integer():
                word = {"Above": "AtLeast", "Below": "AtMost"}.get(word, word)
            bound = math.ceil(bound) if word in ("AtLeast", "Above") else math.floor(bound)
        return f"wire.{word}[{self.base}]({bound!r})"


def query_reader(type_: str, values: tuple[str, ...]) -> str:
    """The call that reads a query parameter, the name as @."""
    if type_ == "enum":
        return f"in.Text(@, wire.OneOf({', '.join(literal(v) for v in values)}))"
    if type_ == "time":
        return "in.Text(@, wire.TimeOfDay)"
    reader = {"strings": "Text", "references": "Key"}.get(type_, _READERS[type_])
    return f"in.{reader}(@)"


def query_base(type_: str) -> str:
    """The type of a query parameter that is compared with a field."""
    return _TYPES[type_].removeprefix("[]")
