"""Where stacks are tried on this machine."""

from pathlib import Path

from quantumlayer.blueprint.load import Blueprints
from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.sandboxes import open_sandbox
from quantumlayer.catalog.stacks import required_toolchain
from quantumlayer.conformance.blueprint.place import Place


def place_of(known: Blueprints, stack: str, home: Path) -> Place:
    """Everything that trying a stack needs; `home` keeps what is installed.

    Raises `UserError` where there is no such stack, `EnvironmentError_` where its toolchain is missing or too old.
    """
    loaded = known.get(stack)
    scanners = family("scanners")
    found = tuple(scanners.load(name)() for name in scanners.names)
    return Place(loaded, required_toolchain(loaded.value), open_sandbox(), home, found)
