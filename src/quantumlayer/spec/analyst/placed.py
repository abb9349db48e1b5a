"""Machines of state diagrams: whose states they are, where the name of the file does not tell."""

import re
from itertools import chain

from quantumlayer.spec.analyst.grammar import Clause, mark
from quantumlayer.spec.analyst.words import PEOPLE
from quantumlayer.spec.analyst.world import EntityDraft, World


def place_machines(clauses: list[Clause], world: World) -> None:
    """Give a machine that a file declares for an entity nobody speaks of to the one entity that it can belong to."""
    marked = [re.findall(r"@(\w+)", mark(clause.match, world)) for clause in clauses]
    spoken = {found.name for noun in chain(*marked) if (found := world.find(noun.replace("_", " ")))}
    for draft in [e for e in world.entities.values() if e.state and not e.fields]:
        owners = [e for e in world.entities.values() if e is not draft and _may_own(e, draft, world)]
        listing = [e for e in owners if "status" in e.fields or "state" in e.fields]
        owner = owners[0] if len(owners) == 1 else listing[0] if len(listing) == 1 else None
        if owner is None or draft.name in spoken:
            continue
        _give(draft, owner)
        del world.entities[draft.name]
        world.assume(
            f"The states of the diagram «{draft.name.replace('_', ' ')}» are those of {owner.plural.replace('_', ' ')}."
        )


def _may_own(entity: EntityDraft, machine: EntityDraft, world: World) -> bool:
    """Whether the entity has no other states, listed or drawn, and is none of the people."""
    assert machine.state
    if entity.state or world.is_account(entity) or entity.name in PEOPLE:
        return False
    listed = next((entity.fields[n] for n in ("status", "state") if n in entity.fields), None)
    return listed is None or listed.type != "enum" or set(machine.state.states) >= set(listed.values)


def _give(draft: EntityDraft, owner: EntityDraft) -> None:
    assert draft.state
    kept = owner.fields.pop(draft.state.field, None)
    owner.state = (
        draft.state if kept is None else draft.state.model_copy(update={"satisfies": (*draft.state.satisfies, *kept.satisfies)})
    )
    owner.operations |= {n: o for n, o in draft.operations.items() if n not in owner.operations}
    owner.satisfies += [r for r in draft.satisfies if r not in owner.satisfies]
