"""Lists of fields in prose: `a title, optional notes, a due date and a priority (low, medium, high)` → typed fields."""

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from quantumlayer.spec.analyst.words import (
    LEXICON,
    near,
    number,
    singular,
    snake,
    value_name,
    verb_base,
)

_ARTICLE = re.compile(
    r"^(?:an?|the|its|their|his|her|some|own|also|each|every|as well as|plus|and|any|one(?! or| to))\s+", re.I
)
_PREFIX = {
    "optional": {"required": False},
    "optionally": {"required": False},
    "possibly": {"required": False},
    "maybe": {"required": False},
    "nullable": {"required": False},
    "required": {"required": True},
    "mandatory": {"required": True},
    "unique": {"unique": True},
    "positive": {"min": 0, "exclusive_min": True},
    "non-negative": {"min": 0},
    "nonnegative": {"min": 0},
    "non-empty": {"min_length": 1},
    "non-zero": {"min": 0, "exclusive_min": True},
}
_LONG = re.compile(
    r"^(?:short|long|free-form|free-text|free text|brief|simple|full-length|numeric|valid|whole|plain|multi-line|multiline)\s+",
    re.I,
)
_MANY = re.compile(
    r"^(?P<all>(?:a |the )?(?:lists?|sets?|collection|number|array) of (?:related |one or more |zero or more )?|one or more |one or many |zero or more |any number of |many |multiple |several |"
    r"at least (?P<least>\w+) |up to (?P<most>\w+) |at most (?P<most2>\w+) |between (?P<low>\w+) and (?P<high>\w+) |(?P<low2>\d+)(?: to | ?- ?)(?P<high2>\d+) )",
    re.I,
)
_NUM = r"-?[$€£]?\d[\d,]*(?:\.\d+)?k?|zero|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred"
_CHARS = r"(?P<unit>characters?|chars?|letters or digits|letters and digits|letters or numbers|letters and numbers|alphanumeric characters?|alphanumerics?|digits(?: or letters)?|digits and letters|(?:capital |uppercase |upper-case |upper case |lowercase |lower-case |lower case )?letters|numbers|hex digits|words?|symbols)"
_TAIL: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"[\s,]*\b(?:that |which |and )?(?:(?:is|are|must be|should be|has to be|can be|may be|must have|has|having|with)\s+)?(?:{p})$", re.I), kind)
    for p, kind in (
        (rf"(?:of |with )?(?:a )?(?:length |size )?(?:of |is |from |between |has )?(?P<a>{_NUM})(?: to | ?- ?| and | or )(?P<b>{_NUM}) {_CHARS}(?: long| in length)?", "length"),
        (rf"(?:of |with |has )?(?:at most|up to|no more than|max\.?|maximum|maximum of|a maximum of|not more than|not longer than|no longer than|limited to|at maximum) (?P<b>{_NUM}) {_CHARS}(?: long| in length)?", "length"),
        (rf"(?:of |with |has )?(?:at least|min\.?|minimum|minimum of|a minimum of|no fewer than|no less than) (?P<a>{_NUM}) {_CHARS}(?: long| in length)?", "length"),
        (rf"(?:of |with |has )?(?:exactly )?(?P<e>{_NUM})[ -]{_CHARS}(?: long| in length| code)?", "length"),
        (rf"(?:a (?:number|value|whole number|score|grade) )?(?:in the range |ranging |in range |a range |an integer |a whole number )?(?:of )?(?:between|from) (?P<a>{_NUM})(?: and | to | through | ?- ?| up to )(?P<b>{_NUM})(?P<steps> in (?:steps|increments|multiples) of (?P<s>{_NUM}))?(?: {{inclusive}}| inclusive| stars?| points?| percent)?".replace("{{inclusive}}", "inclusive"), "range"),
        (rf"(?:of )?(?P<a>{_NUM})(?: to | ?- ?| through )(?P<b>{_NUM})(?: stars?| points?| percent)?", "range"),
        (rf"in (?:steps|increments|multiples) of (?P<s>{_NUM})|(?:a )?multiples? of (?P<s2>{_NUM})", "step"),
        (rf"(?:of )?(?:at least|not less than|no less than|not below|min\.?|minimum|minimum of|a minimum of|>=|≥) (?P<a>{_NUM})", "range"),
        (rf"(?:of )?(?:at most|not more than|no more than|up to|max\.?|maximum|maximum of|a maximum of|not above|<=|≤) (?P<b>{_NUM})(?: items| entries)?", "range"),
        (rf"(?:greater than|more than|above|over|larger than|>) (?P<xa>{_NUM})", "range"),
        (rf"(?:less than|below|under|smaller than|<) (?P<xb>{_NUM})", "range"),
        (r"(?:a )?(?:positive(?: number| integer)?|greater than zero|more than zero|above zero)", "positive"),
        (r"(?:not (?:be )?negative|non-?negative|zero or more|never negative)", "nonnegative"),
        (r"unique", "unique"),
        (r"optional|not required|left (?:out|empty|blank)|omitted|empty|nullable|null|if (?:any|known|available|present|needed)", "optional"),
        (r"required|mandatory|not (?:be )?empty|not null", "required"),
        (r"in the (?P<when>future|past)|not (?:be )?in the (?P<notwhen>past|future)", "when"),
        (r"(?:by default|defaulting to|defaults? to|default(?:s|ed)?(?: is| to| value)?:?|initially|starting at|starts at|starting as|which defaults to|set to|starting with) (?P<d>[\w.'\" -]+?)(?: by default)?", "default"),
        (r"(?P<d>true|false|\d+|on|off|yes|no) by default", "default"),
        (r"(?:auto-?generated|generated(?: automatically)?|created|assigned)(?: by the (?:system|server))?(?: (?:if|when) (?:it is )?(?:missing|absent|omitted|not (?:given|provided|supplied|set)|left out|empty))?", "generated"),
        (r"in (?:cents|euros?|dollars?|EUR|USD|GBP|kg|kilograms?|grams?|g|km|kilometers?|kilometres?|meters?|metres?|m|cm|mm|minutes?|hours?|seconds?|days?|years?|celsius|degrees(?: celsius)?|percent|litres?|liters?|watts?|kwh|pages?|lbs?|pounds|square meters|sqm|bytes|mb|ms|bpm|ppm)", "unit"),
        (r"(?:as )?(?:a |an )?(?P<t>strings?|texts?|long text|integers?|ints?|whole numbers?|numbers?|numeric|floats?|decimals?|money|booleans?|bools?|flag|dates?|datetimes?|date and time|timestamps?|urls?|e-?mails?|uuid|time)", "type"),
        (r"for (?:the |a |an |each )?(?:description|display|sorting)", "unit"),
        (r"stars?", "unit"),
    )
)  # fmt: skip
_TYPE_WORDS = {"string": "string", "text": "text", "long text": "text", "integer": "integer", "int": "integer", "whole number": "integer", "number": "number", "numeric": "number", "float": "number", "decimal": "decimal", "money": "decimal", "boolean": "boolean", "bool": "boolean", "flag": "boolean", "date": "date", "datetime": "datetime", "date and time": "datetime", "timestamp": "datetime", "url": "url", "email": "email", "e-mail": "email", "uuid": "uuid", "time": "time"}  # fmt: skip
_ENUM_LEAD = re.compile(
    r"^(?P<name>.+?)[\s,]*(?:\(|:|,? (?:which|that) (?:is|can be|may be|must be) (?:either |one of )?|,? (?:is |being )?(?:one of|either|any of)(?: the)?:? |,? such as |,? among )\s*(?P<values>.+?)\)?$", re.I
)  # fmt: skip
_KNOWN_TYPES = {word: kind for kind, words in LEXICON["types"].items() for word in words.split()}
_KNOWN_FORMATS = {word: kind for kind, words in LEXICON["formats"].items() for word in words.split()}
KNOWN = frozenset(_KNOWN_TYPES) | frozenset(_KNOWN_FORMATS)
_SPELLING = frozenset(w for w in KNOWN if "_" not in w and len(w) > 4) | frozenset(
    ("priority", "status", "currency", "optional", "unique", "required", "between", "amount")
)
_ACRONYMS = {"isbn": "isbn", "url": "url", "sku": "sku", "id": "id"}
MONEY_PLACES = 2


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


def split_list(text: str) -> list[str]:
    """The items of an English list; commas, `and` and `or` inside parentheses do not divide."""
    items, depth, current = [], 0, ""
    pieces = re.split(r"([(),;\[\]]|\s(?:and|as well as|plus|or|&)\s|\s/\s)", text)
    for piece in pieces:
        if not piece:
            continue
        depth += piece in "([" if len(piece) == 1 else 0
        depth -= piece in ")]" if len(piece) == 1 else 0
        word = piece.strip().lower()
        divides = depth == 0 and (word in (",", ";", "and", "as well as", "plus", "&", "/") or (word == "or" and "or" in text))
        if divides and not _continues(current, word, text):
            items.append(current)
            current = ""
        else:
            current += piece
    items.append(current)
    found = [i.strip(" ,;.") for i in items]
    return _rejoin([i for i in found if i])


def _continues(current: str, word: str, text: str) -> bool:
    """`between 1 and 5`, `4 to 12 letters or digits`, `one or more`, `date and time` are one piece."""
    tail = current.strip().lower()
    if word == "and" and re.search(r"\b(between|from) [\w.$€£-]+$", tail):
        return True
    if word in ("and", "or") and re.search(
        r"\b(letters|digits|numbers|uppercase|one|zero|date|at most one|start|make|name)$", tail
    ):
        following = text[text.lower().find(tail) + len(tail) :].lower() if tail in text.lower() else ""
        return bool(
            re.match(
                r"\s*(?:and|or)\s+(?:(?:letters|digits|numbers|lowercase|underscores|dashes|hyphens|more|many|several|time)\b)",
                following,
            )
        )
    return bool(word == "or" and re.search(r"\bone$|\bzero$", tail))


def _rejoin(items: list[str]) -> list[str]:
    """Relative clauses and enumerations belong to the item before them."""
    joined: list[str] = []
    for item in items:
        low = item.lower()
        attaches = re.match(
            r"(?:which|that|generated|unique|optional|required|defaulting|default|must be|between \d|at (?:least|most) \d|up to \d[\d,]* (?:char|letter|digit)|max(?:imum)?\.? \d|min(?:imum)?\.? \d|not |greater|less than|more than|starting|one of|either|whose|\d+ ?(?:-|to) ?\d+|in (?:steps|multiples))", low
        )  # fmt: skip
        if (
            joined
            and attaches
            and not re.match(r"(?:optional|unique|required) \w+", low)
            or (
                joined
                and re.search(r"(?:\beither\b|\bone of\b|\bwhich (?:is|can be|may be)\b|: )[^()]*$", joined[-1], re.I)
                and not _ARTICLE.match(item)
            )
        ):
            joined[-1] += ", " + item
        else:
            joined.append(item)
    return joined


def read_items(text: str) -> list[Item]:
    """All fields of a list; items without a name are dropped."""
    items = [read_item(i) for i in split_list(text)]
    return [i for i in items if i.name]


def read_item(text: str) -> Item:
    """One field."""
    text, attributes, read = text.strip(" .,;"), {}, Item("", "")
    for symbol, words in (
        (">=", "at least"),
        ("<=", "at most"),
        ("≥", "at least"),
        ("≤", "at most"),
        (">", "greater than"),
        ("<", "less than"),
    ):
        text = re.sub(rf"\s*{symbol}\s*(?=-?\d)", f" {words} ", text)
    text = " ".join(near(w, _SPELLING) or w for w in text.split(" "))
    text = re.sub(r"\b(\w+)\[\]", r"list of \1", text)
    text = re.sub(r"^(?:when|where|who|what|how)\b.*", "", text)
    inside = re.search(r"\s*[(\[]([^()\[\]]*)[)\]]\s*", text)
    extra = inside[1].strip() if inside else ""
    if inside:
        text = (text[: inside.start()] + " " + text[inside.end() :]).strip()
    several = bool(re.match(r"(?:an? |the )?(?:many|several|multiple|any number of|lists? of|zero or more) ", text, re.I))
    text, attributes, many = _prefixes(text, attributes)
    if typed := re.fullmatch(r"([\w -]+?)\s*:\s*(.+)", text):
        text, extra = typed[1], ", ".join(filter(None, (typed[2], extra)))
    elif not extra and (listed := _ENUM_LEAD.match(text)) and (values := _enumeration(listed["values"])):
        text, attributes = listed["name"], attributes | {"type": "enum", "values": values}
    text, read = _tails(text, replace(read, attributes=attributes))
    if extra:
        read = _extra(extra, read)
    for old, new in (("?", ""), ('"', ""), ("`", "")):
        text = text.replace(old, new)
    boolean = re.search(r"\b(?:flag|checkbox|indicator|boolean|bool|toggle|or not)$", text, re.I)
    text = re.sub(r"\s*\b(?:flag|checkbox|indicator|toggle|boolean|bool|field)$", "", text, flags=re.I)
    text = re.sub(
        r"^(?:whether (?:or not )?(?:it is|it has been|they are|it's|it|they)?|is|if it is)\s+",
        lambda m: boolean_prefix(m[0]),
        text,
        flags=re.I,
    )
    if text.startswith("\x00"):
        text, boolean = text[1:], re.match("x", "x")
    text = _spelled(text)
    name = snake(text)
    if boolean:
        read = replace(read, type="boolean")
    return replace(read, name=name, noun=text, many=many or read.many, several=several, unread=read.unread)


def boolean_prefix(_: str) -> str:
    """A mark that what follows is a yes or no."""
    return "\x00"


def _spelled(text: str) -> str:
    return " ".join(near(w, _SPELLING) or w for w in text.split())


def _prefixes(text: str, attributes: dict[str, Any]) -> tuple[str, dict[str, Any], bool]:
    many = False
    while True:
        before = text
        text = _LONG.sub("", _ARTICLE.sub("", text))
        if (
            (found := _MANY.match(text))
            and not re.match(r"(?:number|list) of \w+$", text, re.I)
            or (found and re.match(r"(?:a )?(?:lists?|sets?) of", text, re.I))
        ):
            counts = found.groupdict()
            least, most = (
                counts["least"] or counts["low"] or counts["low2"],
                counts["most"] or counts["most2"] or counts["high"] or counts["high2"],
            )
            rest = text[found.end() :]
            if re.match(r"(?:one|1|at least one)\b", found[0], re.I) or least:
                attributes = attributes | {"min_items": int(number(least or "1") or 1)}
            if most:
                attributes = attributes | {"max_items": int(number(most) or 1)}
            text, many = rest, True
        first, _, rest = text.partition(" ")
        if rest and first.lower() in _PREFIX:
            attributes, text = attributes | _PREFIX[first.lower()], rest
        if text == before:
            return text, attributes, many


def _tails(text: str, read: Item) -> tuple[str, Item]:
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


def _extra(text: str, read: Item) -> Item:
    if values := _enumeration(text):
        return replace(read, attributes=read.attributes | {"type": "enum", "values": values})
    for part in re.split(r"\s*[,;]\s*", text):
        rest, read = _tails("x " + part, read)
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


def _enumeration(text: str) -> tuple[str, ...]:
    """The values where a text lists two or more short ones; empty otherwise."""
    text = re.sub(
        r"^(?:either|one of|values?:?|can be|e\.g\.,?|enum:?|is|for example|such as|like|currently)\s+",
        "",
        text.strip(),
        flags=re.I,
    )
    text = re.sub(r",?\s*\betc\.?$", "", text)
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
    values = tuple(dict.fromkeys(value_name(p) for p in parts))
    return values if len(values) >= 2 and short and not constraint and all(values) else ()


def _apply(kind: str, m: re.Match[str], read: Item) -> Item:
    groups = m.groupdict()
    new: dict[str, Any] = {}
    match kind:
        case "length":
            new = _length(groups)
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


@lru_cache(maxsize=2048)
def type_of(name: str) -> tuple[str | None, str | None]:
    """Field type and format that a name stands for; (None, None) where the lexicon is silent."""
    words = name.split("_")
    for key in (name, singular(name), *("_".join(words[i:]) for i in range(1, len(words)))):
        if key in _KNOWN_FORMATS:
            return "string", _KNOWN_FORMATS[key]
        if key in _KNOWN_TYPES:
            return _KNOWN_TYPES[key], None
    if words[-1] == "at" and len(words) > 1:
        return "datetime", None
    if words[-1] in ("on", "by") and len(words) > 1 and verb_base(words[0]):
        return ("date", None) if words[-1] == "on" else (None, None)
    if words[-1] in ("time", "timestamp"):
        return "datetime", None
    if words[0] in ("is", "has", "can"):
        return "boolean", None
    if words[0] in ("number", "num", "no") or words[-1] in ("count", "number_of"):
        return "integer", None
    if words[0] in ("price", "cost", "fee", "rate"):
        return "decimal", None
    if words[-1] == "id" and len(words) > 1:
        return "string", None
    return None, None
