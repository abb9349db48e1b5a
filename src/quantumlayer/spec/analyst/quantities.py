"""How much of a unit a row has: its kilometres, its pages, its hours; by a number of its own or by its period."""

import re

from quantumlayer.spec.analyst.time_words import period
from quantumlayer.spec.analyst.words import plural, singular, snake
from quantumlayer.spec.analyst.world import EntityDraft, World

_NUMERIC = ("integer", "number", "decimal")
_ALIASES = {
    "min": "minute",
    "h": "hour",
    "hr": "hour",
    "kilometer": "km",
    "kilometre": "km",
    "kilogram": "kg",
    "kilo": "kg",
    "gram": "g",
    "litre": "liter",
    "metre": "meter",
    "people": "person",
    "guest": "person",
    "head": "person",
}
_MINUTES = {"minute": 1, "hour": 60, "day": 1440, "week": 10080}
_STARTS = ("start", "starts_at", "start_time", "begins_at", "date_and_time", "scheduled_at", "departure_time", "time")


def measured_in(target: EntityDraft, unit: str) -> str | None:
    """The number of a row that counts in a unit: `a duration in minutes`, `number of pages`, `distance (km)`."""
    one = _unit(unit)
    found = [n for n, f in target.fields.items() if f.type in _NUMERIC and f.value is None]
    told = [n for n in found if one == _unit(re.sub(r"^in ", "", target.fields[n].description or "").lower())]
    many = {one, plural(one), *(p for a, u in _ALIASES.items() if u == one for p in (a, plural(a)))}
    named = [
        n for n in found if n in many or n.removeprefix("number_of_") in many or n.split("_")[-1] in many and "_per_" not in n
    ]
    return next(iter([*told, *named]), None)


def _unit(word: str) -> str:
    one = singular(snake(word))
    return _ALIASES.get(one, one)


def timed(target: EntityDraft) -> tuple[str, int] | None:
    """The number of a row that says how long it takes, and the minutes of its unit."""
    found = ((name, minutes) for unit, minutes in _MINUTES.items() if (name := measured_in(target, unit)))
    return next(((n, m) for n, m in found if target.fields[n].required), None)


def bounds_of(target: EntityDraft, world: World, row: str = "self") -> tuple[str, str] | None:
    """CEL of the start and the end of a row: two fields, or a start and how long it, or what it refers to, takes."""
    if bounds := period(target):
        return f"{row}.{bounds[0]}", f"{row}.{bounds[1]}"
    for name, field in target.fields.items():
        # From one number to another: the seconds of a line.
        last = target.fields.get(f"end_{name[6:]}") if name.startswith("start_") else None
        if last and field.type == last.type and field.type in _NUMERIC and field.required and last.required:
            return f"{row}.{name}", f"{row}.end_{name[6:]}"
    start = next((n for n in _STARTS if n in target.fields and target.fields[n].type == "datetime"), None)
    length = _length_of(target, world)
    if start is None or length is None or not target.fields[start].required:
        return None
    name, minutes, kind = length
    if kind == "integer":
        taken = {1: f"minutes({row}.{name})", 60: f"hours({row}.{name})", 1440: f"days({row}.{name})"}.get(minutes)
        taken = taken or f"days({row}.{name} * {minutes // 1440})"
    else:
        taken = f"minutes(floor({row}.{name} * {float(minutes)}))"
    return f"{row}.{start}", f"{row}.{start} + {taken}"


def _length_of(target: EntityDraft, world: World) -> tuple[str, int, str] | None:
    """The path to how long a row takes, the minutes of its unit, and its type: its own, or that of the movie it shows."""
    if own := timed(target):
        return *own, target.fields[own[0]].type
    for name, field in target.fields.items():
        other = world.entities.get(field.to or "") if field.type == "reference" and field.required else None
        if other and (length := timed(other)):
            return f"{name}.{length[0]}", length[1], other.fields[length[0]].type
    return None


def amount(target: EntityDraft, unit: str, counted: str = "", *, running: bool = False) -> tuple[str, str] | None:
    """CEL of how many units a row has, and its type; `counted`: whether parts of one are a whole (`started`) or nothing (`full`).

    `running` takes a period without an end to last until now.
    """
    one, up = _unit(unit), counted in ("started", "begun")
    if (name := measured_in(target, one)) and target.fields[name].required:
        kind = target.fields[name].type
        if counted and kind != "integer":
            return f"{'ceil' if up else 'floor'}(self.{name})", "integer"
        return f"self.{name}", kind
    if one in ("minute", "hour"):
        hours = _hours(target, running=running)
        cel = f"{hours} * 60.0" if one == "minute" and hours else hours
        return (f"{'ceil' if up else 'floor'}({cel})", "integer") if cel and counted else (cel, "number") if cel else None
    if one in ("day", "night"):
        return _days(target, counted, running=running)
    return None


def _hours(target: EntityDraft, *, running: bool) -> str | None:
    if length := timed(target):
        name, minutes = length
        value = f"self.{name}" if target.fields[name].type != "integer" else f"double(self.{name})"
        return value if minutes == 60 else f"{value} / 60.0" if minutes == 1 else f"{value} * {minutes / 60}"
    bounds = _bounds(target, running=running)
    return f"hours_between({bounds[0]}, {bounds[1]})" if bounds and bounds[2] == "datetime" else None


def _days(target: EntityDraft, counted: str, *, running: bool) -> tuple[str, str] | None:
    bounds = _bounds(target, running=running)
    if bounds is None:
        return None
    if counted in ("started", "begun") and bounds[2] == "datetime":
        return f"ceil(hours_between({bounds[0]}, {bounds[1]}) / 24.0)", "integer"
    return f"days_between({bounds[0]}, {bounds[1]})", "integer"


def _bounds(target: EntityDraft, *, running: bool) -> tuple[str, str, str] | None:
    known = period(target)
    if known is None or not target.fields[known[0]].required:
        return None
    first, last = known
    kind, end = target.fields[first].type, f"self.{last}"
    if not target.fields[last].required:
        if not running:
            return None
        end = f"({end} == null ? {'today' if kind == 'date' else 'now'} : {end})"
    return f"self.{first}", end, kind
