"""Behaviour: who does what to what, states and their transitions, actions and their effects."""

import re
from typing import Any

from quantumlayer.spec.analyst.access import restrict
from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.declare import add_fields
from quantumlayer.spec.analyst.draft_field import add_field
from quantumlayer.spec.analyst.fields import read_item, split_list, type_of
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.words import PEOPLE, an, is_plural, singular, snake, verb_base
from quantumlayer.spec.analyst.world import (
    EntityDraft,
    World,
    open_test,
)
from quantumlayer.spec.values import Field, Guard

CRUD_VERBS = {"create": "create", "add": "create", "write": "create", "post": "create", "submit": "create", "open": "create", "send": "create", "make": "create", "place": "create", "record": "create", "enter": "create", "upload": "create", "store": "create", "save": "create", "register": "create", "log": "create", "keep": "create", "draft": "create", "ask": "create", "report": "create", "raise": "create", "file": "create", "schedule": "create", "issue": "create", "plan": "create", "import": "create", "request": "create", "suggest": "create", "propose": "create",
              "edit": "update", "update": "update", "change": "update", "modify": "update", "rename": "update", "correct": "update",
              "delete": "delete", "remove": "delete",
              "track": "manage", "organize": "manage", "organise": "manage", "handle": "manage", "collect": "manage", "bring": "create", "see": "read", "view": "read", "read": "read", "list": "read", "browse": "read", "access": "read", "find": "read", "look": "read", "get": "read", "show": "read", "search": "read", "manage": "manage", "maintain": "manage", "administer": "manage"}  # fmt: skip
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
        "reply",
        "respond",
        "score",
        "deposit",
        "withdraw",
        "visit",
        "register_for",
        "lease",
        "check_out",
        "sign",
    ]
)
# These leave a record only where it is named: petitions have signatures, a contract is only signed.
_NAMED_ONLY = frozenset(("sign",))
_ALL = re.compile(r"\b(?:all|every|everybody's|everyone's)\b", re.I)
_VERB = r"[a-z]+(?: (?:in|out|up|off|for|on|to|down)(?= @|$| an? | the | their | other | one | each ))?"


@rule
def takes_seats(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`visitors reserve seats for a screening`: where seats are nothing of their own, it is the screening that is reserved."""
    target, verb, who = entity(world, m, "o"), verb_base(m["v"]), singular(m["s"].lower())
    actor = world.find(who.replace("_", " "))
    if target is None or verb is None or (who not in PEOPLE and actor is None):
        return None
    return act(clause, world, who, actor, verb, "", target, (m["rest"] or "").strip())


@rule
def does(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`members borrow books`, `authors write posts with …`, `customers buy tickets until …`"""
    verb_text, target = m["v"].lower(), entity(world, m, "o")
    verb = verb_base(verb_text.split()[0])
    who = singular(m["s"].lower())
    actor = world.find(who.replace("_", " "))
    person = who in PEOPLE or (actor is not None and CRUD_VERBS.get(verb or "") != "read")
    if not target or not verb or not person or verb in ("have", "be", "need", "belong", "go"):
        return None
    if CRUD_VERBS.get(verb) == "read" and re.search(rf"\b(?:their|his|her) @{m['o']}\b", m.string, re.I):
        return None
    if CRUD_VERBS.get(verb) == "read" and world.is_role(who) and _ALL.search(plain(clause.match)):
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
    if CRUD_VERBS.get(verb) == "read" and re.match(r",? ?(?:sorted|ordered|filtered|by|newest|oldest|grouped)\b", rest):
        return None
    if re.match(r"(?:only )?(?:once|twice|again|one time|more than once)\b", rest):
        return None
    # `the driver records for each household …` makes no household.
    if particle == "for" and verb in ("record", "write", "enter", "log", "note", "keep"):
        return None
    # `book goods in and out` is another verb than `book rooms`.
    if key == "book" and re.match(r"(?:in|out)\b", rest):
        return None
    if key in _NAMED_ONLY and world.events_of(key, target.name) is None:
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
            label = noun.replace("_", " ")
            marker = world.assume(f"What is kept when somebody {third_person(verb)} {an(target.name)} is {an(label)}.")
            world.add(noun, clause.id).satisfies.append(marker)
    event = world.events_of(key, target.name) if key in EVENT_VERBS else None
    if event and event.name != target.name:
        if fields:
            happen(clause, world, who, actor, event, target, "", key)
            return add_fields(event, fields["f"] or fields["g"], clause, world)
        return happen(clause, world, who, actor, event, target, rest, key)
    if fields:
        read = add_fields(target, fields["f"] or fields["g"], clause, world)
        # Whoever does something with values that are told makes the row: `recruiters publish openings with a title`.
        attribute(clause, world, who, actor, target, verb if verb in CRUD_VERBS or key in EVENT_VERBS else "create")
        return read
    if verb in CRUD_VERBS or key in EVENT_VERBS:
        if key in EVENT_VERBS and target.name in _event_names(key):
            target.event_of = key
        attribute(clause, world, who, actor, target, verb)
        kind = CRUD_VERBS.get(verb)
        if kind in ("update", "delete") and rest:
            # `members change their vote until the deadline` bounds the change, not the vote.
            target.update(kind, satisfies=tuple(dict.fromkeys([*target.operation(kind).satisfies, clause.id])))
            return remainder(clause, world, target, f"{kind}!{rest}")
        return remainder(clause, world, target, rest)
    return None


def third_person(verb: str) -> str:
    """`join` → `joins`."""
    return (
        f"{verb}es"
        if verb.endswith(("s", "x", "z", "ch", "sh", "o"))
        else f"{verb}s"
        if not verb.endswith("y") or verb[-2] in "aeiou"
        else f"{verb[:-1]}ies"
    )


def _event_names(key: str) -> list[str]:
    return {
        "buy": ["ticket", "order", "purchase"],
        "book": ["booking", "appointment"],
        "bid": ["bid"],
        "review": ["review"],
    }.get(key, [])


def _new_event(verb: str) -> str | None:
    from_verb = {"borrow": "loan", "lend": "loan", "rent": "rental", "book": "booking", "reserve": "reservation", "order": "order", "buy": "purchase", "purchase": "purchase", "enroll": "enrollment", "enrol": "enrolment", "subscribe": "subscription", "vote": "vote", "rate": "rating", "review": "review", "bid": "bid", "donate": "donation", "apply": "application", "join": "membership", "attend": "attendance", "like": "like", "follow": "follow", "adopt": "adoption", "pledge": "pledge", "sign_up": "registration", "register_for": "registration", "lease": "lease", "check_out": "checkout", "check_in": "checkin", "reply": "reply", "respond": "response", "score": "score"}  # fmt: skip
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
    # What an order is of stands in its lines, where it has some.
    if not any({event.name, target.name} <= {f.to for f in e.fields.values()} for e in world.entities.values()):
        world.link(event, target, clause.id)
    attribute(clause, world, who, actor, event, "create")
    if world.auth and world.is_role(who):
        # Whoever borrows is kept with the loan, whatever role lets them.
        world.own(event, clause.id)
    world.topic = event.name
    return remainder(clause, world, event, rest, target)


def attribute(clause: Clause, world: World, who: str, actor: EntityDraft | None, target: EntityDraft, verb: str) -> None:
    """Say in the model who did it: an owner where people sign in, a reference or nothing otherwise."""
    kind = CRUD_VERBS.get(verb, "create" if verb in EVENT_VERBS else "")
    if world.is_role(who) and world.auth:
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
        and (
            verb not in ("keep", "record", "register", "manage")
            or verb == "register"
            and who in PEOPLE
            and not world.is_role(who)
            or re.search(r"\b(?:their|his|her)\b", clause.match)
        )
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
    # An action is told before the words that follow it.
    return rest.partition("!")[2] or rest


def in_place(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool | str:
    """`post messages in rooms`: the row refers to where it goes; what follows are its fields."""
    m = re.fullmatch(
        r"(?:in|on|to|at|for|into|within|about|of|from|under)(?: (?:an?|the|one|each of (?:their|the|its|his|her)|their|its|one of the|different|various|some))? @?(\w+)"
        r"(?:,? and (an? [\w ]+))?",
        rest,
    )
    parent = world.find(m[1].replace("_", " ")) if m else None
    if m is None or parent is None or parent is target:
        return False
    world.link(target, parent, clause.id)
    return add_fields(target, m[2], clause, world) if m[2] else True


def of_what(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool | str:
    """`log completions of a habit with a date`: what it is of, and its fields."""
    m = re.fullmatch(
        r"(?:of|for|on|about|to|in|at) (?:(?:an?|the|their|each|one) )?@(\w+)(?:,? (?:with|having|including)|:) (.+)", rest
    )
    parent = world.find(m[1].replace("_", " ")) if m else None
    if m is None or parent is None or parent is target:
        return False
    world.link(target, parent, clause.id)
    return add_fields(target, m[2], clause, world)


def of_amount(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool | str:
    """`make donations of at least 5 euros to a campaign`: how much a row is, and for what."""
    m = re.fullmatch(
        r"of (?P<c>(?:at least|at most|up to|between|more than|from|less than) .+?)(?: (?:to|for|on|towards|into) (?:(?:an?|the|their|one) )?@?(?P<o>[a-z_]+))?",
        rest,
    )
    item = read_item(f"amount {m['c']}") if m else None
    if m is None or item is None or item.name != "amount" or item.unread or not item.attributes:
        return False
    add_field(target, item, clause.id, world)
    parent = (world.find(m["o"].replace("_", " ")) or world.add(m["o"], clause.id)) if m["o"] else None
    if parent is not None:
        world.link(target, parent, clause.id)
    return True


def at_time(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool | str:
    """`reserve a stall for a market day`: the row has that day."""
    m = re.fullmatch(r"(?:for|on|at) (?:an?|the|one) (?P<f>[a-z]+(?: [a-z]+)?)", rest)
    listed = re.sub(
        r",? ?\b(?:and |for |on |at |from |to |until |till |with )+(?=(?:an? |the )[a-z])", ", ", rest
    ).removeprefix(", ")
    several = re.fullmatch(r"(?P<f>(?:an? |the )[\w ]+(?:, (?:an? |the )[\w ]+)+)", listed)
    m = m or re.fullmatch(r"from (?:an?|the) (?P<f>[a-z]+(?: [a-z]+)?)", rest)
    if several and all(i.type or i.attributes or type_of(i.name)[0] for i in map(read_item, split_list(several["f"]))):
        return add_fields(target, several["f"], clause, world)
    if m is None or type_of(snake(m["f"]))[0] not in ("date", "datetime", "time"):
        return False
    return add_fields(target, m["f"], clause, world)


REMAINDERS: list[Any] = [in_place, of_what, of_amount, at_time]


def comment(clause: Clause, world: World, who: str, target: EntityDraft, rest: str) -> bool | str:
    """`readers comment on published posts`"""
    noted = world.add("comment", clause.id)
    noted.fields.setdefault("body", Field(type="text", satisfies=(clause.id, world.assume("A comment has a body."))))
    reference = world.link(noted, target, clause.id)
    noted.fields[reference] = noted.fields[reference].model_copy(update={"on_delete": "cascade", "writable": "create"})
    if world.auth:
        if world.is_role(who):
            restrict(world, noted, "create", clause.id, role=who)
        world.own(noted, clause.id, "author")
    elif (actor := world.find(who)) is not None:
        world.link(noted, actor, clause.id)
    world.topic = noted.name
    return rest or True


@rule
def comments(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`readers comment on published posts`"""
    target = entity(world, m, "o") if m["o"] else world.find(clause.topic) if clause.topic else None
    if target is None or target.name == "comment" or world.is_account(target):
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


# --- actions and their effects ----------------------------------------------------------------------------------------------


def is_end(target: EntityDraft) -> bool:
    """Whether rows of the entity come to an end."""
    return open_test(target) is not None


def plural_noun(text: str) -> bool:
    """Whether a phrase is in the plural."""
    return is_plural(text)


@rule
def shows(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a screening shows a film in a cinema`: a thing that does something to another refers to it."""
    target, other = entity(world, m, "e"), entity(world, m, "p")
    if target is None or other is None or target is other or verb_base(m["v"]) is None or world.is_account(target):
        return None
    if target.name in PEOPLE or m["v"].lower() in ("is", "are", "has", "have", "goes", "needs", "need"):
        return None
    if verb_base(m["v"]) in ("see", "view", "read", "browse", "access", "find", "search", "list") or is_plural(m["p"]):
        # Whoever sees requests does not refer to one of them.
        return None
    world.link(target, other, clause.id)
    world.topic = target.name
    return remainder(clause, world, target, (m["rest"] or "").strip())
