"""Finds, in the reference model, a short sequence of calls whose last answer is the wanted one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from quantumlayer.plan.derivation.hints import Hints, alternatives
from quantumlayer.plan.derivation.maker import Maker, Stuck
from quantumlayer.plan.derivation.pins import NONE, Pins
from quantumlayer.plan.derivation.variations import Variations
from quantumlayer.plan.derivation.world import World
from quantumlayer.plan.scenario import Step
from quantumlayer.spec.compiled import Compiled
from quantumlayer.spec.http import HttpResponse
from quantumlayer.spec.routes import Route

REPEATS = 12
TRIES = 160
WIDTH = 400
GOAL_CALLS = 1_500
PLAN_CALLS = 12_000
PLAN_CALLS_PER_ROUTE = 150
Want = Callable[[HttpResponse], bool]


@dataclass(frozen=True)
class Hit:
    """A world whose last answer is the wanted one. `varied` is the mutation that turned it, if a single one did."""

    world: World
    answer: HttpResponse
    pins: Pins
    row: str | None = None
    repeated: bool = False
    advanced: bool = False


def succeeded(answer: HttpResponse) -> bool:
    """Not refused."""
    return 0 < answer.status < 400


def caused_by(cause: str) -> Want:
    """Refused for this reason."""
    return lambda answer: answer.cause == cause


class Search:
    """All searches over one spec. `start` is the empty world from which each attempt forks.

    `left` calls of the model are what all searches together may still make, `GOAL_CALLS` each of them: counted, not timed, so
    that the same spec gives the same plan on every machine. A goal that is cut short is `cut`.
    """

    def __init__(self, maker: Maker, compiled: Compiled, start: World, calls: int | None = None) -> None:
        self.maker, self.compiled, self.start = maker, compiled, start
        self.spec = maker.spec
        self.vary = Variations(maker, compiled, start)
        self.left = PLAN_CALLS + PLAN_CALLS_PER_ROUTE * len(maker.routes) if calls is None else calls
        self._working: dict[tuple[str | None, str], Pins | None] = {}
        self._reasons: dict[tuple[str | None, str], str] = {}
        self._until = 0

    # making every row and taking every action once

    def learn(self) -> dict[str, str]:
        """Finds out how each entity's rows are made; the reasons for those that cannot be. Entities that others need first."""
        reasons: dict[str, str] = {}
        for name in self._ordered():
            route = self.maker.route("create", name)
            if route is None or self._is_account(name):
                continue
            hit = self.find(route, succeeded, Hints(), success=True)
            if hit:
                self.maker.known[name] = hit.pins
            else:
                reasons[name] = self.last_reason
        return reasons

    def _is_account(self, name: str) -> bool:
        auth = self.spec.auth
        return auth is not None and auth.entity == name and auth.registration

    def _ordered(self) -> list[str]:
        done: list[str] = []

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in done or name in path:
                return
            for field in self.spec.entities[name].fields.values():
                if field.to and field.required:
                    visit(field.to, (*path, name))
            done.append(name)

        for name in self.spec.entities:
            visit(name, ())
        return done

    def working(self, route: Route) -> Pins | None:
        """Pins with which the route succeeds, None where no way was found."""
        key = (route.entity, route.name)
        if key not in self._working:
            hit = self.find(route, succeeded, self.vary.route_hints(route), success=True)
            self._working[key] = hit.pins if hit else None
            self._reasons[key] = self.last_reason
        if self._working[key] is None:
            self.last_reason = self._reasons[key]
        return self._working[key]

    # one attempt

    def perform(
        self, world: World, route: Route, pins: Pins, want: Want | None = None, advance: int = 0
    ) -> tuple[HttpResponse, str | None]:
        """The focus operation with everything it needs made first. Recorded, whatever the answer. Raises `Stuck`."""
        row = pins.refs.get("self")
        if route.on_row and row is None:
            row = self.maker.make(world, route.entity or "", pins.row)
        step = self.maker.step(world, route, self._effective(route, pins), None, row)
        if advance:
            step = step.model_copy(update={"advance": advance})
        return self._by_anyone(world, route, step, row, want), row

    def _effective(self, route: Route, pins: Pins) -> Pins:
        return self.maker.known.get(route.entity or "", NONE).merged(pins) if route.kind == "create" else pins

    def _by_anyone(self, world: World, route: Route, step: Step, row: str | None, want: Want | None) -> HttpResponse:
        """By the candidate whose answer is wanted, else who succeeds, else the first with a telling refusal."""
        chosen: tuple[int, Step, HttpResponse] | None = None
        candidates = self.maker.candidates(world, route, row)
        for actor in candidates:
            if actor is not None:
                self.maker.account(world, actor)
        for actor in candidates:
            trial = world.fork() if len(candidates) > 1 else None
            mine = step.model_copy(update={"actor": actor})
            if trial is None:
                answer = world.call(mine)
                self._saved(world, route, mine, answer)
                return answer
            answer = trial.call(mine)
            rank = 0 if (want and want(answer)) else 1 if succeeded(answer) else 3 if answer.status in (401, 403, 404) else 2
            if chosen is None or rank < chosen[0]:
                chosen = (rank, mine, answer)
            if rank == 0 or (want is None and rank == 1):
                break
        assert chosen is not None
        answer = world.call(chosen[1])
        self._saved(world, route, chosen[1], answer)
        return answer

    def _saved(self, world: World, route: Route, step: Step, answer: HttpResponse) -> None:
        if succeeded(answer):
            self.maker.actors[route.entity, route.name] = step.actor
            if step.save:
                world.made(step.save, route, step.actor)

    def try_(self, route: Route, pins: Pins, want: Want | None = None, advance: int = 0) -> Hit | None:
        """One attempt on a fresh world, None where something that it needs cannot be made."""
        world = self.start.fork()
        try:
            answer, row = self.perform(world, route, pins, want, advance)
        except Stuck as stuck:
            self._note(stuck.answer, str(stuck))
            return None
        self._note(answer, answer.cause)
        return Hit(world, answer, pins, row, advanced=bool(advance))

    last_reason = ""
    last_cause = ""

    def _note(self, answer: HttpResponse, text: str) -> None:
        self.last_cause = answer.cause
        self.last_reason = f"refused with {answer.status} {text}".strip() if answer.status else text

    # searching

    def find(self, route: Route, want: Want, known: Hints, *, success: bool = False, tries: int = TRIES) -> Hit | None:
        """The first hit: as it stands, one thing varied, the same again and again, time passing, two things varied."""
        base = NONE if success else (self.working(route) or NONE)
        before, self._until = self.start.work.calls, self.start.work.calls + min(GOAL_CALLS, self.left)
        hit = self._found(route, base, want, known, success, tries)
        if hit is None and self.cut:
            self.last_reason = f"the search was cut short after {self.start.work.calls - before} calls; {self.last_reason}"
        self.left = max(0, self.left - (self.start.work.calls - before))
        return hit

    def another(self, route: Route, base: Pins) -> Hit | None:
        """One more row, made in a way that `base` fixes in part, if need be after a usual one that refers to the same rows."""
        before, self._until = self.start.work.calls, self.start.work.calls + min(GOAL_CALLS, self.left)
        hit = self._found(route, base, succeeded, Hints(), True, TRIES // 4, after_usual=True)
        self.left = max(0, self.left - (self.start.work.calls - before))
        return hit

    def _after_usual(self, route: Route, pins: Pins) -> Hit | None:
        world, usual = self.start.fork(), self.maker.known.get(route.entity or "", NONE)
        try:
            for name, field in self.vary.entity(route).fields.items():
                if field.type == "reference" and field.required and field.writable != "never" and field.to:
                    usual = usual.with_ref(name, self.maker.make(world, field.to, usual.nested.get(name, NONE)))
            answer, _ = self.perform(world, route, usual, succeeded)
            if not succeeded(answer):
                return None
            answer, row = self.perform(world, route, usual.merged(pins), succeeded)
        except Stuck:
            return None
        return Hit(world, answer, pins, row) if succeeded(answer) else None

    @property
    def cut(self) -> bool:
        """Whether the calls that the latest search may make are used up."""
        return self.start.work.calls >= self._until

    def _found(
        self, route: Route, base: Pins, want: Want, known: Hints, success: bool, tries: int, *, after_usual: bool = False
    ) -> Hit | None:
        queue: list[tuple[int, Pins, Hints]] = [(0, base, known)]
        seen = {repr(base)}
        while queue and tries > 0 and not self.cut:
            depth, pins, current = queue.pop(0)
            hit = self.try_(route, pins, want)
            tries -= 1
            if hit and want(hit.answer):
                return hit
            cause = self.last_cause
            if after_usual and cause.startswith("rule") and (hit := self._after_usual(route, pins)):
                return hit
            self.last_cause = cause
            if depth >= (3 if success else 2):
                continue
            # Depth first where each step follows from a refusal, breadth first where we look for one.
            deep = success and depth == 0
            if success or self.last_cause.startswith(("rule", "guard")):
                current |= self.vary.cause_hints(self.last_cause, route)
            room = tries if deep else tries - len(queue)
            further = [(depth + 1, mutant, current) for mutant in self._unseen(route, pins, current, seen, room)]
            queue = further + queue if deep else queue + further
            if depth == 0 and not success and (hit := self._again(route, base, want, known)):
                return hit
            if depth == 0 and not success and known.timed and (hit := self._later(route, base, want, known)):
                queue = [(d, p, h) for d, p, h in queue if d == 1]
                return self._without_waiting(route, queue, want) or hit
        return None

    def _unseen(self, route: Route, pins: Pins, known: Hints, seen: set[str], room: int) -> Iterator[Pins]:
        """At most `room` mutants that were not there before: no more than that would be tried."""
        for mutant in islice(self.vary.mutations(route, pins, known, self.last_cause), WIDTH):
            if room <= 0:
                return
            if (text := repr(mutant)) not in seen:
                seen.add(text)
                room -= 1
                yield mutant

    def _without_waiting(self, route: Route, queue: Sequence[tuple[int, Pins, Hints]], want: Want) -> Hit | None:
        for _, pins, _ in queue[:60]:
            if self.cut:
                break
            hit = self.try_(route, pins, want)
            if hit and want(hit.answer):
                return hit
        return None

    def _later(self, route: Route, base: Pins, want: Want, known: Hints) -> Hit | None:
        spans = [s for d in known.durations for s in (d + 60, d - 60)] + [3600, 86400, 40 * 86400, 400 * 86400]
        for span in spans:
            hit = self.try_(route, base, want, advance=span) if span > 0 and not self.cut else None
            if hit and want(hit.answer):
                return hit
        return None

    def _again(self, route: Route, base: Pins, want: Want, known: Hints) -> Hit | None:
        """The same operation again and again, with some of its references kept: limits, overlaps, uniqueness."""
        entity = self.spec.entities[route.entity] if route.entity else None
        if route.kind not in ("create", "action") or entity is None:
            return None
        fields = entity.fields if route.kind == "create" else {}
        refs = [k for k, f in fields.items() if f.type == "reference" and f.required and f.writable != "never"]
        subsets = [tuple(refs), *((r,) for r in refs), *(combinations(refs, 2) if len(refs) > 2 else ()), ()]
        amounts = list(self._amounts(route, base, known))[:4]
        for pins in (base, *amounts):
            for kept in dict.fromkeys(subsets):
                if self.cut:
                    return None
                if hit := self._repeat(route, pins, kept, want):
                    return hit
        return None

    def _amounts(self, route: Route, base: Pins, known: Hints) -> Iterator[Pins]:
        numeric = ("integer", "number", "decimal")
        for name, field in self.vary.own_fields(route).items():
            if field.type in numeric:
                values = [v for v in alternatives(field, known, 0) if isinstance(v, int | float) and v > 1]
                for value in sorted(values, reverse=True)[:2]:
                    yield base.with_value(name, value) if route.kind == "create" else base.with_input(name, value)

    def _repeat(self, route: Route, pins: Pins, kept: tuple[str, ...], want: Want) -> Hit | None:
        world = self.start.fork()
        try:
            effective = self._effective(route, pins)
            for name in kept:
                if name not in effective.refs:
                    to = self.vary.entity(route).fields[name].to or ""
                    effective = effective.with_ref(name, self.maker.make(world, to, effective.nested.get(name, NONE)))
            for _ in range(REPEATS):
                answer, row = self.perform(world, route, effective, want)
                if want(answer):
                    return Hit(world, answer, pins, row, repeated=True)
                if not succeeded(answer):
                    return None
                if row:
                    effective = effective.with_ref("self", row)
        except Stuck:
            return None
        return None
