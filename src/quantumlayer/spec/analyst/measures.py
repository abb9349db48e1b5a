"""What reports measure and by what they group."""

import re

from quantumlayer.spec.analyst.conditions import condition
from quantumlayer.spec.analyst.draft_field import known_field
from quantumlayer.spec.analyst.quantities import measured_in
from quantumlayer.spec.analyst.time_words import main_date, period
from quantumlayer.spec.analyst.words import an, snake, verb_base
from quantumlayer.spec.analyst.world import EntityDraft, World
from quantumlayer.spec.values import Field

_MEASURE = re.compile(
    r"^(?:the )?(?P<agg>number|count|total number|total|sum|average|mean|avg|maximum|max|highest|minimum|min|lowest|percentage|share|amount|how many)(?: of)?(?: the)? (?P<what>.+)$",
    re.I,
)


# With these the rows are counted, not what is in them.
_COUNTS = ("", "number", "count", "total number", "how many")
_OF_ONE = ("price", "unit_price", "sale_price", "ticket_price", "fee", "fare", "cost", "price_per_ticket")
_MONEY = ("revenue", "income", "turnover", "earnings", "sales", "proceeds")


def bare(text: str) -> str:
    """The words without articles and without the name of what is computed of them."""
    text = re.sub(r"^(?:the |an? |each |every |its |their )+", "", text.strip().lower())
    return re.sub(r"^(?:total )?(?:number|count|average|sum|percentage|total|how many)(?: of)?(?: the| all)? ", "", text)


def money_of(child: EntityDraft, world: World) -> tuple[str, str] | None:
    """The path of what a row brings in, and its type."""
    for name in (
        "sold_price",
        "sale_price",
        "total",
        "amount",
        "price",
        "total_price",
        "cost",
        "fee",
        "fare",
        "value",
        "subtotal",
    ):
        if name in child.fields and child.fields[name].type in ("decimal", "number"):
            return name, child.fields[name].type
    for name, field in child.fields.items():
        if field.type == "reference" and field.to and field.required:
            parent = world.entities[field.to]
            found = next(
                (n for n in ("price", "ticket_price", "fee", "fare", "cost", "price_per_ticket") if n in parent.fields), None
            )
            if found:
                return f"{name}.{found}", "decimal"
    return None


def is_money(text: str) -> bool:
    """Whether what is asked for is what rows bring in."""
    return re.fullmatch(rf"(?:the )?(?:total )?(?:{'|'.join(_MONEY)})", text.strip(" .").lower()) is not None


def pieces_of(line: EntityDraft) -> str | None:
    """The field that tells how many pieces of something a row is about, where it is about something else."""
    about = any(f.type == "reference" and f.required for f in line.fields.values())
    known = (n for n in ("quantity", "qty", "units", "pieces") if n in line.fields)
    found = next(
        (n for n in known if line.fields[n].type in ("integer", "number", "decimal") and line.fields[n].required), None
    )
    return found if about else None


def _brought_in(line: EntityDraft, path: str) -> str:
    """CEL of what a row `r` brought in: a price is of one piece."""
    pieces = pieces_of(line)
    if pieces is None or path.rpartition(".")[2] not in _OF_ONE:
        return f"r.{path}"
    return f"r.{path} * double(r.{pieces})" if line.fields[pieces].type == "integer" else f"r.{path} * r.{pieces}"


def kept(child: EntityDraft, path: str, world: World) -> str:
    """What a row brought in when it was made: the price of then, also after the price has changed."""
    reference, _, name = path.partition(".")
    if not name or not child.event_of:
        return path
    parent = world.entities[str(child.fields[reference].to)]
    label = child.name.replace("_", " ")
    marker = world.assume(
        f"{an(label).capitalize()} keeps the {name.replace('_', ' ')} that the {parent.name.replace('_', ' ')} has when it is made."
    )
    places = parent.fields[name].places
    child.fields.setdefault(
        name, Field(type="decimal", places=places, writable="never", default=f"self.{path}", satisfies=(marker,))
    )
    return name


def _alive(subject: EntityDraft, world: World) -> str | None:
    """Rows that count, with the assumption that the others do not."""
    live = open_or_alive(subject)
    if live and subject.state:
        gone = [s for s in subject.state.states if f"'{s}'" in live]
        world.assume(
            f"{subject.plural.replace('_', ' ').capitalize()} that are {' or '.join(gone)} count neither in numbers nor in revenue."
        )
    return live


def counted_at(subject: EntityDraft) -> tuple[str, str]:
    """CEL of when a row counts, and its type: when it happens, else when it was made. What is due some day is not yet done."""
    told = main_date(subject)
    dated = (
        [told[0]] if told and told[2] else [] if told else [f"self.{n}" for n in subject.dates() if subject.fields[n].required]
    )
    for path in dated:
        field = subject.fields.get(path.removeprefix("self."))
        if field is None or field.writable != "never":
            return path, told[1] if told else str(field.type if field else "datetime")
    return "self.created_at", "datetime"


def group_keys(group: str, subject: EntityDraft, world: World) -> tuple[dict[str, str], str]:
    """The keys of a grouping, and the words that were not understood."""
    keys: dict[str, str] = {}
    for piece in re.split(r",| and | per ", group):
        piece = bare(piece)
        if not piece:
            continue
        if unit := re.fullmatch(r"(?:calendar )?(day|date|month|hour|weekday|year|day of the week)(?: of (.+))?", piece):
            path, kind = counted_at(subject)
            function = {
                "day": "date",
                "date": "date",
                "month": "month",
                "hour": "hour",
                "weekday": "weekday",
                "day of the week": "weekday",
            }.get(unit[1])
            if function is None or (function == "hour" and kind == "date"):
                return {}, piece
            keys[unit[1].replace(" ", "_")] = path if function == "date" and kind == "date" else f"{function}({path})"
            continue
        name = known_field(subject, piece)
        parent = world.find(piece)
        if name is None and parent:
            name = subject.reference_to(parent.name)
        if name is None and parent:
            steps = (
                f"{r}.{n}"
                for r, f in subject.fields.items()
                if f.type == "reference" and f.required and f.to and (n := _required_to(world.entities[f.to], parent))
            )
            if path := next(steps, None):
                keys[f"{parent.name}_id"] = f"self.{path}.id"
                continue
        if name is None:
            through = next(
                (
                    f"self.{r}.{n}"
                    for r, f in subject.fields.items()
                    if f.type == "reference"
                    and f.to
                    and f.required
                    and (n := known_field(world.entities[f.to], piece))
                    and world.entities[f.to].fields.get(n)
                    and world.entities[f.to].fields[n].type in ("string", "enum", "integer", "boolean", "date")
                ),
                None,
            )
            if through:
                keys[snake(piece)] = through
                continue
            return {}, piece
        field = subject.fields.get(name)
        keys[name if not field or field.type != "reference" else f"{name}_id"] = (
            f"self.{name}.id" if field and field.type == "reference" else f"self.{name}"
        )
        if field and field.type == "reference" and not field.required:
            return {}, piece
    return keys, ""


def _required_to(child: EntityDraft, parent: EntityDraft) -> str | None:
    return next((n for n, f in child.fields.items() if f.type == "reference" and f.to == parent.name and f.required), None)


def measured(part: str, subject: EntityDraft, world: World, rows: str, where: list[str]) -> dict[str, str] | None:
    """Name and CEL of one measure over `rows`; conditions of the rows go to `where`."""
    text = re.sub(r"^(?:the|a|an|their|its)\s+", "", part.strip(" .").lower())
    found = _MEASURE.match(text)
    aggregate = found["agg"] if found else ""
    what = re.sub(r"^(?:the|all|of)\s+", "", found["what"] if found else text)
    what = re.sub(
        rf"(?<=\w) (?:of|for|in|from)(?: all)?(?: the)? (?:{re.escape(subject.plural.replace('_', ' '))}|{re.escape(subject.name.replace('_', ' '))})$",
        "",
        what,
    )
    if what in _MONEY or is_money(text):
        money = money_of(subject, world)
        if money is None:
            return None
        if subject.state and "sold" in subject.state.states and not subject.event_of:
            where.append(f"self.{subject.state.field} == 'sold'")
        elif when := next((n for n in ("sold_on", "sold_at") if n in subject.fields and not subject.fields[n].required), None):
            where.append(f"self.{when} != null")
        elif live := _alive(subject, world):
            where.append(live)
        path = kept(subject, money[0], world)
        optional = path in subject.fields and not subject.fields[path].required
        counted = f"{rows}.filter(r, r.{path} != null)" if optional else rows
        return {"revenue": f"sum({counted}.map(r, {_brought_in(subject, path)}))"}
    name = known_field(subject, what) or measured_in(subject, what)
    told = re.sub(
        r" (?:earned|spent|paid|made|sold|collected|used|owed|given|received|achieved|scored|ridden|driven|run|done)$", "", what
    )
    name = name or known_field(subject, told)
    span = period(subject)
    hours = re.fullmatch(r"(?:total )?(?:hours?|time)(?: (?:worked|spent|taught|booked|used))?", text)
    if hours and span and all(subject.fields[n].type == "datetime" and subject.fields[n].required for n in span):
        return {"hours": f"sum({rows}.map(r, hours_between(r.{span[0]}, r.{span[1]})))"}
    if aggregate not in _COUNTS and what in (subject.name.replace("_", " "), subject.plural.replace("_", " ")):
        name = next((n for n in ("value", "score", "rating", "grade", "amount", "total") if n in subject.fields), name)
    if name and name in subject.fields and subject.fields[name].type in ("integer", "number", "decimal"):
        field = subject.fields[name]
        function = {
            "average": "avg",
            "mean": "avg",
            "avg": "avg",
            "maximum": "max",
            "max": "max",
            "highest": "max",
            "minimum": "min",
            "min": "min",
            "lowest": "min",
        }.get(aggregate, "sum")
        if not field.required:
            rows = f"{rows}.filter(r, r.{name} != null)"
        return {
            f"{'average' if function == 'avg' else 'total' if function == 'sum' else function}_{name}".replace(
                "total_total", "total"
            ): f"{function}({rows}.map(r, r.{name}))"
        }
    if re.fullmatch(r"(?:total |amount |money )*(?:spent|paid|earned|owed|cost|costs|spending|amounts?|value)", text):
        text = "total"
    if text in ("total", "totals", "sum", "average", "total amount", "spending", "total spending", "sums") and (
        money := money_of(subject, world)
    ):
        function = "avg" if text == "average" else "sum"
        return {
            f"{'average' if function == 'avg' else 'total'}_{money[0].split('.')[-1]}".replace(
                "total_total", "total"
            ): f"{function}({rows}.map(r, r.{money[0]}))"
        }
    if aggregate in ("percentage", "share"):
        test = _rows_test(what, subject, world, "r")
        return {"percentage": f"100.0 * double(size({rows}.filter(r, {test}))) / double(size({rows}))"} if test else None
    if aggregate in ("average", "mean", "avg") and not name:
        return None
    count = _counted(what, subject, world, where)
    return {count: f"size({rows})"} if count else None


def open_or_alive(subject: EntityDraft) -> str | None:
    """Rows that were not taken back: refunded and cancelled ones bring nothing in."""
    if subject.state and any(
        s in ("refunded", "cancelled", "canceled", "returned", "rejected", "void") for s in subject.state.states
    ):
        gone = [s for s in subject.state.states if s in ("refunded", "cancelled", "canceled", "returned", "rejected", "void")]
        return " && ".join(f"self.{subject.state.field} != '{s}'" for s in gone)
    return None


def _rows_test(text: str, subject: EntityDraft, world: World, row: str) -> str | None:
    label = re.escape(subject.plural.replace("_", " "))
    one = re.escape(subject.name.replace("_", " "))
    text = re.sub(rf"\b(?:{label}|{one})\b", "", text).strip()
    text = re.sub(r"^(?:that|which|who) (?:are|is|were|have been) ", "", text)
    return condition(world, subject, text, row) if text else None


def _counted(text: str, subject: EntityDraft, world: World, where: list[str]) -> str | None:
    """`open tickets`, `tickets sold`, `orders`: the name of the count; the condition is noted."""
    label = subject.plural.replace("_", " ")
    if not re.search(rf"\b(?:{re.escape(label)}|{re.escape(subject.name.replace('_', ' '))})\b", text):
        return None
    rest = re.sub(rf"\b(?:{re.escape(label)}|{re.escape(subject.name.replace('_', ' '))})\b", "", text).strip()
    rest = re.sub(r"^(?:that|which) (?:are|is|were|have been) ", "", rest)
    if not rest or rest in ("count", "counts", "number"):
        return "count"
    made = verb_base(rest)
    if made in (
        "sell",
        "buy",
        "make",
        "place",
        "create",
        "submit",
        "book",
        "order",
        "purchase",
        "take",
        "borrow",
        "rent",
        "receive",
        "issue",
    ):
        if live := _alive(subject, world):
            where.append(live)
        return snake(f"{label} {rest}")
    test = condition(world, subject, rest)
    if test is None:
        return None
    where.append(test)
    return "count"
