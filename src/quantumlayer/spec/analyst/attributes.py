"""What is said of a field behind its name or in parentheses: lengths, ranges, values, types, defaults."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from quantumlayer.spec.analyst.words import (
    LEXICON,
    number,
    singular,
    snake,
    value_name,
)

_NUM = r"-?[$€£]?\d[\d,]*(?:\.\d+)?k?|zero|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred"


_CHARS = r"(?P<unit>characters?|chars?|letters or digits|letters and digits|letters or numbers|letters and numbers|alphanumeric characters?|alphanumerics?|digits(?: or letters)?|digits and letters|(?:capital |uppercase |upper-case |upper case |lowercase |lower-case |lower case )?letters|numbers|hex digits|words?|symbols)"


_UNIT = r"(?: (?:cents|euros?|dollars?|pounds|eur|usd|gbp|ml|cl|litres?|liters?|kg|kilos?|kilograms?|grams?|g|lbs?|km|kilometers?|kilometres?|meters?|metres?|cm|mm|sqm|square met(?:er|re)s?|seconds?|minutes?|hours?|days?|weeks?|months?|years?|degrees|percent|stars?|points?|people|persons?|pages?|items?|entries|kwh|kw|watts?|volts?))?"


_TAIL: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"[\s,]*\b(?:that |which |and )?(?:(?:is|are|must be|should be|has to be|can be|may be|must have|has|having|with)\s+)?(?:{p})$", re.I), kind)
    for p, kind in (
        (rf"(?:of |with )?(?:a )?(?:length |size )?(?:of |is |from |between |has )?(?P<a>{_NUM})(?: to | ?- ?| and | or )(?P<b>{_NUM}) {_CHARS}(?: long| in length)?", "length"),
        (rf"(?:of |with |has )?(?:at most|up to|no more than|max\.?|maximum|maximum of|a maximum of|not more than|not longer than|no longer than|limited to|at maximum) (?P<b>{_NUM}) {_CHARS}(?: long| in length)?", "length"),
        (rf"(?:of |with |has )?(?:at least|min\.?|minimum|minimum of|a minimum of|no fewer than|no less than) (?P<a>{_NUM}) {_CHARS}(?: long| in length)?", "length"),
        (rf"(?:of )?(?:(?:the )?(?:pattern|format|form) )?(?:of )?(?P<x>{_NUM}) (?P<xu>(?:capital |uppercase |lowercase )?letters?|digits?|numbers?|numerals?),? (?:and|plus|then|followed by|and then) (?P<y>{_NUM}) (?P<yu>(?:capital |uppercase |lowercase )?letters?|digits?|numbers?|numerals?)", "code"),
        (rf"(?:of |with |has )?(?:exactly )?(?P<e>{_NUM})[ -]{_CHARS}(?: long| in length| code)?", "length"),
        (rf"(?:(?:rated|scored|graded|marked|on a scale) )?(?:a (?:number|value|whole number|score|grade|rating) )?(?:in the range |ranging |in range |a range |an integer |a whole number )?(?:of )?(?:between|from) (?P<a>{_NUM})(?: and | to | through | ?- ?| up to )(?P<b>{_NUM})(?P<steps> in (?:steps|increments|multiples) of (?P<s>{_NUM}))?(?: inclusive)?{_UNIT}", "range"),
        (rf"(?:(?:rated|scored|graded|marked|on a scale|ranging) )?(?:of |from |between )?(?P<a>{_NUM})(?: to | ?[-–] ?| through | ?\.\.\.? ?)(?P<b>{_NUM}){_UNIT}", "range"),
        (rf"in (?:steps|increments|multiples) of (?P<s>{_NUM})|(?:a )?multiples? of (?P<s2>{_NUM})", "step"),
        (rf"(?:of )?(?:at least|not less than|no less than|not below|min\.?|minimum|minimum of|a minimum of|>=|≥) (?P<a>{_NUM}){_UNIT}", "range"),
        (rf"(?:of )?(?:at most|not more than|no more than|up to|max\.?|maximum|maximum of|a maximum of|not above|<=|≤) (?P<b>{_NUM}){_UNIT}", "range"),
        (rf"(?:greater than|more than|above|over|larger than|>) (?P<xa>{_NUM}){_UNIT}", "range"),
        (rf"(?:less than|below|under|smaller than|<) (?P<xb>{_NUM}){_UNIT}", "range"),
        (r"(?:a )?(?:positive(?: number| integer)?|greater than zero|more than zero|above zero)", "positive"),
        (r"(?:(?:cannot|can never|may not|must not) be negative|not (?:be )?negative|non-?negative|zero or more|never negative)", "nonnegative"),
        (r"unique", "unique"),
        (r"optional|not required|left (?:out|empty|blank)|omitted|empty|nullable|null|if (?:any|known|available|present|needed)|[a-z]+ ones (?:have|has|need|get) none", "optional"),
        (r"required|mandatory|not (?:be )?empty|not null", "required"),
        (r"in the (?P<when>future|past)|(?:not|cannot|may not|must not|never) (?:be |lie )?in the (?P<notwhen>past|future)", "when"),
        (r"(?:by default|defaulting to|defaults? to|default(?:s|ed)?(?: is| to| value)?:?|initially|starting at|starts at|starting as|which defaults to|set to|starting with) (?P<d>[\w.'\" -]+?)(?: by default)?", "default"),
        (r"(?P<d>true|false|\d+|on|off|yes|no|(?<=, )[a-z][\w-]*) by default", "default"),
        (r"(?:auto-?generated|generated(?: automatically)?|created|assigned)(?: by the (?:system|server))?(?: (?:if|when) (?:it is )?(?:missing|absent|omitted|not (?:given|provided|supplied|set)|left out|empty))?", "generated"),
        (r"in (?:cents|mins?|hrs?|secs?|euros?|dollars?|EUR|USD|GBP|kg|kilograms?|grams?|g|km|kilometers?|kilometres?|meters?|metres?|m|cm|mm|minutes?|hours?|seconds?|days?|weeks?|months?|years?|celsius|degrees(?: celsius)?|percent|litres?|liters?|watts?|kwh?|mw|volts?|amps?|hertz|hz|bar|tons?|tonnes?|mg|pages?|lbs?|pounds|square (?:met(?:re|er)s?|feet|kilomet(?:re|er)s?)|cubic (?:met(?:re|er)s?|feet)|hectares?|acres?|m²|m2|sqm|bytes|mb|ms|bpm|ppm)", "unit"),
        (r"(?:as )?(?:a |an )?(?P<t>strings?|texts?|long text|integers?|ints?|whole numbers?|numbers?|numeric|floats?|decimals?|money|booleans?|bools?|flag|dates?|datetimes?|date and time|timestamps?|urls?|e-?mails?|uuid|time)", "type"),
        (r"for (?:the |a |an |each )?(?:description|display|sorting)", "unit"),
        (r"in (?:markdown|html|plain text|latex)|(?:like|such as|e\.?g\.?) [\w./-]*\d[\w./-]*", "unit"),
        (r"stars?", "unit"),
    )
)  # fmt: skip


_TYPE_WORDS = {"string": "string", "text": "text", "long text": "text", "integer": "integer", "int": "integer", "whole number": "integer", "number": "number", "numeric": "number", "float": "number", "decimal": "decimal", "money": "decimal", "boolean": "boolean", "bool": "boolean", "flag": "boolean", "date": "date", "datetime": "datetime", "date and time": "datetime", "timestamp": "datetime", "url": "url", "email": "email", "e-mail": "email", "uuid": "uuid", "time": "time"}  # fmt: skip


KNOWN_TYPES = {word: kind for kind, words in LEXICON["types"].items() for word in words.split()}


KNOWN_FORMATS = {word: kind for kind, words in LEXICON["formats"].items() for word in words.split()}


KNOWN = frozenset(KNOWN_TYPES) | frozenset(KNOWN_FORMATS)


@dataclass(frozen=True)
class Item:
    """One item of a list: its name, what was said of it, and the noun it may refer to. `unread` is what was not understood."""

    name: str
    noun: str
    attributes: dict[str, Any] = field(default_factory=dict)
    many: bool = False
    several: bool = False
    type: str | None = None
    when: str | None = None
    generated: bool = False
    unread: str = ""


def tails(text: str, read: Item) -> tuple[str, Item]:
    """What stands before the attributes at the end of an item, and the item with them."""
    changed = True
    while changed:
        changed = False
        for pattern, kind in _TAIL:
            found = pattern.search(text)
            if found and found.start() > 0 and not (kind == "type" and snake(text) in KNOWN):
                if (
                    kind in ("type", "unit")
                    and kind == "type"
                    and found[0].strip().lower()
                    in (
                        "text",
                        "date",
                        "time",
                        "number",
                        "url",
                        "email",
                        "numbers",
                        "dates",
                        "flag",
                        "texts",
                        "urls",
                        "emails",
                        "money",
                        "timestamp",
                    )
                    and not re.search(r"\bas\b", found[0])
                ):
                    continue
                read = _apply(kind, found, read)
                text, changed = text[: found.start()].strip(" ,"), True
                break
    return text, read


def read_extra(text: str, read: Item) -> Item:
    """The item with what its parentheses say."""
    if re.fullmatch(r"(?:at least one|(?:one|1) or more|several|multiple|any number)(?: of them)?", text.strip(), re.I):
        least = {} if re.match(r"several|multiple|any", text.strip(), re.I) else {"min_items": 1}
        return replace(read, many=True, attributes=read.attributes | least)
    if re.fullmatch(r"(?:a )?(?:list|array|set|collection) of [a-z]+s?", text.strip(), re.I) or re.fullmatch(
        r"[a-z]+\[\]", text, re.I
    ):
        return replace(read, many=True, several=True)
    first, _, rest = text.partition(",")
    if rest and re.search(r"[|/]", first) and enumeration(first):
        return read_extra(rest.strip(), read_extra(first, read))
    if values := enumeration(text):
        if {v.lower() for v in values} in ({"yes", "no"}, {"true", "false"}, {"on", "off"}):
            return replace(read, type="boolean")
        return replace(read, attributes=read.attributes | {"type": "enum", "values": values})
    for part in re.split(r"\s*[,;]\s*", text):
        if part.lower() in ("slug", "email", "url", "uuid", "isbn", "phone"):
            read = replace(read, type="string", attributes={**read.attributes, "format": KNOWN_FORMATS[part.lower()]})
            continue
        kind = "integer" if re.match(r"(?:number|count) of [a-z]+s$", part, re.I) else KNOWN_TYPES.get(snake(part))
        if kind in ("integer", "number", "decimal", "date", "datetime") and not read.type:
            read = replace(read, type=kind)
            continue
        rest, read = tails("x " + part, read)
        rest = rest.removeprefix("x").strip()
        if rest and (kind := _TYPE_WORDS.get(singular(rest.lower())) or _TYPE_WORDS.get(rest.lower())):
            read = replace(read, type=kind)
        elif rest and re.fullmatch(
            r"(?:e\.g\.?|for example|i\.e\.?|such as|like|in) .*|etc\.?|[A-Za-z]{1,4}|html|markdown", rest, re.I
        ):
            read = replace(read, attributes={**read.attributes, "description": part})
        elif rest and (one := re.fullmatch(r"(\d+)\s?(?:max|chars?|characters?)", rest)):
            read = replace(read, attributes={**read.attributes, "max_length": int(one[1])})
        elif rest:
            read = replace(read, unread=f"{read.unread} ({part})".strip())
    return read


def enumeration(text: str) -> tuple[str, ...]:
    """The values where a text lists two or more short ones; empty otherwise."""
    text = re.sub(
        r"^(?:either|one of|values?:?|can be|e\.g\.,?|enum:?|is|for example|such as|like|currently)\s+",
        "",
        text.strip(),
        flags=re.I,
    )
    text = re.sub(r",?\s*\betc\.?$", "", text)
    if counted := re.fullmatch(r"([A-Za-z]+)(\d)\s?(?:-|–|to|\.\.)\s?\1(\d)", text.strip()):
        return tuple(f"{value_name(counted[1])}{n}" for n in range(int(counted[2]), int(counted[3]) + 1))
    parts = [p.strip().strip("\"'") for p in re.split(r"\s*[,/|;]\s*(?:or |and )?|\s+or\s+|\s+and\s+", text) if p.strip()]
    short = all(len(p.split()) <= 3 and re.fullmatch(r"[A-Za-z0-9][\w+ .-]*", p) for p in parts)
    said = r"(?:optional|required|unique|max|min|at|up|between|default|not|positive|in (?:cents|eur|usd|gbp|kg|km|m|cm|minutes|hours|seconds|days|percent)|of|integer|string|text|number|decimal|date|datetime|boolean|url|email)\b"
    constraint = any(
        re.match(said, p, re.I)
        or re.fullmatch(r"\d+(?: ?(?:-|to) ?\d+)?(?: .*)?", p)
        and " " in p
        or re.fullmatch(r"\d+-\d+", p)
        for p in parts
    )
    words = [p.lower() for p in parts]
    named = (
        len(parts) > 2
        and all(w.isalpha() for w in words)
        and not {"unique", "required", "optional", "indexed", "default"} & set(words)
    )
    constraint = constraint and not (named and any(not re.match(said, w) for w in words))
    codes = all(re.fullmatch(r"[A-Z0-9]{1,6}[+-]?", p) for p in parts) and any(p[0].isalpha() for p in parts)
    values = tuple(dict.fromkeys(p if codes else value_name(p) for p in parts))
    return values if len(values) >= 2 and short and not constraint and all(values) else ()


def _apply(kind: str, m: re.Match[str], read: Item) -> Item:
    groups = m.groupdict()
    new: dict[str, Any] = {}
    match kind:
        case "length":
            new = _length(groups)
        case "code":
            new = _code(groups)
        case "range":
            for key, target in (("a", "min"), ("b", "max"), ("xa", "min"), ("xb", "max")):
                if groups.get(key):
                    new[target] = number(groups[key])
            new |= {"exclusive_min": True} if groups.get("xa") else {}
            new |= {"exclusive_max": True} if groups.get("xb") else {}
            new |= {"step": number(groups["s"])} if groups.get("s") else {}
        case "step":
            new = {"step": number(groups.get("s") or groups.get("s2") or "1")}
        case "positive":
            new = {"min": 0, "exclusive_min": True}
        case "nonnegative":
            new = {"min": 0}
        case "unique":
            new = {"unique": True}
        case "optional":
            new = {"required": False}
        case "required":
            new = {"required": True}
        case "unit":
            read = (
                replace(read, type="string")
                if re.match(r"\W*(?:like|such as|e\.?g\.?) \S*(?:\.\d+\.|[A-Za-z-])", m[0])
                else read
            )
            new = {"description": m[0].strip(" ,")}
        case "default":
            new = {"default": groups["d"].strip().strip("\"'")}
        case "generated":
            return replace(read, generated=True)
        case "when":
            return replace(read, when="past" if groups.get("when") == "past" or groups.get("notwhen") == "future" else "future")
        case "type":
            return replace(read, type=_TYPE_WORDS.get(singular(groups["t"].lower()), "string"))
    return replace(read, attributes={**new, **read.attributes} if kind == "unit" else {**read.attributes, **new})


def _code(groups: dict[str, str | None]) -> dict[str, Any]:
    """`3 letters and 5 digits`"""
    parts, size = "", 0
    for count, unit in ((groups["x"], groups["xu"] or ""), (groups["y"], groups["yu"] or "")):
        many = int(number(count or "1") or 1)
        kind = "A-Z" if re.match("capital|upper", unit) else "a-z" if unit.startswith("lower") else "A-Za-z"
        parts, size = f"{parts}[{kind if 'letter' in unit else '0-9'}]{{{many}}}", size + many
    return {"pattern": f"^{parts}$", "min_length": size, "max_length": size}


def _length(groups: dict[str, str | None]) -> dict[str, Any]:
    unit = (groups.get("unit") or "").lower()
    low, high = (groups.get("a") or groups.get("e")), (groups.get("b") or groups.get("e"))
    new: dict[str, Any] = {}
    if low:
        new["min_length"] = int(number(low) or 0)
    if high:
        new["max_length"] = int(number(high) or 1)
    if "word" in unit:
        return {}
    count = f"{{{new.get('min_length', 1)},{new.get('max_length', '')}}}"
    if re.search(r"digits? (or|and) letters|letters (or|and) (digits|numbers)|alphanum", unit):
        new["format"] = "alphanumeric"
    elif unit in ("digits", "numbers"):
        new["pattern"] = f"^[0-9]{count}$"
    elif "hex" in unit:
        new["pattern"] = f"^[0-9a-fA-F]{count}$"
    elif re.match(r"capital|upper", unit):
        new["pattern"] = f"^[A-Z]{count}$"
    elif re.match(r"lower", unit):
        new["pattern"] = f"^[a-z]{count}$"
    elif unit == "letters":
        new["pattern"] = f"^[A-Za-z]{count}$"
    return new
