"""Scenarios about the passage of time, played side by side, so that the application restarts once for each moment."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from quantumlayer.evidence.judge.lockstep import Exchange, Pair
from quantumlayer.evidence.judge.play import Player
from quantumlayer.evidence.values import Check
from quantumlayer.plan.scenario import Scenario, Step
from quantumlayer.plan.surface_client import Inexpressible


@dataclass
class _Course:
    """One scenario on its way: its steps by the moment at which they are taken."""

    scenario: Scenario
    pair: Pair | Exchange
    steps: list[tuple[int, Step]]
    off: bool = False


def play_side_by_side(player: Player, scenarios: Sequence[Scenario]) -> list[Check]:
    """A check per scenario. One that does not go as planned is played again by itself, which decides."""
    if not scenarios or not player.handle.can_restart or not player.handle.can_reset or player.failures >= player.most:
        return [player.play(s) for s in scenarios]
    started = time.perf_counter()
    player.renew()
    courses = [_course(player, s) for s in scenarios]
    for moment in sorted({moment for course in courses for moment, _ in course.steps}):
        if moment != player.handle.offset:
            player.handle.restart(moment)
            player.lockstep.moved(player.handle.url, moment)
        for course in courses:
            _advance(player, course, moment)
    seconds = (time.perf_counter() - started) / len(scenarios)
    player.dirty = True
    return [player.play(c.scenario) if c.off else player.passed(c.scenario, seconds) for c in courses]


def _course(player: Player, scenario: Scenario) -> _Course:
    moment, steps = 0, []
    for step in scenario.steps:
        moment += step.advance
        steps.append((moment, step))
    player.lockstep.about = scenario.id
    try:
        pair: Pair | Exchange = player.opened(scenario)
    except Inexpressible:
        return _Course(scenario, player.lockstep.pair(), steps, off=True)
    return _Course(scenario, pair, steps, off=isinstance(pair, Exchange))


def _advance(player: Player, course: _Course, moment: int) -> None:
    player.lockstep.about = course.scenario.id
    for at, step in course.steps:
        if at != moment or course.off or isinstance(course.pair, Exchange):
            continue
        try:
            exchange = player.lockstep.take(course.pair, step)
        except Inexpressible:
            course.off = True
            continue
        course.off = bool(exchange.differences) or (step.parallel == 1 and exchange.own != step.status)
