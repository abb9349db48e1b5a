"""Lists: filters, sorting, search, named lists."""

import re
from typing import Any

from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.fields import split_list
from quantumlayer.spec.analyst.grammar import Clause, entity, plain, rule
from quantumlayer.spec.analyst.time_words import main_date
from quantumlayer.spec.analyst.words import snake
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Filter

_TAIL = re.compile(
    r",?\s*(?:and |with |that |which |can be |are |is |be )*(?P<k>filter(?:ed|able|ing|s)? (?:them )?(?:by|on)|(?:with )?(?:optional )?filters? (?:by|on|for)|sort(?:ed|able|ing)? (?:them )?(?:by|on)|order(?:ed|ing)? by|search(?:ed|able|ing)? (?:by|in|on|for|through)|(?:by default )?(?=(?:the )?(?:newest|latest|most recent|oldest|most recently|soonest|earliest|highest|lowest|cheapest|best|most expensive|alphabetical|largest|smallest|youngest))|in (?=(?:alphabetical|chronological|reverse)))\s*",
    re.I,
)
_ORDERS = re.compile(
    r"(?:the )?(?P<w>newest|latest|most recent|most recently created|oldest|earliest|soonest|highest|lowest|cheapest|most expensive|best|largest|smallest|youngest|alphabetical(?:ly)?|chronological|reverse chronological)(?: (?P<f>[\w ]+?))?(?: first| order(?:ed)?)?$",
    re.I,
)


@rule
def lists(clause: Clause, world: World, m: Any) -> bool | str | None:
    """`list tasks filtered by done and priority, newest first`; `search notes by text`; `filter by category`"""
    groups = m.groupdict()
    target = entity(world, m, "e") if groups.get("e") else world.find(world.topic)
    if target is None:
        return None
    tail = plain(groups["tail"]).strip()
    if re.match(r"(?:per|for each|for every|by (?:day|month|week|hour|year)|grouped)\b", tail):
        return None
    verb = re.match(r"(?:.*?\b)?(filter|sort|order|search|find)", plain(clause.match), re.I)
    if groups.get("a") and groups["a"].lower() not in ("all", "every", "any", "their", "own", "my", "the"):
        test = condition(world, target, groups["a"])
        if test is None:
            return None
        target.update(snake(groups["a"]), kind="list", where=test, satisfies=(clause.id,))
    tail = re.sub(
        r"^by (?P<f>[\w ]+?),? (?:(?P<d>(?:highest|latest|newest|largest|best|most)[\w ]*?|descending)|(?P<a>(?:lowest|oldest|earliest|smallest)[\w ]*?|ascending)) first$",
        lambda m: f"sorted by {m['f']} {'descending' if m['d'] else 'ascending'}",
        tail,
        flags=re.I,
    )
    if not verb and (dated := re.fullmatch(r"by (?:the )?(date|time|day|start|[\w ]*date|[\w ]*time)", tail)):
        moment = main_date(target)
        known = known_field(target, dated[1]) or (moment[0].removeprefix("self.") if moment else None)
        tail = f"sorted by {known.replace('_', ' ')}" if known else tail
    if re.match(r"(?:by|on|for|in)\b", tail):
        word = {"find": "search"}.get((verb[1] if verb else "filter").lower(), (verb[1] if verb else "filter").lower())
        tail = f"{word} {tail}"
    if (
        re.fullmatch(r"(?:,? ?(?:and |with )?(?:paginated|paged|in pages|with pagination|pagination|page by page)|)", tail)
        or not tail
    ):
        _satisfy(target, "list", clause.id)
        # `their absences`: whose they are was not read.
        theirs = re.search(rf"\b(their|his|her) @{m['e']}\b", m.string) if groups.get("e") else None
        return theirs[1] if theirs else True
    world.topic = target.name
    return list_tail(target, tail, clause, world)


def list_tail(target: EntityDraft, tail: str, clause: Clause, world: World) -> bool | str:
    """`filtered by a and b, sorted by c, newest first`"""
    _satisfy(target, "list", clause.id)
    cuts = [(m.start(), m.end(), (m["k"] or "newest").lower()) for m in _TAIL.finditer(tail)]
    unread = [tail[: cuts[0][0]].strip(" ,.")] if cuts else [tail]
    starts = [*(c[0] for c in cuts), len(tail)][1:]
    for (_, end, kind), following in zip(cuts, starts, strict=True):
        words = re.sub(r"(?:,| and| or)+\s*$", "", tail[end:following].strip(" ,."))
        unread.append(_one(target, kind, words, clause, world))
    left = [
        u
        for u in unread
        if u and not re.fullmatch(r"(?:them|and|all|with|paginated|paged|in pages|which|optionally|or|also|can be)", u)
    ]
    return ", ".join(left) or True


def _one(target: EntityDraft, kind: str, words: str, clause: Clause, world: World) -> str:
    """Apply one part of a tail; what was not understood."""
    if "filter" in kind:
        return filters(target, words, world)
    if "search" in kind:
        return search(target, words, world)
    order = _ORDERS.fullmatch(words)
    if order:
        return sort_default(target, order["w"].lower(), order["f"])
    if "sort" in kind or "order" in kind:
        return sortable(target, words)
    return words


def _satisfy(target: EntityDraft, name: str, by: str) -> None:
    operation = target.operation(name)
    target.update(name, satisfies=tuple(dict.fromkeys([*operation.satisfies, by])))


def filters(target: EntityDraft, words: str, world: World) -> str:
    """Query parameters of the list; what was not understood."""
    unread, known = [], list(target.operation("list").filters)
    for piece in split_list(words.replace(" or ", " and ")):
        piece = re.sub(r"^(?:by|on|either|its|the|their|a|an|whether they are|whether it is)\s+", "", piece.strip().lower())
        ranged = re.fullmatch(
            r"(?:(?P<a>[\w ]+) range|range of (?P<b>[\w ]+)|(?:minimum|maximum|min|max) (?:and (?:maximum|max) )?(?P<c>[\w ]+)|(?P<d>[\w ]+) (?:between|from .+ to .+))",
            piece,
        )
        name = known_field(target, next(filter(None, ranged.groups())) if ranged else piece)
        if name is None and ranged and "date" in piece:
            name = next(iter(target.dates()), None)
        if name is None and (related := world.find(piece)):
            name = target.reference_to(related.name) or next(
                (n for n, f in target.fields.items() if f.to == related.name), None
            )
        if (
            name is None
            and piece in ("status", "state", "completion", "completion status")
            and (flag := next((n for n in ("done", "completed") if n in target.fields), None))
        ):
            name = flag
        if name is None:
            unread.append(piece)
            continue
        field = target.fields.get(name)
        both = (
            field is not None
            and field.type in ("date", "datetime", "integer", "number", "decimal")
            and (ranged or field.type in ("datetime", "decimal", "number", "date"))
        )
        known += [Filter(field=name, op="gte"), Filter(field=name, op="lte")] if both else [Filter(field=name)]
        if field is not None and field.type == "date" and not ranged:
            known.append(Filter(field=name))
    target.update("list", filters=tuple(dict.fromkeys(known)))
    return ", ".join(unread)


def search(target: EntityDraft, words: str, world: World) -> str:
    """Fields that `q` looks in, and filters for what is no text; what was not understood."""
    texts = [n for n, f in target.fields.items() if f.type in ("string", "text")]
    pieces = list(split_list(words.replace(" or ", " and ")))
    found = [known_field(target, re.sub(r"^(?:by|in|the|its|their)\s+", "", p.strip().lower())) for p in pieces]
    whole = [n for n in ("first_name", "last_name") if n in texts]
    if "name" not in texts and len(whole) == 2 and words.strip().lower().removeprefix("by ") == "name":
        found, pieces = whole, whole
    if all(f and f in texts for f in found) and found:
        names = [f for f in found if f]
    elif (
        re.fullmatch(
            r"(?:by |in |the |their |for )*(?:text|keywords?|words?|free text|content|contents|a word|a term|all (?:text )?fields)",
            words.strip().lower(),
        )
        and texts
    ):
        names = texts
    else:
        names = [f for f in found if f in texts]
        others = [p for p, f in zip(pieces, found, strict=True) if f not in texts]
        if unread := filters(target, " and ".join(others), world):
            return unread
    target.update("list", search=tuple(dict.fromkeys([*target.operation("list").search, *names])))
    return ""


def sort_default(target: EntityDraft, word: str, words: str | None) -> str:
    """`newest first`, `cheapest first`, `highest rating first`"""
    descending = word.startswith(("newest", "latest", "most", "highest", "best", "largest", "reverse", "youngest"))
    name = known_field(target, words) if words and words not in ("first", "order") else None
    if name is None and words and words not in ("first", "order", "ones", target.plural.replace("_", " ")):
        return f"{word} {words}"
    if name is None:
        money = next((n for n, f in target.fields.items() if f.type == "decimal"), None)
        label = next((n for n in ("name", "title") if n in target.fields), None)
        dated = next((n for n in ("due_date", "start", "date", "starts_at", "deadline") if n in target.fields), None)
        name = {"cheapest": money, "most expensive": money, "alphabetical": label, "alphabetically": label, "soonest": dated, "earliest": dated or "created_at", "best": next((n for n in target.fields if "rating" in n or "score" in n), None)}.get(word, "created_at")  # fmt: skip
    if name is None:
        return word
    target.update("list", default_sort=(f"{'-' if descending else ''}{name}",))
    return ""


def sortable(target: EntityDraft, words: str) -> str:
    """Fields that `sort=` takes, the first with a direction being the default order; what was not understood."""
    unread, names, default = [], [], []
    for piece in split_list(words.replace(" or ", " and ")):
        piece = piece.strip().lower()
        direction = re.search(
            r"\s*\(?(?P<d>descending|ascending|desc|asc|newest first|oldest first|latest first|highest first|lowest first|in descending order|in ascending order)\)?$",
            piece,
        )
        bare = re.sub(r"^(?:by|the|their|its)\s+", "", piece[: direction.start()] if direction else piece)
        name = known_field(target, bare) or (
            "created_at" if re.fullmatch(r"(?:creation|created)(?: date| time| at)?|date|age|newest|recency", bare) else None
        )
        if name is None:
            unread.append(piece)
            continue
        names.append(name)
        if direction:
            default.append(("-" if re.search(r"desc|newest|latest|highest", direction["d"]) else "") + name)
    operation = target.operation("list")
    target.update(
        "list",
        sort=tuple(dict.fromkeys([*operation.sort, *names])),
        default_sort=tuple(default) or operation.default_sort or tuple(names[:1]),
    )
    return ", ".join(unread)
