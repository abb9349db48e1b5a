"""Order in time: periods that do not overlap, ends after starts, until when something is possible."""

import re
from typing import Any

from quantumlayer.spec.analyst.behave import REMAINDERS
from quantumlayer.spec.analyst.derive import due_within
from quantumlayer.spec.analyst.draft_field import add_when, known_field, ordered
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.periods import ensure_period, overlap
from quantumlayer.spec.analyst.quantities import bounds_of, timed
from quantumlayer.spec.analyst.states import operation_for
from quantumlayer.spec.analyst.time_words import anchor, duration, main_date, period
from quantumlayer.spec.analyst.words import snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World, open_test, standing_test
from quantumlayer.spec.values import Field, Guard, Rule, Unique


@rule
def no_overlap(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`may not overlap another booking of the same room`"""
    groups = m.groupdict()
    target = entity(world, m, "e") if groups.get("e") else None
    same = world.find(snake(groups.get("s") or "").replace("_", " ")) if groups.get("s") else None
    if target is None and same is not None:
        target = next((e for e, _ in world.children(same.name) if bounds_of(e, world)), None)
    if target is not None and same is not None and not bounds_of(target, world) and not target.reference_to(same.name):
        both = (e for e, _ in world.children(same.name) if e.reference_to(target.name) and bounds_of(e, world))
        target = next(both, target)
    target = target or next((e for e in world.entities.values() if bounds_of(e, world)), None)
    if target is None:
        return None
    reference = None
    if groups.get("s"):
        reference = (same and target.reference_to(same.name)) or known_field(target, groups["s"])
        if reference is None and same is not None:
            reference = world.link(target, same, clause.id)
    elif not groups.get("o"):
        reference = next((n for n, f in target.fields.items() if f.type == "reference" and f.to != world.account), None)
    if groups.get("o") and not groups.get("s"):
        reference = next((n for n, f in target.fields.items() if f.type == "reference" and f.to != world.account), None)
    if reference is None:
        return None
    moment = main_date(target)
    if target.fields[reference].type != "reference" or (bounds_of(target, world) is None and moment is not None):
        if moment is None:
            return None
        fields, label = (reference, moment[0].removeprefix("self.")), target.plural.replace("_", " ")
        by = (clause.id,)
        if moment[1] == "datetime":
            by += (
                world.assume(f"Two {label} overlap when they start at the same time, since nothing tells how long they take."),
            )
        target.unique.append(Unique(fields=fields, where=standing_test(target), satisfies=by))
        return True
    if bounds_of(target, world) is None:
        ensure_period(target, clause, world)
    overlap(target, reference, world, clause.id)
    world.topic = target.name
    return True


@rule
def apart(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`the end date must be at least 7 days after the start date`"""
    span = duration(m["d"])
    holders = [e for e in (entity(world, m, "e"), world.find(world.topic), *world.entities.values()) if e]
    found = next(
        (
            (e, a, b)
            for e in holders
            if (a := known_field(e, m["a"])) in e.dates() and (b := known_field(e, m["b"])) in e.dates()
        ),
        None,
    )
    if span is None or found is None or found[1] == found[2]:
        return None
    target, late, early = found
    if target.fields[str(late)].type != target.fields[str(early)].type:
        return None
    sign = "+" if m["s"] == "after" else "-"
    least = m["op"] in ("at least", "no less than")
    operator = "==" if m["op"] == "exactly" else ">=" if least == (sign == "+") else "<="
    absent = "".join(f"self.{n} == null || " for n in (late, early) if not target.fields[str(n)].required)
    check = f"{absent}self.{late} {operator} self.{early} {sign} {span[0]}"
    target.rule(f"{late}_{m['s']}_{early}", Rule(check=check, message=plain(clause.match), status=422, satisfies=(clause.id,)))
    return True


@rule
def lasts(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a reservation lasts at most 2 hours`"""
    target, least = entity(world, m, "e"), duration(m["d"])
    more = duration(m["d2"]) if m["d2"] else None
    if target is None or least is None or (m["d2"] and more is None):
        return None
    op, denied = m["op"].lower(), re.search(r"\b(?:not|never|cannot)\b", plain(clause.match)) is not None
    low = op in ("at least", "a minimum of", "between", "exactly") or (op == "shorter than" and denied)
    high = op in ("at most", "up to", "no longer than", "not longer than", "a maximum of", "exactly") or (
        op == "longer than" and denied
    )
    if op in ("longer than", "shorter than") and not denied:
        low, high = op == "longer than", op == "shorter than"
    top = (more or least) if high or more else None
    if period(target) is None and (length := timed(target)):
        return _bound_length(target, length, least[0] if low else None, top[0] if top else None, clause)
    if bounds_of(target, world) is None and target.event_of and top and not low:
        return due_within(clause, world, target, *top)
    first, last = ensure_period(target, clause, world)
    if target.fields[first].type == "date" and not least[1]:
        return None
    bounds = [f"self.{last} >= self.{first} + {least[0]}"] if low else []
    bounds += [f"self.{last} <= self.{first} + {top[0]}"] if top else []
    target.rule(
        "duration",
        Rule(check=" && ".join(bounds), message=plain(clause.match), status=422, satisfies=(clause.id,)),
    )
    return True


def _bound_length(
    target: EntityDraft, length: tuple[str, int], low: str | None, high: str | None, clause: Clause
) -> bool | str | None:
    """Bounds of the number that says how long a row takes, in its own unit."""
    name, minutes = length
    changes: dict[str, Any] = {}
    for key, cel in (("min", low), ("max", high)):
        if cel is None:
            continue
        unit, _, count = cel.strip(")").partition("(")
        value = int(count) * {"minutes": 1, "hours": 60, "days": 1440}[unit] / minutes
        if not value.is_integer() and target.fields[name].type == "integer":
            return None
        changes[key] = int(value) if value.is_integer() else value
    field = target.fields[name]
    target.fields[name] = field.model_copy(update={**changes, "satisfies": tuple(dict.fromkeys([*field.satisfies, clause.id]))})
    return True


@rule
def within(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`votes are only accepted between the start and the end of the election`"""
    target, parent = entity(world, m, "e"), entity(world, m, "p")
    if target is None or parent is None:
        return None
    first, last = known_field(parent, m["a"]), known_field(parent, m["b"])
    if (
        not first
        or not last
        or any(parent.fields[n].type not in ("date", "datetime") or not parent.fields[n].required for n in (first, last))
    ):
        return None
    path = f"self.{world.link(target, parent, clause.id)}"
    clock = "today" if parent.fields[first].type == "date" else "now"
    operator = "<=" if clock == "today" else "<"
    target.guard(
        "create",
        "in_time",
        Guard(
            check=f"{clock} >= {path}.{first} && {clock} {operator} {path}.{last}",
            message=plain(clause.match),
            satisfies=(clause.id,),
        ),
    )
    return True


@rule
def refused_after(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`pledges after the end date are refused`"""
    target = entity(world, m, "e")
    words = f"{m['d']} of {m['p']}" if m["p"] else m["d"]
    parents = [
        (n, world.entities[f.to]) for n, f in (target.fields if target else {}).items() if f.type == "reference" and f.to
    ]
    named = known_field(target, m["d"])
    found = anchor(target, words) if target and named else None
    found = found or next((a for n, p in parents if known_field(p, m["d"]) and (a := anchor(p, m["d"], row=f"self.{n}"))), None)
    if target is None or found is None or not found[2]:
        return None
    clock, operator = ("today" if found[1] == "date" else "now"), "<=" if m["op"] == "after" else ">="
    check = Guard(check=f"{clock} {operator} {found[0]}", message=plain(clause.match), satisfies=(clause.id,))
    target.guard("create", f"not_{m['op']}_{snake(m['d'])}", check)
    return True


@rule
def late_when(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`parcels not picked up within 5 days are overdue`"""
    target, verb, span = entity(world, m, "e"), verb_base(m["p"]), duration(m["d"])
    if target is None or verb is None or span is None:
        return None
    base = anchor(target, m["w"]) if m["w"] else ("self.created_at", "datetime", True)
    if base is None or not base[2]:
        return None
    name = f"{verb}_{m['part']}" if m["part"] else verb
    operation_for(world, target, name, clause.id)
    live = open_test(target, "self")
    if live is None:
        return None
    clock = "today" if base[1] == "date" else "now"
    target.fields[snake(m["a"])] = Field(
        type="boolean", value=f"{live} && {clock} > {base[0]} + {span[0]}", satisfies=(clause.id,)
    )
    return True


@rule
def ends_after(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`it must end after it starts`"""
    groups = m.groupdict()
    told = entity(world, m, "e")
    target = told or world.find(world.topic)
    if target is None:
        return None
    if groups.get("a"):
        words = groups["a"], re.sub(r"^(?:it|they) ", "", groups["b"])
        holders = [told] if told else [target, *world.entities.values()]
        target = next((e for e in holders if all(known_field(e, w) in e.dates() for w in words)), None)
        left, right = (known_field(target, w) for w in words)
        if target is None or left is None or right is None or left == right:
            return None
        first, last = (right, left) if groups["op"] in ("after", "later than") else (left, right)
    elif (span := period(target)) is None:
        return None
    else:
        first, last = span
    return ordered(target, first, last, clause.id)


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


@rule
def possible_until(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`donations are possible until the deadline`"""
    target = entity(world, m, "e")
    if target is None:
        return None
    return any(reader(clause, world, target, None, m["rest"]) for reader in REMAINDERS) or None


@rule
def not_in_past(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`bookings may not start in the past`"""
    target = entity(world, m, "e")
    if target is None:
        return None
    found = main_date(target) or (f"self.{ensure_period(target, clause, world)[0]}", "datetime", True)
    forbidden = not m.groupdict().get("must")
    future = (m["w"] == "past") == forbidden
    add_when(target, found[0].removeprefix("self."), "future" if future else "past", clause.id)
    return True


REMAINDERS.append(time_bound)
