"""The states of a row in their order: `draft → sent → paid`, `received, then cleaned`, `open, in progress or done`."""

import re
from typing import Any

from quantumlayer.spec.analyst.anywhere import beside, from_anywhere
from quantumlayer.spec.analyst.draft_field import merged
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.states import allow_by
from quantumlayer.spec.analyst.words import PEOPLE, an, snake, verb_base, words_of
from quantumlayer.spec.analyst.world import World, action_for_state, ensure_states, transition
from quantumlayer.spec.values import Field

STATES = words_of("states", "open") | words_of("states", "negative") | words_of("states", "other")
# What a row is at first: `loans are requested, …`.
BEGINNINGS = words_of("states", "beginnings")
_NO_STAGE = frozenset(("edit", "update", "change", "delete", "remove", "view", "show", "list", "sort", "filter", "search", "see", "find", "own", "use", "call", "name", "identify", "base", "give", "make", "connect", "limit", "allow", "track", "store", "keep", "manage"))  # fmt: skip
# What stands before the name of a state: `are confirmed`, `finally become a claim`
_LEAD = re.compile(
    r"^(?:(?:from|to|into|through|finally|eventually|either|or|the|and|an?|is|are|gets?|becomes?|turns? into)\s+)+"
)


@rule
def goes(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`an expense goes from draft to submitted to approved or rejected`; `draft → submitted → approved`"""
    target = entity(world, m, "e") or world.find(world.topic)
    path, anywhere = beside(plain(m["path"]).lower())
    steps = [
        p.strip()
        for p in re.split(
            r"\s*(?:->|→|=>|-->|,? (?:and )?then (?:to )?|,? to |,? and (?:finally|eventually) (?:to )?|,? then )\s*", path
        )
    ]
    steps = [_LEAD.sub("", s).strip(" ,.") for s in steps]
    if target is None or len(steps) < 2:
        return None
    if target.state and clause.match.lower().find(" from ") < 0 and "then" in path and snake(steps[0]) != target.state.initial:
        steps = [target.state.initial, *(p for step in steps for p in re.split(r" and ", step))]
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
    for state in anywhere:
        from_anywhere(world, target, state, clause.id)
    world.topic = target.name
    return True


@rule
def statuses(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`Statuses: new, assigned, in progress, closed`: in this order, since nothing else is said."""
    target = entity(world, m, "e") or world.find(world.topic)
    if target and target.name in PEOPLE and not m["e"]:
        # What was spoken of last is a customer: the status is not theirs.
        return None
    said = (re.sub(r"^(?:an?|the) ", "", w, flags=re.I) for w in re.split(r",? (?:and|or) |, ", plain(m["list"])))
    names = [snake(w) for w in said if snake(w)]
    if target is None or world.is_account(target) or len(names) < 2 or target.state is not None:
        return None
    moves = _in_order(names)
    steps = ", ".join(f"from {a} to {b}" for a, b in moves).replace("_", " ")
    marker = world.assume(f"{an(target.name).capitalize()} goes {steps}.")
    ensure_states(target, names[0], names, clause.id)
    for before, after in moves:
        transition(target, action_for_state(after), [before], after, clause.id)
        transition(target, action_for_state(after), [before], after, marker)
    world.ask(f"Which changes of the status of {an(target.name)} are allowed, besides the given order?")
    world.topic = target.name
    return True


_OUTCOMES = frozenset(
    ("failed", "rejected", "declined", "refused", "denied", "cancelled", "canceled", "lost", "aborted", "withdrawn")
)


_GOOD = words_of("states", "negative") | frozenset(
    ("done", "passed", "accepted", "approved", "won", "succeeded", "delivered", "sold")
)


def _in_order(names: list[str]) -> list[tuple[str, str]]:
    """Each state after the one before; what goes wrong (`done or failed`) is the other way out of the state before that."""
    moves, last, before = [], names[0], names[0]
    for name in names[1:]:
        if name in _OUTCOMES:
            moves.append((before if last in _GOOD else last, name))
        else:
            moves.append((last, name))
            before, last = last, name
    return moves


@rule
def is_one_of(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a job is open, in progress or finished`: the states of it, where most of them are known as such."""
    names = [snake(re.sub(r"^(?:an?|the) ", "", w, flags=re.I)) for w in re.split(r",? or |, ", plain(m["list"]))]
    known = [
        n for n in names if n in STATES or re.match(r"(?:in|on|under|out_of|waiting|not)_", n) or verb_base(n) not in (None, n)
    ]
    return statuses(clause, world, m) if 2 * len(known) > len(names) and all(len(n.split("_")) < 4 for n in names) else None


@rule
def is_or_not(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a lesson is paid or unpaid`: a yes or no, where it is no state."""
    target, word = entity(world, m, "e"), snake(m["a"])
    if target is None or word != snake(m["b"]) or target.state or world.is_account(target):
        return None
    made = Field(type="boolean", default="false", satisfies=(clause.id,))
    target.fields[word] = merged(target.fields[word], made) if word in target.fields else made
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
def passes(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`an order is received, then cleaned, then collected`; `moves are planned, then done or cancelled`"""
    target, (path, anywhere) = entity(world, m, "e"), beside(plain(m["path"]).lower())
    agent = re.fullmatch(r"(?P<p>.*\bthen\b[^,]*?) by (?P<w>(?:an? |the |its |their )?[a-z]+(?: [a-z]+)?)", path)
    path, who = (agent["p"], agent["w"]) if agent else (path, "")
    steps = [
        [snake(w) for w in re.split(r",? or |, ", s.strip(" ,")) if w]
        for s in re.split(r",? (?:and )?then (?:be |is |are )?", path)
    ]
    if target is None or any(not s or any(len(w.split("_")) > 2 for w in s) for s in steps):
        return None
    machine = ensure_states(target, steps[0][0], [s for step in steps for s in step], clause.id)
    target.state = machine.model_copy(update={"initial": steps[0][0]})
    for before, after in zip(steps, steps[1:], strict=False):
        for state in after:
            transition(target, action_for_state(state), before, state, clause.id)
    for state in anywhere:
        from_anywhere(world, target, state, clause.id)
    world.topic = target.name
    return allow_by(clause, world, target, [action_for_state(s) for s in steps[-1]], plain(who)) if who else True


_STEP = re.compile(
    r"(?:(?:is|are|gets?|be) )?(?P<p>[a-z]+)(?: (?P<part>out|in|back|up|off|down|on))?(?: by (?:an? |the |its |their )?(?P<who>[a-z]+(?: [a-z]+)?))?"
)


@rule
def stages(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`loans are requested, approved by the registrar, sent out and then returned`: one state after the other."""
    target, (path, _, rest) = entity(world, m, "e"), plain(m["path"]).lower().partition(", who ")
    pieces = [
        p.strip(" ,") for p in re.split(r",|\band\b|\bthen\b|\bfinally\b|\beventually\b|\blater\b", path) if p.strip(" ,")
    ]
    steps = [_STEP.fullmatch(piece) for piece in pieces]
    verbs = [verb_base(step["p"]) for step in steps if step]
    ordered = re.search(r"\b(?:then|finally|eventually|later)\b", path) is not None
    ordered = ordered or all(step and step["who"] for step in steps)
    if target is None or len(verbs) < (2 if ordered else 3) or len(verbs) < len(pieces) or world.is_account(target):
        return None
    if any(v is None or v == s["p"] or v in _NO_STAGE for v, s in zip(verbs, steps, strict=True) if s):
        return None
    names = ["_".join(filter(None, (s["p"], s["part"]))) for s in steps if s]
    first = target.state.initial if target.state else names[0]
    initial = first if names[0] in BEGINNINGS or names[0] == first and target.state else "pending"
    ensure_states(target, initial, names, clause.id)
    unread = [rest] if rest else []
    for before, (state, step) in zip([initial, *names], zip(names, steps, strict=True), strict=False):
        if state != initial and step:
            name = action_for_state(state)
            transition(target, name, [before], state, clause.id)
            allowed = allow_by(clause, world, target, [name], step["who"] or "")
            unread += [allowed] if isinstance(allowed, str) else []
    world.topic = target.name
    return ", ".join(unread) or True
