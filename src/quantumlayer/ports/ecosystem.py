"""Port: the packages of a language: its lock files, its registry, its licences. Part of the language's adapter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from quantumlayer.ports.sandbox import Sandbox
from quantumlayer.ports.scanner import Finding


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

    def purl(self, pin: Pin) -> str:
        """The package URL."""
        ...
