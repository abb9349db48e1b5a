"""What is taken cannot be taken twice: `a room cannot be reserved twice for the same night`."""

import re
from typing import Any

from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.periods import ensure_days, ensure_period
from quantumlayer.spec.analyst.quantities import bounds_of
from quantumlayer.spec.analyst.spans import overlap
from quantumlayer.spec.analyst.time_words import main_date
from quantumlayer.spec.analyst.words import PEOPLE, an, singular, snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World, standing_test
from quantumlayer.spec.values import Unique

_DAYS = re.compile(r"(?:nights?|days?|dates?|weekends?|weeks?)$")


@rule
def taken_twice(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`an artist cannot be booked twice at the same time`: no two of what is kept of it share an instant, a date or a slot."""
    thing, verb = entity(world, m, "s"), verb_base(m["v"])
    event = _kept(thing, verb, world) if thing and verb else None
    if thing is None or event is None:
        return None
    reference, unit = world.link(event, thing, clause.id), m["u"] or "time"
    if bounds_of(event, world) is None and (moments := _moments(event, unit)):
        by = (clause.id,)
        if len(moments) > 1 or event.fields[moments[0]].type == "datetime" or not _DAYS.match(unit):
            said = " and ".join(name.replace("_", " ") for name in moments)
            marker = f"Two {event.plural.replace('_', ' ')} are at the same time when they have the same {said}."
            by += (world.assume(marker),)
        event.unique.append(Unique(fields=(reference, *moments), where=standing_test(event), satisfies=by))
        return True
    if bounds_of(event, world) is None:
        (ensure_days if _DAYS.match(unit) else ensure_period)(event, clause, world)
    overlap(event, reference, world, clause.id)
    world.topic = event.name
    return True


def _kept(thing: EntityDraft, verb: str, world: World) -> EntityDraft | None:
    """What is kept when somebody does it: the record of the deed, else the one thing with a time that refers to it."""
    event = world.events_of(verb, thing.name)
    if event is not None:
        return event
    timed = [e for e, _ in world.children(thing.name) if bounds_of(e, world) or _moments(e, "time")]
    return timed[0] if len(timed) == 1 else None


def _moments(event: EntityDraft, unit: str) -> list[str]:
    """The fields that together say when something is: its date, and the time or slot on it."""
    moment = main_date(event)
    if moment is None or moment[0].endswith("created_at"):
        return []
    times = [n for n, f in event.fields.items() if f.type == "time" or n in ("slot", "time_slot", snake(unit))]
    return [
        moment[0].removeprefix("self."),
        *(n for n in times if moment[1] == "date" and n != moment[0].removeprefix("self.")),
    ]


@rule
def taken_by_one(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`each laptop is assigned to one employee at a time`: it refers to whoever has it now."""
    thing, who = entity(world, m, "e"), singular(plain(m["w"]).lower())
    person = world.find(who) or (world.add(who, clause.id) if who in PEOPLE else None)
    if thing is None or person is None or thing is person:
        return None
    if thing.reference_to(person.name) is None:
        marker = world.assume(f"{an(thing.name).capitalize()} may be with nobody; who has it is changed by an update.")
        name = world.link(thing, person, clause.id, required=False)
        known = thing.fields[name]
        thing.fields[name] = known.model_copy(update={"satisfies": (clause.id, marker), "on_delete": "set_null"})
    return True
