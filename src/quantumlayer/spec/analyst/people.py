"""Who signs in, who sees what, who may do what."""

import re
from typing import Any

from quantumlayer.spec.analyst.access import require, restrict
from quantumlayer.spec.analyst.behave import CRUD_VERBS, EVENT_VERBS, act, comment, operation_for, operation_name, remainder
from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.declare import known_field
from quantumlayer.spec.analyst.fields import split_list
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.words import PEOPLE, ROLES, number, singular, snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Effect, Field, Guard, Rule, Unique

_SIGN = r"(?:register|sign up|signup|log ?in|sign in|log into \w+|create an account|create accounts|have accounts?|have an account|authenticate|registration|login|log out|sign out|logout)(?: themselves)?"


@rule
def signs_in(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`users register and log in`; `devices authenticate with an API key`"""
    if world.auth is None:
        return None
    account = world.entities[world.auth.entity]
    account.satisfies.append(clause.id)
    world.auth = world.auth.model_copy(update={"satisfies": tuple(dict.fromkeys([*world.auth.satisfies, clause.id]))})
    unread = []
    for piece in split_list(plain(m.groupdict().get("with") or "").lower()):
        name = snake(re.sub(r"^(?:an?|their|the|unique) ", "", piece))
        if name in ("password", "api_key", "key", "api_keys", "token", "access_key", "x_api_key_header", "credentials"):
            continue
        if name in ("email", "e_mail", "email_address", "username", "user_name", "e_mail_address"):
            name = "email" if "mail" in name else "username"
            account.fields.setdefault(
                name, Field(type="string", unique=True, format="email" if name == "email" else None, satisfies=(clause.id,))
            )
        elif name:
            unread.append(piece)
    return ", ".join(unread) or True


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
    if groups.get("own") and singular(groups["own"]) in ROLES:
        return None
    if who and who not in PEOPLE and world.find(who) is None:
        return None
    _hide(target, clause, world)
    world.topic = target.name
    return True


def _hide(target: EntityDraft, clause: Clause, world: World) -> bool:
    owner = (
        target.owner
        or next((n for n, f in target.fields.items() if f.type == "reference" and f.to == world.account), None)
        or world.own(target, clause.id)
    )
    target.visible.append(f"actor != null && self.{owner} == actor")
    for name in ("read", "list"):
        target.update(name, satisfies=tuple(dict.fromkeys([*target.operation(name).satisfies, clause.id])))
    return True


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
    """CEL over `actor` for `its author`, `an admin`, `the owner of the comment`."""
    who = re.sub(
        r"^(?:only|the|an?|its|their|his|her|those|users?|people|members? of|someone)\s+", "", plain(text).strip().lower()
    )
    who = re.sub(r"^(?:the|an?|its|their|with|in|having)\s+(?:the )?", "", who)
    who = re.sub(r"\s+of (?:an?|the|that|this|its)? ?[\w ]+$", "", who)
    role = re.fullmatch(r"(?P<r>\w+) roles?|role (?P<r2>\w+)", who)
    one = snake(singular((role["r"] or role["r2"]) if role else who))
    if one in ROLES or role:
        world.roles.setdefault(one, []).append(clause.id)
        return f"'{one}' in actor.roles"
    if one in PEOPLE or one in ("creator", "owner", "submitter", "poster", "uploader"):
        if world.auth and one in ("user", "everyone", "anyone") and one == world.auth.entity and "own" not in text:
            return "true"
        name = known_field(target, one)
        if name is None or target.fields[name].to != world.account:
            name = target.owner or world.own(target, clause.id, one if one in PEOPLE and one != "user" else None)
        field = target.fields[name]
        return f"self.{name} == actor" if field.required else f"self.{name} != null && self.{name} == actor"
    if re.match(r"(?:signed[- ]in|logged[- ]in|registered|authenticated)", who):
        return "true"
    return None


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
    for verb in verbs:
        names = _operations(target, verb, clause, world)
        allowed = [t for part in re.split(r",| or | and ", plain(groups["who"])) if (t := _caller(part, target, world, clause))]
        if not allowed:
            return None
        roles = [re.fullmatch(r"'(\w+)' in actor\.roles", a) for a in allowed]
        for name in names:
            if all(roles):
                for role in roles:
                    restrict(world, target, name, clause.id, role=role[1] if role else None)
            else:
                restrict(world, target, name, clause.id, allow=" || ".join(allowed))
            if name in ("read", "list") and len(allowed) == 1 and not any(roles):
                _hide(target, clause, world)
    rest = (groups.get("rest") or "").strip()
    return rest or True


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
        f"{plain(m['f'] or name).strip()} {m['op']} {m['n']} needs the role {role}",
    )
    world.ask(
        f"Whoever approves a {target.name.replace('_', ' ')} with {name.replace('_', ' ')} above {m['n']} needs the role {role} in addition to what is asked otherwise; or instead of it?"
    )
    return True


@rule
def does_many(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`agents assign, comment on and close tickets`"""
    target, who = entity(world, m, "o"), singular(m["s"].lower())
    verbs = [(verb_base(w.split()[0]), w) for w in re.split(r",? (?:and|or) |, ", m["verbs"].lower())]
    if target is None or not all(v for v, _ in verbs) or (who not in PEOPLE and world.find(who) is None):
        return None
    for verb, written in verbs:
        done = (
            deed(clause, world, who, str(verb), target)
            if verb not in CRUD_VERBS or written.endswith(" on")
            else act(clause, world, who, world.find(who), str(verb), "", target, "")
        )
        if not done:
            return None
    return (m["rest"] or "").strip() or True


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
        or verb in ("have", "be", "belong", "need")
    ):
        return None
    if (
        m["rest"]
        and not re.match(r" (?:that|which|when|if|until|only|while|before|up to)\b", m["rest"])
        or re.search(r"\bonce\b", m["rest"] or "")
    ):
        return None
    if CRUD_VERBS.get(verb) == "read" and not m["a"]:
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
        assign(clause, world, who, target)
    else:
        operation_for(world, target, verb, clause.id)
    if who in ROLES and world.auth:
        restrict(world, target, operation_name(world, target, verb), clause.id, role=who)
    elif world.auth and target.owner and who == singular(target.owner):
        restrict(world, target, operation_name(world, target, verb), clause.id, owner=target.owner)
    return True


def assign(clause: Clause, world: World, who: str, target: EntityDraft) -> None:
    """`assign` names who is to work on the row."""
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
def assigned_to(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`tasks are assigned to employees`"""
    target, who = entity(world, m, "e"), singular(plain(m["w"]).lower())
    person = world.find(who)
    if target is None or person is None:
        return None
    name = known_field(target, who) or known_field(target, "assignee")
    if name is None:
        name = "assignee" if world.is_account(person) else person.name
        target.fields[name] = Field(
            type="reference",
            to=person.name,
            required=False,
            inverse=f"assigned_{target.plural}",
            on_delete="set_null",
            satisfies=(clause.id,),
        )
    return True


@rule
def shared(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a note can be shared with other users as read-only or editable`"""
    target = entity(world, m, "e")
    if target is None or world.auth is None:
        return None
    owner = target.owner or world.own(target, clause.id)
    share = world.add(f"{target.name} share".replace("_", " "), clause.id)
    share.event_of = "share"
    person = world.auth.entity
    share.fields[target.name] = Field(
        type="reference", to=target.name, writable="create", on_delete="cascade", inverse="shares", satisfies=(clause.id,)
    )
    share.fields["user"] = Field(
        type="reference", to=person, writable="create", inverse=f"{target.name}_shares", satisfies=(clause.id,)
    )
    share.rules["not_with_owner"] = _not_with_owner(target, owner, clause.id)
    from_unique(share, (target.name, "user"), clause.id)
    modes = [
        snake(x)
        for x in re.split(r",| or | and ", plain(m["modes"] or "").replace("access", "").replace("permission", ""))
        if x.strip()
    ]
    editable = [x for x in modes if re.match(r"edit|write|read_write|full|modif", x)]
    if modes:
        share.fields["permission"] = Field(type="enum", values=tuple(modes), satisfies=(clause.id,))
    mine = "x.user == actor"
    target.visible.append(f"actor != null && self.shares.exists(x, {mine})")
    if f"actor != null && self.{owner} == actor" not in target.visible:
        target.visible.append(f"actor != null && self.{owner} == actor")
    if editable:
        restrict(
            world,
            target,
            "update",
            clause.id,
            allow=f"self.{owner} == actor || self.shares.exists(x, {mine} && x.permission == '{editable[0]}')",
        )
    restrict(world, share, "create", clause.id, allow=f"self.{target.name}.{owner} == actor")
    marker = world.assume(
        f"The {owner.replace('_', ' ')} of a {target.name.replace('_', ' ')} shares it, changes what a share permits and takes it back."
    )
    for name in ("update", "delete"):
        restrict(world, share, name, marker, allow=f"self.{target.name}.{owner} == actor")
    share.visible.append(f"actor != null && (self.user == actor || self.{target.name}.{owner} == actor)")
    return True


def _not_with_owner(target: EntityDraft, owner: str, by: str) -> Any:
    from_rule = {
        "check": f"self.user != self.{target.name}.{owner}",
        "message": f"a {target.name.replace('_', ' ')} is shared with others, not with its {owner}",
        "status": 422,
        "satisfies": (by,),
    }
    return Rule(**from_rule)  # type: ignore[arg-type]


def from_unique(target: EntityDraft, fields: tuple[str, ...], by: str) -> None:
    """No two rows alike in these fields."""
    target.unique.append(Unique(fields=fields, satisfies=(by,)))


@rule
def sees_all(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`managers see all`"""
    who = singular(m["s"].lower())
    if who not in ROLES or world.auth is None:
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
        one.visible.append(f"actor != null && '{who}' in actor.roles")
        one.satisfies.append(clause.id)
    return True
