"""One field of a spec as templates need it, whatever the language: names, bounds, how it is defaulted. Languages add types."""

import re
from dataclasses import dataclass

from quantumlayer.blueprint.view.names import EntityNames, FieldNames
from quantumlayer.spec.values import Field

STRING_LENGTH, TEXT_LENGTH, PLACES = 255, 10_000, 2


@dataclass(frozen=True)
class FieldView:
    """A declared field, an input, or the state field. `target` is what a reference leads to.

    `default` is the text of a default that is a constant; `default_from` the text of one that is computed, in which case a
    request may omit the field. `value` is the query text of a derived field; `item_class` what holds the items of a list;
    `local` the variable of an input; `target_where` the text of the condition under which the caller sees a target;
    `lower` says that an identifier is compared, and so kept, in lower case; `refers` is what names the rows that a reference
    leads to, None for numbers of the application's own.
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
    refers: Field | None = None

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
    def by_text(self) -> bool:
        """Whether it names rows by texts."""
        return self.refers is not None and self.refers.type == "string"

    @property
    def nullable(self) -> bool:
        """Whether it may be null; lists never are."""
        return not self.spec.required and self.type not in ("strings", "references")

    @property
    def places(self) -> int:
        """Decimal places."""
        return PLACES if self.spec.places is None else self.spec.places

    @property
    def length(self) -> int:
        """The longest text, in characters."""
        return self.spec.max_length or (TEXT_LENGTH if self.type == "text" else STRING_LENGTH)

    @property
    def least_length(self) -> int:
        """The shortest text, in characters."""
        return self.spec.min_length if self.spec.min_length is not None else int(self.spec.required)

    @property
    def not_blank(self) -> bool:
        """Whether a text of nothing but white space is refused."""
        return self.type in ("string", "text") and self.spec.required and self.spec.min_length != 0

    @property
    def omittable(self) -> bool:
        """Whether a create request may leave it out."""
        return not self.spec.required or self.spec.default is not None

    @property
    def null_allowed(self) -> bool:
        """Whether a request may send null; for a list it means none."""
        return not self.spec.required
