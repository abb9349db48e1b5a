"""States: the machine that a row goes through, and the actions that move it."""

import re
from typing import Any

from quantumlayer.spec.analyst.access import restrict
from quantumlayer.spec.analyst.anywhere import AT_ANY, from_anywhere
from quantumlayer.spec.analyst.behave import EVENT_VERBS, REMAINDERS, remainder
from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.declare import add_fields
from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.words import PEOPLE, an, participle, singular, snake, verb_base, words_of
from quantumlayer.spec.analyst.world import (
    NEGATIVE,
    EntityDraft,
    World,
    action_for_state,
    adopt_states,
    effect,
    ended_states,
    ensure_states,
    state_of_verb,
    transition,
)
from quantumlayer.spec.values import Effect, Field, Guard, Transition

_STATELESS = words_of("verbs", "stateless")


@rule
def is_until(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a post is a draft until its author publishes it`"""
    target, groups = entity(world, m, "e"), m.groupdict()
    deeds = re.split(r",? or |, ", groups.get("v") or groups.get("p") or "")
    verbs = [v for w in deeds if (v := verb_base(w) or verb_base(w + "s"))]
    if target is None or len(verbs) < len(deeds):
        return None
    before, after = snake(singular(m["a"])), [state_of_verb(v) for v in verbs]
    ensure_states(target, before, after, clause.id)
    for verb, state in zip(verbs, after, strict=True):
        transition(target, verb, [before], state, clause.id)
    world.topic = target.name
    return allow_by(clause, world, target, verbs, groups.get("who") or groups.get("by") or "")


@rule
def then_is(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`an invoice is a draft until it is sent, and is then paid`: from the state that was spoken of last."""
    target, verb = entity(world, m, "e"), verb_base(m["p"])
    if target is None or verb is None or target.state is None:
        return None
    before, after = target.state.states[-1], state_of_verb(verb)
    ensure_states(target, target.state.initial, [after], clause.id)
    transition(target, verb, [before], after, clause.id)
    return allow_by(clause, world, target, [verb], m["who"]) if m["who"] else True


def _assigned(target: EntityDraft, clause: Clause) -> str | None:
    """`by the flatmate it is assigned to`"""
    return "assignee" if "assignee" in target.fields and "assigned to" in clause.match else None


def allow_by(clause: Clause, world: World, target: EntityDraft, operations: list[str], who: str) -> bool | str:
    """Let only the named one do it: its owner, or a role."""
    who = re.sub(
        r"^(?:only |the |an? |its |their |his |her |(?:registered|signed[- ]in|logged[- ]in) )+", "", plain(who).lower()
    ).strip()
    if "create" in operations and world.auth and singular(who) in ("user", "member", world.auth.entity):
        world.own(target, clause.id)
        return True
    if not who or who in ("someone", "somebody", "it", "you", "user", "anyone"):
        return True
    who = re.sub(r"^[a-z]+'s? (?=[a-z]+$)", "", who)
    who = re.sub(r"^(\w+) (?:who|whom|that)? ?(?:it|they) (?:is|are|was|were) assigned to$", r"\1", who)
    one = snake(singular(who))
    if re.search(r" (?:and|or) .* by ", f" {who} ") or len(one.split("_")) > 3:
        return f"by {who}"
    if not (one in PEOPLE or world.is_role(one) or known_field(target, one) or world.find(one)):
        return f"by {who}"
    if re.search(r"at a time|at once|at the same time|\bone\b", who) or (world.auth is None and one in PEOPLE):
        return f"by {who}"
    for name in operations:
        if world.is_role(one) and world.auth:
            restrict(world, target, name, clause.id, role=one)
        elif world.auth:
            reference = (
                known_field(target, one)
                or _assigned(target, clause)
                or world.own(target, clause.id, snake(one) if one in PEOPLE and one != "user" else None)
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
        or not leaves_state(target, verb)
    ):
        return None
    done = world.events_of(verb, target.name)
    if done is not None and done.event_of == verb and done.reference_to(target.name):
        # That a court is reserved is kept by its reservations, and is no state of the court.
        return None
    if verb in EVENT_VERBS and verb != "claim" and groups.get("who") and world.auth is None:
        # Interpreters that courts book are in no state: it is the booking that is kept.
        return None
    target = event_for(world, verb, target) or target
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
        allowed = allow_by(clause, world, target, [operation_name(world, target, v) for v in verbs], groups["who"])
        if isinstance(allowed, str):
            return allowed
    rest = (groups.get("rest") or "").strip()
    if not rest:
        return True
    return remainder(clause, world, target, f"{operation_name(world, target, verb)}!{rest}")


@rule
def can_be_to(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a delivered job may be sent back to in progress`"""
    target, verb = entity(world, m, "e"), verb_base(m["p"])
    before, after = snake(m["a"]), snake(m["s"])
    if target is None or verb is None or target.state is None or before not in target.state.states:
        return None
    ensure_states(target, target.state.initial, [after], clause.id)
    name = (
        verb if verb not in target.operations and verb not in ("send", "move", "set", "change", "put") else f"back_to_{after}"
    )
    transition(target, name, [before], after, clause.id)
    return allow_by(clause, world, target, [name], m["who"]) if m["who"] else True


@rule
def once_done(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`when the parcel is picked up the locker becomes free again`: the action, and what it holds is free without it."""
    target, verb, place = entity(world, m, "e"), verb_base(m["p"]), world.find(m["o"].replace("_", " "))
    if target is None or verb is None or place is None:
        return None
    operation_for(world, target, f"{verb}_{m['part']}" if m["part"] else verb, clause.id)
    world.link(target, place, clause.id)
    world.topic = target.name
    return True


@rule
def in_turn(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a driver accepts a requested ride, then starts it and completes it`"""
    target, who = entity(world, m, "e"), singular(m["s"].lower())
    verbs = [verb_base(m["v"]), *(verb_base(w) for w in re.findall(r"([a-z]+) (?:it|them)", m["rest"]))]
    if target is None or not all(verbs) or not (who in PEOPLE or world.find(who)):
        return None
    named = [str(v) for v in verbs]
    initial = snake(m["a"] or "") or (target.state.initial if target.state else "pending")
    states = [initial, *(state_of_verb(v) for v in named)]
    ensure_states(target, initial, states, clause.id)
    for verb, before, after in zip(named, states, states[1:], strict=False):
        transition(target, verb, [before], after, clause.id)
    world.topic = target.name
    return allow_by(clause, world, target, named, who) if world.is_role(who) else True


@rule
def can_be_from(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`pending orders can be cancelled`; `closed issues can be reopened`"""
    target, verb, state = entity(world, m, "e"), verb_base(m["p"]), snake(m["a"])
    if target and verb and target.state and state.startswith("un") and state[2:] in target.state.states:
        return _before_state(clause, world, target, verb, state[2:])
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
    if clause.match.lower().startswith("only ") and verb in target.operations:
        # What a file leaves open, or an assumption filled, is narrowed.
        target.update(verb, transition=None)
    transition(target, verb, [state], after, clause.id)
    return allow_by(clause, world, target, [verb], m["who"]) if m["who"] else True


def _before_state(clause: Clause, world: World, target: EntityDraft, verb: str, state: str) -> bool:
    """`unshipped orders can be cancelled`: from every state that comes before."""
    assert target.state
    name = operation_for(world, target, verb, clause.id)
    made = target.operations[name].transition
    if made is None:
        return False
    earlier = target.state.states[: target.state.states.index(state)]
    move = made.model_copy(update={"from_states": tuple(s for s in earlier if s != made.to)})
    target.update(name, transition=move)
    return bool(move.from_states)


def event_for(world: World, verb: str, target: EntityDraft) -> EntityDraft | None:
    """`returning a book` is done to its loan."""
    if verb not in ("return", "check_out", "end", "finish"):
        return None
    return next(
        (e for e, _ in world.children(target.name) if e.event_of or e.name in ("loan", "rental", "borrowing", "checkout")), None
    )


def leaves_state(target: EntityDraft, verb: str) -> bool:
    """Whether a deed on a row shows in it: what is given or joined is in no state, unless the request says that it is."""
    told = {participle(verb), state_of_verb(verb)}
    known = told & {*target.fields, *(target.state.states if target.state else ())} or verb in target.operations
    return bool(known) or verb.split("_")[0] not in _STATELESS


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
    # `staff hand orders over` where a diagram has the move `hand over to carrier`.
    longer = [n for n, o in target.operations.items() if target.declared and o.transition and n.startswith(f"{verb}_")]
    return longer[0] if len(longer) == 1 and verb not in target.operations else verb


_ADJECTIVES = {"complete": "done", "finish": "done", "activate": "active", "enable": "active"}
_UNDONE = {"deactivate": "activate", "disable": "enable", "reopen": "complete", "unarchive": "archive", "restore": "archive"}


def _flagged(target: EntityDraft, verb: str) -> tuple[str, bool] | None:
    """The flag that a deed sets, and whether to true: to deactivate is to be no longer active."""
    done = _UNDONE.get(verb) or (verb.removeprefix("un") if verb.startswith("un") else "")
    for deed, value in ((verb, True), (done, False)):
        words = [participle(deed), f"{deed}ed", _ADJECTIVES.get(deed, "")] if deed else []
        for name in [n for word in words if word for n in (word, f"is_{word}")]:
            if name in target.fields and target.fields[name].type == "boolean":
                return name, value
    return None


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
    if flagged := _flagged(target, verb):
        flag, value = flagged
        said = flag.removeprefix("is_").replace("_", " ")
        if value:
            target.guard(name, f"not_{flag}", Guard(check=f"!self.{flag}", message=f"already {said}", satisfies=(by,)))
        else:
            target.guard(name, flag, Guard(check=f"self.{flag}", message=f"not {said}", satisfies=(by,)))
        effect(target, name, {flag: "true" if value else "false"}, by)
        return name
    if verb in ("resume", "unpause", "continue", "reactivate") and target.state:
        halted = [s for s in target.state.states if s in ("paused", "suspended", "on_hold", "stopped", "held", "inactive")]
        if halted:
            transition(target, name, halted, target.state.initial, by)
            return name
    if verb in ("reopen", "restore", "unarchive", "reactivate", "unblock"):
        ends = ended_states(target)
        if target.state and ends:
            transition(target, name, ends, target.state.initial, by)
            return name
    if target.declared and (held := target.fields.get(verb)) and _awaits(held):
        # `grade` of an enrolment, which is empty at first: who grades says it, and nobody else does.
        target.fields[verb] = held.model_copy(update={"writable": "never"})
        target.update(name, input={verb: held.model_copy(update={"required": True, "satisfies": (by,)})})
        effect(target, name, {verb: f"input.{verb}"}, by)
        return name
    _end_state(world, target, name, verb, by)
    return name


def _awaits(field: Field) -> bool:
    """Whether it is a value that rows do not have at first, and that somebody gives."""
    scalar = field.type in ("integer", "number", "decimal", "string", "text", "enum")
    return scalar and not field.required and field.default is None and field.value is None and field.writable == "always"


_FIRST = ("start", "begin", "launch")
_LAST = ("finish", "complete", "end")
_HALT = ("stop", "pause", "suspend", "interrupt")
_RUNNING = ("in_progress", "started", "running", "ongoing", "underway", "doing")
_DONE = ("done", "finished", "completed", "complete", "ended")


def _called(target: EntityDraft, verb: str) -> tuple[str, Transition] | None:
    """The action that a general verb stands for where the states are listed: the first from the beginning, or to the end."""
    moves = {n: o.transition for n, o in target.operations.items() if o.transition and not o.effects and not o.guards}
    if target.state is None or not moves:
        return None
    if verb in _FIRST:
        first = [(n, t) for n, t in moves.items() if t.from_states == (target.state.initial,) and t.to.endswith("ing")]
        return first[0] if len(first) == 1 else None
    done = [(n, t) for n, t in moves.items() if t.to in ("done", "finished", "completed")]
    return done[0] if verb in _LAST and len(done) == 1 else None


def _listed(target: EntityDraft, verb: str) -> str | None:
    """The one listed state that a general verb leads to: to finish is to be done."""
    meant = _RUNNING if verb in _FIRST else _DONE if verb in _LAST else ()
    found = [s for s in (target.state.states if target.state else ()) if s in meant]
    return found[0] if len(found) == 1 else None


def _end_state(world: World, target: EntityDraft, name: str, verb: str, by: str) -> None:
    after = verb if target.state and verb in target.state.states else state_of_verb(verb)
    if target.closed_by and verb in ("return", "close", "end", "finish"):
        return
    adopt_states(target, by)
    after = _listed(target, verb) or after
    if target.state is None:
        initial = {"cancel": "booked" if target.name in ("booking", "reservation") else "active", "close": "open", "publish": "draft", "approve": "pending", "reject": "pending", "accept": "pending", "decline": "pending", "resolve": "open", "archive": "active", "refund": "sold" if target.name == "ticket" else "active", "pay": "unpaid", "ship": "pending", "confirm": "pending", "complete": "open", "start": "pending"}.get(verb, "active")  # fmt: skip
        ensure_states(target, initial, [after], by)
        transition(target, name, [initial], after, by)
        return
    known = target.state
    if after not in known.states and (called := _called(target, verb)):
        # `only staff can start a job` that is queued, printing or done: to start it is to print it
        other, moved = called
        target.operations[name] = target.operations.pop(other)
        transition(target, name, list(moved.from_states), moved.to, by)
        return
    ensure_states(target, known.initial, [after], by)
    sources = [known.initial] if known.initial != after else []
    live = [s for s in known.states if s not in ended_states(target) and s != after]
    if after in target.listed:
        live = [s for s in target.before(after) if s not in NEGATIVE and s not in _DONE] or live
    elif verb in _HALT:
        live = [s for s in known.states if s in _RUNNING] or live
    transition(target, name, live or sources or [s for s in known.states if s != after], after, by)


def before_deed(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool:
    """`riders can cancel a ride before it starts`: not from the state that starting leads to, nor from later ones."""
    name, _, text = rest.partition("!")
    m = re.fullmatch(
        r"(?:only )?(?:before|until|as long as|while) (?:it|they|the \w+|@\w+) (?:(?:is|are|has been|have been|was|gets) (?P<not>not yet |not )?)?(?P<v>\w+)",
        text,
    )
    verb = verb_base(m["v"]) if m else None
    if verb is None or name in ("", "create"):
        return False

    def narrow() -> None:
        deed, own = target.operations.get(str(verb)), target.operations.get(name)
        if not deed or not own or not deed.transition or not own.transition or not target.state:
            world.ask(f"Until when may {an(target.name)} be {participle(name)}?")
            return
        reached = {deed.transition.to}
        for _ in target.state.states:
            reached |= {
                o.transition.to
                for n, o in target.operations.items()
                if n != name and o.transition and reached & set(o.transition.from_states)
            }
        sources = tuple(s for s in target.state.states if s not in reached and s != own.transition.to)
        if sources:
            changed = own.transition.model_copy(update={"from_states": sources})
            target.update(name, transition=changed, satisfies=tuple(dict.fromkeys([*own.satisfies, clause.id])))

    world.later.append(narrow)
    return True


def at_any_time(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool:
    """`an order can be cancelled at any time`: from every state that is not final."""
    name, _, text = rest.partition("!")
    known = target.operations.get(name)
    if known is None or re.fullmatch(rf"(?:only )?(?:{AT_ANY})", text) is None:
        return False
    if known.transition and target.state:
        from_anywhere(world, target, known.transition.to, clause.id, name)
    return True


def stating(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool | str:
    """`a lease can be terminated with a reason`: what the action asks for, and the row keeps."""
    name, _, text = rest.partition("!")
    known = target.operations.get(name)
    if known is None or name in ("create", "update", "delete", "read", "list") or not text.startswith("with "):
        return False
    asked = EntityDraft(target.name, target.plural)
    unread = add_fields(asked, text.removeprefix("with "), clause, world)
    plain_ones = {n: f for n, f in asked.fields.items() if f.type not in ("reference", "references")}
    if not plain_ones or len(plain_ones) < len(asked.fields):
        return False
    for field_name, field in plain_ones.items():
        target.fields[field_name] = field.model_copy(update={"required": False, "writable": "never", "default": None})
    kept = Effect(set={n: f"input.{n}" for n in plain_ones})
    target.update(name, input={**known.input, **plain_ones}, effects=(*known.effects, kept))
    return unread


def when_parts(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool:
    """`a to-do can only be completed when all its subtasks are done`; that these can be done is told here, if nowhere else."""
    name, _, text = rest.partition("!")
    m = re.fullmatch(
        r"(?:only )?(?:when|if|once|after) all(?: of)? (?:its|their|the) @?(?P<n>\w+) (?:is|are|have been) (?P<c>\w+)", text
    )
    child = world.find(m["n"].replace("_", " ")) if m else None
    reference = child.reference_to(target.name) if child else None
    if m is None or child is None or reference is None or name not in target.operations:
        return False
    if condition(world, child, m["c"], "x") is None and verb_base(m["c"]):
        child.fields[snake(m["c"])] = Field(type="boolean", default="false", satisfies=(clause.id,))
    test = condition(world, child, m["c"], "x")
    if test is None:
        return False
    label = child.plural.replace("_", " ")
    check = f"self.{world.inverse(child, reference)}.all(x, {test})"
    guard = Guard(check=check, message=f"not all {label} are {m['c']}", satisfies=(clause.id,))
    target.guard(name, f"{child.plural}_{snake(m['c'])}", guard)
    return True


REMAINDERS += [before_deed, at_any_time, stating, when_parts]
