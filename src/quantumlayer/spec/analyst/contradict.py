"""Statements that cannot both hold: the one that came first (or is stricter) is built, the other is unmet, and a question is asked."""

from quantumlayer.spec.analyst.grammar import Clause
from quantumlayer.spec.analyst.world import World
from quantumlayer.spec.values import Field


def contradicts(clause: Clause, world: World, other: str, what: str, built: str) -> bool:
    """Note that a clause cannot hold beside the requirement `other`; `built` says what holds now. Always true."""
    clause.reason = f"it contradicts {other}: {what}; {built}"
    world.ask(f"{other} and {clause.id} contradict each other ({what}). Which one holds? Now {built}.")
    return True


def bounds_against(known: Field, new: dict[str, object]) -> str:
    """What two statements about one field disagree about; empty where the new one only narrows the known one."""
    for low, high in (("min", "max"), ("min_length", "max_length")):
        least, most = (getattr(known, n) for n in (low, high))
        less, more = new.get(low), new.get(high)
        wider = isinstance(less, int | float) and least is not None and less < least and least != 0
        wider = wider or (isinstance(more, int | float) and most is not None and more > most)
        apart = isinstance(less, int | float) and most is not None and less > most
        apart = apart or (isinstance(more, int | float) and least is not None and more < least)
        if wider or apart:
            return f"{_range(least, most)} and {_range(less, more)}"
    return ""


def _range(low: object, high: object) -> str:
    if low is None or high is None:
        return f"at least {low}" if high is None else f"at most {high}"
    return f"{low} to {high}"
