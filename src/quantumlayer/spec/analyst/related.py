"""The relation that an item of a list is: whose, to what, one or many."""

import re
from typing import Any

from quantumlayer.spec.analyst.attributes import Item
from quantumlayer.spec.analyst.fields import type_of
from quantumlayer.spec.analyst.words import PEOPLE, an, is_plural, plural, singular, snake, words_of
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Field

_CREDITED = words_of("credited")
_GATHERERS = words_of("gatherers")
_WORKS = words_of("credited", "works")
COUNTED = re.compile(r"(?:(?:maximum|minimum|total) )?(?:limit|number|maximum|count|quota) of [a-z ]+s$")


def related(target: EntityDraft, item: Item, world: World) -> EntityDraft | None:
    """The entity that an item refers to."""
    noun = re.sub(r"^(?:associated|related|linked|assigned|corresponding|main|own) ", "", item.noun.lower())
    if item.type or item.attributes.get("values") or COUNTED.match(noun):
        return None
    known = world.find(noun)
    if known and known.name != target.name and not (target.name in _WORKS and noun == "author" and world.is_account(known)):
        return known
    if known and known.name == target.name and (item.many or snake(noun) != known.name):
        return known
    last = noun.split()[-1] if noun.split() else ""
    if (
        not known
        and len(noun.split()) > 1
        and (tail := world.find(last))
        and tail.name != target.name
        and type_of(snake(noun))[0] is None
    ):
        return tail
    counted = type_of(item.name)[0] == "integer"
    credit = singular(snake(noun)) in _CREDITED and singular(snake(noun)) not in world.actors
    mere = singular(snake(noun)) in world.mere or target.name in _WORKS and singular(snake(noun)) == "author"
    if world.account and singular(snake(noun)) in PEOPLE and not mere and not item.many and not counted and not credit:
        return world.entities[world.account]
    if item.many and type_of(item.name)[0] is None and not item.attributes.get("values") and is_plural(noun):
        return world.add(noun)
    return None


def relate(target: EntityDraft, item: Item, other: EntityDraft, by: str, world: World) -> None:
    """Write the relation down, on the side of the one where it is one to many."""
    name = item.name
    required = item.attributes.get("required", True)
    if item.many or is_plural(item.noun):
        several = item.several and not any(
            f.type == "references" and f.to == other.name for e in world.entities.values() for f in e.fields.values()
        )
        if (
            several
            and not any(f.type == "reference" for f in other.fields.values())
            and other.name.split("_")[-1] not in PEOPLE
            and not world.is_account(other)
        ):
            world.link(other, target, by)
            return
        back = next((n for n, f in other.fields.items() if f.type == "reference" and f.to == target.name), None)
        if back:
            return
        if _part_of(other, target):
            world.link(other, target, by)
            return
        if _of_one(item, other, target, world):
            marker = world.assume(f"{an(other.name).capitalize()} belongs to one {target.name.replace('_', ' ')}.")
            made = world.link(other, target, by)
            field = other.fields[made]
            other.fields[made] = field.model_copy(update={"satisfies": (*field.satisfies, marker)})
            return
        name = snake(plural(singular(name.replace("_", " "))))
        limits: dict[str, Any] = {k: v for k, v in item.attributes.items() if k in ("min_items", "max_items")}
        again = any(f.to == other.name for n, f in target.fields.items() if n != name)
        inverse = f"{target.plural}_as_{name}" if again else None
        target.fields[name] = Field(type="references", to=other.name, inverse=inverse, **limits, satisfies=(by,))
    elif world.is_account(other) and name in (
        "owner",
        "author",
        "creator",
        "submitter",
        "requester",
        "uploader",
        other.name,
    ):
        world.own(target, by, name)
    else:
        inverse = None
        if target.reference_to(other.name):
            inverse = f"{target.plural}_as_{name}"
        target.fields[name] = Field(
            type="reference",
            to=other.name,
            required=required,
            unique=item.attributes.get("unique", False),
            inverse=inverse,
            satisfies=(by,),
        )


def _of_one(item: Item, related: EntityDraft, target: EntityDraft, world: World) -> bool:
    """Whether what is said to be had belongs to one holder: `projects have bugs`.

    It does not where it is counted from one up (`one or more authors`), where what has it only gathers things that are there
    without it (a playlist, an order), where it is people, or where both sides are said to have each other.
    """
    counted = item.many and not item.several
    people = related.name.split("_")[-1] in PEOPLE or world.is_account(related)
    mutual = any(f.type == "references" and f.to == target.name for f in related.fields.values())
    gathered = {singular(w) for w in target.name.split("_")} & _GATHERERS
    return not (counted or people or mutual or gathered)


_PARTS = frozenset(
    [
        "line",
        "item",
        "entry",
        "position",
        "row",
        "detail",
        "step",
        "option",
        "slot",
        "version",
        "photo",
        "image",
        "attachment",
        "comment",
        "note",
        "log",
    ]
)


def join_parts(world: World) -> None:
    """`invoice lines` are lines of an invoice, where nothing says how the two belong together."""
    for child in list(world.entities.values()):
        owner, _, last = child.name.rpartition("_")
        parent = world.entities.get(owner)
        if parent is None or last not in _PARTS:
            continue
        linked = {f.to for f in child.fields.values()} | {f.to for f in parent.fields.values()}
        if not {parent.name, child.name} & linked:
            text = f"{an(child.name).capitalize()} belongs to {an(parent.name)}."
            world.link(child, parent, world.assume(text))


def _part_of(child: EntityDraft, parent: EntityDraft) -> bool:
    """Lines, items and comments live inside what has them."""
    last = child.name.split("_")[-1]
    return child.name.startswith((parent.name + "_", "sub")) or last in (
        "item",
        "line",
        "comment",
        "step",
        "entry",
        "chapter",
        "lesson",
        "option",
        "question",
        "reading",
        "photo",
        "image",
        "attachment",
        "review",
        "rating",
        "note",
        "log",
        "milestone",
        "exercise",
        "loan",
        "booking",
        "order",
        "visit",
        "payment",
        "transaction",
        "appointment",
        "reservation",
        "task",
        "ticket",
        "invoice",
    )
