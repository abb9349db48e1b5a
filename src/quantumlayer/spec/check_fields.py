"""Checks of one field: do its attributes fit its type, and each other?"""

import re
from collections.abc import Iterator

from quantumlayer.spec.ids import uuid_fits
from quantumlayer.spec.problems import Path, Problem, nearest
from quantumlayer.spec.values import Entity, Field, Spec

_TEXT, _NUMBERS, _LISTS = ("string", "text"), ("integer", "number", "decimal"), ("strings", "references")
_RELATIONS = ("reference", "references")
_FITTING: dict[str, tuple[str, ...]] = {
    "min_length": _TEXT,
    "max_length": _TEXT,
    "pattern": _TEXT,
    "format": _TEXT,
    "min": _NUMBERS,
    "max": _NUMBERS,
    "exclusive_min": _NUMBERS,
    "exclusive_max": _NUMBERS,
    "step": _NUMBERS,
    "places": ("decimal",),
    "values": ("enum",),
    "to": _RELATIONS,
    "inverse": _RELATIONS,
    "on_delete": _RELATIONS,
    "shown": ("references",),
    "sorted": ("strings",),
    "min_items": _LISTS,
    "max_items": _LISTS,
}
_UNPORTABLE = re.compile(r"\(\?[=!<P]|\\[1-9kAZzbBGpPQE]|[*+?}]\+|\(\?>")
# fmt: off
RESERVED = frozenset((
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
    "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
))
# fmt: on
_STORED_ONLY = ("unique", "writable", "shown", "value", "inverse", "on_delete")


def portable(pattern: str) -> bool:
    """Whether a regular expression is valid, and means the same in all languages."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return _UNPORTABLE.search(pattern) is None


def field_problems(spec: Spec, base: Path, field: Field, *, is_input: bool = False) -> Iterator[Problem]:
    """What is wrong with a declared field, apart from its expressions."""
    declared = field.model_fields_set
    for attribute, types in _FITTING.items():
        default = type(field).model_fields[attribute].default
        if attribute in declared and field.type not in types and getattr(field, attribute) != default:
            yield Problem(
                (*base, attribute), f"{attribute} does not fit the type {field.type}", f"it is for {', '.join(types)}"
            )
    if str(base[-1]) in RESERVED:
        yield Problem(base, f"«{base[-1]}» is a reserved word of the expression language", "choose another name")
    if is_input:
        for attribute in _STORED_ONLY:
            if getattr(field, attribute) != type(field).model_fields[attribute].default:
                yield Problem((*base, attribute), f"{attribute} is for stored fields, not for inputs")
    yield from _relation_problems(spec, base, field)
    yield from _value_problems(base, field)
    yield from _bound_problems(base, field)


def _relation_problems(spec: Spec, base: Path, field: Field) -> Iterator[Problem]:
    if field.type in _RELATIONS:
        if field.to is None:
            yield Problem(base, f"a {field.type} field needs `to`, the entity it refers to", nearest("", spec.entities))
        elif field.to not in spec.entities:
            yield Problem((*base, "to"), f"there is no entity «{field.to}»", nearest(field.to, spec.entities))
        if field.value is not None:
            yield Problem((*base, "value"), f"a {field.type} cannot be derived", "derive one of the row's fields instead")
        if field.type == "reference" and field.on_delete == "set_null" and field.required:
            yield Problem((*base, "on_delete"), "set_null needs a field that may be null", "set required: false")
    if field.type == "references" and field.on_delete == "cascade":
        yield Problem((*base, "on_delete"), "a list of links has no cascade", "set_null removes the link, restrict refuses")


def _value_problems(base: Path, field: Field) -> Iterator[Problem]:
    if field.value is not None:
        for attribute in ("default", "unique"):
            if getattr(field, attribute):
                yield Problem((*base, attribute), f"a derived field cannot have {attribute}")
        if field.writable != "always":
            yield Problem((*base, "writable"), "a derived field is never written: leave writable out")
    if field.type == "enum":
        if not field.values:
            yield Problem(base, "an enum field needs `values`")
        if len(set(field.values)) < len(field.values) or any(not v.strip() or len(v) > 100 for v in field.values):
            yield Problem((*base, "values"), "the values must be distinct, not blank and at most 100 characters long")
    if field.unique and (field.type in _LISTS or field.type == "boolean"):
        yield Problem((*base, "unique"), f"a {field.type} field cannot be unique")


def _bound_problems(base: Path, field: Field) -> Iterator[Problem]:
    for low, high in (("min", "max"), ("min_length", "max_length"), ("min_items", "max_items")):
        least, most = getattr(field, low), getattr(field, high)
        if least is not None and most is not None and least > most:
            yield Problem((*base, low), f"{low} {least} is above {high} {most}")
    for bound in ("min", "max", "step"):
        value = getattr(field, bound)
        if field.type == "integer" and value is not None and value != int(value):
            yield Problem((*base, bound), f"{bound} of an integer field must be a whole number")
    for bound in ("min", "max"):
        if getattr(field, f"exclusive_{bound}") and getattr(field, bound) is None:
            yield Problem((*base, f"exclusive_{bound}"), f"exclusive_{bound} needs {bound}")
    if field.pattern is not None:
        try:
            re.compile(field.pattern)
        except re.error as error:
            yield Problem((*base, "pattern"), f"the regular expression is not valid: {error}")
        if _UNPORTABLE.search(field.pattern):
            hint = "no look-around, back-references, word boundaries or possessive quantifiers; it must match the whole value"
            yield Problem((*base, "pattern"), "the regular expression is not portable between languages", hint)


_OF_IDS = frozenset((*_FITTING, "unique", "shown", "default", "value")) - {
    "min_length", "max_length", "pattern", "format", "min", "max", "step",
}  # fmt: skip


def id_problems(base: Path, entity: Entity) -> Iterator[Problem]:
    """What is wrong with how rows are named."""
    field, place = entity.id, (*base, "id")
    if field is None:
        return
    if field.type not in ("string", "integer"):
        yield Problem((*place, "type"), f"an id cannot be {field.type}", "make it a string or an integer")
    for attribute in sorted(_OF_IDS):
        if getattr(field, attribute) != type(field).model_fields[attribute].default:
            yield Problem((*place, attribute), f"{attribute} does not fit an id")
    made = field.writable == "never" or not field.required
    if made and field.type == "integer":
        yield Problem(place, "numbers that the application makes need no declaration", "leave `id` out, or let it be required")
    elif made and not uuid_fits(field):
        yield Problem(
            place, "the application makes UUIDs, which this id does not allow", "make it required, or leave the rest out"
        )
    yield from _bound_problems(place, field)
