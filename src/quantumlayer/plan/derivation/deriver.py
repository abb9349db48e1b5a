"""What all goals share: the search, the drafts so far, the goals that nothing reached, who proves which requirement."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from quantumlayer.plan.derivation.finish import Draft
from quantumlayer.plan.derivation.maker import Maker, Stuck, at
from quantumlayer.plan.derivation.pins import NONE, Pins
from quantumlayer.plan.derivation.search import Search, Want, succeeded
from quantumlayer.plan.derivation.world import World
from quantumlayer.plan.scenario import Step
from quantumlayer.plan.test_plan import Unreached
from quantumlayer.spec.compiled import Compiled
from quantumlayer.spec.http import HttpResponse
from quantumlayer.spec.routes import Route
from quantumlayer.spec.values import Spec


@dataclass
class Deriver:
    """Goals append to `drafts` and `unreached`."""

    spec: Spec
    maker: Maker
    compiled: Compiled
    search: Search
    start: World
    drafts: list[Draft] = field(default_factory=list)
    unreached: list[Unreached] = field(default_factory=list)

    def add(
        self,
        goal: str,
        title: str,
        world: World,
        requirements: Iterable[str],
        *,
        level: str = "acceptance",
        shorten: bool = False,
    ) -> None:
        """One more scenario."""
        if world.steps:
            self.drafts.append(Draft(goal, title, world, tuple(dict.fromkeys(requirements)), level, shorten))

    def miss(self, goal: str, reason: str, requirements: Iterable[str] = ()) -> None:
        """One more goal that nothing reached."""
        self.unreached.append(Unreached(goal=goal, reason=reason, requirements=tuple(dict.fromkeys(requirements))))

    def of_route(self, route: Route) -> tuple[str, ...]:
        """The requirements that a route satisfies: its own and its entity's."""
        entity = self.spec.entities[route.entity].satisfies if route.entity else ()
        return (*route.satisfies, *entity)

    def of(self, entity: str, *more: tuple[str, ...]) -> tuple[str, ...]:
        """The requirements of elements of an entity; the entity's own where they name none."""
        named = tuple(r for group in more for r in group)
        return named or self.spec.entities[entity].satisfies

    def routes(self, *kinds: str) -> list[Route]:
        """The routes of these kinds."""
        return [r for r in self.maker.routes if r.kind in kinds]

    def ready(self, route: Route) -> tuple[World, str | None] | None:
        """A world in which the row that the route is about exists, and its alias; None where it cannot be made."""
        pins = self.search.working(route)
        if pins is None:
            return None
        world = self.start.fork()
        try:
            row = self.maker.make(world, route.entity or "", pins.row) if route.on_row else None
        except Stuck:
            return None
        return world, row

    def done(self, route: Route, pins: Pins | None = None) -> tuple[World, str | None, HttpResponse] | None:
        """A world in which the route has just succeeded, the row it was about, and the answer."""
        base = self.search.working(route)
        if base is None:
            return None
        hit = self.search.try_(route, base.merged(pins or NONE), succeeded)
        return (hit.world, hit.row, hit.answer) if hit and succeeded(hit.answer) else None

    def tried(self, world: World, step: Step, want: Want) -> bool:
        """Takes the step in this world if it has the wanted outcome there; otherwise leaves the world as it is."""
        if not want(world.fork().call(step)):
            return False
        world.call(step)
        return True

    def read_back(self, world: World, alias: str) -> None:
        """Reads a row, by whoever may."""
        row = world.rows.get(alias)
        route = self.maker.route("read", row.entity) if row else None
        if row is None or route is None:
            return
        candidates = self.maker.candidates(world, route, alias)
        for actor in candidates:
            if actor is None or actor in world.accounts:
                step = Step(method="GET", path=at(route, alias), actor=actor)
                if self.tried(world, step, succeeded):
                    return

    def read_changed(self, before: World, world: World) -> None:
        """Reads every saved row whose answer differs from the one before: the effects of what happened in between."""
        for alias, row in list(before.rows.items()):
            route = self.maker.route("read", row.entity)
            if route is None:
                continue
            for actor in self.maker.candidates(world, route, alias):
                if actor is not None and actor not in world.accounts:
                    continue
                step = Step(method="GET", path=at(route, alias), actor=actor)
                old, new = before.fork().call(step), world.fork().call(step)
                if succeeded(old) or succeeded(new):
                    if _visible(old) != _visible(new):
                        world.call(step)
                    break


def _visible(answer: HttpResponse) -> object:
    body = answer.body
    return {k: v for k, v in body.items() if k != "updated_at"} if isinstance(body, dict) else answer.status


def status(*wanted: int) -> Callable[[HttpResponse], bool]:
    """Answers with one of these statuses."""
    return lambda answer: answer.status in wanted
