"""What must not be done: to rows in a state, to what is taken already, unless a condition holds."""

import re
from typing import Any

from quantumlayer.spec.analyst.behave import CRUD_VERBS, EVENT_VERBS, limit_create
from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.contradict import contradicts
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.states import leaves_state, operation_for, operation_name
from quantumlayer.spec.analyst.words import an, participle, snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World, open_test
from quantumlayer.spec.values import Guard, Rule


@rule
def cannot_be(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a book that is on loan cannot be borrowed`; `a closed deal can't be changed`; `only available cars can be rented`"""
    groups = m.groupdict()
    target, only = entity(world, m, "e"), groups.get("only")
    if only and not re.match(r"only\b", clause.match, re.I):
        return None
    phrase = plain(" ".join(filter(None, (groups.get("a"), groups.get("c")))) or only or "")
    verbs = [v for v in (verb_base(groups.get(k) or "") for k in ("v", "v2")) if v]
    if target is None or not verbs or phrase in ("", "it", "not"):
        return None
    for verb in verbs:
        if verb not in (*EVENT_VERBS, *CRUD_VERBS) and not leaves_state(target, verb):
            return None
        if not _forbid(clause, world, target, phrase, verb, bool(only)):
            return None
    return True


def _told_state(clause: Clause, world: World, target: EntityDraft, phrase: str) -> str | None:
    """`a shipped order cannot be changed` tells that orders are shipped, where nothing else does."""
    phrase = phrase.lower()
    verb = verb_base(phrase)
    if verb is None or verb == phrase or world.is_account(target) or f"{phrase}_at" in target.fields:
        return None
    marker = world.assume(f"{an(target.name).capitalize()} is {phrase} by an action.")
    operation_for(world, target, verb, clause.id)
    made = target.operation(verb)
    target.update(verb, satisfies=(*made.satisfies, marker))
    return condition(world, target, phrase)


def _forbid(clause: Clause, world: World, target: EntityDraft, phrase: str, verb: str, only: bool) -> bool:
    event = world.events_of(verb, target.name) if verb in EVENT_VERBS else None
    text = (
        f"{'only ' if only else ''}{phrase} {target.plural.replace('_', ' ')} can{'' if only else 'not'} be {participle(verb)}"
    )
    if event and (reference := event.reference_to(target.name)):
        taken = re.fullmatch(
            r"(?:on |already |currently |in |under |out on |checked )?(?:an? )?([\w-]+)(?: out| up| by .+)?",
            phrase.strip().lower(),
        )
        noun = taken[1] if taken else ""
        if not only and (
            world.find(noun) is event
            or verb_base(noun) == verb
            or (verb_base(noun) and world.events_of(verb_base(noun) or "", target.name) is event)
            or noun in ("use", "taken", "unavailable", "occupied", "out")
        ):
            exclusive(event, reference, world, clause.id, text)
            return True
        row = f"self.{reference}"
        test = condition(world, target, phrase, row)
        if test is None and _told_state(clause, world, target, phrase):
            test = condition(world, target, phrase, row)
        if test is None:
            return False
        limit_create(event, f"{snake(phrase)}_{target.name}", test if only else f"!({test})", text, clause.id)
        return True
    test = condition(world, target, phrase) or _told_state(clause, world, target, phrase)
    if test is None:
        return False
    check = test if only else f"!({test})"
    names = [operation_name(world, target, verb)]
    known = target.operations.get(names[0])
    if known and known.transition and known.satisfies and not only and set(known.transition.from_states) == {snake(phrase)}:
        return contradicts(clause, world, known.satisfies[0], f"{text}, yet they can", "the one that allows it is built")
    if verb in ("change", "modify", "edit", "update"):
        names = ["update", *(["delete"] if verb == "change" else [])]
    for name in names:
        if name not in ("update", "delete") and name not in target.operations:
            operation_for(world, target, name, clause.id)
        target.guard(
            name, snake(f"{'only' if only else 'not'} {phrase}")[:50], Guard(check=check, message=text, satisfies=(clause.id,))
        )
    return True


def exclusive(event: EntityDraft, reference: str, world: World, by: str, message: str) -> None:
    """At most one live row of the event for what it is about."""
    live = open_test(event, "x")
    rows = f"self.{reference}.{world.inverse(event, reference)}"
    check = f"size({rows}.filter(x, {live})) <= 1" if live else f"size({rows}) <= 1"
    event.rule(f"one_open_{event.name}_per_{reference}", Rule(check=check, message=message, satisfies=(by,)))


@rule
def only_if(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`an order can only be shipped when it is paid`"""
    target, verb = entity(world, m, "e"), verb_base(m["v"])
    if target is None or verb is None:
        return None
    refused = re.search(r"\b(?:refused|rejected|unless)\b", clause.match) is not None
    event = world.events_of(verb, target.name) if verb in EVENT_VERBS else None
    reference = event.reference_to(target.name) if event else None
    test = condition(world, target, m["c"], f"self.{reference}" if reference else "self")
    if test is None:
        return None
    check, message = (f"!({test})" if refused else test), f"only possible {'unless' if refused else 'if'} {plain(m['c'])}"
    if event and reference:
        limit_create(event, snake(plain(m["c"]))[:40], check, message, clause.id)
        return True
    name = operation_for(world, target, verb, clause.id)
    target.guard(name, snake(plain(m["c"]))[:40] or "condition", Guard(check=check, message=message, satisfies=(clause.id,)))
    return True


@rule
def blocked(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`members with an overdue rental cannot rent anything`"""
    parent, child, verb = entity(world, m, "p"), entity(world, m, "e"), verb_base(m["v"])
    if parent is None or child is None or verb is None:
        return None
    event = world.events_of(verb) or (child if verb in EVENT_VERBS else None)
    if event is None or event is parent:
        return None
    test = condition(world, child, m["a"], "x")
    if test is None:
        return None
    reference, mine = world.link(event, parent, clause.id), world.link(child, parent, clause.id)
    rows = f"self.{reference}.{world.inverse(child, mine)}"
    limit_create(event, f"no_{snake(m['a'])}_{child.name}", f"!{rows}.exists(x, {test})", plain(clause.match), clause.id)
    return True


@rule
def barred(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a blocked member cannot borrow`: none of what they would make is made."""
    person, verb, thing = entity(world, m, "p"), verb_base(m["v"]), entity(world, m, "o") if m["o"] else None
    if person is None or verb is None or verb in ("be", "have"):
        return None
    event = world.events_of(verb, person.name) or (thing if CRUD_VERBS.get(verb) == "create" else None)
    reference = event.reference_to(person.name) if event else None
    test = condition(world, person, m["a"], f"self.{reference}") if reference else None
    if event is None or reference is None or test is None:
        return None
    limit_create(event, f"not_{snake(m['a'])}", f"!({test})", plain(clause.match), clause.id)
    return True


@rule
def never_done(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`posts cannot be deleted`: the operation is left out."""
    target, groups = entity(world, m, "e"), m.groupdict()
    if target is None:
        return None
    words = re.findall(r"[a-z]+", (groups.get("vs") or groups.get("v2") or "changed deleted").lower())
    names = dict.fromkeys(n for w in words if (n := _CRUD.get(verb_base(w) or "")))
    for name in names:
        known = target.operations.get(name)
        if known and not known.access.anonymous:
            text = f"{target.plural.replace('_', ' ')} can never be {participle(name)}, yet somebody may"
            return contradicts(clause, world, known.satisfies[-1], text, "the one that allows it is built")
        target.forbidden[name] = (clause.id,)
    if clause.id not in target.satisfies:
        target.satisfies.append(clause.id)
    return bool(names) or None


_CRUD = {"delete": "delete", "remove": "delete", "change": "update", "edit": "update", "update": "update", "modify": "update", "alter": "update", "create": "create", "add": "create"}  # fmt: skip
