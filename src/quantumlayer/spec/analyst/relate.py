"""Relations in sentences of their own: belongs to, is part of, takes place in, refers to."""

import re
from typing import Any

from quantumlayer.spec.analyst.declare import add_fields
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.words import an
from quantumlayer.spec.analyst.world import ASSUMED, World
from quantumlayer.spec.values import Field

_PLACE = (
    r"(?:(?:is|are|gets?|{M} be) (?:(?:always|usually|only|also) )?(?:part|made|given|held|taken|run|done|performed|placed|put|planted|grown|kept|"
    r"located|organized|organised|grouped|assigned|scheduled|written|based|hosted|taught|sold|attached|linked|related|associated)? ?"
    r"(?:in|on|at|of|for|to|by|from|with|into|under)|(?:takes?|take) place (?:in|at|on)|happens? (?:in|at|on)|refers? to|relates? to|"
    r"references?|lives? (?:in|on|at)|works? (?:in|at|for|on)|(?:{M} )?belongs? to|(?:{M} )?belong to)"
)


@rule
def between_two(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`matches between two teams have a start time`: it refers to the one and to the other."""
    target, other = entity(world, m, "e"), entity(world, m, "t")
    if target is None or other is None or target is other:
        return None
    label = other.name.replace("_", " ")
    marker = world.assume(
        f"The two {other.plural.replace('_', ' ')} of {an(target.name)} are its first and its second {label}."
    )
    for which in ("first", "second"):
        name = f"{which}_{other.name}"
        back = f"{target.plural}_as_{which}"
        target.fields[name] = Field(type="reference", to=other.name, inverse=back, satisfies=(clause.id, marker))
    target.declared = True
    world.topic = target.name
    return add_fields(target, m["fields"], clause, world) if m["fields"] else True


@rule
def deletes_with(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`deleting a contact deletes its notes`"""
    parent, child = entity(world, m, "e"), entity(world, m, "o")
    reference = child.reference_to(parent.name) if parent and child else None
    if parent is None or child is None or reference is None:
        return None
    known = child.fields[reference]
    satisfies = tuple(dict.fromkeys([*known.satisfies, clause.id]))
    child.fields[reference] = known.model_copy(update={"on_delete": "cascade", "satisfies": satisfies})
    return True


@rule
def belongs(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a card belongs to a column`; `talks are given in rooms`"""
    child, parent = entity(world, m, "e"), entity(world, m, "p")
    if child is None or parent is None or re.search(r"\b(?:not|never|cannot|only)\b", plain(clause.match)):
        return None
    if re.search(r"(?:one or more|at least one|several|many|multiple|zero or more) @\w+", clause.match) or re.search(
        rf"(?:one or more|several|many|multiple) {m['p'].replace('_', ' ')}", clause.match, re.I
    ):
        single = child.reference_to(parent.name)
        if single and any(int(r[1:]) > ASSUMED for r in child.fields[single].satisfies):
            # What was only taken for granted gives way.
            del child.fields[single]
        child.fields[parent.plural] = Field(type="references", to=parent.name, required=False, satisfies=(clause.id,))
    elif child is parent:
        child.fields[f"parent_{child.name}"] = Field(
            type="reference", to=child.name, required=False, inverse=f"sub_{child.plural}", satisfies=(clause.id,)
        )
    else:
        optional = bool(m["optional"] or re.search(r"\b(?:may|can|optionally|might)\b", clause.match, re.I))
        world.link(child, parent, clause.id, required=not optional)
    if clause.id not in child.satisfies:
        child.satisfies.append(clause.id)
    world.topic = child.name
    return add_fields(child, re.sub(r"^has ", "", m["rest"]), clause, world) if m["rest"] else True
