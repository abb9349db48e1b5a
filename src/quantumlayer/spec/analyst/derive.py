"""Derived values: due dates, fines, totals, counts."""

import re
from typing import Any

from quantumlayer.spec.analyst.behave import REMAINDERS
from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.contradict import contradicts
from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.quantities import amount
from quantumlayer.spec.analyst.time_words import anchor, duration
from quantumlayer.spec.analyst.words import an, number, singular, snake
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Field, Rule


@rule
def due(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a loan is due 14 days after borrowing`"""
    target = entity(world, m, "e") or world.find(world.topic)
    span = duration(m["d"])
    if target is None or span is None:
        return None
    cel, days = span
    base = anchor(target, m["w"]) if m["w"] else None
    name = next((n for n in ("due_date", "due_at", "deadline") if n in target.fields), "due_date" if days else "due_at")
    known = target.fields.get(name)
    if (
        known
        and known.satisfies
        and clause.id not in known.satisfies
        and (told := known.value or known.default)
        and cel not in told
    ):
        said = f"the {name.replace('_', ' ')} of {target.plural.replace('_', ' ')} is told twice"
        return contradicts(clause, world, known.satisfies[0], said, "the first one is built")
    if base and not base[0].endswith("created_at"):
        value = (
            f"{base[0]} + {cel}"
            if base[1] == ("date" if days else "datetime")
            else f"date({base[0]}) + {cel}"
            if days
            else f"{base[0]} + {cel}"
        )
        target.fields[name] = Field(
            type="date" if days or base[1] == "date" else "datetime", value=value, satisfies=(clause.id,)
        )
    else:
        target.fields[name] = Field(
            type="date" if days else "datetime",
            writable="never",
            default=f"{'today' if days else 'now'} + {cel}",
            satisfies=(clause.id,),
        )
    world.topic = target.name
    return True


def for_at_most(clause: Clause, world: World, target: EntityDraft, object_: EntityDraft | None, rest: str) -> bool:
    """`a member borrows a tool for 7 days`: it is due then; `for at most 7 days`: then or before."""
    m = re.fullmatch(
        r"(?:for|within) (?P<most>at most |up to |max\.? |maximum |a maximum of |no longer than |not longer than )?(?P<d>.+)",
        rest,
    )
    told = duration(m["d"]) if m else None
    # What is booked for an hour is not due in an hour: it begins when it is to begin.
    if m is None or told is None or target.event_of in (None, "book", "reserve"):
        return False
    if m["most"]:
        return due_within(clause, world, target, *told)
    cel, days = told
    marker = world.assume(f"{an(target.name).capitalize()} is due when that time is over.")
    target.fields["due_date" if days else "due_at"] = Field(
        type="date" if days else "datetime",
        writable="never",
        default=f"{'today' if days else 'now'} + {cel}",
        satisfies=(clause.id, marker),
    )
    return True


def due_within(clause: Clause, world: World, target: EntityDraft, cel: str, days: bool) -> bool:
    """Whoever makes the row says when it is due, at the latest when the time is over, which is what holds where nothing is said."""
    name, clock = ("due_date", "today") if days else ("due_at", "now")
    label = target.name.replace("_", " ")
    marker = world.assume(f"Whoever makes {an(label)} says when it is due, else it is due at the latest possible time.")
    target.fields[name] = Field(
        type="date" if days else "datetime", writable="create", default=f"{clock} + {cel}", satisfies=(clause.id, marker)
    )
    target.rule(
        f"{name}_in_time",
        Rule(
            check=f"self.{name} >= {clock} && self.{name} <= {clock} + {cel}",
            message=plain(clause.match),
            status=422,
            on=("create",),
            satisfies=(clause.id,),
        ),
    )
    return True


REMAINDERS.append(for_at_most)


@rule
def due_by_case(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`urgent tickets are due in 4 hours, others in 2 days`"""
    target, first, second = entity(world, m, "e"), duration(m["d"]), duration(m["d2"])
    test = condition(world, target, m["a"]) if target else None
    if target is None or first is None or second is None or test is None:
        return None
    target.fields["due_at"] = Field(
        type="datetime", value=f"{test} ? self.created_at + {first[0]} : self.created_at + {second[0]}", satisfies=(clause.id,)
    )
    return True


@rule
def fine(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`overdue loans incur a fine of 0.25 per day`"""
    target = entity(world, m, "e") or world.find(world.topic)
    rate = number(m["n"])
    due_name = next(
        (
            n
            for n in (target.fields if target else {})
            if n.startswith(("due", "deadline", "return_by")) or n in ("end", "end_date", "planned_return_date")
        ),
        None,
    )
    if target is None or rate is None or due_name is None:
        return None
    field = target.fields[due_name]
    closed = target.closed_by
    value = _late(target, due_name, closed, m["u"])
    if value is None:
        return None
    amount = f"double({value}) * {float(rate)}"
    if m["max"] and (top := number(m["max"])) is not None:
        amount = f"least({amount}, {float(top)})"
    if not field.required:
        amount = f"self.{due_name} == null ? 0.0 : {amount}"
    target.fields[snake(m["f"] or "fine")] = Field(type="decimal", places=2, value=amount, satisfies=(clause.id,))
    return True


def _late(target: EntityDraft, due_name: str, closed: str | None, unit: str) -> str | None:
    """Whole days (or started hours) between the due time and the end, or now; never negative."""
    due, end_type = target.fields[due_name], target.fields[closed].type if closed else None
    clock = "today" if due.type == "date" else "now"
    path = f"self.{due_name}"
    if closed is None:
        end = clock
    else:
        stop = (
            f"date(self.{closed})"
            if due.type == "date" and end_type == "datetime"
            else f"start_of(self.{closed})"
            if due.type == "datetime" and end_type == "date"
            else f"self.{closed}"
        )
        end = f"(self.{closed} == null ? {clock} : {stop})"
    if unit == "day":
        return f"greatest(0, days_between({path}, {end}))"
    if unit == "week":
        return f"greatest(0, days_between({path}, {end})) / 7"
    if due.type == "date":
        return None
    return f"greatest(0, ceil(hours_between({path}, {end})))"


@rule
def total(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`the total of an order is the sum of quantity times unit price over its items`"""
    first, second = plain(m["a"]), plain(m["b"])
    target = entity(world, m, "e") or entity(world, m, "o") or world.find(world.topic)
    lines = [e for e in world.entities.values() if known_field(e, first)]
    line = next((e for e in lines if target and e.reference_to(target.name)), lines[0] if lines else None)
    if line is None:
        return None
    if target is None or target is line or line.reference_to(target.name) is None:
        target = next(
            (
                world.entities[str(f.to)]
                for f in line.fields.values()
                if f.type == "reference"
                and f.to
                and f.to != world.account
                and known_field(world.entities[f.to], second) is None
            ),
            None,
        )
    if target is None:
        return None
    terms = [_term(line, words, world) for words in (first, second)]
    reference = line.reference_to(target.name)
    if reference is None or not all(terms):
        return None
    rows = f"self.{world.inverse(line, reference)}"
    target.fields[snake(m["f"])] = Field(
        type="decimal", places=2, value=f"sum({rows}.map(x, {' * '.join(str(t) for t in terms)}))", satisfies=(clause.id,)
    )
    return True


@rule
def sum_of(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`the total of an order is the sum of the prices of its garments`"""
    parts, target = world.find(plain(m["w"])), entity(world, m, "e") or world.find(world.topic)
    if not m["f2"]:
        return _sum_of_lines(parts, target, clause, world, snake(m["f"]))
    name = known_field(parts, singular(plain(m["f2"]))) if parts else None
    if parts is None or name not in parts.fields or parts.fields[name].type not in ("integer", "number", "decimal"):
        return None
    field = parts.fields[name]
    if target is None or target is parts:
        target = next((world.entities[str(f.to)] for f in parts.fields.values() if f.type == "reference" and f.to), None)
    reference = parts.reference_to(target.name) if target else None
    if target is None or reference is None or not field.required:
        return None
    value = f"sum(self.{world.inverse(parts, reference)}.map(x, x.{name}))"
    target.fields[snake(m["f"])] = Field(type=field.type, value=value, places=field.places, satisfies=(clause.id,))
    return True


def _sum_of_lines(
    parts: EntityDraft | None, target: EntityDraft | None, clause: Clause, world: World, name: str
) -> bool | None:
    """`the total of an order is the sum of its lines`: of how many times how much each is."""
    reference = parts.reference_to(target.name) if parts and target and parts is not target else None
    prices = [n for n, f in parts.fields.items() if f.type == "decimal" and f.required] if parts else []
    if parts is None or target is None or reference is None or len(prices) != 1:
        return None
    counted = parts.fields.get("quantity")
    each = f"x.{prices[0]}" if counted is None else f"double(x.quantity) * x.{prices[0]}"
    if counted is not None and (counted.type != "integer" or not counted.required):
        return None
    value = f"sum(self.{world.inverse(parts, reference)}.map(x, {each}))"
    target.fields[name] = Field(type="decimal", value=value, places=2, satisfies=(clause.id,))
    world.topic = target.name
    return True


@rule
def valid_for(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a prescription is valid for 2 years`: until a day that its date tells, or the day it was made on."""
    target, span = entity(world, m, "e"), duration(m["d"])
    if target is None or span is None or not span[1] or "valid_until" in target.fields:
        return None
    told = known_field(target, m["w"]) if m["w"] else None
    if m["w"] and told not in target.dates():
        return None
    days = [n for n in target.dates() if target.fields[n].type == "date" and target.fields[n].required]
    start = told or (days[0] if len(days) == 1 else None)
    if start is None and days:
        return None
    marker = world.assume(f"{an(target.name).capitalize()} is valid from its {(start or 'creation').replace('_', ' ')} on.")
    first = f"self.{start}" if start and target.fields[start].type == "date" else f"date(self.{start or 'created_at'})"
    target.fields["valid_until"] = Field(type="date", value=f"{first} + {span[0]}", satisfies=(clause.id, marker))
    return True


def _term(line: EntityDraft, words: str, world: World) -> str | None:
    """A number of the line, or of what the line refers to."""
    name = known_field(line, words)
    if name and line.fields[name].type in ("integer", "number", "decimal"):
        return f"double(x.{name})" if line.fields[name].type == "integer" else f"x.{name}"
    for reference, field in line.fields.items():
        if field.type == "reference" and field.to and field.required:
            inner = known_field(world.entities[field.to], words)
            if inner and world.entities[field.to].fields[inner].type in ("number", "decimal"):
                return f"x.{reference}.{inner}"
    return None


@rule
def time_fee(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`the fee is 2.50 per started hour with a daily maximum of 20`"""
    groups, rate = m.groupdict(), number(m["n"])
    unit, counted = groups["u"], (groups["s"] or "").strip()
    told = entity(world, m, "e") if groups.get("e") else None
    known = [told] if told else [e for e in (world.find(world.topic), *world.entities.values()) if e]
    target = next((e for e in known if amount(e, unit, counted, running=True)), None)
    found = amount(target, unit, counted, running=True) if target else None
    if target is None or rate is None or found is None:
        return None
    value = f"{_double(*found)} * {float(rate)}"
    if groups["max"] and (top := number(groups["max"])) is not None:
        hours = amount(target, "hour", running=True)
        if hours is None:
            return None
        whole = f"double(floor({_double(*hours)} / 24.0))"
        rest = f"{_double(*hours)} - 24.0 * {whole}"
        value = f"{whole} * {float(top)} + least({f'double(ceil({rest}))' if counted else f'({rest})'} * {float(rate)}, {float(top)})"
    target.fields[snake(groups.get("f") or "fee")] = Field(type="decimal", places=2, value=value, satisfies=(clause.id,))
    return True


def _double(cel: str, kind: str) -> str:
    return f"double({cel})" if kind == "integer" else cel
