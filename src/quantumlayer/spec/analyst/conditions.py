"""Phrases that are true or false of a row (`open`, `on loan`, `amount above 1000`, `priority is high`) → CEL."""

import re

from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.grammar import plain
from quantumlayer.spec.analyst.words import LEXICON, number, singular, snake, verb_base
from quantumlayer.spec.analyst.world import OPEN, EntityDraft, World, any_of, ended_test, open_test
from quantumlayer.spec.values import Field

_COMPARE = (
    (r"(?:is |are |be )?(?:greater|more|higher|larger|bigger|longer) than|(?:is |are |be |goes |rises )?(?:above|over|exceeds?|exceeding|beyond)|>", ">"),
    (r"(?:is |are |be )?(?:less|lower|smaller|fewer|shorter) than|(?:is |are |be |falls |drops |fall |drop )?(?:below|under|beneath)|<", "<"),
    (r"(?:is |are |be |of )?(?:at least|not less than|no less than)|>=", ">="),
    (r"(?:is |are |be |of )?(?:at most|no more than|not more than|up to|not above)|<=", "<="),
    (r"(?:is |are |be )?(?:equal to|equals?|exactly)|(?:is|are)|=", "=="),
)  # fmt: skip


def literal(field: Field, value: int | float) -> str:
    """A number in CEL, of the field's type."""
    return f"{value}" if field.type == "integer" and isinstance(value, int) else f"{float(value)}"


def guarded(path: str, field: Field, test: str) -> str:
    """The test where the value is there; false without it."""
    return test if field.required else f"{path} != null && {test}"


def condition(world: World, entity: EntityDraft, text: str, row: str = "self") -> str | None:
    """CEL for a phrase about a row of the entity; None where it is not understood."""
    text = plain(text).strip(" .,").lower()
    text = re.sub(r"^(?:that |which |who |it |they |its |their |whose )+", "", text)
    text = re.sub(
        rf"^(?:an? |the |each )?(?:{re.escape(entity.name.replace('_', ' '))}|{re.escape(entity.plural.replace('_', ' '))})(?:'s)? ",
        "",
        text,
    )
    text = re.sub(r"^(?:is|are|was|were|has been|have been|been|be|has|have|currently|still|already|being)\s+", "", text)
    if negated := re.match(r"^(?:not (?:yet |been )?|no longer |never |n't )(.+)$", text):
        inner = condition(world, entity, negated[1], row)
        return f"!({inner})" if inner else None
    if " and " in text and (halves := [condition(world, entity, t, row) for t in text.split(" and ", 1)]) and all(halves):
        return " && ".join(f"({h})" for h in halves)
    if " or " in text and (halves := [condition(world, entity, t, row) for t in text.split(" or ", 1)]) and all(halves):
        return " || ".join(f"({h})" for h in halves)
    return _word(world, entity, text, row) or _comparison(entity, text, row) or _related(world, entity, text, row)


def _word(world: World, entity: EntityDraft, text: str, row: str) -> str | None:
    text = re.sub(r"^(?:still|already|currently|marked(?: as)?|in(?: the)?(?: state)?)\s+", "", text)
    word = snake(text)
    if entity.state and word in entity.state.states:
        return f"{row}.{entity.state.field} == '{word}'"
    for name, field in entity.fields.items():
        if field.type == "boolean" and name in (word, f"is_{word}"):
            return guarded(f"{row}.{name}", field, f"{row}.{name}")
        if field.type == "enum":
            value = next((v for v in field.values if snake(v) == word or f"{snake(v)}_{name}" == word), None)
            if value:
                return guarded(f"{row}.{name}", field, f"{row}.{name} == '{value}'")
    if word in ("overdue", "late", "past_due", "past_its_due_date"):
        return overdue(entity, row)
    if word in ("expired", "past", "over"):
        return passed(entity, row)
    if word in ("upcoming", "in_the_future", "future", "not_started"):
        start = next((n for n in entity.dates() if entity.fields[n].required), None)
        return f"{row}.{start} > {clock_of(entity.fields[start])}" if start else None
    if (
        word in ("closed", "finished", "completed", "ended", "final", "done", "settled", "decided")
        and entity.state
        and (over := ended_test(entity, row))
    ):
        return over
    if word in OPEN and (live := open_test(entity, row)):
        return live
    if word.startswith("un") and (inner := _word(world, entity, word[2:].replace("_", " "), row)):
        return f"!({inner})"
    if word.startswith("in") and word[2:] in ("complete", "active") and (inner := _word(world, entity, word[2:], row)):
        return f"!({inner})"
    if word in ("unfinished", "undone", "pending", "open", "incomplete") and (
        done := next((n for n in ("done", "completed", "complete", "finished") if n in entity.fields), None)
    ):
        return f"!{row}.{done}"
    if word in ("finished", "completed", "complete", "done") and (
        done := next((n for n in ("done", "completed", "complete", "finished") if n in entity.fields), None)
    ):
        return f"{row}.{done}"
    return _participle(entity, word, row)


def _participle(entity: EntityDraft, word: str, row: str) -> str | None:
    base = verb_base(word)
    if base and entity.closed_by and base in ("return", "close", "end", "finish", "check") and word != base:
        return f"{row}.{entity.closed_by} != null"
    if word.endswith("ed") or base:
        for name, field in entity.fields.items():
            if name in (f"{word}_at", f"{word}_on") and not field.required:
                return f"{row}.{name} != null"
        if base and entity.state:
            moved = entity.operations.get(base)
            if moved and moved.transition:
                return f"{row}.{entity.state.field} == '{moved.transition.to}'"
    return None


def _comparison(entity: EntityDraft, text: str, row: str) -> str | None:
    for pattern, operator in _COMPARE:
        found = re.fullmatch(
            rf"(?:with |with an? |having |the |an? |its |their )?(?P<f>[\w ]*?)\s*(?:of )?(?:{pattern})\s+(?P<v>.+)", text
        )
        if not found:
            continue
        name = known_field(entity, found["f"]) if found["f"].strip() else None
        if name is None:
            continue
        if entity.state and name == entity.state.field:
            return f"{row}.{name} == '{snake(found['v'])}'" if snake(found["v"]) in entity.state.states else None
        field = entity.fields[name]
        value = number(found["v"].split(" ")[0]) if found["v"] else None
        if value is not None and field.type in ("integer", "number", "decimal"):
            return guarded(f"{row}.{name}", field, f"{row}.{name} {operator} {literal(field, value)}")
        if field.type == "enum" and operator == "==":
            listed = [v for part in re.split(r",| or ", found["v"]) for v in field.values if snake(v) == snake(part)]
            return guarded(f"{row}.{name}", field, any_of(f"{row}.{name}", listed)) if listed else None
        if field.type == "boolean" and operator == "==" and found["v"] in ("true", "false", "set"):
            return f"{'!' if found['v'] == 'false' else ''}{row}.{name}"
        other = known_field(entity, re.sub(r"^(?:its|their|the|his|her) ", "", found["v"]))
        if other and other in entity.fields and not (entity.state and other == entity.state.field):
            return compared(entity, name, operator, other, row)
        if field.type in ("date", "datetime") and re.match(r"(?:now|today|the current (?:date|time))", found["v"]):
            return guarded(f"{row}.{name}", field, f"{row}.{name} {operator} {clock_of(field)}")
    return None


def compared(entity: EntityDraft, left: str, operator: str, right: str, row: str) -> str:
    """Two fields of a row, widened to one type, true only where both are there."""
    a, b = entity.fields[left], entity.fields[right]
    guards = [f"{row}.{n} != null" for n, f in ((left, a), (right, b)) if not f.required]
    x, y = f"{row}.{left}", f"{row}.{right}"
    if a.type != b.type and "integer" in (a.type, b.type) and {a.type, b.type} <= {"integer", "number", "decimal"}:
        x, y = (f"double({x})" if a.type == "integer" else x), (f"double({y})" if b.type == "integer" else y)
    return " && ".join([*guards, f"{x} {operator} {y}"])


def _related(world: World, entity: EntityDraft, text: str, row: str) -> str | None:
    """`on loan`, `borrowed`, `has open tasks`, `all its tasks are done`: rows that refer here."""
    every = re.fullmatch(
        r"(?:all|every one)(?: of)?(?: its| their| the)? (?P<n>[a-z ]+?) (?:is|are|have been|has been) (?P<c>.+)", text
    )
    some = re.fullmatch(r"(?P<no>no )?(?:any |an? |some )?(?P<c>[a-z]+) (?P<n>[a-z ]+)", text)
    if (told := every or some) and (child := world.find(told["n"])) and (reference := child.reference_to(entity.name)):
        rows = f"{row}.{world.inverse(child, reference)}"
        if test := condition(world, child, told["c"], "x"):
            exists = f"{rows}.exists(x, {test})"
            return f"{rows}.all(x, {test})" if every else f"!{exists}" if told["no"] else exists
    found = re.fullmatch(r"(?:on |in |under |out on |checked )?(?:an? |the )?(?P<w>[\w-]+)(?: out| up| in)?", text)
    if not found:
        return None
    word = found["w"]
    event = world.find(word)
    base = verb_base(word)
    if event is None and base:
        event = world.events_of(base)
    if event is None:
        return None
    reference = event.reference_to(entity.name)
    test = open_test(event, "x")
    if reference is None:
        return None
    rows = f"{row}.{event.fields[reference].inverse or event.plural}"
    return f"{rows}.exists(x, {test})" if test else f"size({rows}) > 0"


def clock_of(field: Field) -> str:
    """What a day or an instant is compared with: today or now."""
    return "today" if field.type == "date" else "now"


def overdue(entity: EntityDraft, row: str) -> str | None:
    """Past its due date and not over yet."""
    due = next(
        (n for n in entity.fields if re.match(r"due|deadline|.*_due|return_by|due_.*", n) and n != entity.closed_by), None
    )
    due = due or next((n for n in entity.dates() if "end" in n and n != entity.closed_by), None)
    if due is None or entity.fields[due].type not in ("date", "datetime"):
        return None
    field = entity.fields[due]
    late = guarded(f"{row}.{due}", field, f"{row}.{due} < {clock_of(field)}")
    live = open_test(entity, row)
    done = next(
        (
            n
            for n in ("done", "completed", "complete", "finished", "paid", "resolved")
            if n in entity.fields and entity.fields[n].type == "boolean"
        ),
        None,
    )
    live = live or (f"!{row}.{done}" if done else None)
    return f"{late} && {live}" if live else late


def passed(entity: EntityDraft, row: str) -> str | None:
    """Past the day or instant at which it expires or ends."""
    name = next((n for n in entity.dates() if re.search(r"expir|valid_(?:until|to)|end|date|closes|deadline", n)), None)
    if name is None:
        return None
    field = entity.fields[name]
    return guarded(f"{row}.{name}", field, f"{row}.{name} < {clock_of(field)}")


def split_subject(text: str) -> tuple[str, str]:
    """An adjective and a noun: `open loans` → (`open`, `loans`)."""
    words = plain(text).split()
    return " ".join(words[:-1]), words[-1]


_EVENTS = {noun: verb for verb, nouns in LEXICON["events"].items() for noun in nouns.split()}


def verb_of(event: str) -> str | None:
    """The verb that an event noun comes from: loan → borrow."""
    return _EVENTS.get(singular(event))
