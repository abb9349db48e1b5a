"""The suite that every blueprint must pass. What passed is written down, and not repeated while nothing changes."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from quantumlayer.conformance.blueprint.faults import Fault, FaultTrial, faults_of
from quantumlayer.conformance.blueprint.judging import judging_digest
from quantumlayer.conformance.blueprint.place import Place, Subject
from quantumlayer.conformance.blueprint.specs import reference_names
from quantumlayer.conformance.blueprint.trial import DATABASES, check, judged, own_checks, render_checks
from quantumlayer.conformance.blueprint.workbench import Workbench
from quantumlayer.errors import EnvironmentError_, QuantumLayerError, UserError
from quantumlayer.evidence.values import Check
from quantumlayer.plan.needs import needs

FEWEST_FAULTS = 12


@dataclass(frozen=True)
class Unit:
    """A part of the suite that is carried out and remembered as a whole: `todo/own`, `todo/sqlite`, `fault/wrong-status`."""

    name: str
    kind: str
    subject: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a unit ended. `remembered`: it passed before, and nothing has changed since."""

    unit: Unit
    checks: tuple[Check, ...]
    seconds: float = 0.0
    remembered: bool = False

    @property
    def status(self) -> str:
        """`passed`, `failed`, or `not_run` where nothing could be tried."""
        if any(c.status in ("failed", "errored") for c in self.checks):
            return "failed"
        return "passed" if any(c.status == "passed" for c in self.checks) else "not_run"


def units_of(place: Place, only: tuple[str, ...] = ()) -> tuple[Unit, ...]:
    """All units, those of one spec together; of them those whose name begins with one of `only`, or fits it (`*/sqlite`).

    A spec that needs what the stack does not provide has none. Raises `UserError` where nothing is left.
    """
    provided, faults = place.blueprint.value.provides, faults_of(place.blueprint)
    specs = [n for n in reference_names(place.blueprint) if all(need.capability in provided for need in needs(place.spec(n)))]
    found = [Unit("faults", "faults")]
    found += [Unit(f"{name}/render", "render", name) for name in specs]
    for name in specs:
        found += [Unit(f"{name}/{kind}", kind, name) for kind in ("own", *DATABASES)]
        found += [Unit(f"fault/{fault.name}", "fault", fault.name) for fault in faults if fault.spec == name]
    chosen = tuple(unit for unit in found if not only or any(fnmatchcase(unit.name, f"{start}*") for start in only))
    if not chosen:
        raise UserError(f"nothing is called {' or '.join(only)}", hint=f"there are {', '.join(u.name for u in found[:8])}, …")
    return chosen


@dataclass(frozen=True)
class Suite:
    """The suite for one blueprint. `memory` is the file of what passed."""

    bench: Workbench
    memory: Path
    known: dict[str, dict] = field(default_factory=dict)

    @classmethod
    def at(cls, bench: Workbench, fresh: bool = False) -> "Suite":
        """With its memory in QL_HOME; `fresh` forgets it."""
        place = bench.place
        memory = place.home / "conformance" / f"{place.blueprint.value.id.replace('/', '-')}.jsonl"
        if fresh:
            memory.unlink(missing_ok=True)
        return cls(bench, memory, _remembered(memory))

    async def outcomes(self, units: tuple[Unit, ...]) -> AsyncIterator[Outcome]:
        """Each as soon as it is known. Ended at any moment, it goes on with the next one."""
        for unit in units:
            key = await self._key(unit)
            if key in self.known:
                checks = tuple(Check.model_validate(c) for c in self.known[key]["checks"])
                yield Outcome(unit, checks, self.known[key]["seconds"], remembered=True)
                continue
            began = time.monotonic()
            outcome = Outcome(unit, await self._tried(unit), round(time.monotonic() - began, 2))
            if outcome.status == "passed":
                await asyncio.to_thread(self._remember, key, outcome)
            yield outcome

    async def passed(self, unit: Unit) -> bool:
        """Whether it is remembered to have passed, as everything is now."""
        return await self._key(unit) in self.known

    async def _tried(self, unit: Unit) -> tuple[Check, ...]:
        try:
            match unit.kind:
                case "faults":
                    count = len(faults_of(self.bench.place.blueprint))
                    few = [f"fewer than {FEWEST_FAULTS}"] if count < FEWEST_FAULTS else []
                    return (check("faults", f"{count} faults can be planted", "acceptance", few),)
                case "fault":
                    return (await self._fault(unit.subject),)
                case "render":
                    found = render_checks(self.bench, unit.subject)
                case "own":
                    found = own_checks(self.bench, unit.subject)
                case _:
                    found = judged(self.bench, unit.subject, "postgresql" if unit.kind == "postgresql" else "sqlite")
            return tuple([check async for check in found])
        except EnvironmentError_ as error:
            return (Check(id=unit.name, title=unit.name, level="build", status="not_run", message=error.message),)
        except QuantumLayerError as error:
            return (Check(id=unit.name, title=unit.name, level="build", status="errored", message=error.message),)

    async def _fault(self, name: str) -> Check:
        fault = self._named(name)
        result = await FaultTrial(self.bench).try_one(fault)
        missed = [] if result.caught else [result.summary or "no check failed"]
        return check(f"fault.{name}", f"caught: {fault.title}", "acceptance", missed, result.seconds)

    def _named(self, name: str) -> Fault:
        return next(fault for fault in faults_of(self.bench.place.blueprint) if fault.name == name)

    async def _key(self, unit: Unit) -> str:
        """All that the outcome depends on: what is rendered, how it is run, and the code that looks at it."""
        blueprint = self.bench.place.blueprint
        parts = [unit.name, await asyncio.to_thread(judging_digest), blueprint.value.commands.model_dump_json()]
        if unit.kind == "faults":
            parts.append(blueprint.digest)
        else:
            fault = self._named(unit.subject) if unit.kind == "fault" else None
            parts += [fault.patch, fault.database] if fault else []
            parts.append(content_of(await self.bench.subject(fault.spec if fault else unit.subject)))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _remember(self, key: str, outcome: Outcome) -> None:
        self.memory.parent.mkdir(parents=True, exist_ok=True)
        checks = [c.model_dump(mode="json", exclude_defaults=True) for c in outcome.checks]
        line = json.dumps({"key": key, "unit": outcome.unit.name, "seconds": outcome.seconds, "checks": checks})
        with self.memory.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def content_of(subject: Subject) -> str:
    """All that a reference spec becomes, in one line that changes with it."""
    spec = subject.spec.model_dump_json(by_alias=True, exclude_defaults=True)
    return " ".join([spec, *(part.digest() for part in subject.parts.values())])


def _remembered(memory: Path) -> dict[str, dict]:
    """By key; a line that was cut off by a kill counts for nothing."""
    found: dict[str, dict] = {}
    try:
        lines = memory.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return found
    for line in lines:
        try:
            entry = json.loads(line)
            found[entry["key"]] = {"checks": entry["checks"], "seconds": float(entry["seconds"])}
        except (ValueError, KeyError, TypeError):
            continue
    return found
