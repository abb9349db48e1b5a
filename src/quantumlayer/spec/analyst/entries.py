"""Entries of a data dictionary: `due_date: date, optional`, `book (reference to Book)`. What they say is taken to the letter."""

import re
from dataclasses import replace
from typing import Any

from quantumlayer.spec.analyst.attributes import Item, enumeration, read_extra
from quantumlayer.spec.analyst.draft_field import add_value, known_field, ordered
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.related import relate
from quantumlayer.spec.analyst.words import free, plural, singular, snake
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Field

_SCALARS = {
    "string": r"str(?:ing)?|text ?field|(?:n?var)?char(?:acters?)?|slug",
    "text": r"(?:long |multi-?line )?text|markdown",
    "integer": r"(?:positive )?(?:big|small|tiny)?int(?:eger)?(?: ?(?:32|64))?|long|serial|whole number",
    "number": r"number|float|double(?: precision)?|real",
    "decimal": r"decimal|numeric|money|currency|amount",
    "boolean": r"bool(?:ean)?|flag|yes ?/ ?no",
    "date": r"date",
    "datetime": r"date ?-?time|timestamp(?: ?tz| with time ?zone)?|date (?:and|&) time",
    "time": r"time",
    "email": r"e-?mail(?: address)?",
    "url": r"ur[li]|link",
    "uuid": r"uuid|guid",
    "strings": r"(?:strings?|texts?|tags?|words?)\[\]|(?:list|array|set)(?: of (?:strings?|texts?|tags?|words?))?|(?:list|array|set)\[(?:str(?:ing)?|text)\]",
}
_SCALAR = re.compile("|".join(f"(?P<{kind}>{words})" for kind, words in _SCALARS.items()), re.I)
_SIZED = re.compile(r"(?P<type>[a-z ]+?) ?\((?P<size>\d+)(?: ?, ?(?P<places>\d+))?\)", re.I)
_CHOICE = re.compile(
    r"(?:enum(?:eration)?|choices?|select|one of|any of|either)\b[:\s]*[(\[{]?(?P<values>[^()\[\]{}]*)[)\]}]?", re.I
)
_ONE = re.compile(
    r"(?:(?:a |the )?(?:reference|ref|foreign key|fk|relation|link|belongs|points?|many[- ]to[- ]one|id)(?: ?(?:to|of|on|->|→|:))? ?(?:an? |the )?|->|→ ?)\(?@?(?P<to>[a-z][\w ]*?)(?:[.(]id\)?| id)?\)?",
    re.I,
)
_MANY = re.compile(
    r"(?:(?:list|array|set|collection|many)(?: of)?|has many|one[- ]to[- ]many|references to|many[- ]to[- ]many(?: with)?)[ \[(<]+@?(?P<to>[a-z][\w ]*?)[\])>]?|@?(?P<of>[a-z]\w*)\[\]",
    re.I,
)
_SAID = re.compile(
    r"(?:primary key|pk|index(?:ed)?|auto[- ]?increment(?:ed)?|foreign key|fk|auto|generated|automatic(?:ally set)?|system)",
    re.I,
)
_ORDER = re.compile(
    r"(?:(?:must be|has to be|is|=) )?(?P<how>after|later than|before|earlier than|>|<) (?:the )?@?(?P<f>[a-z_ ]+?)(?: date| time)?",
    re.I,
)
_BOUND = re.compile(
    r", (?:must (?:be )?)?(?P<b>(?:at most|at least|not more than|no more than|not less than|less than|more than|greater than) (?:the |its )?[a-z][^,()]*)(?=[,)])",
    re.I,
)
_RECORD = re.compile(r"[A-Z][a-z]\w*")
_NAME = r"(?P<n>[a-z][\w-]*(?: \w[\w-]*){0,2})"
_POINTED = re.compile(rf"{_NAME} ?(?:→|->|=>) ?(?P<s>[A-Z]\w*)")
_VALUED = re.compile(
    r"(?P<n>[a-z][\w-]*(?: \w[\w-]*){0,2}) ?\((?P<v>[^()]+)\)(?: ?[-–:,;] ?|, ?| )(?P<t>(?:default|optional|required|unique|nullable).*)",
    re.I,
)
_ENTRY = re.compile(rf"{_NAME}(?: ?: ?| [-=] )(?P<s>.+)|{_NAME.replace('<n>', '<m>')} ?\((?P<p>.+)\)", re.I)
_SIGNS = (
    (re.compile(r"^(?:not null|non[- ]?null(?:able)?|not empty|not nullable)$", re.I), "required"),
    (re.compile(r"^(?:nullable|null|not required)$", re.I), "optional"),
    (re.compile(r"^>= ?(?=-?\d)"), "min "),
    (re.compile(r"^<= ?(?=-?\d)"), "max "),
    (re.compile(r"^> ?(?=-?\d)"), "more than "),
    (re.compile(r"^< ?(?=-?\d)"), "less than "),
    (re.compile(r"^(?:max|min)(?:imum)?[ _-]?len(?:gth)?[ :=]*(?=\d)", re.I), lambda m: f"{m[0][:3].lower()} "),
    (re.compile(r"^default(?:s to)?[ :=]+", re.I), "default "),
    (
        re.compile(
            r"^(?:(?:must be )?(?:an? )?valid |format[: ]+)(e-?mail|url|uuid|phone)(?: address| number| format)?$", re.I
        ),
        r"\1",
    ),
)
_LONGEST = 400
_OURS = ("id", "created_at", "updated_at")


def as_entry(text: str) -> str | None:
    """The entry in one form, `name (type, …)`; None where the text is none, which nothing so long is."""
    if len(text) > _LONGEST:
        return None
    if (valued := _VALUED.fullmatch(text.strip(" .;"))) and enumeration(valued["v"]):
        text = f"{valued['n']}: enum: {' | '.join(re.split(r' *[,|/] *', valued['v']))}, {valued['t']}"
    if pointed := _POINTED.fullmatch(text.strip(" .;")):
        text = f"{pointed['n']}: reference to {pointed['s']}"
    m = _ENTRY.fullmatch(text.strip(" .;"))
    name, said = ((m["n"] or m["m"]).strip(), (m["s"] or m["p"]).strip()) if m else ("", "")
    if not _is_type(said) and (behind := re.fullmatch(r"([^,(]+) \((.+)\)", said)):
        said = f"{behind[1]}, {behind[2]}"
    first, *others = _parts(said) or [""]
    if not _is_type(first) and "|" not in first:
        first, *others = [*_apart(first), *others]
    if chosen := _CHOICE.fullmatch(first):
        while others and not enumeration(chosen["values"]) or others and enumeration(f"{others[0]}, other"):
            chosen = _CHOICE.fullmatch(f"enum: {chosen['values']} | {others.pop(0)}") or chosen
        first = f"enum: {re.sub(r' *[|,/] *', ' | ', chosen['values'].strip(' |'))}"
    elif "|" in first and enumeration(first):
        first = f"enum: {re.sub(r' *[|] *', ' | ', first)}"
    kept = [_plainly(part) for part in others if not _SAID.fullmatch(part)]
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return f"{name} ({', '.join([first, *kept])})" if _is_type(first) else None


def apart(entry: str) -> tuple[str, str]:
    """An entry without what bounds it by something that is no number, and that bound as a clause about it."""
    found = _BOUND.search(entry)
    if found is None:
        return entry, ""
    return entry[: found.start()] + entry[found.end() :], f"{entry.partition(' (')[0].replace('_', ' ')} must be {found['b']}"


def _apart(said: str) -> list[str]:
    """`number > 0`, `string - required`: the type, and what else is said."""
    pieces = re.split(r" - ", said)
    words = pieces[0].split()
    for end in range(len(words), 0, -1):
        if _is_type(kind := " ".join(words[:end])):
            return [kind, *filter(None, [" ".join(words[end:])]), *pieces[1:]]
    return [f"reference to {said}"] if _RECORD.fullmatch(said) else [said]


def _is_type(said: str) -> bool:
    return bool(
        _CHOICE.fullmatch(said) or _SCALAR.fullmatch(said) or _sized(said) or _ONE.fullmatch(said) or _MANY.fullmatch(said)
    )


def _plainly(part: str) -> str:
    """Signs and words of schemas as people say them."""
    for said, plainly in _SIGNS:
        part = said.sub(plainly, part)
    return part


def _parts(text: str) -> list[str]:
    """Split at commas and semicolons outside parentheses."""
    return [p.strip() for p in re.split(r"[,;](?![^(\[{]*[)\]}])", text) if p.strip()]


def _sized(text: str) -> re.Match[str] | None:
    found = _SIZED.fullmatch(text)
    return found if found and _SCALAR.fullmatch(found["type"].strip()) else None


@rule
def declares_entry(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`each loan has due_date (date; optional)`"""
    target = entity(world, m, "e")
    entry = as_entry(f"{plain(m['n'])} ({plain(m['s'])})")
    if target is None or entry is None:
        return None
    first, *others = _parts(plain(m["s"]))
    name = free(snake(plain(m["n"])), "value")
    if clause.id not in target.satisfies:
        target.satisfies.append(clause.id)
    target.declared, world.topic = True, target.name
    if name in _OURS:
        return True
    item = Item(name, name.replace("_", " "))
    unread = []
    for part in others:
        if order := _ORDER.fullmatch(part):
            world.later.append(_ordering(target, name, order["how"], order["f"], clause, part))
            continue
        read = read_extra(part, replace(item, unread=""))
        unread += [part] if read.unread else []
        item = replace(read, unread="") if not read.unread else item
    problem = _typed(target, item, first, clause, world)
    return ", ".join([*problem, *unread]) or True


def _typed(target: EntityDraft, item: Item, said: str, clause: Clause, world: World) -> list[str]:
    """Gives the entity the field; what of its type could not be carried."""
    if chosen := _CHOICE.fullmatch(said):
        values = enumeration(chosen["values"])
        add_value(target, replace(item, attributes={**item.attributes, "type": "enum", "values": values}), clause.id, world)
        return [] if values else [said]
    if sized := _sized(said):
        size = {"max_length": int(sized["size"])} if sized["places"] is None else {"places": int(sized["places"])}
        item, said = replace(item, attributes={**size, **item.attributes}), sized["type"].strip()
    if scalar := _SCALAR.fullmatch(said):
        kind = str(scalar.lastgroup)
        attributes = dict(item.attributes)
        if kind in ("string", "text", "email", "url"):
            for bound, length in (("min", "min_length"), ("max", "max_length")):
                if bound in attributes:
                    attributes[length] = int(attributes.pop(bound))
        add_value(target, replace(item, type=kind, attributes=attributes), clause.id, world)
        return []
    many = _MANY.fullmatch(said)
    one = None if many else _ONE.fullmatch(said)
    noun = (many["to"] or many["of"]) if many else one["to"] if one else said
    other = world.find(noun.strip()) or world.find(singular(noun.strip()))
    if other is None:
        return [said]
    name = item.name.removesuffix("_id") if one else item.name
    noun = plural(other.name).replace("_", " ") if many else name.replace("_", " ")
    if name != other.name and not many:
        inverse = f"{target.plural}_as_{name}" if target.reference_to(other.name) else None
        required = item.attributes.get("required", True)
        target.fields[name] = Field(type="reference", to=other.name, required=required, inverse=inverse, satisfies=(clause.id,))
        return []
    relate(target, replace(item, name=name, noun=noun, many=bool(many), several=bool(many)), other, clause.id, world)
    return []


def _ordering(target: EntityDraft, name: str, how: str, noun: str, clause: Clause, said: str) -> Any:
    def add() -> None:
        other = known_field(target, noun)
        if other is None or other == name or name not in target.fields:
            clause.leftover.append(said)
        elif how.lower() in ("after", "later than", ">"):
            ordered(target, other, name, clause.id)
        else:
            ordered(target, name, other, clause.id)

    return add
