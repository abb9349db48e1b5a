"""From a recorded world to a scenario: replayed at several times of day, shortened, with expectations that hold at each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from quantumlayer.plan.derivation.world import START, Clock, World
from quantumlayer.plan.placeholders import ANY, Unsaved, mark, now, ref, today
from quantumlayer.plan.route_matching import route_of
from quantumlayer.plan.scenario import Account, Scenario, Step
from quantumlayer.plan.shapes import ID, OPAQUE, RANDOM, Shape, Shapes
from quantumlayer.spec.routes import ADMIN, Route
from quantumlayer.spec.values import Spec

ORIGINS = (
    (START, timedelta(milliseconds=25)),
    (datetime(2027, 2, 28, 23, 56, 30, tzinfo=UTC), timedelta(milliseconds=900)),
    (datetime(2026, 12, 31, 0, 0, 40, tzinfo=UTC), timedelta(milliseconds=5)),
)
_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
_DATE = re.compile(r"^\d{4}-\d\d-\d\d$")
_STAMPS = ("created_at", "updated_at")
SLACK = 4.0


@dataclass(frozen=True)
class Draft:
    """A scenario in the making. `shorten` where a search found it and some of its steps may not matter."""

    goal: str
    title: str
    world: World
    requirements: tuple[str, ...] = ()
    level: str = "acceptance"
    shorten: bool = False


class Finisher:
    """Makes scenarios of drafts."""

    def __init__(self, spec: Spec, shapes: Shapes, routes: Sequence[Route], clock: Clock) -> None:
        self._spec, self._shapes, self._routes, self._clock = spec, shapes, routes, clock
        self._fresh = {origin: World.new(spec, clock, *origin) for origin in ORIGINS}

    def scenario(self, draft: Draft, number: int) -> Scenario | None:
        """None where the outcome depends on the time of day at which it is played."""
        steps = list(draft.world.steps)
        wanted = draft.world.answers[-1].cause
        accounts = self._used(draft.world, steps)
        if self._replay(steps, accounts, 0) is None:
            accounts = list(draft.world.accounts.values())
        if draft.shorten:
            steps = self._shortened(steps, accounts, wanted)
            accounts = [a for a in accounts if a in self._used(draft.world, steps)]
        worlds = [self._replay(steps, accounts, index) for index in range(len(ORIGINS))]
        good = [w for w in worlds if w is not None]
        if len(good) < len(worlds):
            return None
        expected = tuple(self._expecting(step, index, good) for index, step in enumerate(good[0].steps))
        identity = f"S{number:03}"
        return Scenario(
            id=identity,
            title=draft.title,
            goal=draft.goal,
            entity=self._entity(expected[-1].path),
            level=draft.level,  # type: ignore[arg-type]
            requirements=draft.requirements,
            accounts=tuple(accounts),
            steps=expected,
        )

    def _entity(self, path: str) -> str | None:
        collection = path.split("/")[1]
        return next((r.entity for r in self._routes if r.path.split("/")[1] == collection), None)

    def _used(self, world: World, steps: Sequence[Step]) -> list[Account]:
        text = " ".join(step.model_dump_json() for step in steps)
        words = set(_WORD.findall(text))
        used = [a for a in world.accounts.values() if a.alias in words]
        if any(a.roles for a in used):
            used = [a for a in world.accounts.values() if a in used or a.alias == ADMIN]
        return used

    def _replay(self, steps: Sequence[Step], accounts: Sequence[Account], origin: int) -> World | None:
        """The same conversation elsewhere in time, None where a status differs."""
        world = self._fresh[ORIGINS[origin]].fork()
        try:
            for account in accounts:
                if account.alias not in world.accounts and world.open(account).status >= 400:
                    return None
            for step in steps:
                before = (step.status, step.statuses)
                world.call(step)
                if (world.steps[-1].status, world.steps[-1].statuses) != before:
                    return None
        except (Unsaved, KeyError):
            return None
        return world

    def _shortened(self, steps: list[Step], accounts: Sequence[Account], cause: str) -> list[Step]:
        index = len(steps) - 2
        while index >= 0:
            fewer = steps[:index] + steps[index + 1 :]
            world = self._replay(fewer, accounts, 0)
            if world is not None and world.answers[-1].cause == cause:
                steps = fewer
            index -= 1
        return steps

    def _expecting(self, step: Step, index: int, worlds: Sequence[World]) -> Step:
        route = route_of(self._routes, step.method, step.path)
        return step.model_copy(update={"expect": expectation(step, self._shapes.of(route) if route else {}, index, worlds)})


def expectation(step: Step, shape: Shape, index: int, worlds: Sequence[World], *, shared: bool = False) -> Any:
    """What the answers of the `index`-th step have in common in worlds that play the same scenario at different times.

    `shared`: the worlds hold rows of other scenarios too, of whose instants nothing is known.
    """
    answers = [w.answers[index] for w in worlds]
    if step.parallel > 1 or answers[0].status >= 400 or answers[0].body is None:
        return None
    known = {
        (worlds[0].rows[alias].entity, row["id"]): alias
        for alias, row in worlds[0].session.saved.items()
        if isinstance(row, dict) and "id" in row and alias in worlds[0].rows
    }
    if any(s.variants for s in worlds[0].steps[:index]):
        # Which of the different calls went through is for the application to choose; how many is not.
        body = answers[0].body
        return {"total": body["total"]} if isinstance(body, dict) and "total" in body else None
    found = _general(shape, None, [a.body for a in answers], [w.session.start for w in worlds], known)
    if shared and isinstance(found, dict) and isinstance(found.get("items"), list):
        found["items"] = [item if isinstance(item, dict) and "id" in item else _timeless(item) for item in found["items"]]
    return found


def _timeless(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {k: ANY if mark(v) in ("$now", "$today") else v for k, v in item.items()}


Known = dict[tuple[str, Any], str]


def _general(shape: Shape, member: str | None, values: list[Any], starts: list[datetime], known: Known) -> Any:
    """What the values have in common: equal, or equally far from the clock, or anything."""
    first = values[0]
    kind, name = shape.get(member or "", ("", ""))
    if kind in (RANDOM, OPAQUE):
        return ANY
    if kind == ID and not isinstance(first, list | dict):
        return ref(f"{known[name, first]}.id") if (name, first) in known else (None if first is None else ANY)
    if isinstance(first, dict):
        if any(not isinstance(v, dict) for v in values):
            return ANY
        return {
            key: _general(shape, key, [v.get(key) for v in values], starts, known)
            for key in first
            if not (
                key in _STAMPS or (key == "id" and (name, first[key]) not in known and kind == "" and _new(shape, first, known))
            )
        }
    if isinstance(first, list):
        if any(not isinstance(v, list) or len(v) != len(first) for v in values):
            return ANY
        return [
            _general(shape, member if kind == ID else None, [v[i] for v in values], starts, known) for i in range(len(first))
        ]
    if all(v == first and type(v) is type(first) for v in values):
        return first
    return _relative(values, starts)


def _new(shape: Shape, row: dict[str, Any], known: Known) -> bool:
    kind, entity = shape.get("id", ("", ""))
    return kind == ID and (entity, row["id"]) not in known


def _relative(values: list[Any], starts: list[datetime]) -> Any:
    if all(isinstance(v, str) and _INSTANT.match(v) for v in values):
        offsets = [
            (datetime.fromisoformat(v.replace("Z", "+00:00")) - s).total_seconds() for v, s in zip(values, starts, strict=True)
        ]
        # Server stamps come up to a few seconds after the start; that is within the tolerance of `$now`.
        if max(offsets) - min(offsets) < SLACK * 10:
            return now(int(min(offsets)))
    if all(isinstance(v, str) and _DATE.match(v) for v in values):
        days = {(date.fromisoformat(v) - s.date()).days for v, s in zip(values, starts, strict=True)}
        if len(days) == 1:
            return today(days.pop())
    return ANY
