"""Makes a diverging sequence of steps shorter by relevance: what the last step is about stays, the rest is tried without."""

import json
import re
from collections.abc import Callable, Sequence

from quantumlayer.evidence.judge.lockstep import Exchange
from quantumlayer.plan.scenario import Step

Replay = Callable[[Sequence[Step]], list[Exchange] | None]
_CAPTURE = re.compile(r"\{([a-z0-9_]+)\.|\"\$ref\": \"([a-z0-9_]+)\.")


def reduced(trace: Sequence[Exchange], replay: Replay, more_time: Callable[[], bool]) -> list[Exchange] | None:
    """The shortest trace found that diverges in the same way, None where none did. `replay` starts from an empty database."""
    best: list[Exchange] | None = None
    steps = [exchange.step for exchange in trace]
    for candidate in (_about(steps), _changing(steps), steps):
        if more_time() and (found := _diverging(candidate, trace, replay)):
            best, steps = found, [e.step for e in found]
            break
    size = max(len(steps) // 2, 1)
    while best is not None and more_time():
        shorter = _without_a_chunk(steps, size, trace, replay, more_time)
        if shorter is not None:
            best, steps = shorter, [e.step for e in shorter]
            size = min(size, max(len(steps) // 2, 1))
        elif size == 1:
            break
        else:
            size = size // 2
    return best


def _without_a_chunk(
    steps: list[Step], size: int, trace: Sequence[Exchange], replay: Replay, more_time: Callable[[], bool]
) -> list[Exchange] | None:
    for start in range(0, len(steps) - 1, size):
        fewer = _sound(steps[:start] + steps[min(start + size, len(steps) - 1) :])
        if len(fewer) < len(steps) and more_time() and (found := _diverging(fewer, trace, replay)):
            return found
    return None


def _diverging(steps: Sequence[Step], trace: Sequence[Exchange], replay: Replay) -> list[Exchange] | None:
    """The trace of these steps up to a difference of the same kind."""
    found = replay(steps)
    if not found or not found[-1].differences:
        return None
    mine, wanted = found[-1], trace[-1]
    return (
        found
        if (mine.route, mine.expected.status, mine.got.status)
        == (
            wanted.route,
            wanted.expected.status,
            wanted.got.status,
        )
        else None
    )


def _mentioned(step: Step) -> set[str]:
    text = step.path + json.dumps([step.body, step.query])
    return {a or b for a, b in _CAPTURE.findall(text)}


def _about(steps: Sequence[Step]) -> list[Step]:
    """The last step, whatever it mentions, and every change of those rows."""
    wanted = _mentioned(steps[-1])
    for step in reversed(steps):
        if step.save in wanted:
            wanted |= _mentioned(step)
    kept = [s for s in steps[:-1] if s.save in wanted or (s.method != "GET" and _mentioned(s) & wanted)]
    return _sound([*kept, steps[-1]])


def _changing(steps: Sequence[Step]) -> list[Step]:
    return [*(s for s in steps[:-1] if s.method != "GET"), steps[-1]]


def _sound(steps: Sequence[Step]) -> list[Step]:
    """Without steps that mention rows which no step makes any more; accounts are always there."""
    made = {s.save for s in steps if s.save}
    kept: list[Step] = []
    for step in steps:
        rows = {m for m in _mentioned(step) if "_" in m}
        if rows <= made:
            kept.append(step)
    return kept
