"""Reports: counts, sums, averages, percentages; per field, day, hour, month or related row; the latest of each."""

import re
from typing import Any

from quantumlayer.spec.analyst.conditions import compared, condition
from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.measures import bare, counted_at, group_keys, is_money, measured, money_of, pieces_of
from quantumlayer.spec.analyst.words import an, snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Field, Report

_SHOW = r"(?:(?:{DET}@?\w+ )?(?:{M} )?(?:be able to )?(?:report|show|see|view|get|display|list|return|give|provide|calculate|compute|include|an? report (?:of|on|about|with|showing)|reports? (?:of|on|about|showing)|want|statistics (?:on|about|of)|stats (?:on|for)|an? (?:overview|summary) of|know)(?:s|es)?(?: me| us)?(?: a report (?:of|on))? )"


@rule
def beyond(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`report products below their reorder level`"""
    target = entity(world, m, "e")
    bound = known_field(target, m["f"])
    if target is None or bound is None:
        return None
    said = m["own"] or m["own2"]
    value = (
        known_field(target, said)
        if said
        else next(
            (
                n
                for n in ("quantity", "stock", "stock_level", "stock_quantity", "level", "balance", "count", "amount")
                if n in target.fields and n != bound
            ),
            None,
        )
    )
    if (
        value is None
        and not said
        and bound in ("reorder_level", "minimum_stock", "min_stock", "reorder_point", "threshold", "reorder_threshold")
    ):
        value = "quantity"
        marker = world.assume(f"Each {target.name.replace('_', ' ')} has a quantity in stock.")
        target.fields[value] = Field(type="integer", min=0, default="0", satisfies=(clause.id, marker))
    if value is None:
        return None
    operator = {"below": "<", "under": "<", "at or below": "<=", "less than": "<", "lower than": "<"}.get(m["op"].lower(), ">")
    name = snake(f"{target.plural}_{m['op']}_{bound}")
    world.reports[name] = Report(
        entity=target.name,
        where=compared(target, value, operator, bound, "self"),
        columns=columns(target, (value, bound)),
        satisfies=(clause.id,),
    )
    return True


def columns(target: EntityDraft, extra: tuple[str, ...] = ()) -> dict[str, str]:
    """What tells a row apart: its id and its short plain fields."""
    names = [
        n
        for n, f in target.fields.items()
        if f.type in ("string", "date", "datetime", "decimal", "integer", "enum") and not f.value or n in extra
    ]
    return {f"{target.name}_id": "self.id", **{n: f"self.{n}" for n in names[:6]}, **{n: f"self.{n}" for n in extra}}


_NOW = re.compile(r" (?:(?:in |of |for |during )?(?:this|the current) (?P<u>month|day)|today)$")


def _within_now(subject: EntityDraft, unit: str | None) -> str:
    """Rows of this month, or of today."""
    path, kind = counted_at(subject)
    if unit == "month":
        return f"month({path}) == month(today)"
    return f"date({path}) == today" if kind == "datetime" else f"{path} == today"


@rule
def grouped(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`report tickets sold and revenue per event`; `the number of open tickets by priority and the overdue ones`"""
    groups = m.groupdict()
    what, group = plain(groups["what"]).lower(), plain(groups["group"] or "").lower().strip(" .")
    group, order = _ordered(group)
    if groups.get("by") in ("each", "of each", "by", "for each") and re.match(
        r"(?:the )?(?:latest|last|most recent|newest|current)\b", what
    ):
        return latest(clause, world, what, group)
    now = _NOW.search(group) or (None if group else _NOW.search(what))
    what, group = (what, _NOW.sub("", group)) if group else (_NOW.sub("", what), group)
    parts = [p for p in re.split(r",\s*(?:and )?| and ", what) if p.strip()]
    subject = _subject(parts, group, world)
    if subject is None or re.match(r"(?:filtered|sorted|ordered)\b", group):
        return None
    parent = world.find(bare(group))
    _relate(subject, parent, clause, world)
    if parent and parent.name != subject.name and (reference := _reference(subject, parent, world)):
        recent = [_within_now(subject, now["u"])] if now else []
        return _per_parent(clause, world, parts, subject, parent, reference, groups, recent, order)
    keys, unread = group_keys(group, subject, world)
    measures: dict[str, str] = {}
    where: list[str] = [_within_now(subject, now["u"])] if now else []
    for part in parts:
        read = measured(part, subject, world, "rows", where)
        if read is None:
            return None
        measures |= read
    if unread or not measures or not (keys := _when_sold(keys, where, subject)):
        return None
    name = snake("_".join([*measures, *(["by", *keys] if keys else [])]))[:60]
    if where and "count" in name:
        name = snake(f"{bare(parts[0])}_by_{'_'.join(keys)}")[:60]
    world.reports[name] = Report(
        entity=subject.name,
        where=" && ".join(dict.fromkeys(where)) or None,
        group_by=keys,
        measures=measures,
        sort=(f"{order}{next(iter(measures))}",) if order is not None else (),
        satisfies=(clause.id,),
    )
    return _named(groups.get("named"), subject, clause, world)


_ORDER = re.compile(
    r",? (?:with )?(?:the )?(?P<w>most|highest|largest|biggest|best|top|lowest|least|fewest|smallest|cheapest)(?: [a-z]+)?(?: ones)? first$"
)


def _ordered(group: str) -> tuple[str, str | None]:
    """`per team, highest first`: the grouping, and the sign of the order."""
    found = _ORDER.search(group)
    if found is None:
        return group, None
    return group[: found.start()], "" if found["w"] in ("lowest", "least", "fewest", "smallest", "cheapest") else "-"


def _when_sold(keys: dict[str, str], where: list[str], subject: EntityDraft) -> dict[str, str] | None:
    """What was sold is counted by when it was sold, not by when it was entered; None where nothing tells when."""
    if not any("== 'sold'" in w or "self.sold_" in w for w in where):
        return keys
    told = next((n for n in subject.dates() if "sold" in n or "sale" in n), None)
    if told is None:
        return None if any("created_at" in k for k in keys.values()) else keys
    path = f"self.{told}"
    made = {k: path if v == "date(self.created_at)" and subject.fields[told].type == "date" else v for k, v in keys.items()}
    where += [f"{path} != null"] if not subject.fields[told].required and "created_at" in "".join(keys.values()) else []
    told_keys = {k: v.replace("self.created_at", path) for k, v in made.items()}
    absent = "" if subject.fields[told].required else f"{path} == null ? '' : "
    return {k: f"{absent}{v}" if path in v else v for k, v in told_keys.items()}


def _relate(subject: EntityDraft, parent: EntityDraft | None, clause: Clause, world: World) -> None:
    """`votes per candidate` says that each vote is for a candidate, even if nothing else does."""
    if parent is None or parent is subject or world.is_account(parent):
        return
    linked = {f.to for f in subject.fields.values()} | {f.to for f in parent.fields.values()}
    if not {subject.name, parent.name} & linked and not any(
        parent.name in {f.to for f in world.entities[t].fields.values()} for t in linked if t
    ):
        reference = world.link(subject, parent, clause.id)
        marker = world.assume(f"{an(subject.name).capitalize()} belongs to {an(parent.name)}, since they are counted by it.")
        field = subject.fields[reference]
        subject.fields[reference] = field.model_copy(update={"satisfies": (*field.satisfies, marker)})


def _named(word: str | None, subject: EntityDraft, clause: Clause, world: World) -> bool | str:
    if not word:
        return True
    test = condition(world, subject, word)
    if test is None:
        return word
    subject.update(snake(word), kind="list", where=test, satisfies=(clause.id,))
    return True


def _reference(child: EntityDraft, parent: EntityDraft, world: World) -> str | None:
    """How the child reaches the parent, over one step at most."""
    if direct := child.reference_to(parent.name):
        return direct
    return None


def _subject(parts: list[str], group: str, world: World) -> EntityDraft | None:
    for part in parts:
        words = bare(part).split()
        for size in (3, 2, 1):
            for start in range(len(words) - size + 1):
                found = world.find(" ".join(words[start : start + size]))
                if found and not (world.is_account(found) and len(parts) > 1):
                    return found
    for piece in re.split(r",| and ", group):
        parent = world.find(bare(piece))
        if parent is None:
            continue
        for child, _ in world.children(parent.name):
            if any(money_of(child, world) or known_field(child, bare(p)) for p in parts):
                return child
    for one in world.entities.values():
        if any(known_field(one, bare(p)) for p in parts):
            return one
    if any(is_money(p) for p in parts):
        lines = [e for e in world.entities.values() if pieces_of(e) and money_of(e, world)]
        if len(lines) == 1:
            return lines[0]
    topic = world.find(world.topic)
    return topic


def _per_parent(
    clause: Clause,
    world: World,
    parts: list[str],
    subject: EntityDraft,
    parent: EntityDraft,
    reference: str,
    groups: dict[str, Any],
    recent: list[str],
    order: str | None,
) -> bool | str | None:
    """One row for each parent, also for those without children."""
    rows = f"self.{world.inverse(subject, reference)}"
    measures: dict[str, str] = {}
    for part in parts:
        where = list(recent)
        read = measured(part, subject, world, "rows", where)
        if read is None:
            return None
        live = [re.sub(r"\bself\b", "x", w) for w in where]
        source = f"{rows}.filter(x, {' && '.join(live)})" if live else rows
        measures |= {k: re.sub(r"\brows\b", source, v) for k, v in read.items()}
    name = snake(f"{'_and_'.join(measures)}_per_{parent.name}")[:60]
    sort = (f"{order}{next(iter(measures))}",) if order is not None else ()
    world.reports[name] = Report(entity=parent.name, columns={**columns(parent), **measures}, sort=sort, satisfies=(clause.id,))
    return _named(groups.get("named"), subject, clause, world)


def latest(clause: Clause, world: World, what: str, group: str) -> bool | str | None:
    """`the latest reading of each device`, and what follows it: `and the average per hour over a day`"""
    first, _, rest = group.partition(" and ")
    child = world.find(re.sub(r"^(?:the )?(?:latest|last|most recent|newest|current) ", "", what))
    parent = world.find(bare(first))
    if child is None or parent is None:
        return None
    reference = child.reference_to(parent.name) or (
        child.owner if child.owner and child.fields[child.owner].to == parent.name else None
    )
    if reference is None and not parent.reference_to(child.name):
        _relate(child, parent, clause, world)
        reference = child.reference_to(parent.name)
    if reference is None:
        return None
    dated = next((n for n in child.dates() if child.fields[n].required and n != "due_date"), "created_at")
    later = f"x.{dated} > self.{dated} || (x.{dated} == self.{dated} && x.id > self.id)"
    shown = {n: f"self.{n}" for n, f in child.fields.items() if f.type not in ("reference", "references", "strings", "text")}
    world.reports[snake(f"latest_{child.plural}")] = Report(
        entity=child.name,
        where=f"!self.{reference}.{world.inverse(child, reference)}.exists(x, {later})",
        columns={f"{reference}_id": f"self.{reference}.id", **shown},
        satisfies=(clause.id,),
    )
    return average_over(clause, world, child, reference, rest) if rest else True


def average_over(clause: Clause, world: World, child: EntityDraft, reference: str | None, text: str) -> bool | str:
    """`the average per hour over a day`"""
    m = re.fullmatch(
        r"(?:the |their |its |an? )?(?P<agg>average|mean|maximum|minimum|total|sum)s?(?: (?P<f>[\w ]+?))? (?:per|for each|by) (?P<unit>hour|day|month)(?: (?:over|for|of|in|within|during) (?:an?|the|one|a given|the last|each|that) (?P<span>day|month|week|date|24 hours))?",
        text.strip(" ."),
    )
    if not m:
        return text
    dated = next((n for n in child.dates() if child.fields[n].required), "created_at")
    numbers = [n for n, f in child.fields.items() if f.type in ("integer", "number", "decimal") and not f.value]
    named = known_field(child, m["f"]) if m["f"] else None
    if m["f"] and named not in numbers and snake(m["f"]) not in (child.name, child.plural):
        return text
    chosen = [named] if named in numbers else numbers
    if not chosen:
        return text
    function = {"average": "avg", "mean": "avg", "maximum": "max", "minimum": "min"}.get(m["agg"], "sum")
    label = {"avg": "average"}.get(function, function)
    unit = {"hour": "hour", "day": "date", "month": "month"}[m["unit"]]
    keys = {f"{reference}_id": f"self.{reference}.id"} if reference else {}
    input_, where = {}, None
    if m["span"] in ("day", "date", "24 hours"):
        input_, where = (
            {"day": Field(type="date", description="the day to report", satisfies=(clause.id,))},
            f"date(self.{dated}) == input.day",
        )
    elif m["span"] == "month":
        input_, where = (
            {"month": Field(type="string", pattern="^[0-9]{4}-[0-9]{2}$", satisfies=(clause.id,))},
            f"month(self.{dated}) == input.month",
        )
    elif m["span"]:
        return text
    measures = {}
    for n in chosen:
        rows = "rows" if child.fields[str(n)].required else f"rows.filter(r, r.{n} != null)"
        measures[f"{label}_{n}"] = f"{function}({rows}.map(r, r.{n}))"
    world.reports[snake(f"{label}_{child.plural}_per_{m['unit']}")] = Report(
        entity=child.name,
        input=input_,
        where=where,
        group_by={**keys, m["unit"]: f"{unit}(self.{dated})"},
        measures=measures,
        satisfies=(clause.id,),
    )
    return True


@rule
def most(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`which student has the most lessons`, `the most borrowed books`: all of them, in this order."""
    groups, parent = m.groupdict(), entity(world, m, "p")
    verb = verb_base(groups.get("v") or "")
    child = entity(world, m, "c") if groups.get("c") else world.events_of(verb, parent.name) if verb and parent else None
    reference = child.reference_to(parent.name) if child and parent else None
    if child is None or parent is None or reference is None:
        return None
    counted = {"count": f"size(self.{world.inverse(child, reference)})"}
    order = "count" if m["w"] in ("fewest", "least") else "-count"
    name = snake(f"{parent.plural}_by_{child.plural}")
    world.reports[name] = Report(
        entity=parent.name, columns={**columns(parent), **counted}, sort=(order,), satisfies=(clause.id,)
    )
    return True


@rule
def averages(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`show the average temperature per hour`"""
    child = world.find(world.topic)
    candidates = [
        e for e in world.entities.values() if any(f.type in ("number", "decimal", "integer") for f in e.fields.values())
    ]
    child = child if child in candidates else (candidates[0] if candidates else None)
    if child is None:
        return None
    result = average_over(clause, world, child, None, plain(m["what"]).lower())
    return None if isinstance(result, str) else result


@rule
def reported_list(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`report overdue loans`"""
    target = entity(world, m, "e")
    candidates = [target] if target else [world.find(world.topic), *world.entities.values()]
    test = None
    for target in candidates:
        if target and (test := condition(world, target, m["a"])):
            break
    if target is None or test is None:
        return None
    target.update(snake(m["a"]), kind="list", where=test, satisfies=(clause.id,))
    return m["tail"].strip() or True
