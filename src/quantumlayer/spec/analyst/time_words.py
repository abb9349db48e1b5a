"""Durations and instants in prose → CEL."""

import re

from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.grammar import plain
from quantumlayer.spec.analyst.words import number
from quantumlayer.spec.analyst.world import EntityDraft

_UNITS = {
    "min": ("minutes", 1),
    "hou": ("hours", 1),
    "hr": ("hours", 1),
    "day": ("days", 1),
    "wee": ("days", 7),
    "mon": ("days", 30),
    "yea": ("days", 365),
    "cal": ("days", 1),
    "sec": ("minutes", 0),
}


def duration(text: str) -> tuple[str, bool] | None:
    """CEL of a duration, and whether it counts in whole days."""
    found = re.fullmatch(
        r"(?:(?P<n>[\w.]+)[ -])?(?:calendar |full |working )?(?P<u>[a-z]+)", text.strip().lower().removeprefix("the ").strip()
    )
    if not found:
        return None
    unit = next((v for k, v in _UNITS.items() if found["u"].startswith(k)), None)
    count = number(found["n"]) if found["n"] and found["n"] not in ("a", "an") else 1
    if unit is None or count is None or unit[1] == 0:
        return None
    if count == 0.5 and unit[0] == "hours":
        return "minutes(30)", False
    return f"{unit[0]}({int(count * unit[1])})", unit[0] == "days"


def anchor(target: EntityDraft, words: str, world: object = None, row: str = "self") -> tuple[str, str, bool] | None:
    """The path, type and presence of the day or instant that words such as `they start`, `the event`, `its due date` mean."""
    text = re.sub(r"^(?:an?|the|its|their|it|they|this|that|of the|of)\s+", "", plain(words).strip(" .,").lower())
    text = re.sub(r"^(?:scheduled |planned |actual )", "", text)
    stem = re.sub(r"(?:ing|s|ed)$", "", text)
    for candidate in (text, stem, text + "_at", stem + "_time", stem + "s_at", stem + "ing_time"):
        name = known_field(target, candidate)
        if name and name in target.fields and target.fields[name].type in ("date", "datetime"):
            field = target.fields[name]
            return f"{row}.{name}", field.type, field.required
    if re.fullmatch(
        r"(?:it |they |the \w+ )?(?:start|starts|begin|begins|departure|beginning|take place|takes place|happens)", text
    ):
        return _first(
            target,
            (
                "start",
                "starts_at",
                "start_time",
                "start_date",
                "date",
                "begins_at",
                "check_in",
                "departure",
                "departure_time",
                "from",
            ),
            row,
        )
    if re.fullmatch(
        r"(?:creation|created|being created|posting|posted|submission|writing|creating|opening|borrowing|it is created|purchase|buying|renting|booking|ordering|it|them)",
        text,
    ):
        return f"{row}.created_at", "datetime", True
    return None


def _first(target: EntityDraft, names: tuple[str, ...], row: str) -> tuple[str, str, bool] | None:
    name = next((n for n in names if n in target.fields and target.fields[n].type in ("date", "datetime")), None)
    return (f"{row}.{name}", target.fields[name].type, target.fields[name].required) if name else None


def main_date(target: EntityDraft, row: str = "self") -> tuple[str, str, bool] | None:
    """The day or instant at which the thing happens."""
    return _first(
        target,
        (
            "start",
            "starts_at",
            "start_time",
            "date",
            "start_date",
            "date_and_time",
            "datetime",
            "departure",
            "departure_time",
            "scheduled_at",
            "time",
            "begins_at",
            "check_in",
            "closes_at",
            "deadline",
            "due_date",
            "end",
            "ends_at",
            "closing_date",
        ),
        row,
    )


def period(target: EntityDraft) -> tuple[str, str] | None:
    """The fields that bound a span of time."""
    for first, last in (("start", "end"), ("start_timestamp", "end_timestamp"), ("starts_at", "ends_at"), ("start_time", "end_time"), ("start_date", "end_date"), ("from", "to"), ("check_in", "check_out"), ("check_in_date", "check_out_date"), ("begin", "end"), ("arrival", "departure"), ("from_date", "to_date"), ("starts", "ends"), ("pickup_date", "return_date"), ("begins_at", "ends_at"), ("pickup_time", "return_time"), ("arrival_date", "departure_date"), ("valid_from", "valid_until"), ("valid_from", "valid_to"), ("entry_time", "exit_time"), ("departure_time", "arrival_time"), ("entry", "exit")):  # fmt: skip
        if first in target.fields and last in target.fields:
            return first, last
    return None
