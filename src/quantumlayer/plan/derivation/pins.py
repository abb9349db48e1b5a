"""What is fixed when a row is made: values, references, things done to it afterwards. Everything else is chosen freely."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Taken:
    """An action taken on a row, with parts of its input fixed."""

    name: str
    input: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pins:
    """`values` by field; `refs`: field → alias of a row to refer to; `nested`: field → pins of the row made for it;
    `after`: actions then taken on the row, None for the usual ones; `extra`: rows then made that refer to it, as
    (entity, field, pins); `input`: members of the action's input, or the changes of an update; `by` makes it.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    refs: Mapping[str, str] = field(default_factory=dict)
    nested: Mapping[str, "Pins"] = field(default_factory=dict)
    after: tuple[Taken, ...] | None = None
    extra: tuple[tuple[str, str, "Pins"], ...] = ()
    input: Mapping[str, Any] = field(default_factory=dict)
    by: str | None = None

    def with_value(self, name: str, value: Any) -> "Pins":
        """With one more field fixed."""
        return replace(self, values={**self.values, name: value})

    def with_input(self, name: str, value: Any) -> "Pins":
        """With one more input of the action fixed."""
        return replace(self, input={**self.input, name: value})

    def with_ref(self, name: str, alias: str) -> "Pins":
        """With a reference to an existing row."""
        nested = {k: v for k, v in self.nested.items() if k != name}
        return replace(self, refs={**self.refs, name: alias}, nested=nested)

    def with_nested(self, name: str, pins: "Pins") -> "Pins":
        """With the row behind a reference made in a certain way."""
        return replace(self, nested={**self.nested, name: pins})

    def then(self, action: Taken) -> "Pins":
        """With one more action taken on the row once it is there."""
        return replace(self, after=(*(self.after or ()), action))

    def with_extra(self, entity: str, name: str, pins: "Pins") -> "Pins":
        """With one more row that refers to this one."""
        return replace(self, extra=(*self.extra, (entity, name, pins)))

    def merged(self, over: "Pins") -> "Pins":
        """These, overruled by others."""
        nested = {**self.nested}
        for name, pins in over.nested.items():
            nested[name] = nested[name].merged(pins) if name in nested else pins
        nested = {k: v for k, v in nested.items() if k not in over.refs}
        return Pins(
            {**self.values, **over.values},
            {**self.refs, **over.refs},
            nested,
            self.after if over.after is None else over.after,
            self.extra + over.extra,
            {**self.input, **over.input},
            over.by or self.by,
        )

    @property
    def row(self) -> "Pins":
        """These without what concerns the input of an action on the row."""
        nested = {k: v for k, v in self.nested.items() if not k.startswith("input.")}
        refs = {k: v for k, v in self.refs.items() if not k.startswith("input.")}
        return Pins(self.values, refs, nested, self.after, self.extra, by=self.by)

    @property
    def size(self) -> int:
        """How much is fixed: smaller pins give simpler scenarios."""
        inner = sum(p.size for p in self.nested.values()) + sum(p.size for _, _, p in self.extra)
        return (
            len(self.values)
            + len(self.refs)
            + len(self.after or ())
            + len(self.extra)
            + len(self.input)
            + inner
            + bool(self.by)
        )


NONE = Pins()
