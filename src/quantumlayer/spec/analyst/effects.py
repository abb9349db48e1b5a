"""What actions leave behind: recorded times and values."""

import re
from typing import Any

from quantumlayer.spec.analyst.attributes import Item
from quantumlayer.spec.analyst.declare import TOLD
from quantumlayer.spec.analyst.draft_field import add_field, default_literal, known_field
from quantumlayer.spec.analyst.fields import split_list, type_of
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.states import event_for
from quantumlayer.spec.analyst.words import participle, snake, verb_base, words_of
from quantumlayer.spec.analyst.world import EntityDraft, World, adopt_states, effect, ensure_states, transition
from quantumlayer.spec.values import Field, Guard

_OTHER = words_of("states", "other")


@rule
def makes(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`completing a task marks it as done`: its flag, or the state that it is in from then on."""
    verb, made = verb_base(m["v"]), snake(m["s"])
    target = entity(world, m, "e") or world.find(world.topic)
    if verb is None or target is None or verb in ("create", "add", "update", "delete"):
        return None
    world.topic = target.name
    flag = target.fields.get(made)
    if flag is not None and flag.type == "boolean":
        effect(target, verb, {made: "true"}, clause.id)
        return True
    adopt_states(target, clause.id)
    known = target.state.states if target.state else (*_OTHER, participle(verb))
    if made not in known:
        return None
    machine = ensure_states(target, "open", [made], clause.id)
    transition(target, verb, list(target.before(made)) or [s for s in machine.states if s != made], made, clause.id)
    return True


@rule
def records(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`returning a loan records the return date`"""
    verb = verb_base(m["v"])
    target = entity(world, m, "e") or world.find(world.topic)
    if verb is None or target is None:
        return None
    if event := event_for(world, verb, target):
        target = event
    if assigned := re.fullmatch(r"(.+?) (?:back )?to (.+)", plain(m["f"])):
        return _assigned(target, verb, assigned[1], assigned[2], clause)
    if verb in ("create", "add") or target.event_of == verb:
        name = snake(plain(m["f"]))
        kind, _ = type_of(name)
        target.fields[name] = Field(type="date" if kind == "date" else "datetime", writable="never", default="today" if kind == "date" else "now", satisfies=(clause.id,))  # fmt: skip
        return True
    for words in split_list(plain(m["f"])):
        stamp(target, verb, _of_deed(target, verb, snake(TOLD.sub(r"\g<n>", words))), clause, world)
    world.topic = target.name
    return True


def _of_deed(target: EntityDraft, verb: str, name: str) -> str:
    """`when an item is sold we note the date and the price`: not the price that it has already."""
    name = re.sub(r"^(?:the|an?|its|their)_", "", name)
    if name in ("date", "day", "time"):
        return f"{participle(verb)}_{'at' if name == 'time' else 'on'}"
    return f"{participle(verb)}_{name}" if name in target.fields else name


def _assigned(target: EntityDraft, verb: str, words: str, value: str, clause: Clause) -> bool | None:
    """`refilling a slot sets its quantity to 12`; None where the field or the value is not known."""
    name = known_field(target, words)
    field = target.fields.get(name or "")
    if name is None or field is None or field.value is not None:
        return None
    if field.type == "enum":
        literal = f"'{snake(value)}'" if snake(value) in field.values else None
    else:
        fits = (
            field.type == "boolean" or field.type in ("string", "text") or re.fullmatch(r"-?[\d.]+|zero|one|now|today", value)
        )
        literal = default_literal(field.type, value) if fits else None
    if literal is None:
        return None
    effect(target, verb, {name: literal}, clause.id)
    return True


def stamp(target: EntityDraft, verb: str, name: str, clause: Clause, world: World) -> None:
    """An action that records when (or something about how) it was done."""
    kind, _ = type_of(name)
    if kind in ("date", "datetime", "time", None):
        kind = "date" if kind == "date" else "datetime"
        clock = "today" if kind == "date" else "now"
        target.fields[name] = Field(type=kind, required=False, writable="never", satisfies=(clause.id,))
        if target.closed_by is None and verb not in target.operations:
            target.closed_by = name
        if target.closed_by == name:
            done = participle(verb)
            target.guard(
                verb,
                f"not_{done}",
                Guard(
                    check=f"self.{name} == null",
                    message=f"this {target.name.replace('_', ' ')} is already {done}",
                    satisfies=(clause.id,),
                ),
            )
        effect(target, verb, {name: clock}, clause.id)
        return
    item = Item(name, name.replace("_", " "), {"required": False})
    add_field(target, item, clause.id, world)
    field = target.fields[name].model_copy(update={"required": True, "writable": "always", "default": None})
    target.fields[name] = target.fields[name].model_copy(update={"writable": "never"})
    operation = target.operation(verb)
    target.update(verb, input={**operation.input, name: field})
    effect(target, verb, {name: f"input.{name}"}, clause.id)
