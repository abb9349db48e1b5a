"""Reports: counts, sums, averages, percentages; per field, day, hour, month or related row; the latest of each."""

import re
from typing import Any

from quantumlayer.spec.analyst.conditions import compared, condition
from quantumlayer.spec.analyst.declare import known_field
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.time_words import main_date
from quantumlayer.spec.analyst.words import snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Field, Report

_SHOW = r"(?:(?:{DET}@?\w+ )?(?:{M} )?(?:be able to )?(?:report|show|see|view|get|display|list|return|give|provide|calculate|compute|include|an? report (?:of|on|about|with|showing)|reports? (?:of|on|about|showing)|want|statistics (?:on|about|of)|stats (?:on|for)|an? (?:overview|summary) of|know)(?:s|es)?(?: me| us)?(?: a report (?:of|on))? )"
_MEASURE = re.compile(
    r"^(?:the )?(?P<agg>number|count|total number|total|sum|average|mean|avg|maximum|max|highest|minimum|min|lowest|percentage|share|amount|how many)(?: of)?(?: the)? (?P<what>.+)$",
    re.I,
)
_MONEY = ("revenue", "income", "turnover", "earnings", "sales", "proceeds")


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


@rule
def grouped(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`report tickets sold and revenue per event`; `the number of open tickets by priority and the overdue ones`"""
    groups = m.groupdict()
    what, group = plain(groups["what"]).lower(), plain(groups["group"] or "").lower().strip(" .")
    if groups.get("by") in ("each", "of each", "by", "for each") and re.match(
        r"(?:the )?(?:latest|last|most recent|newest|current)\b", what
    ):
        return latest(clause, world, what, group)
    parts = [p for p in re.split(r",\s*(?:and )?| and ", what) if p.strip()]
    subject = _subject(parts, group, world)
    if subject is None or re.match(r"(?:filtered|sorted|ordered)\b", group):
        return None
    parent = world.find(_bare(group))
    if parent and parent.name != subject.name and (reference := _reference(subject, parent, world)):
        return _per_parent(clause, world, parts, subject, parent, reference, groups)
    keys, unread = _keys(group, subject, world)
    measures: dict[str, str] = {}
    where: list[str] = []
    for part in parts:
        read = _measure(part, subject, world, "rows", where)
        if read is None:
            return None
        measures |= read
    if unread or not measures:
        return None
    name = snake("_".join([*measures, *(["by", *keys] if keys else [])]))[:60]
    if where and "count" in name:
        name = snake(f"{_bare(parts[0])}_by_{'_'.join(keys)}")[:60]
    world.reports[name] = Report(
        entity=subject.name,
        where=" && ".join(dict.fromkeys(where)) or None,
        group_by=keys,
        measures=measures,
        satisfies=(clause.id,),
    )
    return _named(groups.get("named"), subject, clause, world)


def _named(word: str | None, subject: EntityDraft, clause: Clause, world: World) -> bool | str:
    if not word:
        return True
    test = condition(world, subject, word)
    if test is None:
        return word
    subject.update(snake(word), kind="list", where=test, satisfies=(clause.id,))
    return True


def _bare(text: str) -> str:
    text = re.sub(r"^(?:the |an? |each |every |its |their )+", "", text.strip().lower())
    return re.sub(r"^(?:total )?(?:number|count|average|sum|percentage|total|how many)(?: of)?(?: the| all)? ", "", text)


def _reference(child: EntityDraft, parent: EntityDraft, world: World) -> str | None:
    """How the child reaches the parent, over one step at most."""
    if direct := child.reference_to(parent.name):
        return direct
    return None


def _subject(parts: list[str], group: str, world: World) -> EntityDraft | None:
    for part in parts:
        words = _bare(part).split()
        for size in (3, 2, 1):
            for start in range(len(words) - size + 1):
                found = world.find(" ".join(words[start : start + size]))
                if found and not (world.is_account(found) and len(parts) > 1):
                    return found
    parent = world.find(_bare(group))
    if parent:
        for child, _ in world.children(parent.name):
            if any(_money(child, world) or known_field(child, _bare(p)) for p in parts):
                return child
    for one in world.entities.values():
        if any(known_field(one, _bare(p)) for p in parts):
            return one
    topic = world.find(world.topic)
    return topic


def _money(child: EntityDraft, world: World) -> tuple[str, str] | None:
    """The path of what a row brings in, and its type."""
    for name in ("total", "amount", "price", "total_price", "cost", "fee", "fare", "value", "subtotal"):
        if name in child.fields and child.fields[name].type in ("decimal", "number"):
            return name, child.fields[name].type
    for name, field in child.fields.items():
        if field.type == "reference" and field.to and field.required:
            parent = world.entities[field.to]
            found = next(
                (n for n in ("price", "ticket_price", "fee", "fare", "cost", "price_per_ticket") if n in parent.fields), None
            )
            if found:
                return f"{name}.{found}", "decimal"
    return None


def _per_parent(
    clause: Clause,
    world: World,
    parts: list[str],
    subject: EntityDraft,
    parent: EntityDraft,
    reference: str,
    groups: dict[str, Any],
) -> bool | str | None:
    """One row for each parent, also for those without children."""
    rows = f"self.{world.inverse(subject, reference)}"
    measures: dict[str, str] = {}
    for part in parts:
        where: list[str] = []
        read = _measure(part, subject, world, "rows", where)
        if read is None:
            return None
        live = [re.sub(r"\bself\b", "x", w) for w in where]
        source = f"{rows}.filter(x, {' && '.join(live)})" if live else rows
        measures |= {k: re.sub(r"\brows\b", source, v) for k, v in read.items()}
    name = snake(f"{'_and_'.join(measures)}_per_{parent.name}")[:60]
    world.reports[name] = Report(entity=parent.name, columns={**columns(parent), **measures}, satisfies=(clause.id,))
    return _named(groups.get("named"), subject, clause, world)


def _keys(group: str, subject: EntityDraft, world: World) -> tuple[dict[str, str], str]:
    """The keys of a grouping, and the words that were not understood."""
    keys: dict[str, str] = {}
    for piece in re.split(r",| and | per ", group):
        piece = _bare(piece)
        if not piece:
            continue
        if unit := re.fullmatch(r"(?:calendar )?(day|date|month|hour|weekday|year|day of the week)(?: of (.+))?", piece):
            found = main_date(subject)
            path, kind = (found[0], found[1]) if found and found[2] else ("self.created_at", "datetime")
            dated = next((n for n in subject.dates() if subject.fields[n].required), None)
            if not found and dated:
                path, kind = f"self.{dated}", subject.fields[dated].type
            function = {
                "day": "date",
                "date": "date",
                "month": "month",
                "hour": "hour",
                "weekday": "weekday",
                "day of the week": "weekday",
            }.get(unit[1])
            if function is None or (function == "hour" and kind == "date"):
                return {}, piece
            keys[unit[1].replace(" ", "_")] = path if function == "date" and kind == "date" else f"{function}({path})"
            continue
        name = known_field(subject, piece)
        parent = world.find(piece)
        if name is None and parent:
            name = subject.reference_to(parent.name)
        if name is None:
            return {}, piece
        field = subject.fields.get(name)
        keys[name if not field or field.type != "reference" else f"{name}_id"] = (
            f"self.{name}.id" if field and field.type == "reference" else f"self.{name}"
        )
        if field and field.type == "reference" and not field.required:
            return {}, piece
    return keys, ""


def _measure(part: str, subject: EntityDraft, world: World, rows: str, where: list[str]) -> dict[str, str] | None:
    """Name and CEL of one measure over `rows`; conditions of the rows go to `where`."""
    text = re.sub(r"^(?:the|a|an|their|its)\s+", "", part.strip(" .").lower())
    found = _MEASURE.match(text)
    aggregate = found["agg"] if found else ""
    what = re.sub(r"^(?:the|all|of)\s+", "", found["what"] if found else text)
    what = re.sub(
        rf"(?<=\w) (?:of|for|in|from)(?: all)?(?: the)? (?:{re.escape(subject.plural.replace('_', ' '))}|{re.escape(subject.name.replace('_', ' '))})$",
        "",
        what,
    )
    if what in _MONEY or text in _MONEY or re.fullmatch(r"(?:total )?(?:revenue|income|sales|turnover|earnings)", text):
        money = _money(subject, world)
        if money is None:
            return None
        if live := open_or_alive(subject):
            where.append(live)
        return {"revenue": f"sum({rows}.map(r, r.{money[0]}))"}
    name = known_field(subject, what)
    if name and name in subject.fields and subject.fields[name].type in ("integer", "number", "decimal"):
        field = subject.fields[name]
        function = {
            "average": "avg",
            "mean": "avg",
            "avg": "avg",
            "maximum": "max",
            "max": "max",
            "highest": "max",
            "minimum": "min",
            "min": "min",
            "lowest": "min",
        }.get(aggregate, "sum")
        if not field.required:
            rows = f"{rows}.filter(r, r.{name} != null)"
        return {
            f"{'average' if function == 'avg' else 'total' if function == 'sum' else function}_{name}".replace(
                "total_total", "total"
            ): f"{function}({rows}.map(r, r.{name}))"
        }
    if text in ("total", "totals", "sum", "average", "total amount", "spending", "total spending", "sums") and (
        money := _money(subject, world)
    ):
        function = "avg" if text == "average" else "sum"
        return {
            f"{'average' if function == 'avg' else 'total'}_{money[0].split('.')[-1]}".replace(
                "total_total", "total"
            ): f"{function}({rows}.map(r, r.{money[0]}))"
        }
    if aggregate in ("percentage", "share"):
        test = _rows_test(what, subject, world, "r")
        return {"percentage": f"100.0 * double(size({rows}.filter(r, {test}))) / double(size({rows}))"} if test else None
    if aggregate in ("average", "mean", "avg") and not name:
        return None
    count = _counted(what, subject, world, where)
    return {count: f"size({rows})"} if count else None


def open_or_alive(subject: EntityDraft) -> str | None:
    """Rows that were not taken back: refunded and cancelled ones bring nothing in."""
    if subject.state and any(
        s in ("refunded", "cancelled", "canceled", "returned", "rejected", "void") for s in subject.state.states
    ):
        gone = [s for s in subject.state.states if s in ("refunded", "cancelled", "canceled", "returned", "rejected", "void")]
        return " && ".join(f"self.{subject.state.field} != '{s}'" for s in gone)
    return None


def _rows_test(text: str, subject: EntityDraft, world: World, row: str) -> str | None:
    label = re.escape(subject.plural.replace("_", " "))
    one = re.escape(subject.name.replace("_", " "))
    text = re.sub(rf"\b(?:{label}|{one})\b", "", text).strip()
    text = re.sub(r"^(?:that|which|who) (?:are|is|were|have been) ", "", text)
    return condition(world, subject, text, row) if text else None


def _counted(text: str, subject: EntityDraft, world: World, where: list[str]) -> str | None:
    """`open tickets`, `tickets sold`, `orders`: the name of the count; the condition is noted."""
    label = subject.plural.replace("_", " ")
    if not re.search(rf"\b(?:{re.escape(label)}|{re.escape(subject.name.replace('_', ' '))})\b", text):
        return None
    rest = re.sub(rf"\b(?:{re.escape(label)}|{re.escape(subject.name.replace('_', ' '))})\b", "", text).strip()
    rest = re.sub(r"^(?:that|which) (?:are|is|were|have been) ", "", rest)
    if not rest or rest in ("count", "counts", "number"):
        return "count"
    made = verb_base(rest)
    if made in (
        "sell",
        "buy",
        "make",
        "place",
        "create",
        "submit",
        "book",
        "order",
        "purchase",
        "take",
        "borrow",
        "rent",
        "receive",
        "issue",
    ):
        if live := open_or_alive(subject):
            where.append(live)
        return snake(f"{label} {rest}")
    test = condition(world, subject, rest)
    if test is None:
        return None
    where.append(test)
    return "count"


def latest(clause: Clause, world: World, what: str, group: str) -> bool | str | None:
    """`the latest reading of each device`, and what follows it: `and the average per hour over a day`"""
    first, _, rest = group.partition(" and ")
    child = world.find(re.sub(r"^(?:the )?(?:latest|last|most recent|newest|current) ", "", what))
    parent = world.find(_bare(first))
    if child is None or parent is None:
        return None
    reference = child.reference_to(parent.name) or (
        child.owner if child.owner and child.fields[child.owner].to == parent.name else None
    )
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
    chosen = [known_field(child, m["f"])] if m["f"] and known_field(child, m["f"]) else numbers
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
    test = condition(world, target, m["a"]) if target else None
    if target is None or test is None:
        return None
    target.update(snake(m["a"]), kind="list", where=test, satisfies=(clause.id,))
    return m["tail"].strip() or True
