"""Who asks for a list or a report: `managers see the revenue per month` gives it to managers alone."""

import re

from quantumlayer.spec.analyst.access import restrict
from quantumlayer.spec.analyst.grammar import Clause, plain
from quantumlayer.spec.analyst.words import singular
from quantumlayer.spec.analyst.world import World
from quantumlayer.spec.values import Access

_ASKS = re.compile(
    r"^(?:an? |the |all |only )?(?P<who>\w+) (?:(?:can|may|should|must|want to|need to) )?(?:be able to )?"
    r"(?:report|show|see|view|get|list|read|look at|browse|access|retrieve)s?\b",
    re.I,
)


def asked(world: World) -> frozenset[tuple[str, str]]:
    """Lists (entity and operation) and reports (none and name) beyond what every entity has."""
    lists = (
        (e.name, name)
        for e in world.entities.values()
        for name, o in e.operations.items()
        if o.kind == "list" and name != "list"
    )
    return frozenset((*lists, *(("", name) for name in world.reports)))


def keep_to_role(clause: Clause, before: frozenset[tuple[str, str]], world: World) -> None:
    """Restricts what the clause has added to the role that asks for it, if one does."""
    found = _ASKS.match(plain(clause.match))
    who = singular(found["who"].lower()) if found else ""
    if not world.auth or not world.is_role(who):
        return
    for entity, name in asked(world) - before:
        if entity:
            restrict(world, world.entities[entity], name, clause.id, role=who)
            continue
        world.roles.setdefault(who, []).append(clause.id)
        world.reports[name] = world.reports[name].model_copy(update={"access": Access(roles=(who,))})
