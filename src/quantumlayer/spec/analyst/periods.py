"""From when until when something is: the two fields of it that rules about its time ask for, even where nobody listed them."""

import re

from quantumlayer.spec.analyst.draft_field import ordered
from quantumlayer.spec.analyst.grammar import Clause
from quantumlayer.spec.analyst.quantities import bounds_of
from quantumlayer.spec.analyst.time_words import main_date, period
from quantumlayer.spec.analyst.words import an, snake
from quantumlayer.spec.analyst.world import EntityDraft, World, ended_test, open_test, standing_test
from quantumlayer.spec.values import Field, Rule, Unique

_DAYS = re.compile(r"(?:nights?|days?|dates?|weekends?|weeks?)$")


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


def overlap(target: EntityDraft, reference: str, world: World, by: str) -> None:
    """No two live rows of the same parent share an instant; one may begin when the other ends."""
    (first, last), (other_first, other_last) = bounds_of(target, world) or ("", ""), bounds_of(target, world, "x") or ("", "")
    named = first.removeprefix("self.")
    days = target.fields[named].type == "date" and named in ("start_date", "from_date", "from")
    operator = "<=" if days and target.name not in ("booking", "reservation", "stay", "rental") else "<"
    field, live = target.fields[reference], open_test(target, "x")
    same = f"x.id != self.id && {other_first} {operator} {last} && {first} {operator} {other_last}"
    rows = f"self.{reference}.{world.inverse(target, reference)}" if field.type == "reference" and field.to else None
    check = f"!{rows}.exists(x, {f'{live} && ' if live else ''}{same})"
    over = ended_test(target)
    check = f"{over} || {check}" if over else check
    target.rule(
        "no_overlap",
        Rule(
            check=check,
            message=f"overlaps another {target.name.replace('_', ' ')} of the same {reference.replace('_', ' ')}",
            satisfies=(by,),
        ),
    )


def keep_apart(event: EntityDraft, reference: str, clause: Clause, world: World, unit: str = "time") -> None:
    """No two rows of the same parent are at the same time; `unit` tells in what it is taken."""
    if bounds_of(event, world) is None and (moments := moments_of(event, unit)):
        by = (clause.id,)
        if len(moments) > 1 or event.fields[moments[0]].type == "datetime" or not _DAYS.match(unit):
            said = " and ".join(name.replace("_", " ") for name in moments)
            marker = f"Two {event.plural.replace('_', ' ')} are at the same time when they have the same {said}."
            by += (world.assume(marker),)
        event.unique.append(Unique(fields=(reference, *moments), where=standing_test(event), satisfies=by))
        return
    if bounds_of(event, world) is None:
        (ensure_days if _DAYS.match(unit) else ensure_period)(event, clause, world)
    overlap(event, reference, world, clause.id)


def moments_of(event: EntityDraft, unit: str = "time") -> list[str]:
    """The fields that together say when something is: its date, and the time or slot on it."""
    moment = main_date(event)
    if moment is None or moment[0].endswith("created_at"):
        return []
    times = [n for n, f in event.fields.items() if f.type == "time" or n in ("slot", "time_slot", snake(unit))]
    return [
        moment[0].removeprefix("self."),
        *(n for n in times if moment[1] == "date" and n != moment[0].removeprefix("self.")),
    ]
