"""One item of a list → a field of a draft: its type, bounds, default, or the relation that it is."""

import re
from dataclasses import replace
from typing import Any

from quantumlayer.spec.analyst.attributes import KNOWN, Item
from quantumlayer.spec.analyst.fields import MONEY_PLACES, type_of
from quantumlayer.spec.analyst.grammar import plain
from quantumlayer.spec.analyst.related import COUNTED, relate, related
from quantumlayer.spec.analyst.words import LEXICON, free, is_plural, plural, singular, snake, verb_base, words_of
from quantumlayer.spec.analyst.world import EntityDraft, World, ensure_states
from quantumlayer.spec.values import Field, Rule

_NONNEGATIVE = words_of("nonnegative")
_POSITIVE = words_of("positive")
_MEASURED = re.compile(
    r"in (?:kg|kilograms?|grams?|g|km|kilomet|met(?:re|er)|m$|cm|mm|square|cubic|hectare|acre|m²|m2|sqm|litre|liter|degrees|percent|kwh?$|mw$|volt|amp|hertz|hz$|bar$|tons?$|tonnes?$|mg$)",
    re.I,
)
_WHOLE = re.compile(
    r"in (?:seconds?|secs?|minutes?|mins?|days?|weeks?|months?|years?|pages?|pieces?|people|persons?|points)$", re.I
)


_NUMERIC = ("integer", "number", "decimal")


def add_field(target: EntityDraft, item: Item, by: str, world: World) -> None:
    """Add one field, a relation where the item names an entity."""
    pointed = item.name.removesuffix("_id")
    if pointed not in (item.name, target.name) and pointed in world.entities and not item.attributes:
        # `trainer_id` among the values of a class is its trainer
        item = replace(item, name=pointed, noun=pointed.replace("_", " "))
    if found := related(target, item, world):
        relate(target, item, found, by, world)
        return
    if item.name not in ("id", "created_at", "updated_at"):
        add_value(target, item, by, world)


def add_value(target: EntityDraft, item: Item, by: str, world: World) -> None:
    """Add one field that is no relation, whatever its name."""
    kind, format_ = (item.type, None) if item.type else type_of(item.name)
    if kind in ("url", "email", "uuid"):
        kind, format_ = "string", kind
    if kind in (None, "string") and not item.type and COUNTED.match(item.noun.lower()):
        kind = "integer"
    attributes = dict(item.attributes.items())
    if (
        kind == "string"
        and not item.type
        and item.name not in KNOWN
        and is_plural(item.noun)
        and type_of(singular(item.name))[0] == "string"
    ):
        kind, format_ = "strings", None
    if attributes.get("type") == "enum" or attributes.get("values"):
        _add_enum(target, item, attributes, by, world)
        return
    if (
        item.name == "value"
        and kind == "number"
        and target.name.split("_")[-1] in ("deal", "contract", "opportunity", "asset", "order", "policy", "invoice", "donation")
    ):
        kind = "decimal"
    if kind in _NUMERIC and not item.type and attributes.keys() & {"pattern", "min_length", "max_length"}:
        kind = "string"
    whole = all(isinstance(attributes.get(k), int) for k in ("min", "max")) and "step" not in attributes
    if item.name in ("value", "score", "rating", "grade", "points") and kind in ("number", None) and whole:
        kind = "integer"
    if item.many and kind not in ("strings",):
        kind = "strings"
    if item.name.split("_")[-1] in _WORDED and "A-Z" in attributes.get("pattern", ""):
        # `a name of at most 40 letters` is a length: names have blanks, too.
        del attributes["pattern"]
    kind = _settle(kind, item, attributes)
    if kind == "boolean" and "default" not in attributes and attributes.get("required", True):
        attributes["default"] = "false"
    _bounds(item.name, kind, attributes)
    attributes = _fitting(kind, attributes, world)
    if format_ and kind == "string" and "pattern" not in attributes:
        attributes.setdefault("format", format_)
    if item.generated:
        attributes["default"] = _generated(item.name, attributes)
    if item.name == "currency" and kind == "string" and "pattern" not in attributes:
        attributes["pattern"] = "^[A-Z]{3}$"
    if kind == "strings" and not attributes.get("required", True):
        attributes.pop("required")
    field = Field(type=kind, **attributes, satisfies=(by,))  # type: ignore[arg-type]
    known = target.fields.get(item.name)
    target.fields[item.name] = merged(known, field) if known else field
    if item.when:
        add_when(target, item.name, item.when, by)


def merged(known: Field, new: Field) -> Field:
    """What is newly said of a field on top of what was known."""
    said = {k: v for k, v in new.model_dump(exclude_defaults=True).items() if k not in ("type", "satisfies")}
    kept = {"type": new.type} if new.type != "string" and known.type == "string" else {}
    return known.model_copy(update={**said, **kept, "satisfies": tuple(dict.fromkeys([*known.satisfies, *new.satisfies]))})


def add_when(target: EntityDraft, name: str, when: str, by: str) -> None:
    """`not in the past`: a rule when the row is created, since time alone would break it later."""
    field = target.fields[name]
    clock, optional = ("today" if field.type == "date" else "now"), not field.required
    check = f"self.{name} {'>=' if when == 'future' else '<='} {clock}"
    target.rule(
        f"{name}_not_in_{'past' if when == 'future' else 'future'}",
        Rule(check=f"self.{name} == null || {check}" if optional else check, message=f"{name.replace('_', ' ')} may not be in the {'past' if when == 'future' else 'future'}", status=422, on=("create",), satisfies=(by,)),
    )  # fmt: skip


def ordered(target: EntityDraft, first: str, last: str, by: str) -> bool:
    """One field must be greater than another."""
    a, b = target.fields[first], target.fields[last]
    absent = [f"self.{n} == null" for n, f in ((first, a), (last, b)) if not f.required]
    check = " || ".join([*absent, f"self.{last} > self.{first}"])
    target.rule(
        f"{last}_after_{first}",
        Rule(
            check=check,
            message=f"{last.replace('_', ' ')} must be after {first.replace('_', ' ')}",
            status=422,
            satisfies=(by,),
        ),
    )
    return True


def _add_enum(target: EntityDraft, item: Item, attributes: dict[str, Any], by: str, world: World) -> None:
    values = attributes.pop("values")
    attributes.pop("type", None)
    default = attributes.pop("default", None)
    optional = not attributes.get("required", True)
    if item.name in ("status", "state") and not optional and item.name not in target.fields:
        ensure_states(
            target,
            snake(str(default)) if default and snake(str(default)) in values else values[0],
            [snake(v) for v in values],
            by,
        )
        target.state = target.state.model_copy(update={"field": item.name}) if target.state else None
        target.listed = tuple(snake(v) for v in values)
        return
    known = target.fields.get(item.name)
    field = Field(
        type="enum",
        values=values,
        required=not optional,
        default=f"'{snake(str(default))}'" if default else None,
        satisfies=(by,),
    )
    target.fields[item.name] = field if not known else field.model_copy(update={"satisfies": (*known.satisfies, by)})


_WORDED = ("title", "name", "label", "subject", "description", "notes", "body", "comment", "content", "message", "headline", "caption", "bio", "summary", "text")  # fmt: skip


def _unit(attributes: dict[str, Any]) -> str:
    return str(attributes.get("description") or "").strip(" ,.")


def _settle(kind: str | None, item: Item, attributes: dict[str, Any]) -> str:
    bounded = any(k in attributes for k in ("min", "max", "step"))
    fractional = any(isinstance(attributes.get(k), float) for k in ("min", "max", "step"))
    if kind is None and bounded:
        return "number" if fractional else "integer"
    if kind in (None, "string", "number", "datetime") and not item.type and not fractional and _WHOLE.match(_unit(attributes)):
        return "integer"
    if kind in (None, "string") and not item.type and _MEASURED.match(_unit(attributes)):
        return "number"
    if kind in ("number", "string") and bounded and not item.type and item.name in ("grade", "rating", "score"):
        return "integer"
    if kind in ("string", "text") and bounded and item.name.split("_")[-1] in _WORDED and "step" not in attributes:
        for count, length in (("min", "min_length"), ("max", "max_length")):
            if isinstance(attributes.get(count), int):
                attributes[length] = attributes.pop(count)
        return kind
    if kind == "string" and bounded:
        return "integer"
    if kind in (None, "integer") and ("min_length" in attributes or "max_length" in attributes or "pattern" in attributes):
        return "string"
    if kind is None and item.name.split("_")[-1] in ("rating", "stars"):
        return "integer"
    return kind or "string"


def _bounds(name: str, kind: str, attributes: dict[str, Any]) -> None:
    """What a name implies: nothing counts below zero, a rating has its range."""
    if kind not in _NUMERIC:
        return
    last = "_".join(name.split("_")[-1:])
    for key in (name, last):
        if key in LEXICON["ranges"] and "min" not in attributes and "max" not in attributes:
            attributes["min"], attributes["max"] = LEXICON["ranges"][key]
    if name in _POSITIVE and "min" not in attributes:
        attributes |= {"min": 0, "exclusive_min": True} if kind == "decimal" else {"min": 1}
    elif (name in _NONNEGATIVE or last in _NONNEGATIVE) and "min" not in attributes:
        attributes["min"] = 0
    if kind == "decimal" and name.split("_")[-1] != "grade":
        attributes.setdefault("places", MONEY_PLACES)


def _fitting(kind: str, attributes: dict[str, Any], world: World) -> dict[str, Any]:
    """Only the attributes that the type has; values in CEL where they are expressions."""
    wanted = {"required", "unique", "default", "description", "writable"}
    wanted |= {"min", "max", "exclusive_min", "exclusive_max", "step", "places"} if kind in _NUMERIC else set()
    wanted |= {"min_length", "max_length", "pattern", "format"} if kind in ("string", "text") else set()
    wanted |= {"min_items", "max_items"} if kind == "strings" else set()
    kept = {k: v for k, v in attributes.items() if k in wanted}
    if "default" in kept:
        literal = default_literal(kind, str(kept["default"]))
        kept.pop("default") if literal is None else kept.update(default=literal)
    return kept


def default_literal(kind: str, text: str) -> str | None:
    """CEL for a default written in prose; None where it does not fit the type."""
    low = text.lower().strip()
    if kind == "boolean":
        return {"true": "true", "yes": "true", "on": "true", "enabled": "true"}.get(low, "false")
    if kind == "integer" and re.fullmatch(r"-?\d+|zero|one", low):
        return {"zero": "0", "one": "1"}.get(low, low)
    if kind in ("number", "decimal") and re.fullmatch(r"-?\d+(?:\.\d+)?|zero", low):
        low = low.replace("zero", "0")
        return low if "." in low else f"{low}.0"
    if kind == "date" and low in ("today", "now", "the current date"):
        return "today"
    if kind == "datetime" and low in ("now", "the current time", "today"):
        return "now"
    if kind in ("string", "text") and re.fullmatch(r"[\w .+-]+", text):
        return f"'{text}'"
    return None


def _generated(name: str, attributes: dict[str, Any]) -> str:
    low, high = attributes.get("min_length") or 1, attributes.get("max_length") or 8
    attributes.setdefault("format", "alphanumeric")
    return f"random_code({min(max(low, 6), high)})"


def known_field(target: EntityDraft | None, words: str) -> str | None:
    """The field of an entity that some words name."""
    if target is None:
        return None
    name = snake(re.sub(r"^(?:an?|the|its|their|his|her|each|every|every one's|own)\s+", "", plain(words).strip().lower()))
    for candidate in (
        free(name, "value"),
        singular(name),
        plural(name) if name else name,
        name.removesuffix("_flag"),
        name.removesuffix("_date"),
        f"{name}_date",
        f"{name}_at",
        f"{name}_time",
        name.removesuffix("_time"),
        name.removesuffix("_status"),
        f"number_of_{name}",
    ):
        if candidate in target.fields:
            return candidate
    if target.state and (name in (target.state.field, "status", "state")):
        return target.state.field
    near_ = next((f for f in target.fields if f.endswith("_" + name) or f.startswith(name + "_")), None) if name else None
    return near_ or (_called_otherwise(target, name) if target.declared else None)


# How columns are called for short.
_SHORT = {"qty": "quantity", "amt": "amount", "desc": "description", "descr": "description", "addr": "address", "dob": "date_of_birth", "tel": "phone", "msg": "message", "cat": "category", "nr": "number", "no": "number", "num": "number", "cnt": "count", "dt": "date", "ts": "time", "lvl": "level", "pct": "percentage", "cust": "customer", "prod": "product", "inv": "invoice", "acct": "account", "emp": "employee", "dept": "department", "fname": "first_name", "lname": "last_name"}  # fmt: skip


def _called_otherwise(target: EntityDraft, name: str) -> str | None:
    """The field of a file that its comment calls so, or whose short name stands for it."""
    for field_name, field in target.fields.items():
        long = "_".join(_SHORT.get(part, part) for part in field_name.split("_"))
        if name and (name in (snake(field.description), long) or long.endswith(f"_{name}")):
            return field_name
    return None


def looks_like_field(words: str) -> bool:
    """Whether the lexicon knows the words as the name of a field."""
    name = snake(words)
    return name in KNOWN or singular(name) in KNOWN or (verb_base(name) is None and type_of(name)[0] is not None)
