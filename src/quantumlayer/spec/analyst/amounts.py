"""Deeds that change an amount somewhere: `borrowing lowers the copies`, `a withdrawal lowers the seed's quantity`."""

import re
from dataclasses import replace
from functools import partial
from typing import Any

from quantumlayer.spec.analyst.attributes import Item
from quantumlayer.spec.analyst.draft_field import add_field, known_field
from quantumlayer.spec.analyst.effects import stamp
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.words import LEXICON, an, number, participle, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Effect, Field

_NUMERIC = ("integer", "number", "decimal")
_AMOUNTS = (
    "quantity",
    "amount",
    "grams",
    "count",
    "units",
    "pieces",
    "number",
    "seats",
    "points",
    "litres",
    "liters",
    "kilograms",
    "weight",
    "volume",
    "value",
)
_UNDOING = ("return", "cancel", "refund", "restock")
_UP = ("raise", "increase", "increment", "add", "restore")


@rule
def changes_amount(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`redeeming a gift card lowers the balance`; `a sale reduces the product's stock by its quantity`"""
    groups = m.groupdict()
    sign = "+" if verb_base(m["way"].split()[0]) in _UP or m["way"].lower().endswith(("back", "up")) else "-"
    verb = verb_base(groups.get("v") or "")
    event = entity(world, m, "e")
    holder = entity(world, m, "p") if groups.get("p") else None
    if event is None and verb is not None:
        event = _event(world, verb, holder, plain(m["f"])) or world.find(world.topic)
    elif verb is not None and event is not None and (done := world.events_of(verb, event.name)):
        holder, event = holder or event, done
    if event is None:
        return None
    reference, target = _target(event, holder, plain(m["f"]), world, clause)
    if target is None:
        return None
    name = known_field(target, plain(m["f"]))
    if name is None or target.fields[name].type not in _NUMERIC or target.fields[name].value:
        return None
    if reference is None:
        return verb is not None and _own(target, name, verb, sign, groups.get("by"), clause, world)
    by = _by(event, groups.get("by"), target.fields[name], clause, world)
    if by is None:
        return None
    if (
        target.fields[name].type == "integer"
        and not by.isdigit()
        and event.fields.get(by[5:], target.fields[name]).type == "number"
    ):
        target.fields[name] = target.fields[name].model_copy(update={"type": "number"})
    path = f"self.{reference}"
    undo = verb in _UNDOING
    if undo and verb not in event.operations:
        # A later sentence may tell of the action; where none does, it may be what ends such rows anyway.
        world.later.append(partial(_undoes, clause, world, event, m))
        return True
    operation = verb if undo and verb else "create"
    known = event.operation(operation)
    change = Effect(update=path, set={name: f"{path}.{name} {sign} {by}"})
    event.update(operation, effects=(*known.effects, change), satisfies=tuple(dict.fromkeys([*known.satisfies, clause.id])))
    event.event_of = event.event_of or "change"
    _floor(target, name, sign)
    return True


def _undoes(clause: Clause, world: World, event: EntityDraft, m: Any) -> None:
    """`returning raises the copies`, once all sentences are read."""
    verb = verb_base(m["v"]) or ""
    if verb not in event.operations and LEXICON["ends"].get(event.name.split("_")[-1]) == verb:
        done = participle(verb)
        marker = world.assume(f"{an(event.name.replace('_', ' ')).capitalize()} is {done} by an action that records when.")
        stamp(event, verb, f"{done}_at", replace(clause, id=marker), world)
    read = verb in event.operations and changes_amount(clause, world, m)
    if read is not True:
        clause.leftover.append(read or plain(clause.match))


def _event(world: World, verb: str, holder: EntityDraft | None, words: str) -> EntityDraft | None:
    found = world.events_of(verb)
    return found or next((e for e in world.entities.values() if verb in e.operations), None) or (holder if holder else None)


def _target(
    event: EntityDraft, holder: EntityDraft | None, words: str, world: World, clause: Clause
) -> tuple[str | None, EntityDraft | None]:
    """The reference of the event whose row has the field, and that entity; no reference where it is the event's own."""
    if holder is not None and holder is not event:
        return world.link(event, holder, clause.id), holder
    for name, field in event.fields.items():
        if field.type == "reference" and field.to and known_field(world.entities[field.to], words):
            return name, world.entities[field.to]
    return (None, event) if known_field(event, words) else (None, None)


def _by(event: EntityDraft, said: str | None, field: Field, clause: Clause, world: World) -> str | None:
    """CEL of how much: a number, a field of the event, its one amount, else 1."""
    text = re.sub(r"^(?:the|its|their|an?) ", "", plain(said or "").strip().lower())
    if text and (value := number(text)) is not None:
        return f"{value}" if field.type == "integer" else f"{float(value)}"
    name = known_field(event, text) if text else next((n for n in _AMOUNTS if n in event.fields), None)
    if text and (name is None or event.fields[name].type not in _NUMERIC):
        return None
    if name is None or event.fields[name].type not in _NUMERIC:
        return "1" if field.type == "integer" else "1.0"
    if field.type == "integer" and event.fields[name].type == "number":
        return f"self.{name}"
    same = (event.fields[name].type == "integer") == (field.type == "integer")
    return f"self.{name}" if same else f"double(self.{name})" if field.type != "integer" else None


def _own(target: EntityDraft, name: str, verb: str, sign: str, said: str | None, clause: Clause, world: World) -> bool:
    """The row itself changes: the action takes the amount, unless it is said."""
    text = plain(said or "").strip()
    value = number(text) if text else None
    field = target.fields[name]
    operation = target.operation(verb)
    if value is not None:
        change, given = (f"{value}" if field.type == "integer" else f"{float(value)}"), operation.input
    else:
        probe = EntityDraft("probe", "probes")
        add_field(probe, Item("amount", "amount", {}, type=field.type), clause.id, world)
        change, given = (
            "input.amount",
            {**operation.input, "amount": probe.fields["amount"].model_copy(update={"satisfies": (clause.id,)})},
        )
        world.assume(f"Whoever calls {verb.replace('_', ' ')} on {an(target.name)} says by how much.")
    target.update(
        verb,
        input=given,
        effects=(*operation.effects, Effect(set={name: f"self.{name} {sign} {change}"})),
        satisfies=tuple(dict.fromkeys([*operation.satisfies, clause.id])),
    )
    _floor(target, name, sign)
    return True


def _floor(target: EntityDraft, name: str, sign: str) -> None:
    """What is taken from cannot fall below zero."""
    field = target.fields[name]
    if sign == "-" and field.min is None:
        target.fields[name] = field.model_copy(update={"min": 0})
