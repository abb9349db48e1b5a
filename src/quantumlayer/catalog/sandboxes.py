"""Which sandbox generated code runs in."""

from quantumlayer.catalog.adapters import family
from quantumlayer.ports.sandbox import Sandbox


def open_sandbox(name: str = "bubblewrap") -> Sandbox:
    """The sandbox of that name, not yet tried. Raises as `Family.load`."""
    return family("sandboxes").load(name)()
