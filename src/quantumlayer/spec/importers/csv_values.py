"""What the values of a CSV column are: days in several spellings, money, percentages, yes or no, numbers, texts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from quantumlayer.spec.analyst.fields import type_of
from quantumlayer.spec.values import Field

MAX_ENUM = 6
_YES_NO = (("true", "false"), ("yes", "no"), ("y", "n"), ("ja", "nein"), ("oui", "non"), ("si", "no"), ("sí", "no"), ("on", "off"), ("t", "f"), ("wahr", "falsch"), ("vrai", "faux"), ("x", ""))  # fmt: skip
_CURRENCY = r"[$€£¥₹]|\b(?:USD|EUR|GBP|CHF|JPY|SEK|NOK|DKK|PLN|CAD|AUD)\b"
_MONEY = re.compile(rf"(?P<s>[-+])?\s*(?P<c>{_CURRENCY})?\s*(?P<n>[-+]?\d[\d.,' \u00a0]*?)\s*(?P<d>{_CURRENCY})?")
_ENGLISH, _CONTINENTAL = r"[-+]?\d{1,3}(?:,\d{3})*(?:\.\d+)?|[-+]?\d+(?:\.\d+)?", r"[-+]?\d{1,3}(?:[. \u00a0']\d{3})*(?:,\d+)?|[-+]?\d+(?:,\d+)?"  # fmt: skip
_CATEGORIES = re.compile(r"(?:^|_)(?:status|state|type|level|priority|category|kind|gender|size|currency|role|tier|plan|stage|grade|method|channel|country|unit)$")  # fmt: skip
# How a day is written, and what it is called.
_DAYS = (
    ("%Y-%m-%d", "year-month-day"),
    ("%d.%m.%Y", "day.month.year"),
    ("%d/%m/%Y", "day/month/year"),
    ("%m/%d/%Y", "month/day/year"),
    ("%Y/%m/%d", "year/month/day"),
    ("%d-%m-%Y", "day-month-year"),
    ("%m-%d-%Y", "month-day-year"),
    ("%d.%m.%y", "day.month.year"),
    ("%d %b %Y", "day month year"),
    ("%d %B %Y", "day month year"),
    ("%b %d, %Y", "month day, year"),
    ("%B %d, %Y", "month day, year"),
    ("%d-%b-%Y", "day-month-year"),
    ("%Y%m%d", "year, month and day in one"),
)
_TIMES = (" %H:%M", " %H:%M:%S", ", %H:%M", " %I:%M %p", "T%H:%M", "T%H:%M:%S")


@dataclass(frozen=True)
class Column:
    """A field, and what is assumed of how its values are written; `doubt` is what the sample leaves open."""

    field: Field
    told: str = ""
    doubt: str = ""


def infer(name: str, values: list[str], by: str, *, comma: bool) -> Column:
    """The field of a column. `comma` says that a comma may divide decimals."""
    present = [v for v in values if v]
    required = bool(present) and len(present) == len(values)
    lower = {v.lower() for v in present}
    readers: tuple[Callable[[], Column | None], ...] = (
        lambda: _flag(name, lower, required),
        lambda: _day(present),
        lambda: _number(name, present, comma=comma),
        lambda: _text(name, present),
    )
    found = next(column for reader in readers if (column := reader()) is not None) if present else Column(_named(name))
    flagged = found.field.type == "boolean" and "" in [b for a, b in _YES_NO if a in lower]
    field = found.field.model_copy(update={"required": required or flagged, "satisfies": (by,)})
    return Column(field, found.told, found.doubt)


def _named(name: str) -> Field:
    """A field of which the sample shows no value."""
    kind, format_ = type_of(name)
    return Field(type=kind, format=format_, required=False) if kind in ("date", "datetime", "integer", "boolean", "string", "text") else Field(type="string", required=False)  # type: ignore[arg-type]  # fmt: skip


def _flag(name: str, lower: set[str], required: bool) -> Column | None:
    pair = next(((a, b) for a, b in _YES_NO if lower <= {a, b} and (len(lower) > 1 or a != "x") or lower == {a} == {"x"}), None)
    if pair and (len(lower) > 1 or pair[0] in ("true", "yes", "x", "ja", "oui") or pair[1] in lower and pair[1] != "no"):
        told = f"{pair[0]} means true" if pair[0] != "true" else ""
        return Column(Field(type="boolean"), told)
    if lower == {"0", "1"} and (re.match(r"(?:is|has|can|was)_", name) or type_of(name)[0] == "boolean"):
        return Column(Field(type="boolean"), "1 means true")
    return None


def _day(present: list[str]) -> Column | None:
    if all(re.fullmatch(r"\d{1,2}:\d\d(?::\d\d)?", v) for v in present):
        return Column(Field(type="time"))
    iso = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?"
    if all(re.fullmatch(iso, v) and _is_day(v[:10], "%Y-%m-%d") for v in present):
        return Column(Field(type="datetime"))
    fitting = [(form, words) for form, words in _DAYS if all(_is_day(v, form) for v in present)]
    if fitting and not (fitting[0][0] == "%Y%m%d" and len(present) < 2):
        return Column(Field(type="date"), *_spelled(fitting))
    fitting = [(form, words) for form, words in _DAYS for clock in _TIMES if all(_is_day(v, form + clock) for v in present)]
    return Column(Field(type="datetime"), *_spelled(fitting)) if fitting else None


def _spelled(fitting: list[tuple[str, str]]) -> tuple[str, str]:
    """What is assumed of the spelling, and what is open where the days of the sample fit two."""
    forms = list(dict.fromkeys(words for _, words in fitting))
    if forms[0] == "year-month-day":
        return "", ""
    told = f"the sample writes {forms[0]}, the application year-month-day"
    return told, f"is it {forms[0]} or {forms[1]}" if len(forms) > 1 and forms[0][:3] != forms[1][:3] else ""


def _is_day(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def _number(name: str, present: list[str], *, comma: bool) -> Column | None:
    kind = type_of(name)[0]
    if all(re.fullmatch(r"-?(?:0|[1-9]\d{0,15})", v) for v in present) and kind not in ("decimal", "string"):
        return Column(Field(type="integer"), "", "is it a yes or no" if set(present) == {"0", "1"} else "")
    # Books write what is owed in parentheses.
    plain = [re.sub(r"^\((.+)\)$", r"-\1", v.rstrip("% ").strip()) for v in present]
    percent = all(v.endswith("%") for v in present)
    money = [_MONEY.fullmatch(v) for v in plain]
    if not all(money) or (kind == "string" and not any(m and (m["c"] or m["d"]) for m in money)):
        return None
    signs = {m["c"] or m["d"] for m in money if m and (m["c"] or m["d"])}
    numbers = [f"{m['s'] or ''}{m['n'].strip()}" for m in money if m]
    # Leading zeros name things.
    if any(re.fullmatch(r"0\d+", n) for n in numbers):
        return None
    continental = comma and any("," in n for n in numbers) or any(re.search(r",\d{1,2}$|\.\d{3},", n) for n in numbers)
    form = _CONTINENTAL if continental else _ENGLISH
    if not all(re.fullmatch(form, n) for n in numbers):
        return None
    places = max(len(re.split(r"," if continental else r"\.", n)[1]) if re.search(r"," if continental else r"\.", n) else 0 for n in numbers)  # fmt: skip
    told = [f"the sample writes them in {' and '.join(sorted(signs))}"] if signs else []
    told += ["10 stands for 10%"] if percent else []
    if not places and not signs and kind not in ("decimal",):
        return Column(Field(type="integer"), ", ".join(told))
    exact = bool(signs) or kind == "decimal" or bool(re.search(r"_(?:eur|usd|gbp|chf|euro|euros|dollars)$", name))
    made = Field(type="decimal", places=min(max(places, 2), 8)) if exact else Field(type="number")
    return Column(made, ", ".join(told))


def _text(name: str, present: list[str]) -> Column:
    def every(pattern: str) -> bool:
        return all(re.fullmatch(pattern, v, re.I) for v in present)

    if every(r"[^@\s]+@[^@\s]+\.[^@\s]+"):
        return Column(Field(type="string", format="email"))
    if every(r"https?://\S+"):
        return Column(Field(type="string", format="url"))
    distinct = sorted(set(present))
    short = every(r"[\w -]{1,30}") and 2 <= len(distinct) <= MAX_ENUM
    if short and len(present) >= 6 and len(present) >= 3 * len(distinct):
        return Column(Field(type="enum", values=tuple(distinct)), "it holds no other values than the sample")
    if short and _CATEGORIES.search(name) and len(present) >= 1.5 * len(distinct):
        return Column(Field(type="enum", values=tuple(distinct)), "it holds no other values than the sample")
    if short and "," not in name and all(v.upper() == v and len(v) <= 3 for v in present) and _CATEGORIES.search(name):
        return Column(Field(type="string"))
    long = any(len(v) > 255 for v in present) or type_of(name)[0] == "text"
    return Column(Field(type="text" if long else "string"))
