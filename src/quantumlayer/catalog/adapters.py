"""Loads adapters by name from entry points. Built-ins are registered exactly as a stranger's would be."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from quantumlayer.errors import EnvironmentError_, UserError

PREFIX = "quantumlayer."


@dataclass(frozen=True)
class Family:
    """All adapters of one port, by name; nothing is imported before it is asked for."""

    port: str
    points: dict[str, EntryPoint]

    @property
    def names(self) -> tuple[str, ...]:
        """Sorted."""
        return tuple(sorted(self.points))

    def load(self, name: str) -> Any:
        """What the entry point names. Raises `UserError` for an unknown name, `EnvironmentError_` when importing fails."""
        if name not in self.points:
            known = ", ".join(self.names) or "none"
            raise UserError(f"there is no {self.port} adapter {name!r}", hint=f"registered are: {known}")
        point = self.points[name]
        try:
            return point.load()
        except Exception as error:
            raise EnvironmentError_(
                f"the {self.port} adapter {name!r} ({point.value}) cannot be loaded: {type(error).__name__}: {error}",
                hint=f"reinstall or remove the package {_package(point)}",
            ) from error


def family(port: str) -> Family:
    """The adapters of the entry point group `quantumlayer.PORT`. Two of one name are an `EnvironmentError_`."""
    return family_of(port, tuple(entry_points(group=PREFIX + port)))


def family_of(port: str, points: tuple[EntryPoint, ...]) -> Family:
    """The same for given entry points."""
    by_name: dict[str, EntryPoint] = {}
    for point in points:
        other = by_name.setdefault(point.name, point)
        if other.value != point.value:
            raise EnvironmentError_(
                f"two {port} adapters are called {point.name!r}:"
                f" {other.value} ({_package(other)}), {point.value} ({_package(point)})",
                hint="uninstall one of the two packages",
            )
    return Family(port, by_name)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"
