"""Behaviour: who does what to what, states and their transitions, actions and their effects."""

import re
from typing import Any

from quantumlayer.spec.analyst.access import restrict
from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.declare import add_field, add_fields, known_field
from quantumlayer.spec.analyst.fields import Item, split_list, type_of
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.words import PEOPLE, ROLES, is_plural, participle, singular, snake, verb_base
from quantumlayer.spec.analyst.world import (
    EntityDraft,
    World,
    action_for_state,
    effect,
    ended_states,
    ensure_states,
    open_test,
    state_of_verb,
    transition,
)
from quantumlayer.spec.values import Field, Guard

CRUD_VERBS = {"create": "create", "add": "create", "write": "create", "post": "create", "submit": "create", "open": "create", "send": "create", "make": "create", "place": "create", "record": "create", "enter": "create", "upload": "create", "store": "create", "save": "create", "register": "create", "log": "create", "keep": "create", "draft": "create", "ask": "create", "report": "create", "raise": "create", "file": "create", "schedule": "create", "issue": "create", "plan": "create", "import": "create",
              "edit": "update", "update": "update", "change": "update", "modify": "update", "rename": "update", "correct": "update",
              "delete": "delete", "remove": "delete",
              "see": "read", "view": "read", "read": "read", "list": "read", "browse": "read", "access": "read", "find": "read", "look": "read", "get": "read", "show": "read", "search": "read", "manage": "manage", "maintain": "manage", "administer": "manage"}  # fmt: skip
EVENT_VERBS = frozenset(
    [
        "borrow",
        "lend",
        "rent",
        "book",
        "reserve",
        "order",
        "buy",
        "purchase",
        "enroll",
        "enrol",
        "subscribe",
        "vote",
        "rate",
        "review",
        "bid",
        "donate",
        "apply",
        "join",
        "attend",
        "like",
        "follow",
        "adopt",
        "pledge",
        "redeem",
        "claim",
        "comment",
        "answer",
        "sign_up",
        "check_in",
        "deposit",
        "withdraw",
        "visit",
    ]
)
_VERB = r"[a-z]+(?: (?:in|out|up|off|for|on|to|down)(?= @|$| an? | the | their | other | one | each ))?"


@rule
def does(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`members borrow books`, `authors write posts with …`, `customers buy tickets until …`"""
    verb_text, target = m["v"].lower(), entity(world, m, "o")
    verb = verb_base(verb_text.split()[0])
    who = singular(m["s"].lower())
    actor = world.find(who.replace("_", " "))
    person = who.split("_")[-1] in PEOPLE or actor is not None
    if not target or not verb or not person or verb in ("have", "be", "need", "belong", "go"):
        return None
    rest = (m["rest"] or "").strip()
    particle = verb_text.split()[1] if " " in verb_text else ""
    return act(clause, world, who, actor, verb, particle, target, rest)


def act(
    clause: Clause, world: World, who: str, actor: EntityDraft | None, verb: str, particle: str, target: EntityDraft, rest: str
) -> bool | str | None:
    """Read one deed of somebody on an entity."""
    fields = re.fullmatch(r"(?:with|having|including|giving|stating)(?: the following)? (?P<f>.+)|\((?P<g>.+)\)", rest)
    key = f"{verb}_{particle}" if f"{verb}_{particle}" in EVENT_VERBS else verb
    if re.match(r"(?:only )?(?:once|twice|again|one time|more than once)\b", rest):
        return None
    if key in EVENT_VERBS and world.events_of(key, target.name) is None and target.name not in _event_names(key):
        if key in ("comment",):
            return comment(clause, world, who, target, rest)
        noun = _new_event(key)
        if noun and (
            not fields
            or verb
            in (
                "apply",
                "bid",
                "donate",
                "enroll",
                "enrol",
                "rate",
                "borrow",
                "rent",
                "reserve",
                "subscribe",
                "adopt",
                "pledge",
            )
        ):
            world.add(noun, clause.id)
    event = world.events_of(key, target.name) if key in EVENT_VERBS else None
    if event and event.name != target.name:
        if fields:
            happen(clause, world, who, actor, event, target, "", key)
            return add_fields(event, fields["f"] or fields["g"], clause, world)
        return happen(clause, world, who, actor, event, target, rest, key)
    if fields:
        read = add_fields(target, fields["f"] or fields["g"], clause, world)
        attribute(clause, world, who, actor, target, verb)
        return read
    if verb in CRUD_VERBS or key in EVENT_VERBS:
        if key in EVENT_VERBS and target.name in _event_names(key):
            target.event_of = key
        attribute(clause, world, who, actor, target, verb)
        return remainder(clause, world, target, rest)
    return None


def _event_names(key: str) -> list[str]:
    return {
        "buy": ["ticket", "order", "purchase"],
        "book": ["booking", "appointment"],
        "bid": ["bid"],
        "review": ["review"],
    }.get(key, [])


def _new_event(verb: str) -> str | None:
    from_verb = {"borrow": "loan", "lend": "loan", "rent": "rental", "book": "booking", "reserve": "reservation", "order": "order", "buy": "purchase", "purchase": "purchase", "enroll": "enrollment", "enrol": "enrolment", "subscribe": "subscription", "vote": "vote", "rate": "rating", "review": "review", "bid": "bid", "donate": "donation", "apply": "application", "join": "membership", "attend": "attendance", "like": "like", "follow": "follow", "adopt": "adoption", "pledge": "pledge", "sign_up": "registration", "check_in": "checkin"}  # fmt: skip
    return from_verb.get(verb)


def happen(
    clause: Clause,
    world: World,
    who: str,
    actor: EntityDraft | None,
    event: EntityDraft,
    target: EntityDraft,
    rest: str,
    verb: str,
) -> bool | str:
    """An event entity links whoever does it with what it is done to."""
    event.event_of = verb
    if clause.id not in event.satisfies:
        event.satisfies.append(clause.id)
    world.link(event, target, clause.id)
    attribute(clause, world, who, actor, event, "create")
    world.topic = event.name
    return remainder(clause, world, event, rest, target)


def attribute(clause: Clause, world: World, who: str, actor: EntityDraft | None, target: EntityDraft, verb: str) -> None:
    """Say in the model who did it: an owner where people sign in, a reference or nothing otherwise."""
    kind = CRUD_VERBS.get(verb, "create" if verb in EVENT_VERBS else "")
    if who in ROLES and world.auth:
        if kind:
            names = ("create", "update", "delete") if kind == "manage" else (kind,) if kind != "read" else ("read", "list")
            for name in names:
                restrict(world, target, name, clause.id, role=who)
        target.satisfies.append(clause.id)
        return
    if clause.id not in target.satisfies:
        target.satisfies.append(clause.id)
    if (
        kind == "create"
        and world.auth
        and (world.is_account(actor) or who in world.actors or who in PEOPLE)
        and not world.is_account(target)
    ):
        if actor is None or world.is_account(actor):
            name = (
                who
                if who
                in (
                    "author",
                    "customer",
                    "organizer",
                    "organiser",
                    "employee",
                    "seller",
                    "buyer",
                    "student",
                    "member",
                    "reporter",
                    "creator",
                    "device",
                    "host",
                )
                else None
            )
            world.own(target, clause.id, name)
    elif (
        kind == "create"
        and actor
        and actor.name != target.name
        and verb not in ("keep", "record", "register", "manage")
        or kind == "create"
        and actor
        and actor.name != target.name
        and verb == "record"
    ):
        world.link(target, actor, clause.id)


def remainder(clause: Clause, world: World, target: EntityDraft, rest: str, object_: EntityDraft | None = None) -> bool | str:
    """What follows the object: places, ends, limits that other rules know."""
    rest = re.sub(
        r"^(?:online|there|here|in the (?:app|system)|on the (?:site|platform)|via the api|through the api|to the (?:system|library|list))\b\s*",
        "",
        rest,
    )
    if not rest:
        return True
    for reader in REMAINDERS:
        read = reader(clause, world, target, object_, rest)
        if read:
            return read
    if clause.id not in target.satisfies:
        target.satisfies.append(clause.id)
    return rest


def in_place(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool:
    """`post messages in rooms`: the row refers to where it goes."""
    m = re.fullmatch(
        r"(?:in|on|to|at|for|into|within|about|of|from|under)(?: (?:an?|the|one|their|its|one of the|different|various|some))? @(\w+)",
        rest,
    )
    parent = world.find(m[1].replace("_", " ")) if m else None
    if parent is None or parent is target:
        return False
    world.link(target, parent, clause.id)
    return True


REMAINDERS: list[Any] = [in_place]


def comment(clause: Clause, world: World, who: str, target: EntityDraft, rest: str) -> bool | str:
    """`readers comment on published posts`"""
    noted = world.add("comment", clause.id)
    noted.fields.setdefault("body", Field(type="text", satisfies=(clause.id, world.assume("A comment has a body."))))
    reference = world.link(noted, target, clause.id)
    noted.fields[reference] = noted.fields[reference].model_copy(update={"on_delete": "cascade", "writable": "create"})
    if world.auth:
        if who in ROLES:
            restrict(world, noted, "create", clause.id, role=who)
        world.own(noted, clause.id, "author")
    elif (actor := world.find(who)) is not None:
        world.link(noted, actor, clause.id)
    world.topic = noted.name
    return rest or True


@rule
def comments(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`readers comment on published posts`"""
    target = entity(world, m, "o")
    if target is None:
        return None
    result = comment(clause, world, singular(m["s"].lower()), target, "")
    if m["a"] and m["a"].lower() not in ("any", "all", "every", "the", "other"):
        test = condition(world, target, m["a"], f"self.{world.entities['comment'].reference_to(target.name)}")
        if not test:
            return m["a"]
        limit_create(
            world.entities["comment"],
            f"{snake(m['a'])}_{target.name}",
            test,
            f"only {m['a']} {target.plural.replace('_', ' ')} can be commented on",
            clause.id,
        )
    return result


def limit_create(target: EntityDraft, name: str, check: str, message: str, by: str, status: int = 409) -> None:
    """A condition on new rows, checked as they will be."""
    target.guard("create", name, Guard(check=check, message=message, status=status, satisfies=(by,)))  # type: ignore[arg-type]


# --- states -----------------------------------------------------------------------------------------------------------------


@rule
def goes(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`an expense goes from draft to submitted to approved or rejected`; `draft → submitted → approved`"""
    target = entity(world, m, "e")
    path = plain(m["path"]).lower()
    steps = [
        p.strip()
        for p in re.split(
            r"\s*(?:->|→|=>|-->|,? (?:and )?then (?:to )?|,? to |,? and (?:finally|eventually) (?:to )?|,? then )\s*", path
        )
    ]
    steps = [re.sub(r"^(?:from|to|into|through|finally|eventually|either|or|the|and)\s+", "", s).strip(" ,.") for s in steps]
    if target is None or len(steps) < 2:
        return None
    groups = [[snake(x) for x in re.split(r"\s*(?:,| or |/|\|)\s*(?:or )?", s) if x.strip()] for s in steps if s]
    if "@" in m["path"] or any(
        len(word.split("_")) > 3 or not word or word[0] == "n" and word[1:2] == "_" for group in groups for word in group
    ):
        return None
    names = [s for group in groups for s in group]
    ensure_states(target, groups[0][0], names, clause.id)
    for before, after in zip(groups, groups[1:], strict=False):
        for state in after:
            transition(target, action_for_state(state), before, state, clause.id)
    world.topic = target.name
    return True


@rule
def starts(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`an order starts as pending`"""
    target, state = entity(world, m, "e"), snake(m["a"])
    if target is None:
        return None
    known = ensure_states(target, state, [state], clause.id)
    target.state = known.model_copy(update={"initial": state, "states": tuple(dict.fromkeys([state, *known.states]))})
    return True


@rule
def is_until(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a post is a draft until its author publishes it`"""
    target, groups = entity(world, m, "e"), m.groupdict()
    verb = verb_base(groups.get("v") or groups.get("p") or "") or (
        verb_base((groups.get("v") or "") + "s") if groups.get("v") else None
    )
    if target is None or verb is None:
        return None
    before, after = snake(m["a"]), state_of_verb(verb)
    ensure_states(target, before, [after], clause.id)
    transition(target, verb, [before], after, clause.id)
    world.topic = target.name
    return allow_by(clause, world, target, [verb], groups.get("who") or groups.get("by") or "")


def allow_by(clause: Clause, world: World, target: EntityDraft, operations: list[str], who: str) -> bool | str:
    """Let only the named one do it: its owner, or a role."""
    who = re.sub(r"^(?:only |the |an? |its |their |his |her )+", "", plain(who).lower()).strip()
    if not who or who in ("someone", "somebody", "it", "you", "user", "anyone"):
        return True
    one = singular(who)
    for name in operations:
        if one in ROLES and world.auth:
            restrict(world, target, name, clause.id, role=snake(one))
        elif world.auth:
            reference = known_field(target, one) or world.own(
                target, clause.id, snake(one) if one in PEOPLE and one != "user" else None
            )
            restrict(world, target, name, clause.id, owner=reference)
    return True


@rule
def can_be(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`bookings can be cancelled until 24 hours before they start`"""
    target, groups = entity(world, m, "e"), m.groupdict()
    verb = verb_base(m["p"])
    if (
        target is None
        or verb is None
        or verb
        in ("set", "be", "search", "sort", "filter", "list", "order", "show", "find", "browse", "share", "view", "assign")
    ):
        return None
    verbs = [verb, *([verb_base(groups["p2"]) or ""] if groups.get("p2") else [])]
    for one in verbs:
        operation_for(world, target, one, clause.id)
    for word in re.findall(r"(?:then|finally|later)(?: be)? (\w+)", groups.get("then") or ""):
        if (following := verb_base(word)) and target.state:
            before = state_of_verb(verbs[-1])
            ensure_states(target, target.state.initial, [state_of_verb(following)], clause.id)
            transition(target, following, [before], state_of_verb(following), clause.id)
            verbs.append(following)
    world.topic = target.name
    if groups.get("who"):
        allow_by(clause, world, target, [operation_name(world, target, v) for v in verbs], groups["who"])
    rest = (groups.get("rest") or "").strip()
    if not rest:
        return True
    return remainder(clause, world, target, f"{operation_name(world, target, verb)}!{rest}")


@rule
def can_be_from(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`pending orders can be cancelled`; `closed issues can be reopened`"""
    target, verb, state = entity(world, m, "e"), verb_base(m["p"]), snake(m["a"])
    if (
        target is None
        or verb is None
        or target.state is None
        or state not in target.state.states
        or re.search(r"\b(?:not|never|cannot)\b", clause.match)
    ):
        return None
    if operation_name(world, target, verb) in ("update", "delete", "read", "create"):
        return None
    after = target.state.initial if verb in ("reopen", "restore", "reactivate") else state_of_verb(verb)
    after = next((s for s in target.state.states if action_for_state(s) == verb and s != state), after)
    if after == state:
        return None
    ensure_states(target, target.state.initial, [after], clause.id)
    transition(target, verb, [state], after, clause.id)
    return allow_by(clause, world, target, [verb], m["who"]) if m["who"] else True


def operation_name(world: World, target: EntityDraft, verb: str) -> str:
    """The operation that a verb stands for on an entity."""
    if verb in ("edit", "update", "change", "modify", "reschedule") and verb not in target.operations:
        return "update"
    if verb in ("delete", "remove"):
        return "delete"
    if verb in ("see", "view", "read", "list", "browse"):
        return "read"
    if verb in ("create", "add", "place", "make") or (verb in EVENT_VERBS and target.event_of == verb):
        return "create"
    return verb


def operation_for(world: World, target: EntityDraft, verb: str, by: str) -> str:
    """Make the action of a verb: it moves the row to the state of its participle."""
    name = operation_name(world, target, verb)
    if name in ("create", "read", "list", "update", "delete"):
        operation = target.operation(name)
        target.update(name, satisfies=tuple(dict.fromkeys([*operation.satisfies, by])))
        return name
    known = target.operations.get(name)
    if known and (known.transition or known.effects):
        target.update(name, satisfies=tuple(dict.fromkeys([*known.satisfies, by])))
        return name
    flag = next(
        (
            n
            for n in (participle(verb), verb + "ed", "done" if verb in ("complete", "finish") else "")
            if n in target.fields and target.fields[n].type == "boolean"
        ),
        None,
    )
    if flag:
        target.guard(name, f"not_{flag}", Guard(check=f"!self.{flag}", message=f"already {flag}", satisfies=(by,)))
        effect(target, name, {flag: "true"}, by)
        return name
    if verb in ("reopen", "restore", "unarchive", "reactivate", "unblock"):
        ends = ended_states(target)
        if target.state and ends:
            transition(target, name, ends, target.state.initial, by)
            return name
    _end_state(world, target, name, verb, by)
    return name


def _end_state(world: World, target: EntityDraft, name: str, verb: str, by: str) -> None:
    after = state_of_verb(verb)
    if target.closed_by and verb in ("return", "close", "end", "finish"):
        return
    if target.state is None:
        initial = {"cancel": "booked" if target.name in ("booking", "reservation") else "active", "close": "open", "publish": "draft", "approve": "pending", "reject": "pending", "accept": "pending", "decline": "pending", "resolve": "open", "archive": "active", "refund": "sold" if target.name == "ticket" else "active", "pay": "unpaid", "ship": "pending", "confirm": "pending", "complete": "open", "start": "pending"}.get(verb, "active")  # fmt: skip
        ensure_states(target, initial, [after], by)
        transition(target, name, [initial], after, by)
        return
    known = target.state
    ensure_states(target, known.initial, [after], by)
    sources = [known.initial] if known.initial != after else []
    live = [s for s in known.states if s not in ended_states(target) and s != after]
    transition(target, name, live or sources or [s for s in known.states if s != after], after, by)


# --- actions and their effects ----------------------------------------------------------------------------------------------


@rule
def records(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`returning a loan records the return date`"""
    verb = verb_base(m["v"])
    target = entity(world, m, "e") or world.find(world.topic)
    if verb is None or target is None:
        return None
    if event := _event_for(world, verb, target):
        target = event
    if verb in ("create", "add") or target.event_of == verb:
        name = snake(plain(m["f"]))
        kind, _ = type_of(name)
        target.fields[name] = Field(type="date" if kind == "date" else "datetime", writable="never", default="today" if kind == "date" else "now", satisfies=(clause.id,))  # fmt: skip
        return True
    for words in split_list(plain(m["f"])):
        stamp(target, verb, snake(words), clause, world)
    world.topic = target.name
    return True


def _event_for(world: World, verb: str, target: EntityDraft) -> EntityDraft | None:
    """`returning a book` is done to its loan."""
    if verb not in ("return", "check_out", "end", "finish"):
        return None
    return next(
        (e for e, _ in world.children(target.name) if e.event_of or e.name in ("loan", "rental", "borrowing", "checkout")), None
    )


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


def is_end(target: EntityDraft) -> bool:
    """Whether rows of the entity come to an end."""
    return open_test(target) is not None


def plural_noun(text: str) -> bool:
    """Whether a phrase is in the plural."""
    return is_plural(text)
