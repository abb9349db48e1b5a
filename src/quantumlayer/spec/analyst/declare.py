"""Declarations: which entities there are, their fields, and what was said of single fields."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from quantumlayer.spec.analyst.anywhere import beside, from_anywhere
from quantumlayer.spec.analyst.attributes import KNOWN
from quantumlayer.spec.analyst.choices import NUMBERS, choose_one, either, either_is_given, one_of_numbers
from quantumlayer.spec.analyst.discover import enumerates_fields
from quantumlayer.spec.analyst.draft_field import add_field, known_field, ordered
from quantumlayer.spec.analyst.fields import read_item, split_list, type_of
from quantumlayer.spec.analyst.grammar import Clause, entity, mark, plain, rule
from quantumlayer.spec.analyst.plausible import implausible, with_inner
from quantumlayer.spec.analyst.time_words import duration
from quantumlayer.spec.analyst.words import PEOPLE, an, is_plural, singular, snake
from quantumlayer.spec.analyst.world import EntityDraft, World, action_for_state, ensure_states, open_test, transition
from quantumlayer.spec.values import Field, Rule

_HAS = r"(?:(?:must |should |will |can |may |shall )?(?:also |always )?(?:has|have|having|contains?|includes?|consists? of|comprises?|stores?|carr(?:y|ies)|is (?:described|defined|made up|identified) (?:by|of)|are (?:described|defined|made up) (?:by|of)|needs?|requires?|records?|keeps?|gets?|come with|comes with|with|track(?:s)?|hold(?:s)?))(?: the following)?(?: fields| attributes| properties)?:?"


# `the price I paid`, `the shelf it lies on`: what the name is, without what is told of it.
TOLD = re.compile(
    r"^(?P<n>(?!whether\b)(?:(?:an?|the|its|their) )?[a-z]+(?: [a-z]+)?),? (?:(?:that|which|where) )?(?:(?:i|we|they|you|he|she)(?: have| had| actually| really| finally)* [a-z]+(?: for it)?"
    r"|it (?:is|lies|stands|sits|belongs|hangs|lives|was)(?: \w+)?(?: (?:on|in|at|to|under|from|for))?)$",
    re.I,
)
# `…, cutting or whole plant`: one of two things, and nothing says what the choice is called.
_OPEN_CHOICE = re.compile(r", (?:and )?(?P<c>(?:an? )?(?P<a>[a-z]+) or (?:an? )?(?!not\b)(?P<b>[a-z]+(?: [a-z]+)?))$", re.I)
# Values that people and places have: in parentheses behind a name they are parts of it, not a choice.
_CONTACT = r"(?:(?:first |last |full )?name|phone(?: number)?|telephone|mobile|e-?mail(?: address)?|address|street|city|postcode|zip code|country)"
_COMPOSED = re.compile(
    rf"^(?:(?:an?|the|its|their|one) )?(?P<n>[a-z]+) \((?P<l>{_CONTACT}(?:(?:,| and|, and) {_CONTACT})+)\)$", re.I
)


# What follows says what may be, and declares nothing.
_NO_FIELDS = re.compile(
    r"(?:been|to be|at most|no more|no |only|not|never|an? (?:admin|manager)|access|permission|full(?! name)|more than|up to \d+ (?:open|active)|exactly one of)\b",
    re.I,
)


@rule
def declares(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`each task has a title, optional notes and a priority (low, medium, high)`"""
    target = entity(world, m, "e")
    if (
        target
        and target.name in PEOPLE
        and not re.search(
            rf"@{m['e']}(?:'s)?,? (?:(?:must|should|can|will|also) )*(?:has|have|with|having|includes?|contains?|consists?|is|are|fields)\b|: |\(",
            clause_text(clause, world),
        )
    ):
        return None
    if (
        target
        and re.search(r"\b(?:is|are|can|cannot|must|may)\b [^,]+$", m["fields"])
        and re.match(rf"(?:an? |the |each |every |all |any )?@{m['e']},? (?:with|having)\b", clause_text(clause, world), re.I)
    ):
        return None
    return add_fields(target, m["fields"], clause, world) if target and not _NO_FIELDS.match(m["fields"]) else None


@rule
def declares_objects(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`track expenses with an amount and a date`"""
    target = entity(world, m, "e")
    return add_fields(target, m["fields"], clause, world) if target and not _NO_FIELDS.match(m["fields"]) else None


@rule
def lists_fields(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`title, year, medium, price` behind a sentence about artworks"""
    target = world.find(clause.topic) if clause.topic else None
    if target is None or target.declared or world.is_account(target) or not enumerates_fields(m["fields"].lower()):
        return None
    return add_fields(target, m["fields"], clause, world)


@rule
def keeps_sorted(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`the tags of an article are kept in alphabetical order`"""
    told = entity(world, m, "e")
    wanted = singular(snake(plain(m["f"])))
    for target in [told] if told else list(world.entities.values()):
        for name, field in target.fields.items():
            known = {singular(w) for w in (name, *name.split("_"))}
            if field.type == "strings" and wanted in known:
                by = tuple(dict.fromkeys([*field.satisfies, clause.id]))
                target.fields[name] = field.model_copy(update={"sorted": True, "satisfies": by})
                return True
    return None


@rule
def declares_backwards(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`store the title and the author of each book`"""
    target = entity(world, m, "e")
    return add_fields(target, m["fields"], clause, world) if target else None


@rule
def names(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`crud for plants, suppliers`"""
    if re.search(r"\b(?:per|what|how|which|who|owe|each of|average|total)\b", m.string[: m.start("es")], re.I):
        return None
    found = [world.find(e.replace("_", " ")) for e in re.findall(r"@(\w+)", m["es"])]
    keeping = r"(?:\w+ )*(?:crud|app|api|manages?|tracks?|keeps?|stores?|handles?|runs?|there|we|i) "
    if len(found) < 2 and not re.match(keeping, clause.match, re.I):
        return None
    if len(found) == 2 and found[0] and found[1] and found[0] is not found[1] and re.search(r" and their @\w+$", m["es"]):
        world.link(found[0], found[1], clause.id)
    for one in found:
        if one is not None and clause.id not in one.satisfies:
            one.satisfies.append(clause.id)
    return True


def clause_text(clause: Clause, world: World) -> str:
    """The clause with its entities marked, as the patterns see it."""
    return mark(clause.match, world)


def add_fields(target: EntityDraft, text: str, clause: Clause, world: World) -> bool | str:
    """Give the entity the fields of a list; what could not be read is returned."""
    text = re.sub(
        r"^(?:the following(?: fields| attributes)?:?|fields:?|attributes:?|just|only)\s*", "", plain(text), flags=re.I
    )
    if (
        (within := re.fullmatch(r"(?:exactly )?(?:an?|one) ([a-z]+(?: [a-z]+)?) with ((?:an?|the|its) .+)", text, re.I))
        and (part := world.find(within[1]))
        and part is not target
    ):
        world.link(part, target, clause.id)
        return add_fields(part, within[2], clause, world)
    if re.search(r"->|→|=>", text) and "," not in beside(text)[0] and ":" not in text:
        return ", ".join(_arrows(target, text, clause, world)) or True
    text = re.sub(r"\b1 or more\b", "one or more", text)
    text = NUMBERS.sub(one_of_numbers, text)
    text, examples = _without_examples(text)
    text = _SUCH_AS.sub(r" (\g<v>)", text)
    text = _counted(target, text, clause, world)
    text = _placed(text, world)
    text, read = _parts(target, text, clause, world)
    text, alternatives = either(text)
    unread = [*([read] if read else []), *examples]
    open_choice = None if alternatives else _OPEN_CHOICE.search(text)
    if (
        open_choice
        and not _typed(open_choice["a"], open_choice["b"])
        and not re.search(r": ?[\w -]+(?:, [\w -]+)*$", text[: open_choice.start()])
    ):
        text, unread = text[: open_choice.start()], [*unread, open_choice["c"]]
    text = _spaced(text)
    pieces = list(_composed(with_inner(split_list(text)), world))
    for piece in pieces:
        piece = re.sub(r"^(?:also )?(?:has|have) ", "", TOLD.sub(r"\g<n>", piece))
        if re.search(r"->|→|=>", piece):
            unread += _arrows(target, piece, clause, world)
            continue
        if (
            target.state
            and (aside := re.fullmatch(r"(?:or |and )?(\w+) (?:while|when|if|from|only from) (.+)", piece))
            and snake(aside[2]) in target.state.states
        ):
            ensure_states(target, target.state.initial, [snake(aside[1])], clause.id)
            transition(target, action_for_state(snake(aside[1])), [snake(aside[2])], snake(aside[1]), clause.id)
            continue
        piece = re.sub(r"^(.+?) \((after|before|later than|earlier than) (.+)\)$", r"\1 that is \2 \3", piece)
        if (spanned := _SPANNED.fullmatch(piece)) and (span := duration(spanned["d"])):
            base, first = known_field(target, spanned["b"]), read_item(spanned["f"])
            if base is None and spanned["b"].endswith(" date"):
                add_field(target, read_item(spanned["b"]), clause.id, world)
                base = known_field(target, spanned["b"])
            if base in target.fields and target.fields[base].type in ("date", "datetime") and first.name:
                sign = "+" if spanned["s"] in ("after", "from") else "-"
                kind, optional = target.fields[base].type, not target.fields[base].required
                value = f"self.{base} {sign} {span[0]}"
                value = f"self.{base} == null ? null : {value}" if optional else value
                made = Field(type=kind, value=value, required=not optional, satisfies=(clause.id,))
                target.fields[first.name] = made
                continue
        if later := re.fullmatch(
            r"(.+?) (?:that|which) (?:must be|has to be|is|should be) (after|before|later than|earlier than) (?:the |its )?([\w ]+)",
            piece,
        ):
            first, second = read_item(later[1]), known_field(target, later[3])
            if first.name and second:
                add_field(target, first, clause.id, world)
                after = later[2] in ("after", "later than")
                ordered(target, second if after else first.name, first.name if after else second, clause.id)
                continue
        if counted := re.fullmatch(
            r"(?:an? )?(?:at most|up to|maximum of|limit of|no more than|capacity of) (\d+) ([\w ]+)", piece
        ):
            if not limit_rows(target, counted[2], int(counted[1]), clause, world):
                unread.append(piece)
            continue
        if _PER.fullmatch(piece) or _SO_MANY.fullmatch(piece) or re.match(r"(?:if|whether) .* or (?!not\b)", piece):
            unread.append(piece)
            continue
        item = read_item(piece)
        if not item.name:
            unread += [piece] if re.search(r"\w", piece) else []
            continue
        if (
            named := re.fullmatch(r"(?:(many|several|one or more|multiple) )?([a-z]+) as (?:an? |its |their )?([a-z]+)", piece)
        ) and (meant := world.find(named[2])):
            name, many = snake(named[3]), bool(named[1]) or is_plural(named[3])
            kind = {"type": "references", "required": False} if many else {"type": "reference"}
            target.fields[name] = Field(**kind, to=meant.name, inverse=f"{target.plural}_as_{name}", satisfies=(clause.id,))  # type: ignore[arg-type]
            continue
        if choice := re.fullmatch(
            r"(?:\w+ )?([a-z]+s),? (?:exactly |only |at least )?one of which is (?:the )?([a-z]+)(?: one)?", piece
        ):
            choose_one(target, choice[1], snake(choice[2]), clause, world)
            continue
        nested = re.fullmatch(r"([\w ]+?) with (.+)", item.noun)
        if nested and item.many:
            child = world.add(nested[1], clause.id)
            read = add_fields(child, nested[2], clause, world)
            unread += [read] if isinstance(read, str) else []
            item = replace(item, name=snake(nested[1]), noun=nested[1])
        if placed := re.fullmatch(
            r"(?:which (?:is|are) |that (?:is|are) )?(?:stored|kept|located|held|placed) (?:in|at|on) (?:an? |one or more |several )?(.+)",
            item.noun,
            re.I,
        ):
            world.stored[target.name] = (world.add(placed[1], clause.id).name, clause.id)
            continue
        among = re.search(r"\b(?:of|for|with) (?:the |all |its )?([a-z]+s)\b", item.noun, re.I)
        if implausible(item, piece, pieces) or among and world.find(among[1]) and type_of(item.name)[0] is None:
            unread.append(item.noun)
            continue
        add_field(target, item, clause.id, world)
        if item.unread:
            unread.append(item.unread)
    if any(n in ("date", "day") and f.type == "date" for n, f in target.fields.items()):
        for name in ("start_time", "end_time", "time"):
            if (known := target.fields.get(name)) and known.type == "datetime" and clause.id in known.satisfies:
                target.fields[name] = known.model_copy(update={"type": "time"})
    for one, other in alternatives:
        either_is_given(target, one, other, clause, world)
    target.declared = True
    if clause.id not in target.satisfies:
        target.satisfies.append(clause.id)
    world.topic = target.name
    return ", ".join(unread) or True


_COUNT = r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d+"
# `five players`, `11 to 20 players`: so many records of a kind, and no value
_SO_MANY = re.compile(
    rf"(?:exactly |between |from |about )?(?:{_COUNT})(?:(?: to | and | or |-)(?:{_COUNT}))? (?!(?:letters|digits|characters|words|stars|points|seats|places|minutes|hours|days|weeks|months|years|pages|euros|dollars|credits)\b)[a-z]+s"
)
# `a category such as hardware, software or network`
_SUCH_AS = re.compile(
    r",? (?:such as|like|for example|e\.g\.) (?P<v>[a-z-]+(?: [a-z-]+)?(?:, [a-z-]+(?: [a-z-]+)?)*,? or [a-z-]+(?: [a-z-]+)?)$",
    re.I,
)
# `0 to 10 points a round`: that of which there is so much is a record
_PER = re.compile(
    r"(?:only |at most |exactly )?(?:one|two|three|\d+(?:(?: to | ?- ?)\d+)?) [a-z]+ (?:per|an?|each|every|for each|for every) [a-z]+"
)


# `roles such as timer and evaluator`: some of what there may be, and no list of all
_EXAMPLES = re.compile(
    r"(?P<n>(?:an? |the )?[a-z]+s),? (?:such as|like|for example|e\.g\.) [a-z -]+(?:, [a-z -]+)*,? and [a-z -]+$", re.I
)


def _without_examples(text: str) -> tuple[str, list[str]]:
    """A list without the last member that only has examples, and that member."""
    found = _EXAMPLES.search(text)
    return (re.sub(r"(?:,? and|,)\s*$", "", text[: found.start()]), [found[0]]) if found else (text, [])


def _typed(*names: str) -> bool:
    return any(type_of(snake(name))[0] for name in names)


def _composed(pieces: Iterable[str], world: World) -> Iterator[str]:
    """`a renter (name and phone)` is a renter name and a renter phone, unless a renter is a record."""
    for piece in pieces:
        found = _COMPOSED.match(piece.strip())
        if found and found["n"].lower() not in world.entities:
            yield from (f"{found['n']} {part}" for part in split_list(found["l"]))
        else:
            yield piece


def _parts(target: EntityDraft, text: str, clause: Clause, world: World) -> tuple[str, str]:
    """`a name and ingredients with an amount and a unit`: the list without its last member, whose own fields are read."""
    m = re.fullmatch(
        r"(?P<l>.+?)(?P<before>,| and|, and) (?P<n>[a-z]+s) with (?P<f>(?:an? )?[\w ]+?(?:, (?:an? )?[\w ]+?)* and (?:an? )?[\w ]+)",
        text,
        re.I,
    )
    if m is None or "(" in m["n"] or re.search(r"\bwith\b", m["l"]) or not enumerates_fields(m["f"].lower()):
        return text, ""
    inner, outer = m["f"], m["l"]
    if m["before"].strip() == "," and "," in inner:
        # The list has only one `and`, which is its own: `a title, ingredients with amounts, a time and a difficulty`.
        inner, _, rest = inner.partition(",")
        inner, outer = singular(inner), f"{outer}, {rest.strip()}"
    child = world.add(m["n"], clause.id)
    read = add_fields(child, inner, clause, world)
    if not any(f.type == "string" and n.endswith(("name", "title", "label")) for n, f in child.fields.items()):
        marker = world.assume(f"{an(child.name).capitalize()} has a name.")
        child.fields = {"name": Field(type="string", satisfies=(clause.id, marker)), **child.fields}
    world.link(child, target, clause.id)
    return outer, read if isinstance(read, str) else ""


_COUNTED = re.compile(
    r"(?:(?:one or more|several|many|multiple|a list of|lists? of|the|some|ordered) )*(?P<n>[a-z]+s),? (?:and|with|in) (?:their |an? |the |its |different )?(?:respective )?(?P<q>quantit(?:y|ies)|amounts?)(?: each| of each| for each)?(?=$|,| and )",
    re.I,
)


def _counted(target: EntityDraft, text: str, clause: Clause, world: World) -> str:
    """`an order with one or more products and quantities`: the list without them, which become lines of their own."""
    m = _COUNTED.search(text)
    thing = world.find(m["n"]) if m else None
    if m is None or thing is None or thing is target:
        return text
    line = world.add(f"{target.name.replace('_', ' ')} item", clause.id)
    marker = world.assume(f"{an(target.name).capitalize()} has items, each with {an(thing.name)} and a quantity.")
    for parent in (target, thing):
        made = world.link(line, parent, clause.id)
        line.fields[made] = line.fields[made].model_copy(update={"satisfies": (clause.id, marker)})
    line.fields.setdefault("quantity", Field(type="integer", min=1, satisfies=(clause.id, marker)))
    before = re.sub(r"(?:,? and|,)\s*$", "", text[: m.start()])
    return (before + text[m.end() :]).strip(" ,")


def _placed(text: str, world: World) -> str:
    """`a movie in a hall at a start time`: its movie, its hall and its start time, where each of them is known."""
    pieces = re.split(r" (?:in|at|on|for|by|with|from|to) (?=an? )", text)
    if len(pieces) < 2 or "," in text or not all(re.match(r"an? [a-z ]+$", p) for p in pieces):
        return text
    known = [world.find(p.split(" ", 1)[1]) or type_of(snake(p.split(" ", 1)[1]))[0] for p in pieces]
    return ", ".join(pieces) if all(known) else text


_SPANNED = re.compile(
    r"(?P<f>.+?),? (?:(?:that|which) (?:is|lies|falls) )?(?P<d>[\w.]+ (?:hour|day|week|month|year|minute)s?) (?P<s>after|before|from) (?:the |its )?(?P<b>[\w ]+)",
    re.I,
)


# Whom a thing holds without anybody keeping a row of each: `up to 4 guests`.
_CROWD = frozenset(("person", "guest", "visitor", "user", "passenger", "adult", "child", "kid", "spectator", "participant"))


def _linking(child: EntityDraft, target: EntityDraft, world: World) -> list[EntityDraft]:
    """What refers to both: the registration of a guest for a course."""
    return [e for e, _ in world.children(target.name) if e.reference_to(child.name)]


def limit_rows(target: EntityDraft, noun: str, count: int, clause: Clause, world: World) -> bool:
    """`a course has at most 30 students`: rows that refer here, directly or as what links the two."""
    child = world.find(noun) or (world.add(noun, clause.id) if singular(noun) in PEOPLE - _CROWD else None)
    if child is None or child.name in _CROWD and not child.reference_to(target.name) and not _linking(child, target, world):
        return False

    def add() -> None:
        rows = next(iter(_linking(child, target, world)), child)
        reference = rows.reference_to(target.name) or world.link(rows, target, clause.id)
        live = open_test(rows, "x")
        path = f"self.{reference}.{world.inverse(rows, reference)}"
        counted = f"{path}.filter(x, {live})" if live else path
        rows.rule(
            f"at_most_{count}_{child.plural}",
            Rule(
                check=f"size({counted}) <= {count}",
                message=f"{an(target.name)} has at most {count} {child.plural.replace('_', ' ')}",
                satisfies=(clause.id,),
            ),
        )

    world.later.append(add)
    return True


_ADJACENT = re.compile(
    r"\b(?P<a>name|title|e-?mail|phone|url|isbn|sku) (?P<b>phone|e-?mail|url|isbn|price|description|quantity|year|author|address|title)\b"
    r"(?! (?:number|address|code|name|line))(?<!email address)(?<!e-mail address)",
    re.I,
)


def _spaced(text: str) -> str:
    """`url title tags`, known names with nothing between them, with commas."""
    words = text.lower().split()
    plain_words = not re.search(
        r"[,():;]|\b(?:and|or|an?|the|of|optional|unique|is|list|date|number|one|many|between)\b", text.lower()
    )
    if len(words) > 2 and plain_words and all(w in KNOWN or singular(w) in KNOWN for w in words):
        return ", ".join(words)
    return _ADJACENT.sub(r"\g<a>, \g<b>", text)


def _arrows(target: EntityDraft, text: str, clause: Clause, world: World) -> list[str]:
    """`a status: created -> picked up -> delivered`"""
    text, anywhere = beside(text)
    path = re.sub(r"^(?:an? |the )?(?:status|state|workflow)\s*[:(]?\s*", "", text.strip(" )"), flags=re.I)
    aside = re.search(r",? (?:or|and) (\w+) (?:while|when|if|from|only from) ([\w ]+)$", path)
    path = path[: aside.start()] if aside else path
    steps = [[snake(x) for x in re.split(r"/|\bor\b|\|", s) if x.strip()] for s in re.split(r"->|→|=>", path)]
    if any(not s or not all(s) for s in steps):
        return [text]
    ensure_states(target, steps[0][0], [s for step in steps for s in step], clause.id)
    for before, after in zip(steps, steps[1:], strict=False):
        for state in after:
            transition(target, action_for_state(state), before, state, clause.id)
    for state in anywhere:
        from_anywhere(world, target, state, clause.id)
    if aside:
        source, state = snake(aside[2]), snake(aside[1])
        if not target.state or source not in target.state.states:
            return [aside[0].strip(" ,")]
        ensure_states(target, target.state.initial, [state], clause.id)
        transition(target, action_for_state(state), [source], state, clause.id)
    return []
