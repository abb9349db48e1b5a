"""Planted faults: a blueprint's own mistakes on purpose, each of which the judge must catch.

`faults/NAME.patch` is a unified diff of the rendered sources, below header lines `title: …` and `spec: NAME`, which names the
reference spec that it is tried on: `faults/specs/NAME.yaml`, or the one of that name that comes with the suite. A line
`database: postgresql` is for what does not show on SQLite.
"""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from quantumlayer.blueprint.load import LoadedBlueprint
from quantumlayer.conformance.blueprint.trial import DATABASES, judged
from quantumlayer.conformance.blueprint.workbench import Workbench
from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.evidence.application import DatabaseKind
from quantumlayer.evidence.judge import Budget
from quantumlayer.files.patch import patched

BUDGET = Budget(operations=1500, random=20.0, shrink=10.0, failures=1)
JUDGED = ("acceptance", "random", "concurrency", "time", "contract", "security", "performance")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Fault:
    """One planted mistake. `spec` names the reference spec, `patch` is the diff, `database` where the mistake shows."""

    name: str
    title: str
    spec: str
    patch: str
    database: DatabaseKind = "sqlite"


@dataclass(frozen=True)
class FaultResult:
    """What became of a fault. `caught` is None for the unchanged application, whose `by` must then be empty.

    `by` names the checks that failed, `summary` is the first one's message, `counterexample` its steps.
    """

    name: str
    title: str
    spec: str
    caught: bool | None
    by: tuple[str, ...] = ()
    summary: str = ""
    counterexample: str = ""
    seconds: float = 0.0

    @property
    def right(self) -> bool:
        """A fault was caught, or the unchanged application passed."""
        return not self.by if self.caught is None else self.caught


def faults_of(blueprint: LoadedBlueprint) -> tuple[Fault, ...]:
    """The planted faults of a blueprint, by name. Raises `UserError` for one without title or spec."""
    return tuple(_fault(path) for path in blueprint.below("faults").values() if path.suffix == ".patch")


def _fault(path: Path) -> Fault:
    head, mark, rest = path.read_text(encoding="utf-8").partition("--- ")
    parts = (line.lstrip("# ").partition(":") for line in head.splitlines())
    header = {key.strip().lower(): value.strip() for key, colon, value in parts if colon}
    if not mark or "title" not in header or "spec" not in header:
        raise UserError(f"{path}: a fault begins with title: and spec:, then a unified diff", path=str(path))
    database = header.get("database", "sqlite")
    if database not in DATABASES:
        raise UserError(f"{path}: there is no database {database!r}", hint=f"one of {', '.join(DATABASES)}", path=str(path))
    return Fault(path.stem, header["title"], header["spec"], mark + rest, database)


@dataclass(frozen=True)
class FaultTrial:
    """Tries the faults of one blueprint."""

    bench: Workbench

    def chosen(self, only: tuple[str, ...] = ()) -> tuple[Fault, ...]:
        """Those of the names, all where none is given. Raises `UserError` where there is none."""
        known = faults_of(self.bench.place.blueprint)
        found = tuple(f for f in known if not only or f.name in only)
        if not found:
            names = ", ".join(f.name for f in known) or "none"
            raise UserError(f"no such fault in {self.bench.place.blueprint.value.id}", hint=f"there are: {names}")
        return found

    async def try_all(self, only: tuple[str, ...] = (), progress: Progress = lambda text: None) -> AsyncIterator[FaultResult]:
        """Each reference spec as it is rendered, which must pass, then its faults. As soon as it is known."""
        faults = self.chosen(only)
        for name in sorted({f.spec for f in faults}):
            for fault in (Fault("", f"{name} without a fault", name, ""), *(f for f in faults if f.spec == name)):
                progress(fault.title)
                yield await self.try_one(fault)

    async def try_one(self, fault: Fault) -> FaultResult:
        """Raises `PatchError` where the patch does not fit, `EnvironmentError_` where it cannot be tried on this machine.

        A fault that is found before anything serves is none.
        """
        began = time.perf_counter()
        tree = (await self.bench.subject(fault.spec)).project
        changed = patched(tree, fault.patch) if fault.patch else tree
        checks = [check async for check in judged(self.bench, fault.spec, fault.database, changed, BUDGET)]
        if reason := next((check.message for check in checks if check.id == "start" and check.status == "not_run"), ""):
            raise EnvironmentError_(reason)
        failed = [check for check in checks if check.status in ("failed", "errored")]
        dead = bool(failed) and not any(check.level in JUDGED for check in checks if check.id != "start")
        return FaultResult(
            name=fault.name,
            title=fault.title,
            spec=fault.spec,
            caught=bool(failed) and not dead if fault.patch else None,
            by=tuple(check.id for check in failed),
            summary=("it does not build or start: " if dead else "") + failed[0].message if failed else "",
            counterexample=failed[0].counterexample if failed else "",
            seconds=time.perf_counter() - began,
        )
