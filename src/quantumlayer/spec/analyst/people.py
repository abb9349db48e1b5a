"""Who signs in, who sees what, who may do what."""

import re
from typing import Any

from quantumlayer.spec.analyst.access import require, restrict
from quantumlayer.spec.analyst.behave import CRUD_VERBS, EVENT_VERBS, act, comment, remainder, third_person
from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.context import HABITS
from quantumlayer.spec.analyst.declare import add_fields
from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.fields import split_list
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.states import leaves_state, operation_for, operation_name
from quantumlayer.spec.analyst.words import PEOPLE, an, number, singular, snake, verb_base, words_of
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Effect, Field, Guard

_RELATING = words_of("verbs", "relating")
_GROUPS = words_of("organisations") | {"team", "family", "group", "household", "device", "sensor", "machine", "app"}
_SIGN = r"(?:register|sign up|signup|log ?in|sign in|log into \w+|create an account|create accounts|have accounts?|have an account|authenticate|registration|login|log out|sign out|logout)(?: themselves)?"


@rule
def signs_in(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`users register and log in`; `devices authenticate with an API key`"""
    if world.auth is None:
        return None
    account = world.entities[world.auth.entity]
    account.satisfies.append(clause.id)
    world.auth = world.auth.model_copy(update={"satisfies": tuple(dict.fromkeys([*world.auth.satisfies, clause.id]))})
    others = []
    for piece in split_list(plain(m.groupdict().get("with") or "")):
        name = snake(re.sub(r"^(?:an?|their|the|unique) ", "", piece, flags=re.I))
        if name in ("password", "api_key", "key", "api_keys", "token", "access_key", "x_api_key_header", "credentials"):
            continue
        if name in ("email", "e_mail", "email_address", "username", "user_name", "e_mail_address"):
            name = "email" if "mail" in name else "username"
            account.fields.setdefault(
                name, Field(type="string", unique=True, format="email" if name == "email" else None, satisfies=(clause.id,))
            )
        elif name:
            others.append(piece)
    read = add_fields(account, ", ".join(others), clause, world) if others else True
    return read


@rule
def not_own(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`nobody approves their own`"""
    verb = verb_base(m["v"]) or verb_base(m["v"] + "e") or verb_base(m["v"] + "s")
    if (
        verb is None
        or world.auth is None
        or not re.search(r"^(?:nobody|no one|no-one|no )|\bnot\b|cannot|never", plain(clause.match), re.I)
    ):
        return None
    target = world.find(m["o"].replace("_", " ")) if m["o"] else None
    event = world.events_of(verb, target.name if target else None) if verb in EVENT_VERBS else None
    if event and target and (reference := event.reference_to(target.name)):
        owner = target.owner or world.own(target, clause.id)
        world.own(event, clause.id)
        event.guard(
            "create",
            f"not_own_{target.name}",
            Guard(
                check=f"self.{reference}.{owner} != actor",
                message=f"nobody may {verb} their own {target.name.replace('_', ' ')}",
                status=403,
                satisfies=(clause.id,),
            ),
        )
        return True
    target = (
        target
        if target and not world.is_account(target)
        else next((e for e in world.entities.values() if verb in e.operations), None)
    )
    if target is None:
        return None
    owner = target.owner or world.own(target, clause.id)
    name = operation_for(world, target, verb, clause.id)
    require(
        target,
        name,
        clause.id,
        f"self.{owner} != actor",
        "not_own",
        f"nobody may {verb} their own {target.plural.replace('_', ' ')}",
    )
    return True


@rule
def amount_needs(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`amounts above 1000 need the finance role`"""
    target = entity(world, m, "e") or next((e for e in world.entities.values() if known_field(e, m["f"] or "")), None)
    if target is None or world.auth is None:
        return None
    name = (
        known_field(target, m["f"])
        if m["f"].strip()
        else next((n for n, f in target.fields.items() if f.type == "decimal"), None)
    )
    value = number(m["n"])
    if name is None or value is None:
        return None
    role = snake(singular(m["who"].lower()))
    world.roles.setdefault(role, []).append(clause.id)
    field = target.fields[name]
    amount = f"{int(value)}" if field.type == "integer" else f"{float(value)}"
    operator = (
        "<="
        if m["op"] in ("above", "over", "more than", "greater than", "exceeding", "of more than")
        else "<"
        if m["op"] == "from"
        else ">="
    )
    operation = next((o for o in ("approve", "accept", "confirm", "pay") if o in target.operations), None)
    if operation is None:
        operation = operation_for(world, target, "approve", clause.id)
    require(
        target,
        operation,
        clause.id,
        f"self.{name} {operator} {amount} || '{role}' in actor.roles",
        f"{role}_role",
        f"{plain(m['f'] or name).strip()} {m['op']} {m['n']}: the role {role} is needed",
    )
    world.ask(
        f"Where {name.replace('_', ' ')} is {m['op']} {m['n']}: is the role {role} needed in addition to what is asked otherwise, or instead of it? Now in addition."
    )
    return True


_LISTING = ("filter", "sort", "search", "list", "order", "find", "browse", "reply", "register", "log")


def _met(clause: Clause, world: World, who: str) -> EntityDraft | None:
    """`a sitter can accept or decline`: what was spoken of, and not people; else the one thing that is done with such people."""
    about = world.find(clause.about)
    if about is not None and about.name not in PEOPLE and not world.is_account(about):
        return about
    person = world.find(who.replace("_", " "))
    done = [e for e in world.entities.values() if person and e.event_of and e.reference_to(person.name)]
    return done[0] if len(done) == 1 else None


@rule
def does_many(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`agents assign, comment on and close tickets`"""
    who = singular(m["s"].lower())
    target = entity(world, m, "o") or _met(clause, world, who)
    verbs = [(verb_base(w.split()[0]), w) for w in re.split(r",? (?:and|or) |, ", m["verbs"].lower())]
    if target is None or not all(v for v, _ in verbs) or (who not in PEOPLE and world.find(who) is None):
        return None
    if not m["o"] and any(v in _LISTING for v, _ in verbs):
        return None
    for verb, written in verbs:
        done = (
            deed(clause, world, who, str(verb), target)
            if verb not in CRUD_VERBS or written.endswith(" on")
            else act(clause, world, who, world.find(who), str(verb), "", target, "")
        )
        if not done:
            return None
    # Whoever is kept as a record but does not sign in cannot be told from anybody else.
    unknown = not m["o"] and world.auth and not world.is_role(who) and not world.is_account(world.find(who.replace("_", " ")))
    return f"by {who}" if unknown else (m["rest"] or "").strip() or True


@rule
def does_action(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`agents close tickets`"""
    target, who = entity(world, m, "o"), singular(m["s"].lower())
    who = singular(who)
    verb = verb_base(m["v"]) or verb_base(m["v"] + "e")
    if (
        target is None
        or verb is None
        or (who not in PEOPLE and world.find(who) is None)
        or verb in ("have", "be", "belong", "need", *HABITS)
    ):
        return None
    if (
        m["rest"]
        and not re.match(r" (?:with|that|which|when|if|until|only|while|before|up to)\b", m["rest"])
        or re.search(r"\bonce\b", m["rest"] or "")
    ):
        return None
    # What is read of some of the rows, or of all, is a list or a matter of who sees what.
    if CRUD_VERBS.get(verb) == "read":
        return None
    state = snake(m["a"] or "")
    done = (
        act(clause, world, who, world.find(who), verb, "", target, "")
        if verb in CRUD_VERBS
        else deed(clause, world, who, verb, target)
    )
    if not done:
        return None
    name = operation_name(world, target, verb)
    if state and state not in ("all", "any", "every", "new", "existing"):
        test = condition(world, target, state)
        if test is None:
            return m["a"]
        known = target.operations.get(name)
        if known and known.transition and target.state and state in target.state.states:
            move = known.transition.model_copy(update={"from_states": (state,)})
            target.update(name, transition=move) if state != move.to else None
        if name in target.operations and not (
            target.operations[name].transition and target.state and state in target.state.states
        ):
            target.guard(
                name,
                f"only_{state}",
                Guard(check=test, message=f"only {state} {target.plural.replace('_', ' ')}", satisfies=(clause.id,)),
            )
    rest = (m["rest"] or "").strip()
    return remainder(clause, world, target, f"{name}!{rest}") if rest else True


def deed(clause: Clause, world: World, who: str, verb: str, target: EntityDraft) -> bool:
    """An action of somebody on an entity."""
    if verb == "comment":
        return bool(comment(clause, world, who, target, ""))
    if verb == "assign":
        if target.name in PEOPLE or world.is_account(target):
            return False
        assign(clause, world, who, target)
    elif verb in _RELATING and not world.is_role(who) and verb not in target.operations:
        return _relate(clause, world, who, verb, target)
    elif not leaves_state(target, verb) or not _acts(who, world):
        return False
    else:
        operation_for(world, target, verb, clause.id)
    if world.is_role(who) and world.auth:
        restrict(world, target, operation_name(world, target, verb), clause.id, role=who)
    elif world.auth and target.owner and who == singular(target.owner):
        restrict(world, target, operation_name(world, target, verb), clause.id, owner=target.owner)
    return True


def _acts(who: str, world: World) -> bool:
    """Whether it can be told to do something: people, groups of them and those who sign in, but no box or page."""
    return who in PEOPLE or who in _GROUPS or world.is_account(world.find(who.replace("_", " ")))


def _relate(clause: Clause, world: World, who: str, verb: str, target: EntityDraft) -> bool:
    """`trainers teach classes`: each class has its trainer."""
    person = world.find(who.replace("_", " "))
    if person is None or person is target or target.name in PEOPLE:
        return False
    told = [
        n for n in (verb, *(verb.removesuffix("e") + end for end in ("er", "or"))) if target.declared and n in target.fields
    ]
    if told and target.fields[told[0]].to == person.name:
        # The file says who it is: `host: User` beside `users host events`.
        target.satisfies.append(clause.id)
        said = target.fields[told[0]]
        target.fields[told[0]] = said.model_copy(update={"satisfies": (*said.satisfies, clause.id)})
        if world.is_account(person):
            world.made_by(target, told[0])
        return True
    marker = world.assume(f"{an(target.name).capitalize()} has one {who.replace('_', ' ')} who {third_person(verb)} it.")
    if world.is_account(person):
        world.own(target, clause.id, snake(who))
    elif target.reference_to(person.name) is None:
        name = world.link(target, person, clause.id)
        target.fields[name] = target.fields[name].model_copy(update={"satisfies": (clause.id, marker)})
    target.satisfies.append(clause.id)
    return True


def assign(clause: Clause, world: World, who: str, target: EntityDraft) -> None:
    """`assign` names who is to work on the row. A person who is assigned works on what was spoken of before."""
    person = world.find(who) or world.find("user")
    name = "assignee" if "assignee" in target.fields else (who if who in PEOPLE else "assignee")
    if person is not None:
        target.fields[name] = Field(
            type="reference",
            to=person.name,
            required=False,
            writable="never",
            inverse=f"assigned_{target.plural}",
            on_delete="set_null",
            satisfies=(clause.id,),
        )
        given = Field(type="reference", to=person.name, satisfies=(clause.id,))
    else:
        target.fields[name] = Field(type="string", required=False, writable="never", satisfies=(clause.id,))
        given = Field(type="string", satisfies=(clause.id,))
    target.update("assign", input={name: given}, effects=(Effect(set={name: f"input.{name}"}),), satisfies=(clause.id,))


@rule
def assigns_to(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`caretakers assign a defect to a contractor`"""
    target, who, whom = entity(world, m, "o"), singular(m["s"].lower()), singular(plain(m["w"]).lower())
    if target is None or (who not in PEOPLE and world.find(who) is None) or (whom not in PEOPLE and world.find(whom) is None):
        return None
    person = world.find(whom) or (world.find("user") if world.auth else None)
    given: dict[str, Any] = {"type": "reference", "to": person.name} if person else {"type": "string"}
    back: dict[str, Any] = {"inverse": f"{target.plural}_of_{whom}", "on_delete": "set_null"} if person else {}
    name = snake(whom)
    target.fields[name] = Field(**given, **back, required=False, writable="never", satisfies=(clause.id,))
    asked = Field(**given, satisfies=(clause.id,))
    target.update("assign", input={name: asked}, effects=(Effect(set={name: f"input.{name}"}),), satisfies=(clause.id,))
    if world.is_role(who) and world.auth:
        restrict(world, target, "assign", clause.id, role=snake(who))
    world.topic = target.name
    return True


@rule
def changes_field(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`admins may change the tier`: nobody else may, so it becomes an action of its own."""
    target, who, words = entity(world, m, "e"), singular(m["s"].lower()), plain(m["f"])
    candidates = [target] if target else [world.find(world.topic), *world.entities.values()]
    target = next((e for e in candidates if e and known_field(e, words) in e.fields), None)
    if target is None or not world.is_role(who) or world.auth is None:
        return None
    name = str(known_field(target, words))
    field = target.fields[name]
    if field.type in ("references", "strings") or field.value is not None:
        return None
    action = f"set_{name}"
    marker = world.assume(f"The {name.replace('_', ' ')} of {an(target.name)} is changed by an action of its own.")
    writable = "never" if field.default is not None or not field.required else "create"
    target.fields[name] = field.model_copy(update={"writable": writable, "satisfies": (*field.satisfies, clause.id)})
    asked = field.model_copy(
        update={"required": True, "unique": False, "default": None, "inverse": None, "satisfies": (clause.id,)}
    )
    changed = Effect(set={name: f"input.{name}"})
    target.update(action, input={name: asked}, effects=(changed,), satisfies=(clause.id, marker))
    restrict(world, target, action, clause.id, role=snake(who))
    return True


@rule
def person_assigned(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a mechanic is assigned to the order`: the order has whoever works on it."""
    target, who = entity(world, m, "e"), singular(plain(m["w"]).lower())
    if target is None or who not in PEOPLE or target.name in PEOPLE or world.is_account(target):
        return None
    person = world.find(who) or (None if world.auth else world.add(who, clause.id))
    if person is None or who in target.fields:
        return None
    target.fields[who] = _assignment(target, person, clause)
    return m["by"] and f"by {m['by']}" or True


def _assignment(target: EntityDraft, person: EntityDraft, clause: Clause) -> Field:
    """The reference to whoever works on it."""
    inverse = f"assigned_{target.plural}"
    return Field(
        type="reference", to=person.name, required=False, inverse=inverse, on_delete="set_null", satisfies=(clause.id,)
    )


@rule
def assigned_to(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`tasks are assigned to employees`"""
    target, who = entity(world, m, "e"), singular(plain(m["w"]).lower())
    person = world.find(who) or (world.add(who, clause.id) if who in PEOPLE else None)
    if target is None or person is None:
        return None
    name = known_field(target, who) or known_field(target, "assignee")
    if name is None:
        name = "assignee" if world.is_account(person) else person.name
        target.fields[name] = _assignment(target, person, clause)
    return True
