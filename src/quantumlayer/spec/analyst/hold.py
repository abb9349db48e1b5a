"""What holds what: a hive in an apiary, an artifact put into exhibitions, a grade given to a student, a score from 1 to 10."""

from typing import Any

from quantumlayer.spec.analyst.attributes import Item
from quantumlayer.spec.analyst.behave import attribute, happen
from quantumlayer.spec.analyst.declare import add_fields
from quantumlayer.spec.analyst.draft_field import add_field
from quantumlayer.spec.analyst.exclude import exclusive
from quantumlayer.spec.analyst.fields import read_item
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.words import PEOPLE, an, is_plural, singular, verb_base
from quantumlayer.spec.analyst.world import World
from quantumlayer.spec.values import Field

_FREE = ("free", "empty", "available", "vacant", "unused", "unoccupied")


@rule
def declares_of(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`inspections of a hive record a date and notes`"""
    child, parent = entity(world, m, "e"), entity(world, m, "p")
    if child is None or parent is None or child is parent:
        return None
    world.link(child, parent, clause.id)
    return add_fields(child, m["fields"], clause, world)


@rule
def holds(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`apiaries contain hives`"""
    child, parent = entity(world, m, "e"), entity(world, m, "p")
    if child is None or parent is None or child is parent or not is_plural(m["e"]):
        return None
    world.link(child, parent, clause.id)
    return True


@rule
def puts(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`curators put artifacts into exhibitions`; `a courier puts a parcel into a free locker`"""
    child, parent, who = entity(world, m, "e"), entity(world, m, "p"), singular(m["s"].lower())
    if child is None or parent is None or child is parent or not (who in PEOPLE or world.find(who)):
        return None
    attribute(clause, world, who, world.find(who), child, "")
    adjective = (m["a"] or "").lower()
    if is_plural(m["p"]) and not adjective:
        parent_first = not any(f.type == "references" and f.to == parent.name for f in child.fields.values())
        if parent_first:
            parent.fields[child.plural] = Field(type="references", to=child.name, required=False, satisfies=(clause.id,))
        return True
    reference = world.link(child, parent, clause.id)
    if adjective in _FREE:
        exclusive(child, reference, world, clause.id, f"the {parent.name.replace('_', ' ')} is not {adjective}")
        return True
    return adjective or True


@rule
def scores(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`reviewers score each application from 1 to 10`"""
    target, who, verb = entity(world, m, "o"), singular(m["s"].lower()), verb_base(m["v"])
    actor = world.find(who)
    if target is None or verb is None or not (who in PEOPLE or actor):
        return None
    event = world.events_of(verb, target.name) or world.events_of("review", target.name)
    noun = {"rate": "rating", "evaluate": "evaluation", "assess": "assessment", "review": "review"}.get(verb, verb)
    event = event or world.add(noun, clause.id)
    if event is target:
        return None
    name = {"rate": "rating", "review": "rating"}.get(verb, "score")
    item = read_item(f"{name} from {m['low']} to {m['high']}")
    add_field(event, item, clause.id, world)
    return happen(clause, world, who, actor, event, target, "", verb)


@rule
def gives(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`teachers give grades between 1.0 and 6.0 in steps of 0.5 to students`"""
    given, to, who = entity(world, m, "e"), entity(world, m, "t"), singular(m["s"].lower())
    if (
        given is None
        or given.name in PEOPLE
        or (to is None and m["t"])
        or given is to
        or not (who in PEOPLE or world.find(who))
    ):
        return None
    if to is not None:
        world.link(given, to, clause.id)
    attribute(clause, world, who, world.find(who), given, "")
    if m["range"]:
        item = read_item("value " + plain(m["range"]).strip())
        if item.unread or not item.attributes:
            return m["range"].strip()
        add_field(given, Item("value", "value", item.attributes), clause.id, world)
        marker = world.assume(f"What {an(given.name)} is worth is called its value.")
        given.fields["value"] = given.fields["value"].model_copy(update={"satisfies": (clause.id, marker)})
    return m["a"] or True


@rule
def pays(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`donors pledge amounts to campaigns`"""
    target, who, verb = entity(world, m, "o"), singular(m["s"].lower()), verb_base(m["v"])
    actor = world.find(who)
    if target is None or verb is None or not (who in PEOPLE or actor):
        return None
    nouns = {"pledge": "pledge", "donate": "donation", "pay": "payment", "give": "donation", "contribute": "contribution", "bid": "bid", "offer": "offer", "lend": "loan", "transfer": "transfer"}  # fmt: skip
    event = world.add(nouns[verb], clause.id)
    if event is target:
        return None
    add_field(event, read_item(f"amount {m['c'] or ''}"), clause.id, world)
    return happen(clause, world, who, actor, event, target, m["rest"] or "", verb)
