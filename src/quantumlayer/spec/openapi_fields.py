"""The JSON Schema of values: of fields, and of the ids by which rows are named."""

import json
import re
from typing import Any

from quantumlayer.spec.formats import FORMATS
from quantumlayer.spec.ids import id_field
from quantumlayer.spec.values import Entity, Field, Spec

Json = dict[str, Any]
MAX_INTEGER = 2**53 - 1
TYPES: dict[str, Json] = {
    "string": {"type": "string"},
    "text": {"type": "string"},
    "integer": {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER},
    "number": {"type": "number"},
    "decimal": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
    "datetime": {"type": "string", "format": "date-time"},
    "enum": {"type": "string"},
    "strings": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 255}},
    "references": {"type": "array", "uniqueItems": True},
}


def id_schema(entity: Entity) -> Json:
    """The JSON Schema of an entity's ids."""
    field = id_field(entity)
    if field.writable == "never":
        return {"type": "string", "format": "uuid"} if field.type == "string" else {"type": "integer", "minimum": field.min}
    bounds = _text_bounds(field) if field.type == "string" else _number_bounds(field)
    return {**TYPES[field.type], **bounds}


def field_schema(spec: Spec, field: Field) -> Json:
    """The JSON Schema of a field's values."""
    schema: Json = dict(TYPES.get(field.type, {}))
    if field.to:
        named = id_schema(spec.entities[field.to])
        schema = {**schema, "items": named} if field.type == "references" else named
    if field.type in ("string", "text") and field.value is None:
        schema |= _text_bounds(field)
    if field.type in ("integer", "number", "decimal"):
        schema |= _number_bounds(field)
    if field.type == "enum":
        schema["enum"] = list(field.values)
    for attribute, keyword in (("min_items", "minItems"), ("max_items", "maxItems")):
        if (bound := getattr(field, attribute)) is not None:
            schema[keyword] = bound
    if not field.required and field.type not in ("strings", "references"):
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    if field.description:
        schema["description"] = field.description
    if field.value is not None:
        schema["readOnly"] = True
    return schema | _told(field)


def _told(field: Field) -> Json:
    """What JSON Schema has no bound for: the value of what is left out, and, as extensions, uniqueness and what a key names."""
    told: Json = {}
    if field.default and (
        constant := re.fullmatch(r"""(?P<n>-?\d+(?:\.\d+)?)|(?P<b>true|false)|(['"])(?P<t>[^'"\\]*)\3""", field.default)
    ):
        text = constant["t"]
        told["default"] = text if text is not None else json.loads(field.default)
    if field.unique:
        told["x-unique"] = True
    if field.to:
        told["x-references"] = field.to
        told |= {"x-inverse": field.inverse} if field.inverse else {}
        told |= {"x-on-delete": field.on_delete} if field.on_delete != "restrict" else {}
    return told


def _text_bounds(field: Field) -> Json:
    least = field.min_length if field.min_length is not None else int(field.required)
    bounds: Json = {"maxLength": field.max_length or (10_000 if field.type == "text" else 255)}
    if least:
        bounds["minLength"] = least
    pattern = field.pattern or (FORMATS[field.format] if field.format else None)
    if pattern:
        bounds["pattern"] = f"^(?:{pattern})$"
    return bounds


def _number_bounds(field: Field) -> Json:
    bounds: Json = {}
    for bound, keyword, exclusive in (("min", "inimum", field.exclusive_min), ("max", "aximum", field.exclusive_max)):
        value = getattr(field, bound)
        if value is not None:
            bounds[f"exclusive{bound[0].upper()}{keyword}" if exclusive else f"{bound[0]}{keyword}"] = value
    if field.step is not None:
        bounds["multipleOf"] = field.step
    elif field.type == "decimal":
        bounds["multipleOf"] = float(f"1e-{field.places if field.places is not None else 2}")
    return bounds
