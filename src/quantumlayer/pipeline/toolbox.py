"""Everything the activities work with, put together once by the composition root."""

from collections.abc import Mapping
from dataclasses import dataclass

from quantumlayer.blueprint.load import Blueprints
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.registry import Registry
from quantumlayer.ports.language import Language
from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Scanner
from quantumlayer.ports.store import Blobs
from quantumlayer.stores.home import Home
from quantumlayer.stores.metadata import Metadata


@dataclass(frozen=True)
class Toolbox:
    """Adapters and stores. `languages` by name."""

    home: Home
    blobs: Blobs
    metadata: Metadata
    previews: Registry
    preview_home: PreviewHome
    sandbox: Sandbox
    languages: Mapping[str, Language]
    scanners: tuple[Scanner, ...]
    blueprints: Blueprints
