"""Rules: limits over related rows, exclusivity, overlap, order in time, single fields' constraints."""

import re
from dataclasses import replace
from functools import partial
from typing import Any

from quantumlayer.spec.analyst.behave import REMAINDERS
from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.contradict import contradicts
from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.effects import stamp
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.periods import keep_apart, moments_of
from quantumlayer.spec.analyst.quantities import bounds_of
from quantumlayer.spec.analyst.time_words import main_date
from quantumlayer.spec.analyst.words import LEXICON, PEOPLE, an, number, participle, snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World, open_test, standing_test
from quantumlayer.spec.values import Field, Rule, Unique

_AT_ONCE = ("at a time", "at once", "at the same time", "simultaneously", "concurrently")
_LIVE = ("open", "active", "current", "outstanding", "ongoing", "running", "unreturned")


@rule
def at_most(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a member can have at most 5 open loans`"""
    parent, child = entity(world, m, "p"), entity(world, m, "e")
    count = number(m["n"])
    if parent is None or child is None or count is None:
        return None
    if (
        re.search(r"\b(?:may|can|must|should|will)? ?(?:not|cannot|never|no) .*more than|^no ", plain(clause.match), re.I)
        is None
        and re.search(r"\bmore than\b", clause.match)
        and "no more" not in clause.match
    ):
        return None
    if child.reference_to(parent.name) is None and (
        event := next((e for e, r in world.children(child.name) if e.reference_to(parent.name)), None)
    ):
        child = event
    reference = world.link(child, parent, clause.id)
    rows = f"self.{reference}.{world.inverse(child, reference)}"
    word = (m["a"] or "").lower()
    if word in ("different", "other", "new", "total"):
        word = ""
    test = condition(world, child, word, "x") if word else None
    if word and not test:
        if word not in _LIVE or child.state or open_test(child):
            return word
        # A later sentence may tell how such rows end; where none does, an assumption supplies it.
        world.later.append(partial(_limit_open, clause, world, child, m))
        return True
    rest = (m["rest"] or "").strip()
    if count == 1 and rest in _AT_ONCE and not test and not child.closed_by and (bounds_of(child, world) or moments_of(child)):
        # One appointment at a time: as many as there are times.
        keep_apart(child, reference, clause, world)
        return True
    if span := re.fullmatch(
        r"(?:per|a|each|every|in a|in one|on the same|within a|on one|on a) (?P<u>day|week|month|hour|date)", rest
    ):
        window = _window(child, span["u"])
        if window is None:
            return rest
        test, rest = (f"{test} && {window}" if test else window), ""
    elif (of := re.fullmatch(r"(?:per|for each|for every|in each|on each|to each|for one) @?([\w ]+)", rest)) and (
        whole := world.find(of[1].replace("_", " "))
    ):
        within = world.link(child, whole, clause.id)
        same = f"x.{within} == self.{within}"
        test, rest = f"{test} && {same}" if test else same, ""
    elif rest in _AT_ONCE:
        if test is None and open_test(child) is None and child.name.split("_")[-1] in LEXICON["ends"]:
            # Of what was once taken, only what was not given back counts.
            world.later.append(partial(_limit_open, clause, world, child, m))
            return True
        test, rest = test or open_test(child, "x"), ""
    elif rest and not test and (state := condition(world, child, rest, "x")):
        test, rest = state, ""
    elif rest in ("in total", "overall", "each", "altogether"):
        rest = ""
    if test is None and child.closed_by is None and child.state and (live := open_test(child, "x")) and word != "total":
        test = live
    if rest and re.match(r"(?:per|each|every|in|within|during|for|unless|except|if|when|while|before|after|until|on)\b", rest):
        # What is left narrows the limit: without it the rule would refuse more than was asked for.
        return None
    rows = f"{rows}.filter(x, {test})" if test else rows
    label = f"{word} " if word else ""
    check = f"size({rows}) <= {int(count)}"
    for known in child.rules.values():
        if known.check.startswith(f"size({rows}) <= ") and known.check != check:
            said = f"at most {known.check.rpartition(' ')[2]} and at most {int(count)} {label}{child.plural.replace('_', ' ')}"
            return contradicts(clause, world, known.satisfies[0], said, "the first one is built")
    if not child.fields[reference].required:
        check = f"self.{reference} == null || {check}"
    child.rule(
        f"at_most_{int(count)}_{snake(label + child.plural)}",
        Rule(
            check=check,
            message=f"a {parent.name.replace('_', ' ')} may have at most {int(count)} {label}{child.plural.replace('_', ' ')}",
            satisfies=(clause.id,),
        ),
    )
    return rest or True


def _limit_open(clause: Clause, world: World, child: EntityDraft, m: Any) -> None:
    """`at most 5 open loans`, once all sentences are read."""
    if open_test(child) is None:
        verb = LEXICON["ends"].get(child.name.split("_")[-1], "close")
        one, done = child.name.replace("_", " "), participle(verb)
        marker = world.assume(f"{an(one).capitalize()} is open until it is {done}, an action that records when.")
        stamp(child, verb, f"{done}_at", replace(clause, id=marker), world)
    read = at_most(clause, world, m)
    if read is not True:
        clause.leftover.append(read or plain(clause.match))


def _window(child: EntityDraft, unit: str) -> str | None:
    found = main_date(child, "x")
    path, kind = (found[0], found[1]) if found and found[2] else ("x.created_at", "datetime")
    mine = path.replace("x.", "self.", 1)
    if unit in ("day", "date"):
        return f"date({path}) == date({mine})" if kind == "datetime" else f"{path} == {mine}"
    if unit == "month":
        return f"month({path}) == month({mine})"
    if unit == "hour" and kind == "datetime":
        return f"hour({path}) == hour({mine})"
    return None


@rule
def only_once(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`an artwork can be sold only once`, `a gift can be reserved by one guest`: where sales are kept, one for each."""
    target, verb = entity(world, m, "e"), verb_base(m["p"])
    event = world.events_of(verb, target.name) if target and verb else None
    if target is None or event is None:
        return None

    def add() -> None:
        reference = world.link(event, target, clause.id)
        event.unique.append(Unique(fields=(reference,), where=standing_test(event), satisfies=(clause.id,)))

    world.later.append(add)
    return True


@rule
def once(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a customer can review a product once`"""
    groups = m.groupdict()
    parent, other = entity(world, m, "p"), entity(world, m, "o")
    child = (
        entity(world, m, "c")
        if groups.get("c")
        else world.events_of(verb_base(groups.get("v") or "") or "", other.name if other else None)
    )
    if parent is None or other is None:
        return None
    if child is None:
        child = next((e for e, _ in world.children(other.name) if e.reference_to(parent.name)), None)
    if child is None:
        return None
    first, second = world.link(child, parent, clause.id), world.link(child, other, clause.id)
    child.unique.append(Unique(fields=tuple(dict.fromkeys((first, second))), satisfies=(clause.id,)))
    return True


@rule
def once_per(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a stall can be reserved once per market day`; `one entry per member and day`; `nobody can join the same ride twice`"""
    groups = m.groupdict()
    verb, about = verb_base(groups.get("v") or ""), entity(world, m, "o")
    child = entity(world, m, "c") if groups.get("c") else None
    if about and verb:
        linked = (e for e, _ in world.children(about.name) if e.event_of or e.name.startswith(verb[:5]))
        child = world.events_of(verb, about.name) or next(linked, None) or (None if groups.get("same") else about)
    if child is None:
        return None
    words = re.split(r" and |, ", plain(groups.get("x") or ""))
    names = [_named_by(child, w, clause, world) for w in words if w.strip()]
    if about and about is not child:
        names.insert(0, world.link(child, about, clause.id))
    person = groups.get("same") or (len(names) == 1 and not about)
    if person:
        names.append(child.owner or _doer(child, about, world) or (world.own(child, clause.id) if world.auth else None))
    if len(set(names)) < 2 or None in names:
        return None
    fields = tuple(dict.fromkeys(str(n) for n in names))
    child.unique.append(Unique(fields=fields, where=standing_test(child), satisfies=(clause.id,)))
    return True


def _doer(child: EntityDraft, about: EntityDraft | None, world: World) -> str | None:
    """The reference to whoever does it."""
    others = (n for n, f in child.fields.items() if f.type == "reference" and (about is None or f.to != about.name))
    return next((n for n in others if n in PEOPLE or child.fields[n].to in PEOPLE), None)


def _named_by(child: EntityDraft, words: str, clause: Clause, world: World) -> str | None:
    """The field of a row that some words name; the day of rows that have none is the one on which they are made."""
    text = re.sub(r"^(?:an?|the|each|every|same|given)\s+", "", words.strip().lower())
    if (other := world.find(text)) is not None and other is not child:
        return world.link(child, other, clause.id)
    if (name := known_field(child, text)) in child.fields:
        return name
    if text not in ("day", "date"):
        return None
    if (moment := main_date(child)) is not None:
        return moment[0].removeprefix("self.") if moment[1] == "date" else None
    marker = world.assume(f"The date of {an(child.name)} is the day on which it is made.")
    child.fields["date"] = Field(type="date", writable="never", default="today", satisfies=(clause.id, marker))
    return "date"


# --- exclusivity ------------------------------------------------------------------------------------------------------------


# --- time -------------------------------------------------------------------------------------------------------------------


def capacity_bound(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool:
    """`until the event is sold out`, `as long as there are seats`"""
    text = plain(rest.partition("!")[2] or rest)
    if not re.fullmatch(
        r"(?:only )?(?:until|as long as|while|if|unless|up to)\b.*\b(?:sold[- ]?out|full|capacity|seats?|places?|spots?|tickets?|available|left|stock|slots?)\b.*",
        text,
    ):
        return False
    for name, field in target.fields.items():
        if field.type == "reference" and field.to and (capacity := _capacity_within(world.entities[field.to], world)):
            world.later.append(partial(limit_capacity, target, name, capacity, world, clause.id))
            return True
    for word in re.findall(r"\w+", text):
        parent = world.find(word)
        if parent and parent is not target and not world.is_account(parent) and (capacity := _capacity_within(parent, world)):
            world.later.append(
                partial(limit_capacity, target, world.link(target, parent, clause.id), capacity, world, clause.id)
            )
            return True
    return False


@rule
def fits(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`never seat more guests at a table than it has seats`"""
    child, told = entity(world, m, "c"), entity(world, m, "p")
    parents = (
        [told] if told else [world.entities[str(f.to)] for f in child.fields.values() if f.type == "reference"] if child else []
    )
    found = next(((p, n) for p in parents if (n := known_field(p, m["f"])) in p.fields), None)
    if child is None or found is None or found[0].fields[str(found[1])].type != "integer" or found[0] is child:
        return None
    word = (m["a"] or "").lower()
    parent, name = found
    world.later.append(partial(limit_capacity, child, world.link(child, parent, clause.id), str(name), world, clause.id, word))
    return True


_HOLDS = re.compile(r"(?:.*_)?(?:capacity|seats|places|spots|slots)|max(?:imum)?_\w+s")


def capacity_field(parent: EntityDraft) -> str | None:
    """The field that says how many fit."""
    whole = [n for n, f in parent.fields.items() if f.type == "integer" and f.required]
    named = next((n for n in ("capacity", "quota", "limit", "size", "copies", "stock") if n in whole), None)
    return named or next((n for n in whole if _HOLDS.fullmatch(n)), None)


def _capacity_within(parent: EntityDraft, world: World) -> str | None:
    """The path to how many fit: a field of its own, or of what it refers to (a screening's cinema)."""
    if own := capacity_field(parent):
        return own
    return next(
        (
            f"{name}.{capacity}"
            for name, field in parent.fields.items()
            if field.type == "reference" and field.required and (capacity := capacity_field(world.entities[str(field.to)]))
        ),
        None,
    )


def limit_capacity(child: EntityDraft, reference: str, capacity: str, world: World, by: str, word: str = "") -> None:
    """Live rows of the parent, or those that `word` tells, never outnumber its capacity."""
    live = (condition(world, child, word, "x") if word else None) or open_test(child, "x")
    rows = f"self.{reference}.{world.inverse(child, reference)}"
    rows = f"{rows}.filter(x, {live})" if live else rows
    amount = next(
        (
            n
            for n in ("quantity", "party_size", "seats", "number_of_guests", "number_of_tickets", "guests", "number_of_seats")
            if n in child.fields and child.fields[n].type == "integer"
        ),
        None,
    )
    total = f"sum({rows}.map(x, x.{amount}))" if amount else f"size({rows})"
    child.rule(
        "within_capacity",
        Rule(
            check=f"{total} <= self.{reference}.{capacity}",
            message=f"the {reference.replace('_', ' ')} is full",
            satisfies=(by,),
        ),
    )


REMAINDERS.append(capacity_bound)


# --- single fields ----------------------------------------------------------------------------------------------------------
