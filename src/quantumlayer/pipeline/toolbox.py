"""Everything the activities work with, put together once by the composition root."""

from collections.abc import Mapping
from dataclasses import dataclass

from quantumlayer.blueprint.load import Stacks
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.registry import Registry
from quantumlayer.errors import EnvironmentError_
from quantumlayer.pipeline.models import Models
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
    blueprints: Stacks
    models: Models

    def language(self, stack: str) -> Language:
        """The adapter of the stack's language. Raises `UserError` for an unknown stack, `EnvironmentError_` without adapter."""
        name = self.blueprints.get(stack).value.language
        if name not in self.languages:
            raise EnvironmentError_(f"there is no language adapter {name!r}", hint="install the package that brings it")
        return self.languages[name]
