"""Applications of several stacks side by side: where do they answer the same requests differently?"""

import asyncio
import hashlib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from quantumlayer.conformance.blueprint.judging import judging_digest
from quantumlayer.conformance.blueprint.place import Place, Subject
from quantumlayer.conformance.blueprint.suite import content_of
from quantumlayer.conformance.blueprint.transcript import Heard, Transcript, recorded
from quantumlayer.errors import QuantumLayerError
from quantumlayer.evidence.application import DatabaseKind, unpacked
from quantumlayer.evidence.live_application import live
from quantumlayer.spec.values import Spec

ABSENT = "(absent)"
_INDEX = re.compile(r"\[\d+\]")


class NotBuilt(QuantumLayerError):
    """An application that is to be compared does not install or build."""


@dataclass(frozen=True)
class Difference:
    """The same request of the check `about`, answered differently by two `stacks`; `where` in the answer it is."""

    about: str
    request: str
    where: str
    one: Any
    other: Any
    stacks: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Kind:
    """Differences of the same sort: the first, and how many there are."""

    first: Difference
    count: int


@dataclass(frozen=True)
class Comparison:
    """Every stack held against the first. `answers` by stack, `kinds` of differences in the order in which they were met."""

    answers: Mapping[str, int]
    kinds: tuple[Kind, ...]

    @property
    def count(self) -> int:
        """All differences."""
        return sum(kind.count for kind in self.kinds)

    @property
    def same(self) -> bool:
        """No answer differs."""
        return not self.kinds


@dataclass(frozen=True)
class Session:
    """A comparison of one specification: which random requests, how many of them, on which database."""

    spec: Spec
    seed: int = 0
    operations: int = 400
    database: DatabaseKind = "sqlite"

    async def transcript(self, place: Place, fresh: bool = False) -> Transcript:
        """What the application of that stack answers; what is known of the same application is not asked again.

        Raises `NotBuilt`, `NotServing`, and `EnvironmentError_` where this machine cannot.
        """
        plan = place.planned(self.spec)
        subject = Subject(self.spec, plan, place.rendered(self.spec, plan))
        memory = self._memory(place, subject)
        if not fresh and (known := await asyncio.to_thread(_known, memory)) is not None:
            return known
        blueprint = place.blueprint.value
        async with unpacked(subject.parts["source"], blueprint, place.language, place.sandbox, place.home) as application:
            for step in (await application.install(), *await application.build()):
                if step.status != "passed":
                    raise NotBuilt(f"{blueprint.id}: {step.title}: {step.message}", stack=blueprint.id)
            async with live(application, self.spec, self.database) as app:
                found = await recorded(app, self.spec, plan, self.seed, self.operations)
        await asyncio.to_thread(_keep, memory, found)
        return found

    def _memory(self, place: Place, subject: Subject) -> Path:
        blueprint = place.blueprint.value
        parts = [judging_digest(), blueprint.commands.model_dump_json(), content_of(subject)]
        parts += [str(self.seed), str(self.operations), self.database]
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return place.home / "compare" / f"{blueprint.id.replace('/', '-')}-{key[:32]}.json"


async def compared(
    session: Session, places: Sequence[Place], fresh: bool = False, progress: Callable[[str], None] = lambda text: None
) -> Comparison:
    """All stacks against the first. What was asked of one stack is kept, so that a call that was ended goes on with the next.

    Raises what `Session.transcript` raises.
    """
    transcripts: dict[str, Transcript] = {}
    for place in places:
        progress(f"{place.blueprint.value.id} …")
        transcripts[place.blueprint.value.id] = await session.transcript(place, fresh)
    (name, first), *others = transcripts.items()
    found = [replace(d, stacks=(name, its)) for its, other in others for d in differences(first, other)]
    kinds: dict[tuple, list[Difference]] = {}
    for one in found:
        kinds.setdefault((one.stacks, _INDEX.sub("[]", one.where), str(one.one), str(one.other)), []).append(one)
    answers = {stack: len(transcript.heard) for stack, transcript in transcripts.items()}
    return Comparison(answers, tuple(Kind(group[0], len(group)) for group in kinds.values()))


def differences(one: Transcript, other: Transcript) -> Iterator[Difference]:
    """Where the two differ, check by check. After the first request that differs from the model, or one sent several times at
    once, the rest of its check is left out: what rows there are then is no longer the same."""
    for about, first, second in _by_check(one, other):
        for mine, theirs in itertools.zip_longest(first, second):
            if mine is None or theirs is None or mine.request != theirs.request:
                yield Difference(about, mine.request if mine else ABSENT, "request", *_requests(mine, theirs))
                break
            yield from (Difference(about, mine.request, *found) for found in _answers(mine, theirs))
            if mine.off or theirs.off or mine.raced:
                break
    for name in dict.fromkeys((*one.checks, *other.checks)):
        status, message = one.checks.get(name, (ABSENT, ""))
        its, its_message = other.checks.get(name, (ABSENT, ""))
        if status != its:
            yield Difference(name, "(the judge's check)", "check", f"{status} {message}".strip(), f"{its} {its_message}")


def _by_check(one: Transcript, other: Transcript) -> Iterator[tuple[str, list[Heard], list[Heard]]]:
    groups: dict[str, tuple[list[Heard], list[Heard]]] = {}
    for side, transcript in enumerate((one, other)):
        for heard in transcript.heard:
            groups.setdefault(heard.about, ([], []))[side].append(heard)
    return ((about, *pair) for about, pair in groups.items())


def _requests(one: Heard | None, other: Heard | None) -> tuple[str, str]:
    return (one.request if one else ABSENT, other.request if other else ABSENT)


def _answers(one: Heard, other: Heard) -> Iterator[tuple[str, Any, Any]]:
    if one.status != other.status:
        yield "status", one.status, other.status
        return
    for name in sorted({*one.headers, *other.headers}):
        mine, theirs = one.headers.get(name, ABSENT), other.headers.get(name, ABSENT)
        if mine != theirs:
            yield f"header {name}", mine, theirs
    yield from _values("body", one.body, other.body)


def _values(where: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*one, *other)):
            yield from _values(f"{where}.{key}", one.get(key, ABSENT), other.get(key, ABSENT))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _values(f"{where}[{index}]", mine, theirs)
    elif not _same(one, other):
        yield where, one, other


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other


def _known(memory: Path) -> Transcript | None:
    try:
        return Transcript.load(memory.read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError, json.JSONDecodeError):
        return None


def _keep(memory: Path, found: Transcript) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    part = memory.with_suffix(".part")
    part.write_text(found.dump(), "utf-8")
    part.replace(memory)
