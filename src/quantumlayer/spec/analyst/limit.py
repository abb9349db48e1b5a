"""Rules: limits over related rows, exclusivity, overlap, order in time, single fields' constraints."""

import re
from functools import partial
from typing import Any

from quantumlayer.spec.analyst.behave import EVENT_VERBS, REMAINDERS, limit_create, operation_for, operation_name
from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.declare import add_field, add_when, default_literal, known_field, merged
from quantumlayer.spec.analyst.fields import Item, read_item
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.time_words import anchor, duration, main_date, period
from quantumlayer.spec.analyst.words import number, participle, snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World, ended_test, open_test
from quantumlayer.spec.values import Guard, Rule, Unique


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
        return word
    rest = (m["rest"] or "").strip()
    if span := re.fullmatch(
        r"(?:per|a|each|every|in a|in one|on the same|within a|on one|on a) (?P<u>day|week|month|hour|date)", rest
    ):
        window = _window(child, span["u"])
        if window is None:
            return rest
        test, rest = (f"{test} && {window}" if test else window), ""
    elif rest in ("at a time", "at once", "at the same time", "simultaneously", "concurrently"):
        test, rest = test or open_test(child, "x"), ""
    elif rest in ("in total", "overall", "each", "altogether"):
        rest = ""
    if test is None and child.closed_by is None and child.state and (live := open_test(child, "x")) and word != "total":
        test = live
    rows = f"{rows}.filter(x, {test})" if test else rows
    label = f"{word} " if word else ""
    check = f"size({rows}) <= {int(count)}"
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


# --- exclusivity ------------------------------------------------------------------------------------------------------------


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
        if not _forbid(clause, world, target, phrase, verb, bool(only)):
            return None
    return True


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
        test = condition(world, target, phrase, f"self.{reference}")
        if test is None:
            return False
        limit_create(event, f"{snake(phrase)}_{target.name}", test if only else f"!({test})", text, clause.id)
        return True
    test = condition(world, target, phrase)
    if test is None:
        return False
    check = test if only else f"!({test})"
    names = [operation_name(world, target, verb)]
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


# --- time -------------------------------------------------------------------------------------------------------------------


@rule
def no_overlap(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`may not overlap another booking of the same room`"""
    groups = m.groupdict()
    target = entity(world, m, "e") if groups.get("e") else None
    same = world.find(snake(groups.get("s") or "").replace("_", " ")) if groups.get("s") else None
    if target is None and same is not None:
        target = next((e for e, _ in world.children(same.name) if period(e)), None)
    target = target or next((e for e in world.entities.values() if period(e)), None)
    if target is None:
        return None
    span = period(target)
    if span is None:
        return None
    reference = None
    if groups.get("s"):
        reference = (same and target.reference_to(same.name)) or known_field(target, groups["s"])
        if reference is None and same is not None:
            reference = world.link(target, same, clause.id)
    reference = reference or next(
        (n for n, f in target.fields.items() if f.type == "reference" and f.to != world.account), None
    )
    if reference is None:
        return None
    overlap(target, reference, span, world, clause.id)
    world.topic = target.name
    return True


def overlap(target: EntityDraft, reference: str, span: tuple[str, str], world: World, by: str) -> None:
    """No two live rows of the same parent share an instant; one may begin when the other ends."""
    first, last = span
    field = target.fields[reference]
    days = target.fields[first].type == "date" and not first.startswith("check")
    operator = (
        "<="
        if days
        and first in ("start_date", "from_date", "from")
        and target.name not in ("booking", "reservation", "stay", "rental")
        else "<"
    )
    live = open_test(target, "x")
    same = f"x.id != self.id && x.{first} {operator} self.{last} && self.{first} {operator} x.{last}"
    rows = f"self.{reference}.{world.inverse(target, reference)}" if field.type == "reference" and field.to else None
    check = f"!{rows}.exists(x, {f'{live} && ' if live else ''}{same})"
    over = ended_test(target)
    check = f"{over} || {check}" if over else check
    target.rule(
        "no_overlap",
        Rule(
            check=check,
            message=f"overlaps another {target.name.replace('_', ' ')} of the same {reference.replace('_', ' ')}",
            satisfies=(by,),
        ),
    )


@rule
def ends_after(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`it must end after it starts`"""
    groups = m.groupdict()
    target = entity(world, m, "e") or world.find(world.topic)
    if target is None:
        return None
    if groups.get("a"):
        left, right = known_field(target, groups["a"]), known_field(target, re.sub(r"^(?:it|they) ", "", groups["b"]))
        if left is None or right is None:
            return None
        first, last = (right, left) if groups["op"] in ("after", "later than") else (left, right)
    elif (span := period(target)) is None:
        return None
    else:
        first, last = span
    return ordered(target, first, last, clause.id)


def ordered(target: EntityDraft, first: str, last: str, by: str) -> bool:
    """One field must be greater than another."""
    a, b = target.fields[first], target.fields[last]
    absent = [f"self.{n} == null" for n, f in ((first, a), (last, b)) if not f.required]
    check = " || ".join([*absent, f"self.{last} > self.{first}"])
    target.rule(
        f"{last}_after_{first}",
        Rule(
            check=check,
            message=f"{last.replace('_', ' ')} must be after {first.replace('_', ' ')}",
            status=422,
            satisfies=(by,),
        ),
    )
    return True


def time_bound(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool:
    """`cancel!until 24 hours before they start`: an operation is open only up to an instant."""
    name, _, text = rest.partition("!")
    if not text:
        name, text = "create", rest
    m = re.fullmatch(
        r"(?:only )?(?:up to|until|up until|at least|at latest|no later than|till) (?P<d>.+?) (?:before|prior to|ahead of) (?P<w>.+)",
        text,
    )
    late = re.fullmatch(
        r"(?:only )?(?:within|for|up to|until|in the first|no later than) (?P<d>.+?) (?:of|after|from|following) (?P<w>.+)",
        text,
    )
    before = re.fullmatch(r"(?:only )?(?:before|until|up to|till) (?P<w>.+)", text)
    span = duration(plain((m or late)["d"])) if (m or late) else ("", False)  # type: ignore[index]
    if span is None or not (m or late or before):
        return False
    words = (m or late or before)["w"]  # type: ignore[index]
    found = _instant(world, target, words, clause.id)
    if found is None:
        return False
    path, kind, required = found
    clock = "today" if kind == "date" else "now"
    if kind == "date" and not span[1] and span[0]:
        path, clock = f"start_of({path})", "now"
    edge = f"{path} - {span[0]}" if m else f"{path} + {span[0]}" if late else path
    test = f"{clock} <= {edge}" if (m or late) else f"{clock} < {edge}"
    test = test if required else f"{found[0]} == null || {test}"
    message = f"only possible {re.sub('^only ', '', plain(text))}"
    target.guard(name, "in_time", Guard(check=test, message=message, satisfies=(clause.id,)))
    return True


def _instant(world: World, target: EntityDraft, words: str, by: str) -> tuple[str, str, bool] | None:
    if found := anchor(target, words):
        return found
    text = re.sub(r"^(?:the|its|their|an?|his|her)\s+", "", plain(words).strip(" .").lower())
    noun, _, tail = text.partition(" ")
    for name, field in target.fields.items():
        if field.type != "reference" or not field.required or not field.to:
            continue
        parent = world.entities[field.to]
        matches = {parent.name.replace("_", " "), name.replace("_", " ")}
        own = next((x for x in matches if text == x or text.startswith((x + " ", x + "'s "))), None)
        if own is not None:
            tail = text[len(own) :].removeprefix("'s").strip()
            found = anchor(parent, tail, row=f"self.{name}") if tail else main_date(parent, f"self.{name}")
            return found or main_date(parent, f"self.{name}")
        if (found := anchor(parent, text, row=f"self.{name}")) and not found[0].endswith("created_at"):
            return found
    for size in (2, 1):
        words_ = text.replace("'s", "").split()
        parent = world.find(" ".join(words_[:size]))
        if (
            parent
            and parent is not target
            and not world.is_account(parent)
            and target.reference_to(parent.name) is None
            and len(words_) > size
        ):
            named = anchor(parent, " ".join(words_[size:]), row="self.?")
            if named:
                return named[0].replace("self.?", f"self.{world.link(target, parent, by)}"), named[1], named[2]
        if (
            parent
            and parent is not target
            and not world.is_account(parent)
            and target.reference_to(parent.name) is None
            and main_date(parent)
        ):
            return main_date(parent, f"self.{world.link(target, parent, by)}")
    own_name = target.name.replace("_", " ")
    if text == own_name or text.startswith(own_name):
        return main_date(target)
    return None


def capacity_bound(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool:
    """`until the event is sold out`, `as long as there are seats`"""
    text = plain(rest.partition("!")[2] or rest)
    if not re.fullmatch(
        r"(?:only )?(?:until|as long as|while|if|unless|up to)\b.*\b(?:sold[- ]?out|full|capacity|seats?|places?|spots?|tickets?|available|left|stock|slots?)\b.*",
        text,
    ):
        return False
    for name, field in target.fields.items():
        if field.type == "reference" and field.to and (capacity := capacity_field(world.entities[field.to])):
            world.later.append(partial(limit_capacity, target, name, capacity, world, clause.id))
            return True
    for word in re.findall(r"\w+", text):
        parent = world.find(word)
        if parent and parent is not target and not world.is_account(parent) and (capacity := capacity_field(parent)):
            world.later.append(
                partial(limit_capacity, target, world.link(target, parent, clause.id), capacity, world, clause.id)
            )
            return True
    return False


def capacity_field(parent: EntityDraft) -> str | None:
    """The field that says how many fit."""
    return next(
        (
            n
            for n in (
                "capacity",
                "max_participants",
                "maximum_participants",
                "seats",
                "places",
                "max_attendees",
                "quota",
                "number_of_seats",
                "available_seats",
                "limit",
                "max_capacity",
                "spots",
                "size",
                "copies",
                "stock",
                "total_seats",
                "max_students",
                "number_of_places",
            )
            if n in parent.fields and parent.fields[n].type == "integer"
        ),
        None,
    )


def limit_capacity(child: EntityDraft, reference: str, capacity: str, world: World, by: str) -> None:
    """Live rows of the parent never outnumber its capacity."""
    live = open_test(child, "x")
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


REMAINDERS += [capacity_bound, time_bound]


# --- single fields ----------------------------------------------------------------------------------------------------------


@rule
def constrains(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`the rating must be between 1 and 5`; `titles are at most 200 characters`; `the price may not be negative`"""
    groups = m.groupdict()
    owner = entity(world, m, "e") or (entity(world, m, "e2") if groups.get("e2") else None) or world.find(world.topic)
    words = plain(groups["f"])
    words = re.sub(r"^(?:the|its|their|an?|each|every|all)\s+", "", words)
    if possessed := re.match(r"^(.+?)'s? (.+)$", words):
        owner, words = world.find(possessed[1]) or owner, possessed[2]
    candidates = (
        [owner] if owner and known_field(owner, words) else [e for e in world.entities.values() if known_field(e, words)]
    )
    if len(candidates) != 1 and owner not in candidates:
        candidates = candidates[:1]
    if not candidates or candidates[0] is None:
        return None
    target = candidates[0]
    name = known_field(target, words)
    if name is None or name not in target.fields:
        return None
    what = plain(groups["what"]).strip()
    if groups.get("never"):
        what = re.sub(r"^be (?:in the )?(?P<w>past|future)", r"not in the \g<w>", what)
        what = re.sub(
            r"^(?:be |become |go |drop |fall )?(?:negative|below zero|below 0|less than 0|less than zero)$",
            "non-negative",
            what,
        )
        what = re.sub(r"^(?:be )?(?:empty|blank|missing|null|left out)$", "required", what)
        what = re.sub(r"^(?:be (?:longer|more) than|exceed|be greater than|be above|be over|be higher than) ", "at most ", what)
        what = re.sub(r"^(?:be (?:less|shorter|lower|smaller|fewer) than|be below|be under) ", "at least ", what)
    return constrain(target, name, what, clause, world)


def constrain(target: EntityDraft, name: str, what: str, clause: Clause, world: World) -> bool | str | None:
    """Apply what is said of one field, read by the grammar of field lists."""
    field = target.fields[name]
    what = re.sub(r"^(?:always |globally |system-wide )", "", what)
    if re.match(r"(?:unique|distinct)(?: per| within| for| in)(?: an?| each| the)? ", what):
        scope = known_field(target, re.sub(r"^.*?(?:per|within|for each|for|in)(?: an?| each| the)? ", "", what)) or ""
        if scope in target.fields:
            target.unique.append(Unique(fields=(scope, name), satisfies=(clause.id,)))
            return True
    if re.fullmatch(r"(?:unique|distinct|different)(?: across .+| among .+| for (?:each|every) .+)?", what):
        target.fields[name] = field.model_copy(update={"unique": True, "satisfies": (*field.satisfies, clause.id)})
        return True
    if hidden := re.fullmatch(
        r"(?:computed|calculated|derived|set|assigned)(?: automatically)?(?: by the (?:server|system))?", what
    ):
        _ = hidden
        return None
    if (value := number(what)) is not None or re.fullmatch(r"(?:true|false|\w+) by default", what):
        text = re.sub(r" by default$", "", what)
        default = (
            f"'{snake(text)}'" if field.type == "enum" and snake(text) in field.values else default_literal(field.type, text)
        )
        if default is None or (value is not None and not what.endswith("default")):
            return None
        target.fields[name] = field.model_copy(update={"default": default, "satisfies": (*field.satisfies, clause.id)})
        return True
    if default := re.fullmatch(
        r"(?:defaults? to|set to|initially|by default|default to|defaulted to) (?P<d>[\w .]+?)(?: by default| unless .+| if .+)?",
        what,
    ):
        text = default["d"]
        literal = (
            f"'{snake(text)}'" if field.type == "enum" and snake(text) in field.values else default_literal(field.type, text)
        )
        if literal:
            target.fields[name] = field.model_copy(update={"default": literal, "satisfies": (*field.satisfies, clause.id)})
            return True
        return None
    item = read_item(f"{name.replace('_', ' ')} {what}")
    if not item.attributes and not item.when and not item.generated:
        item = read_item(f"{name.replace('_', ' ')} (" + re.sub(r"^(?:one of|either)(?: the following)?:? ", "", what) + ")")
    if item.unread or snake(item.noun) != name or not (item.attributes or item.when or item.type):
        return None
    probe = EntityDraft("probe", "probes", {name: field})
    plain_type = field.type if field.type not in ("enum", "reference", "references", "strings") else None
    said = None if "values" in item.attributes else item.type or plain_type
    typed = Item(name, item.noun, item.attributes, many=item.many, type=said, when=item.when)
    if field.type in ("reference", "references"):
        target.fields[name] = field.model_copy(
            update={k: v for k, v in item.attributes.items() if k in ("required", "unique", "min_items", "max_items")}
            | {"satisfies": (*field.satisfies, clause.id)}
        )
        return True
    if typed.attributes or typed.type:
        add_field(probe, typed, clause.id, world)
        changed = probe.fields[name]
        target.fields[name] = changed if changed.type == "enum" else merged(field, changed)
    if item.when:
        add_when(target, name, item.when, clause.id)
    return True


@rule
def possible_until(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`donations are possible until the deadline`"""
    target = entity(world, m, "e")
    if target is None:
        return None
    return any(reader(clause, world, target, None, m["rest"]) for reader in REMAINDERS) or None


@rule
def compares(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a bid must be higher than the starting price`"""
    target = entity(world, m, "e")
    left = (
        known_field(target, m["a"])
        if target and m["a"]
        else next((n for n, f in (target.fields if target else {}).items() if f.type == "decimal"), None)
    )
    if target is None or left is None:
        return None
    operator = "<" if m["op"] in ("lower", "less", "smaller") else ">"
    if (own := known_field(target, m["b"])) and own != left:
        target.rule(
            f"{left}_against_{own}",
            Rule(check=f"self.{left} {operator} self.{own}", message=plain(clause.match), status=422, satisfies=(clause.id,)),
        )
        return True
    for parent in world.entities.values():
        other = known_field(parent, m["b"])
        if (
            other
            and parent is not target
            and parent.fields[other].type == target.fields[left].type
            and parent.fields[other].required
        ):
            reference = world.link(target, parent, clause.id)
            target.rule(
                f"{left}_against_{other}",
                Rule(
                    check=f"self.{left} {operator} self.{reference}.{other}",
                    message=plain(clause.match),
                    on=("create",),
                    satisfies=(clause.id,),
                ),
            )
            return True
    return None


@rule
def not_in_past(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`bookings may not start in the past`"""
    target = entity(world, m, "e")
    found = main_date(target) if target else None
    if target is None or found is None:
        return None
    add_when(target, found[0].removeprefix("self."), "future" if m["w"] == "past" else "past", clause.id)
    return True


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
