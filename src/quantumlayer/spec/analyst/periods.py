"""From when until when something is: the two fields of it that rules about its time ask for, even where nobody listed them."""

from quantumlayer.spec.analyst.draft_field import ordered
from quantumlayer.spec.analyst.grammar import Clause
from quantumlayer.spec.analyst.time_words import period
from quantumlayer.spec.analyst.words import an
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Field


def ensure_period(target: EntityDraft, clause: Clause, world: World) -> tuple[str, str]:
    """The start and the end of the entity."""
    first = next((n for n in ("start", "start_time", "starts_at") if n in target.fields), "start")
    return period(target) or _supply(target, first, "end", "datetime", clause, world)


def ensure_days(target: EntityDraft, clause: Clause, world: World) -> tuple[str, str]:
    """The first and the last day of the entity, for what is taken by days or nights."""
    return period(target) or _supply(target, "start_date", "end_date", "date", clause, world)


def _supply(target: EntityDraft, first: str, last: str, kind: str, clause: Clause, world: World) -> tuple[str, str]:
    said = f"{an(first)} and {an(last)}"
    marker = world.assume(f"{an(target.name).capitalize()} has {said}, and ends after it starts.")
    for name in (first, last):
        target.fields.setdefault(name, Field.model_validate({"type": kind, "satisfies": (clause.id, marker)}))
    ordered(target, first, last, clause.id)
    return first, last
