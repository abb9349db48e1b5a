"""Port: the packages of a language: its lock files, its registry, its licences. Part of the language's adapter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding

# Where a model names the packages that it wants, see `Ecosystem.read_wishes`.
WISHES = "packages.txt"


@dataclass(frozen=True)
class Pin:
    """One locked package, at `line` of the lock file `path`.

    `hashes` are digests of what may be installed, any of which suffices: `sha256:` or `sha512:` and hex digits for a file's, or
    the ecosystem's own form (`h1:…` of Go). `development` says that the application runs without it.
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    path: str
    line: int
    development: bool = False

    @property
    def key(self) -> str:
        """`name@version`, under which releases and licences are told."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Release:
    """What the registry says of a version: when it first was there, None where it does not tell, and digests as in `Pin`."""

    uploaded: datetime | None
    hashes: tuple[str, ...]


class RegistryUnreachable(Exception):
    """Nobody could be asked; the text says why."""


class NotInRegistry(Exception):
    """The registry lacks one of the pins."""

    def __init__(self, pin: Pin) -> None:
        super().__init__(f"the registry has no {pin.name} {pin.version}")
        self.pin = pin


class Unresolved(Exception):
    """No lock holds all that was wished for; the text says why, in the words of the ecosystem's client."""


@dataclass(frozen=True)
class Wish:
    """A package that somebody wants: its name as the ecosystem writes it, and a range of versions, "" for any."""

    name: str
    range: str
    line: int


class Ecosystem(Protocol):
    """Where the packages of a language come from. `name` is that of the OSV database (`PyPI`, `npm`, `Go`)."""

    name: str

    def read_lock(self, files: Mapping[str, bytes]) -> tuple[tuple[Pin, ...], tuple[Finding, ...]]:
        """The pins in lock files by path, and what a lock must not hold: addresses, open versions, missing hashes.

        Findings are of severity high, and never show an address. Any bytes are read without raising.
        """
        ...

    async def releases(self, pins: Sequence[Pin], sandbox: Sandbox) -> dict[str, Release]:
        """What the registry says of each pin, by its key. Asks with the ecosystem's own client, configured as on this host.

        Raises `NotInRegistry` for the first pin that is not there, `RegistryUnreachable` when there is no answer.
        """
        ...

    def licences(self, installed: Path) -> dict[str, str | None]:
        """The SPDX expression of every installed package, by key; None where it names none that can be understood.

        What is not installed is left out. Follows no symbolic links out of `installed`, executes nothing.
        """
        ...

    def order(self, version: str) -> Any:
        """A key that sorts versions as the ecosystem does. Raises `ValueError` for what is none."""
        ...

    def read_wishes(self, content: bytes) -> tuple[tuple[Wish, ...], tuple[Finding, ...]]:
        """The packages that a text names, one a line, `#` begins a comment: names with ranges of versions and nothing else.

        Whatever else a line may hold for the ecosystem's client (options, addresses, paths, aliases) is a finding of severity
        high. Any bytes are read without raising.
        """
        ...

    async def resolve(
        self, wishes: Sequence[Wish], base: Mapping[str, bytes], before: datetime, sandbox: Sandbox
    ) -> dict[str, bytes]:
        """Manifest and lock files by path: the wishes with all that they need, uploaded before that moment where the registry
        tells. `base` are lock files whose versions are preferred, and manifests to which the wishes are added. Nothing of a
        package is executed.

        Raises `Unresolved`, `RegistryUnreachable`.
        """
        ...

    def purl(self, pin: Pin) -> str:
        """The package URL."""
        ...
