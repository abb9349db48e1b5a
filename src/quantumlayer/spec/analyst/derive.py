"""Derived values: due dates, fines, totals, counts."""

import re
from typing import Any

from quantumlayer.spec.analyst.conditions import condition, literal, overdue
from quantumlayer.spec.analyst.declare import known_field
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.time_words import anchor, duration, period
from quantumlayer.spec.analyst.words import number, singular, snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Field


@rule(
    2,
    r"{E:e} (?:(?:is|are|becomes?|falls?) due|(?:must|should|has to|have to) be (?:returned|paid|closed|completed|answered|resolved|finished|done)) (?:in|within|after)? ?{D:d}(?: (?:after|from|of|since|following) (?P<w>.+?))?",
    r"(?:the )?due date (?:of {E:e} )?is {D:d} (?:after|from) (?P<w>.+)",
    need="due|must be|should be|has to|have to",
)
def due(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`a loan is due 14 days after borrowing`"""
    target = entity(world, m, "e") or world.find(world.topic)
    span = duration(m["d"])
    if target is None or span is None:
        return None
    cel, days = span
    base = anchor(target, m["w"]) if m["w"] else None
    name = next((n for n in ("due_date", "due_at", "deadline") if n in target.fields), "due_date" if days else "due_at")
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


@rule(
    2,
    r"(?P<a>\w+) @(?P<e>\w+) (?:is|are) due (?:in|within|after) {D:d}(?: and|,| while|;)+ (?:the )?(?:all )?(?:others?|rest|normal ones|all others|other @?\w+)(?: ones)?(?: (?:is|are) due)? (?:in|within|after) {D:d2}",
    need="due",
)
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


@rule(
    3,
    r"(?:overdue|late) {E:e} (?:incurs?|costs?|has|have|gets?|is charged|are charged|carr(?:y|ies)|attracts?|accrues?) (?:an? )?(?:late )?(?P<f>fine|fee|penalty|late fee|charge|surcharge)? ?(?:of )?(?P<n>[$€£]?[\d.,]+)(?: ?(?:euros?|dollars?|eur|usd|cents|€|\$))? (?:per|a|for each|for every|each|every) (?:started |full |late )?(?P<u>day|hour|week)(?: overdue| late| of delay)?(?:,? (?:up to|with|capped at|to a maximum of)(?: a| an)?(?: maximum| cap)?(?: of)? (?P<max>[\d.,]+))?",
    r"(?:the |an? )?(?P<f>fine|late fee|fee|penalty) (?:of {E:e} )?is (?P<n>[$€£]?[\d.,]+)(?: euros?| dollars?)? (?:per|for each|for every) (?P<u>day|hour|week) (?:late|overdue|of delay)(?:,? (?:up to|capped at)(?: a maximum of)? (?P<max>[\d.,]+))?",
    need="fine|fee|penalty|overdue|late",
)
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


_ = (period, singular, verb_base, literal, overdue, known_field, plain)
