"""Packages that a model chose: resolved and checked before anything of them is installed, and refused where in doubt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from quantumlayer.errors import EnvironmentError_
from quantumlayer.evidence.advisories import FOLDER, VARIABLE, Advisories
from quantumlayer.evidence.dependencies import MINIMUM_AGE, check_pins
from quantumlayer.ports.ecosystem import Pin, RegistryUnreachable, Unresolved
from quantumlayer.ports.language import Language
from quantumlayer.ports.sandbox import Sandbox

SHOWN = 5


@dataclass(frozen=True)
class Resolved:
    """What came of a list of packages: manifest and lock files by path, or why it is refused, for whoever wrote it."""

    files: Mapping[str, bytes]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Packages:
    """How packages are chosen for one language.

    `reviewed` are the pins of its blueprints, which were chosen by people: these versions with these hashes are taken as they
    are. `base` are files whose versions are preferred and whose manifest the wishes are added to; `cache` remembers what the
    registry said.
    """

    language: Language
    sandbox: Sandbox
    reviewed: Sequence[Pin]
    base: Mapping[str, bytes]
    cache: Path
    advisories: Advisories | None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def known(self) -> tuple[str, ...]:
        """The names of what was reviewed and runs with an application, sorted."""
        return tuple(sorted({pin.name for pin in self.reviewed if not pin.development}))

    async def resolve(self, content: bytes) -> Resolved:
        """The lock of a list of packages with all that they need; each exists, is old enough and has no known advisory.

        Raises `EnvironmentError_` where a package that nobody reviewed cannot be checked.
        """
        ecosystem, now = self.language.ecosystem, self.now()
        wishes, findings = ecosystem.read_wishes(content)
        if findings:
            return Resolved({}, tuple(f"line {f.line}: {f.message}" for f in findings[:SHOWN]))
        try:
            files = await ecosystem.resolve(wishes, self.base, now - MINIMUM_AGE, self.sandbox)
        except Unresolved as error:
            return Resolved({}, (f"these packages cannot be had together: {error}",))
        except RegistryUnreachable as error:
            raise EnvironmentError_(
                f"the registry could not be asked: {error}", hint="check the network, then try again"
            ) from error
        locks = self.language.conventions.lock_files
        pins, wrong = ecosystem.read_lock({path: text for path, text in files.items() if path in locks})
        problems = [f.message for f in wrong] + await self._doubts(pins, now)
        return Resolved({} if problems else files, tuple(problems[:SHOWN]))

    async def _doubts(self, pins: Sequence[Pin], now: datetime) -> list[str]:
        """What speaks against pins that nobody reviewed; the mildest finding is enough."""
        known = {pin.key: set(pin.hashes) for pin in self.reviewed}
        new = [pin for pin in pins if not set(pin.hashes) <= known.get(pin.key, set())]
        if not new:
            return []
        scans = await check_pins(
            new, self.language.ecosystem, self.sandbox, cache=self.cache, advisories=self.advisories, now=now
        )
        for scan in scans:
            if scan.status != "ran":
                raise EnvironmentError_(
                    f"{new[0].name} {new[0].version}, which a model chose, is not installed unchecked: {scan.reason}",
                    hint=f"set {VARIABLE} to a folder with OSV's dumps or to the address of its API (or put the dumps into"
                    f" {FOLDER} of QL_HOME), or choose a stack with a blueprint",
                )
        return [finding.message for scan in scans for finding in scan.findings]
