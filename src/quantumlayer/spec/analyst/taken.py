"""What is taken cannot be taken twice: `a room cannot be reserved twice for the same night`."""

from typing import Any

from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.periods import keep_apart, moments_of
from quantumlayer.spec.analyst.quantities import bounds_of
from quantumlayer.spec.analyst.words import PEOPLE, an, singular, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World


@rule
def taken_twice(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`an artist cannot be booked twice at the same time`: no two of what is kept of it share an instant, a date or a slot."""
    thing, verb = entity(world, m, "s"), verb_base(m["v"])
    event = _kept(thing, verb, world) if thing and verb else None
    if thing is None or event is None:
        return None
    reference, unit = world.link(event, thing, clause.id), m["u"] or "time"
    keep_apart(event, reference, clause, world, unit)
    world.topic = event.name
    return True


def _kept(thing: EntityDraft, verb: str, world: World) -> EntityDraft | None:
    """What is kept when somebody does it: the record of the deed, else the one thing with a time that refers to it."""
    event = world.events_of(verb, thing.name)
    if event is not None:
        return event
    timed = [e for e, _ in world.children(thing.name) if bounds_of(e, world) or moments_of(e, "time")]
    return timed[0] if len(timed) == 1 else None


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
