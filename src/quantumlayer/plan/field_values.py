"""Values for a field: valid ones without end, those just inside and just outside of its constraints."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from quantumlayer.plan.regex_text import matching
from quantumlayer.spec.formats import FORMATS
from quantumlayer.spec.values import Field

Json = Any
STRING_LIMIT, TEXT_LIMIT = 255, 10_000
HOSTILE = (
    "Robert'); DROP TABLE students;--",
    '100% "quoted" _under_ \\back',
    "naïve ☃ 😀 日本語",
    " spaced  out ",
    "<script>alert(1)</script>",
    "' OR '1'='1",
    "{{7*7}} ${7*7}",
)


@dataclass(frozen=True)
class Sample:
    """A wire value and why it is interesting."""

    label: str
    value: Json


def valid(field: Field, n: int) -> Json:
    """The n-th valid value; different `n` give different values wherever the type allows. References give None."""
    match field.type:
        case "string" | "text":
            return _text(field, n)
        case "integer" | "number" | "decimal":
            return _number(field, n)
        case "boolean":
            return n % 2 == 1
        case "date":
            return f"2031-{1 + n // 28 % 12:02}-{1 + n % 28:02}"
        case "time":
            return f"{8 + n // 60 % 12:02}:{n % 60:02}"
        case "datetime":
            return f"2031-{1 + n // 672 % 12:02}-{1 + n // 24 % 28:02}T{n % 24:02}:00:00Z"
        case "enum":
            return field.values[n % len(field.values)]
        case "strings":
            least = max(field.min_items or 0, 1)
            return [f"tag{n + i}" for i in range(least)]
        case _:
            return None


def limits(field: Field) -> tuple[int, int]:
    """The least and greatest length of a string or text, in code points."""
    least = field.min_length if field.min_length is not None else (1 if field.required else 0)
    return least, field.max_length or (STRING_LIMIT if field.type == "string" else TEXT_LIMIT)


def quantum(field: Field) -> Decimal:
    """The smallest step between two values of a number field."""
    if field.step:
        return Decimal(str(field.step))
    if field.type == "integer":
        return Decimal(1)
    return Decimal(1).scaleb(-(field.places if field.places is not None else 2))


def _text(field: Field, n: int) -> str:
    least, most = limits(field)
    if field.pattern:
        return matching(field.pattern, n, least, most)
    if field.format:
        return _formatted(field.format, n, most)
    text = f"Sample {n}"
    if len(text) > most:
        text = _letters(n, most)
    return text.ljust(least, "x")


def of_length(field: Field, length: int, n: int) -> str | None:
    """A text of exactly that many characters that fits pattern and format; None where none is known."""
    text = ""
    if length < 1:
        return None
    if field.pattern:
        text = matching(field.pattern, n, length, length)
    elif field.format == "email":
        text = f"{_letters(n, 6)}@example.com".rjust(length, "a")
    elif field.format == "url":
        text = f"https://example.com/{_letters(n, 4)}".ljust(length, "x")
    elif field.format in ("slug", "alphanumeric", "segment"):
        text = _letters(n, length)
    return text if len(text) == length else None


def _letters(n: int, length: int) -> str:
    digits, alphabet = "", "abcdefghijklmnopqrstuvwxyz0123456789"
    while n or not digits:
        digits, n = alphabet[n % 36] + digits, n // 36
    return digits[-length:].rjust(length, "a")


def _formatted(kind: str, n: int, most: int) -> str:
    match kind:
        case "email":
            return f"user{n}@example.com"
        case "url":
            return f"https://example.com/{n}"
        case "slug":
            return f"slug-{n}"[-most:].strip("-")
        case "isbn":
            return isbn13(n)
        case "phone":
            return f"+1202{n % 10_000_000:07}"
        case "uuid":
            return f"00000000-0000-4000-8000-{n % 16**12:012x}"
        case "ipv4":
            return f"10.{n // 65536 % 256}.{n // 256 % 256}.{n % 256}"
        case "color":
            return f"#{n % 16**6:06x}"
        case "license_plate":
            return f"AB-{n % 10_000:04}"
        case _:
            return _letters(n, min(most, 8))


def isbn13(n: int) -> str:
    """The n-th ISBN of 13 digits, with its check digit."""
    digits = f"978{n % 10**9:09}"
    total = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits))
    return digits + str(-total % 10)


def _number(field: Field, n: int) -> Json:
    step = quantum(field)
    if not field.step and field.type != "integer" and Decimal("0.25") % step == 0:
        step = Decimal("0.25")
    low, high = least(field), greatest(field)
    if low is None:
        low = Decimal(1) if high is None or high >= 1 else high - 50 * step
        if field.step:
            low -= low % step
            low += step if low <= 0 else 0
    count = 1_000_000 if high is None else max(int((high - low) / step) + 1, 1)
    return plain(low + (n % count) * step, field)


def least(field: Field) -> Decimal | None:
    """The smallest allowed number."""
    if field.min is None:
        return None
    low = Decimal(str(field.min)) + (quantum(field) if field.exclusive_min else 0)
    return _stepped(low, field, up=True)


def greatest(field: Field) -> Decimal | None:
    """The largest allowed number."""
    if field.max is None:
        return None
    high = Decimal(str(field.max)) - (quantum(field) if field.exclusive_max else 0)
    return _stepped(high, field, up=False)


def _stepped(value: Decimal, field: Field, *, up: bool) -> Decimal:
    if not field.step:
        return value
    rest = value % Decimal(str(field.step))
    if rest == 0:
        return value
    return value - rest + (Decimal(str(field.step)) if up else 0)


def plain(value: Decimal, field: Field) -> Json:
    """As JSON: integers as int, others as float."""
    return int(value) if field.type == "integer" else (int(value) if value == value.to_integral() else float(value))


def accepted(field: Field, n: int) -> Sequence[Sample]:
    """Valid values at the edges of the constraints."""
    match field.type:
        case "string" | "text":
            return _text_edges(field, n)
        case "integer" | "number" | "decimal":
            edges = (("the least", least(field)), ("the greatest", greatest(field)))
            return tuple(Sample(label, plain(v, field)) for label, v in edges if v is not None)
        case "boolean":
            return (Sample("true", True), Sample("false", False))
        case "enum":
            return tuple(Sample(v, v) for v in field.values)
        case "datetime":
            return (Sample("another offset", "2031-05-06T01:30:00+02:00"), Sample("no offset", "2031-05-06T10:00:00"))
        case "date":
            return (Sample("a leap day", "2032-02-29"),)
        case "time":
            return (Sample("midnight", "00:00"), Sample("the last minute", "23:59"))
        case "strings":
            most = field.max_items or 3
            return (Sample("as many as allowed", [f"tag{n + i}" for i in range(most)]),)
    return ()


def _text_edges(field: Field, n: int) -> Sequence[Sample]:
    low, high = limits(field)
    if field.pattern or field.format:
        lengths = (low, high) if field.min_length or field.max_length else ()
        texts = ((length, of_length(field, length, n)) for length in lengths)
        return tuple(Sample(f"{length} characters", text) for length, text in texts if text is not None)
    found = [Sample(f"{high} characters", _letters(n, 8).ljust(high, "é")[:high])]
    if low > 1 or (low == 1 and not field.unique):
        found.append(Sample(f"{low} characters", _letters(n, low)))
    found += [Sample("hostile text", text) for text in HOSTILE if low <= len(text) <= high and not field.unique]
    return tuple(found)


def refused(field: Field, n: int) -> Sequence[Sample]:
    """Values that validation must refuse, each for one reason."""
    found: list[Sample] = []
    match field.type:
        case "string" | "text":
            found += _refused_text(field, n)
        case "integer" | "number" | "decimal":
            found += _refused_number(field)
        case "boolean":
            found += [Sample("a string", "true"), Sample("a number", 1)]
        case "date":
            found += [Sample("no such day", "2031-02-30"), Sample("not a date", "tomorrow"), Sample("a number", 20310101)]
        case "time":
            found += [Sample("no such time", "25:00"), Sample("not a time", "noon")]
        case "datetime":
            found += [Sample("no such hour", "2031-01-01T25:00:00Z"), Sample("not an instant", "soon"), Sample("a number", 5)]
        case "enum":
            found += [Sample("not in the list", "no_such_value"), Sample("a number", 0)]
            found += [Sample("another case", v.upper()) for v in field.values[:1] if v.upper() not in field.values]
        case "strings":
            found += [Sample("not a list", "tag"), Sample("a number in the list", [1])]
            if field.max_items:
                found.append(Sample("one too many", [f"tag{i}" for i in range(field.max_items + 1)]))
            if field.min_items:
                found.append(Sample("one too few", [f"tag{i}" for i in range(field.min_items - 1)]))
        case "reference":
            found += [Sample("no such row", 999_999_999), Sample("not an id", {"a": 1})]
        case "references":
            found += [Sample("no such row", [999_999_999]), Sample("not a list", 5)]
            if field.min_items:
                found.append(Sample("too few", []))
    if field.required:
        found.append(Sample("null", None))
    return tuple(found)


def _refused_text(field: Field, n: int) -> Sequence[Sample]:
    low, high = limits(field)
    found = [Sample("a number", 7), Sample("a list", ["x"])]
    if not (field.pattern or field.format):
        found += [Sample(f"{high + 1} characters", "x" * (high + 1)), Sample("a NUL", "a\x00b".ljust(low, "x"))]
        if low > 1:
            found.append(Sample(f"{low - 1} characters", "x" * (low - 1)))
    elif field.min_length or field.max_length:
        texts = ((length, of_length(field, length, n)) for length in (low - 1, high + 1))
        found += [Sample(f"{length} characters", text) for length, text in texts if text is not None]
    if low >= 1:
        found.append(Sample("empty", ""))
        if field.required:
            found.append(Sample("blank", "   ".ljust(low)))
    if field.pattern:
        found += [Sample("not matching", t) for t in ("§§§", "no match here!") if not re.search(field.pattern, t)]
    if field.format:
        found += [
            Sample(f"not a proper {field.format}", t)
            for t in _BROKEN[field.format]
            if not re.fullmatch(FORMATS[field.format], t)
        ]
    return found


_BROKEN: dict[str, Sequence[str]] = {
    "email": ("not-an-email", "a@", "@example.com", "two words@example.com"),
    "url": ("not a url", "javascript:alert(1)", "example"),
    "slug": ("Not A Slug!", "under score"),
    "isbn": ("12345", "not-an-isbn"),
    "phone": ("call me", "12"),
    "uuid": ("not-a-uuid",),
    "ipv4": ("256.1.1.1", "1.2.3"),
    "color": ("blue!", "#12345g"),
    "license_plate": ("!!", "way too long for any plate"),
    "alphanumeric": ("with space", "semi;colon"),
    "segment": ("a/b", "..", "."),
}


def _refused_number(field: Field) -> Sequence[Sample]:
    found = [Sample("a string", "1"), Sample("a boolean", True)]
    step = quantum(field)
    low, high = least(field), greatest(field)
    if low is not None:
        found.append(Sample("just below the least", plain(low - step, field)))
    if high is not None:
        found.append(Sample("just above the greatest", plain(high + step, field)))
    if field.type == "integer":
        found += [Sample("a fraction", 1.5), Sample("out of range", 2**53)]
    if field.type == "decimal" and not field.step:
        places = field.places if field.places is not None else 2
        found.append(
            Sample("a decimal place too many", float(Decimal(str(_number(field, 3))) + Decimal(1).scaleb(-places - 1)))
        )
    if field.step:
        start = low if low is not None else step
        found.append(Sample("off the step", float(start + step / 2)))
    return found
