"""What a request asks of a stack beyond what every stack gives, known before anything runs."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from quantumlayer.errors import UserError
from quantumlayer.spec.values import Spec


@dataclass(frozen=True)
class Need:
    """A capability that a blueprint must provide. `lack` continues "the stack …", `instead` says how to do without it."""

    capability: str
    lack: str
    instead: str


SURFACE = Need(
    "surface",
    "cannot give an application the paths and shapes of an imported API description",
    "describe the application without the file",
)
SORTED = Need("surface", "does not keep lists of texts sorted", "leave the order to whoever sends the list")
UNITS = Need("units", "cannot carry functions that a model writes", "describe the application without them")
IDS = Need("ids", "names rows by numbers of its own, not by the keys that are declared", "leave the keys of rows out")
PASSWORDS = Need("passwords", "does not let accounts change their password", "let passwords stay as they were registered")
_WANTED: Mapping[Need, Callable[[Spec], bool]] = {
    SORTED: lambda spec: any(field.sorted for entity in spec.entities.values() for field in entity.fields.values()),
    SURFACE: lambda spec: spec.surface is not None,
    UNITS: lambda spec: bool(spec.units),
    PASSWORDS: lambda spec: any(o.password for entity in spec.entities.values() for o in entity.operations.values()),
    IDS: lambda spec: any(entity.id for entity in spec.entities.values()),
}


def needs(spec: Spec) -> Iterator[Need]:
    """Those of a spec."""
    return (need for need, wanted in _WANTED.items() if wanted(spec))


def require(
    stack: str,
    provides: Collection[str],
    wanted: Iterable[Need],
    able: Callable[[str], Iterable[str]] = lambda capability: (),
) -> None:
    """Raises `UserError` for the first that is not provided; `able` names the stacks that have a capability."""
    for need in wanted:
        if need.capability not in provides:
            others = ", ".join(able(need.capability)) or "one that provides it"
            raise UserError(f"the stack {stack} {need.lack}", hint=f"choose another stack ({others}), or {need.instead}")
