"""Who sees which rows, and who alone may do what."""

import re
from functools import partial
from typing import Any

from quantumlayer.spec.analyst.access import restrict, sees
from quantumlayer.spec.analyst.behave import CRUD_VERBS, EVENT_VERBS
from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.contradict import contradicts
from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.query import lists
from quantumlayer.spec.analyst.states import operation_for
from quantumlayer.spec.analyst.words import PEOPLE, singular, snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World

_MAKERS = ("owner", "author", "creator", "user")


@rule
def sees_own(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`users see only their own notes`"""
    groups = m.groupdict()
    target = world.find((groups.get("o") or "").replace("_", " "))
    if target is None and groups.get("o") in ("data", "records", "things", "entries", "items", "ones", "stuff"):
        found = [_hide(e, clause, world) for e in list(world.entities.values()) if not world.is_account(e)]
        return bool(found)
    if target is None or world.auth is None or world.is_account(target):
        return None
    who = singular((groups.get("who") or "").lower())
    if groups.get("theirs") and (world.is_role(who) or target.name in PEOPLE):
        return None
    if groups.get("own") and world.is_role(singular(groups["own"])):
        return None
    if (
        who
        and who not in PEOPLE
        and who not in ("everybody", "everyone", "each", "one", "nobody", "people")
        and world.find(who) is None
    ):
        return None
    person = world.find(who) if who in PEOPLE else None
    if person is not None and not world.is_account(person):
        return None
    if m.re.groupindex.get("v") and m["v"] in ("manage", "edit", "work with"):
        # Others are kept from changing them; from seeing them too, unless it is said that they see them.
        world.own(target, clause.id)
        target.satisfies.append(clause.id)
        world.later.append(partial(_hide_unless_shown, target, clause, world))
        world.topic = target.name
        return True
    _hide(target, clause, world, snake(who))
    target.seen_by_own |= {who} if who in PEOPLE else set()
    world.topic = target.name
    return True


def _hide_unless_shown(target: EntityDraft, clause: Clause, world: World) -> None:
    if not (target.public_when or target.seen_by_all):
        _hide(target, clause, world)


def _hide(target: EntityDraft, clause: Clause, world: World, who: str = "") -> bool:
    people = [n for n, f in target.fields.items() if f.type == "reference" and f.to == world.account]
    if target.declared and not people and not target.owner and (path := _owner_through(target, world)):
        # The file says whose it is by what it belongs to.
        target.visible.append(f"actor != null && self.{path} == actor")
        for name in ("read", "list"):
            target.update(name, satisfies=tuple(dict.fromkeys([*target.operation(name).satisfies, clause.id])))
        return True
    if len(people) == 1 and people[0] in (world.account, who, *_MAKERS):
        world.made_by(target, people[0])
    owner = target.owner or (people[0] if people else world.own(target, clause.id))
    if target.public_when == "true" or target.seen_by_all:
        other = target.seen_by_all or next(
            (s for s in target.operation("list").satisfies if s != clause.id), "another statement"
        )
        label = target.plural.replace("_", " ")
        return contradicts(clause, world, other, f"{label} are private, and everyone sees them", "everyone sees them")
    target.visible.append(f"actor != null && self.{owner} == actor")
    for name in ("read", "list"):
        target.update(name, satisfies=tuple(dict.fromkeys([*target.operation(name).satisfies, clause.id])))
    return True


def _owner_through(target: EntityDraft, world: World) -> str | None:
    """`pet.owner` of an appointment: whose a row is by the one thing that it belongs to; None where that is not one."""
    found = []
    for name, field in target.fields.items():
        parent = world.entities.get(field.to or "") if field.type == "reference" and field.required else None
        if parent is None or parent is target or not parent.declared:
            continue
        owners = [n for n, f in parent.fields.items() if f.type == "reference" and f.to == world.account and f.required]
        found += [f"{name}.{owners[0]}"] if len(owners) == 1 else []
    return found[0] if len(found) == 1 else None


@rule
def visible_to(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`drafts are visible only to their author`"""
    target, test = _subset(m["what"], world)
    if target is None or test is None or world.auth is None:
        return None
    who = plain(m["who"]).lower().strip(" .")
    allowed = [t for part in re.split(r",| or | and ", who) if (t := _caller(part, target, world, clause))]
    if not allowed:
        return None
    target.public_when = f"!({test})"
    shown = re.sub(r"^(.+) == ('[\w ]+')$", r"\1 != \2", test)
    shown = shown if shown != test else f"!({test})"
    target.visible.append(f"{shown} || (actor != null && ({' || '.join(allowed)}))")
    target.update("read", satisfies=tuple(dict.fromkeys([*target.operation("read").satisfies, clause.id])))
    target.update("list", satisfies=tuple(dict.fromkeys([*target.operation("list").satisfies, clause.id])))
    return True


def _subset(text: str, world: World) -> tuple[EntityDraft | None, str | None]:
    """`drafts`, `draft posts`, `unpublished articles`: an entity and the test of the rows meant."""
    words = plain(text).lower().strip()
    for target in [world.find(world.topic), *world.entities.values()]:
        if target is None:
            continue
        if test := condition(world, target, singular(words)):
            return target, test
        for form in (target.name.replace("_", " "), target.plural.replace("_", " ")):
            if words.endswith(" " + form) and (test := condition(world, target, words.removesuffix(form).strip())):
                return target, test
    return None, None


def _caller(text: str, target: EntityDraft, world: World, clause: Clause) -> str | None:
    """CEL over `actor` for `its author`, `an admin`, `the owner of the comment`, `the owner of the account` that a deal is of."""
    if whose := _whose(plain(text).strip().lower(), target, world):
        return whose
    who = re.sub(
        r"^(?:only|the|an?|its|their|his|her|those|users?|people|members? of|someone)\s+", "", plain(text).strip().lower()
    )
    who = re.sub(r"^(?:the|an?|its|their|with|in|having)\s+(?:the )?", "", who)
    who = re.sub(r"\s+of (?:an?|the|that|this|its)? ?[\w ]+$", "", who)
    role = re.fullmatch(r"(?P<r>\w+) roles?|role (?P<r2>\w+)", who)
    one = snake(singular((role["r"] or role["r2"]) if role else who))
    if world.is_role(one) or role:
        world.roles.setdefault(one, []).append(clause.id)
        return f"'{one}' in actor.roles"
    if one in PEOPLE or one in ("creator", "owner", "submitter", "poster", "uploader"):
        if world.auth and one in ("user", "everyone", "anyone") and one == world.auth.entity and "own" not in text:
            return "true"
        name = known_field(target, one)
        if name is None or target.fields[name].to != world.account:
            if target.owner != one and (whose := _beyond(one, target, world)):
                return whose
            name = target.owner or world.own(target, clause.id, one if one in PEOPLE and one != "user" else None)
        field = target.fields[name]
        return f"self.{name} == actor" if field.required else f"self.{name} != null && self.{name} == actor"
    if re.match(r"(?:signed[- ]in|logged[- ]in|registered|authenticated)", who):
        return "true"
    return None


def _beyond(one: str, target: EntityDraft, world: World) -> str | None:
    """`the teacher` of a file's enrolment, which has none, is the teacher of the course that it belongs to."""
    found = [
        f"self.{name}.{one} == actor"
        for name, field in target.fields.items()
        if field.type == "reference" and field.required and target.declared
        for whole in [world.entities.get(field.to or "")]
        if whole is not None and one in whole.fields and whole.fields[one].to == world.account and whole.fields[one].required
    ]
    return found[0] if len(found) == 1 else None


def _whose(text: str, target: EntityDraft, world: World) -> str | None:
    """`the owner of an account` may change its deals: who owns what a row belongs to."""
    of = re.fullmatch(r"(?:only )?(?:the |an? )?(?P<w>\w+) of (?:an?|the|its|each) (?P<e>[\w ]+)", text)
    whole = world.find(of["e"]) if of else None
    if of is None or whole is None or whole is target:
        return None
    name, reference = known_field(whole, of["w"]), target.reference_to(whole.name)
    if not name or not reference or whole.fields[name].to != world.account:
        return None
    needed = whole.fields[name].required and target.fields[reference].required
    return f"self.{reference}.{name} == actor" if needed else None


@rule
def only_who(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`only the author of a comment or an admin can delete it`; `only managers approve`"""
    if world.auth is None:
        return None
    groups = m.groupdict()
    verbs = [
        v
        for w in re.split(r",? (?:and|or) |, ", (groups.get("verbs") or groups.get("pverbs") or "").lower())
        if (v := verb_base(w) or verb_base(w + "e"))
    ]
    if not verbs or any(v in ("be", "have") for v in verbs):
        return None
    target = entity(world, m, "eo") if groups.get("eo") else None
    object_ = (groups.get("o") or "").lower()
    mention = re.search(r"@(\w+)", object_) or re.search(r"@(\w+)", groups["who"])
    target = target or (world.find(mention[1].replace("_", " ")) if mention else None)
    if target is None or world.is_account(target):
        target = next((e for v in verbs for e in world.entities.values() if v in e.operations), None) or world.find(world.topic)
    if target is None:
        return None
    unknown: list[str] = []
    for verb in verbs:
        callers = {part: _caller(part, target, world, clause) for part in re.split(r",| or | and ", plain(groups["who"]))}
        allowed = [test for test in callers.values() if test]
        if not allowed:
            return None
        unknown = [part.strip() for part, test in callers.items() if not test and part.strip()]
        names = _operations(target, verb, clause, world)
        roles = [re.fullmatch(r"'(\w+)' in actor\.roles", a) for a in allowed]
        for name in names:
            if all(roles):
                for role in roles:
                    restrict(world, target, name, clause.id, role=role[1] if role else None)
            else:
                restrict(world, target, name, clause.id, allow=" || ".join(allowed))
            if name in ("read", "list") and len(allowed) == 1 and not any(roles):
                _hide(target, clause, world)
    return " ".join(filter(None, (*unknown, (groups.get("rest") or "").strip()))) or True


def _operations(target: EntityDraft, verb: str, clause: Clause, world: World) -> list[str]:
    kind = CRUD_VERBS.get(verb)
    if verb in target.operations and verb not in ("read", "list"):
        return [verb]
    if kind == "manage":
        return ["create", "update", "delete"]
    if kind == "read":
        return ["read", "list"]
    if kind:
        return [kind]
    if verb in EVENT_VERBS:
        event = world.events_of(verb, target.name)
        if event is None:
            return ["create"]
    return [operation_for(world, target, verb, clause.id)]


@rule
def sees_all(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`managers see all`"""
    who = singular(m["s"].lower())
    if not world.is_role(who) or world.auth is None:
        return None
    world.roles.setdefault(who, []).append(clause.id)
    target = world.find((m["o"] or "").replace("_", " ")) if m["o"] else None
    targets = (
        [target]
        if target
        else [e for e in world.entities.values() if e.visible]
        or [e for e in world.entities.values() if not world.is_account(e)]
    )
    for one in targets:
        one.visible.append(sees(who))
        one.satisfies.append(clause.id)
    if target is not None:
        world.later.append(lambda: _others_see_their_own(target, who, world))
    return True


def _others_see_their_own(target: EntityDraft, who: str, world: World) -> None:
    """`managers see all expenses` says that others do not; whoever made a row sees it. What is nobody's own is not hidden."""
    if target.owner is None:
        target.visible = [] if target.visible == [sees(who)] else target.visible
        return
    if target.seen_by_all or any(f"self.{target.owner} == actor" in test for test in target.visible):
        return
    marker = world.assume(f"Everybody else sees their own {target.plural.replace('_', ' ')}.")
    target.visible.append(f"actor != null && self.{target.owner} == actor")
    target.update("list", satisfies=(*target.operation("list").satisfies, marker))


@rule
def everyone_sees(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`everyone sees all posts`, `articles are public`, `visitors search properties by price`"""
    target, tail = entity(world, m, "e"), m.groupdict().get("tail")
    if target is None or tail is not None and (world.auth is None or world.account == "visitor"):
        return None
    hidden = [v for v in target.visible if "== actor" in v]
    if hidden and target.public_when is None:
        other = next((s for s in target.operation("list").satisfies if s != clause.id), "another statement")
        label = target.plural.replace("_", " ")
        return contradicts(clause, world, other, f"{label} are private, and everyone sees them", "they stay private")
    target.seen_by_all = clause.id
    if re.search(r"\b(?:public|visitors?|anyone|anybody)\b", plain(clause.match), re.I):
        target.public_when = target.public_when or "true"
    for name in ("read", "list"):
        target.update(name, satisfies=tuple(dict.fromkeys([*target.operation(name).satisfies, clause.id])))
    return lists(clause, world, m) if tail else True
