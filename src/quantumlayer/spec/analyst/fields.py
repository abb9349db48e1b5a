"""Lists of fields in prose: `a title, optional notes, a due date and a priority (low, medium, high)` → typed fields."""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

from quantumlayer.spec.analyst.attributes import KNOWN, KNOWN_FORMATS, KNOWN_TYPES, Item, enumeration, read_extra, tails
from quantumlayer.spec.analyst.words import (
    free,
    is_plural,
    near,
    number,
    singular,
    snake,
    verb_base,
)

_ARTICLE = re.compile(
    r"^(?:an?|the|its|their|his|her|some|own|also|each|every|as well as|plus|and|any|(?:exactly |just |only )?one(?! or| to| of))\s+",
    re.I,
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
    r"^(?P<all>(?:a |the )?(?:lists?|sets?|collection|array) of (?:related |one or more |zero or more )?|one or more |one or many |zero or more |any number of |many |multiple |several |"
    r"at least (?P<least>\w+) |up to (?P<most>\w+) |at most (?P<most2>\w+) |between (?P<low>\w+) and (?P<high>\w+) |(?P<low2>\d+)(?: to | ?- ?)(?P<high2>\d+) )",
    re.I,
)
_ENUM_LEAD = re.compile(
    r"^(?P<name>.+?)[\s,]*(?:\(|:|,? (?:which|that) (?:is|can be|may be|must be) (?:either |one of )?|,? (?:is |being )?(?:one of|either|any of)(?: the)?:? |,? such as |,? among )\s*(?P<values>.+?)\)?$", re.I
)  # fmt: skip
# `page number` counts; `inventory number` names
_ORDINAL = frozenset(("page", "order", "position", "version", "episode", "chapter", "floor", "track", "sequence", "line", "lane", "lap", "round", "issue", "week", "row", "question", "step", "bib", "jersey", "shirt", "number", "total", "maximum", "minimum", "max", "min", "invoice", "ticket"))  # fmt: skip
# `what, owner, due, done`
_QUESTIONS = {"what": "description", "when": "date", "where": "location", "why": "reason", "how much": "amount", "how many": "quantity", "how long": "duration"}  # fmt: skip
# `size small/medium/large`
_SLASHED = re.compile(
    r"(?P<name>[a-z][a-z -]*?) (?P<values>[\w-]+(?:/[\w+-]+){2,}|(?!yes/|true/|on/|old/|and/|name/)[a-z]+/[a-z]+)", re.I
)
_SPELLING = frozenset(w for w in KNOWN if "_" not in w and len(w) > 4) | frozenset(
    ("priority", "status", "currency", "optional", "unique", "required", "between", "amount")
)
_ACRONYMS = {"isbn": "isbn", "url": "url", "sku": "sku", "id": "id"}
MONEY_PLACES = 2


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
        found = re.search(rf"(?<!\w){re.escape(tail)}(?!\w)", text.lower())
        following = text[found.end() :].lower() if found else ""
        return bool(
            re.match(
                r"\s*(?:and|or)\s+(?:(?:letters|digits|numbers|lowercase|underscores|dashes|hyphens|more|many|several|time)\b|\d+ (?:letters?|digits?|numbers?|numerals?)\b)",
                following,
            )
        )
    if word == "or" and re.match(rf".*{re.escape(tail)}\s+or\s+(?:not|no|false)\b", text.lower(), re.S):
        return True
    if word == "or" and re.match(r"(?:if|whether) ", tail):
        return True
    if (
        word == "or"
        and re.match(r"\d+ [a-z ]+$", tail)
        and re.search(rf"{re.escape(tail)}\s+or\s+(?:fewer|less|more)\b", text.lower())
    ):
        return True
    return bool(word == "or" and re.search(r"\bone$|\bzero$", tail))


def _rejoin(items: list[str]) -> list[str]:
    """Relative clauses and enumerations belong to the item before them."""
    joined: list[str] = []
    for item in items:
        low = item.lower()
        attaches = re.match(
            r"(?:one of which|which|that|(?:is|must be) (?:at (?:least|most)|between|not|never|greater|less|more|up to|unique)|cannot be|generated|unique|optional|required|defaulting|default|must be|between \d|at (?:least|most) \d[\d,.]*(?:$| (?:char|letter|digit|word|item|entr|percent|%))|up to \d[\d,]* (?:char|letter|digit)|max(?:imum)?\.? \d|min(?:imum)?\.? \d|not |greater|less than|more than|starting|one of|either|whose|\d+ ?(?:-|to) ?\d+|in (?:steps|multiples)|[\w-]+ by default$)", low
        )  # fmt: skip
        if (
            joined
            and attaches
            and not re.match(r"(?:optional(?:ly)?|unique|required) \w+", low)
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
    text = re.sub(
        r"^(\d+) ([a-z ]+) or (fewer|less|more)$",
        lambda m: f"{m[2]} at {'least' if m[3] == 'more' else 'most'} {m[1]}",
        text,
        flags=re.I,
    )
    text = " ".join(w if f"{w}s" in _SPELLING else near(w, _SPELLING) or w for w in text.split(" "))
    text = re.sub(r"(?<=\w) ?\| ?(?=\w)", "/", text)
    text = re.sub(r"\b(\w+)\[\]", r"list of \1", text)
    text = _QUESTIONS.get(text.lower(), re.sub(r"^(?:when|where|who|what|how)\b.*", "", text))
    text = re.sub(r"[\s,]*\(?\b(?:yes ?/ ?no|y ?/ ?n|yes or no|true or false|true/false|or not)\)?$", " flag", text, flags=re.I)
    text = re.sub(r"^((?:\w+ )?\w+(?:ed|en|old|aid|ent|one)) ?\?$", r"\1 flag", text)
    inside = re.search(r"\s*[(\[]([^()\[\]]*)[)\]]\s*", text)
    extra = inside[1].strip() if inside else ""
    if inside:
        text = (text[: inside.start()] + " " + text[inside.end() :]).strip()
    several = bool(re.match(r"(?:an? |the )?(?:many|several|multiple|any number of|lists? of|zero or more) ", text, re.I))
    text, attributes, many = _prefixes(text, attributes)
    if not extra and (chosen := _SLASHED.fullmatch(text)) and (values := enumeration(chosen["values"])):
        text, attributes = chosen["name"], attributes | {"type": "enum", "values": values}
    if typed := re.fullmatch(r"([\w -]+?)\s*:\s*(.+)", text):
        text, extra = typed[1], ", ".join(filter(None, (typed[2], extra)))
    elif not extra and (listed := _ENUM_LEAD.match(text)) and (values := enumeration(listed["values"])):
        text, attributes = listed["name"], attributes | {"type": "enum", "values": values}
    text, read = tails(text, replace(read, attributes=attributes))
    if extra:
        read = read_extra(extra, read)
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
    name = free(snake(text), "value")
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
            if (counts["low2"] or counts["low"]) and type_of(snake(rest))[0] in ("integer", "number"):
                attributes = attributes | {"min": number(least), "max": number(most)}
                text = rest
                continue
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


@lru_cache(maxsize=2048)
def type_of(name: str) -> tuple[str | None, str | None]:
    """Field type and format that a name stands for; (None, None) where the lexicon is silent."""
    words = name.split("_")
    if len(words) > 1 and words[-1] in ("number", "no", "nr") and words[0] not in _ORDINAL and name not in KNOWN:
        return "string", None
    if "per" in words[1:-1] and words[0] in ("max", "maximum", "min", "minimum", "limit"):
        return "integer", None
    # `battery level at landing` is a level, wherever it is measured.
    head = re.match(r"(.+?)_(?:at|per|in|on|during|for|before|after|of)_[a-z]", name)
    known = name in KNOWN_FORMATS or name in KNOWN_TYPES or singular(name) in KNOWN_TYPES
    if head and not known and (found := type_of(head[1]))[0]:
        return found
    for key in (name, singular(name), *("_".join(words[i:]) for i in range(1, len(words)))):
        if key in KNOWN_FORMATS:
            return "string", KNOWN_FORMATS[key]
        if key in KNOWN_TYPES:
            return KNOWN_TYPES[key], None
    if len(words) == 3 and words[1] == "per" and (is_plural(words[0]) or words[0] in ("km", "kg", "ml")):
        return "number", None
    if words[-1] == "at" and len(words) > 1:
        return "datetime", None
    if words[-1] in ("on", "by") and len(words) > 1 and verb_base(words[0]):
        return ("date", None) if words[-1] == "on" else (None, None)
    if words[-1] in ("from", "until") and len(words) > 1:
        return "date", None
    if words[0] in ("date", "day", "time") and len(words) == 2 and verb_base(words[1]) not in (None, words[1]):
        return "datetime" if words[0] == "time" else "date", None
    if words[-1] in ("time", "timestamp"):
        return "datetime", None
    if words[0] in ("is", "has", "can"):
        return "boolean", None
    if words[0] in ("number", "num", "no") or words[-1] in ("count", "number_of"):
        return "integer", None
    if words[0] in ("max", "min", "maximum", "minimum", "total") and len(words) > 1 and is_plural(words[-1]):
        return "integer", None
    if words[0] in ("price", "cost", "fee", "rate"):
        return "decimal", None
    if words[-1] == "id" and len(words) > 1:
        return "string", None
    if len(words) > 1 and words[-1] in ("left", "remaining", "available", "sold", "used") and is_plural(words[-2]):
        return "integer", None
    if words[0] in ("start", "end") and words[-1] in ("second", "minute", "page", "line", "position", "number"):
        return "integer", None
    if words[0] == "year" and len(words) == 2 and verb_base(words[1]) not in (None, words[1]):
        return "integer", None
    return None, None
