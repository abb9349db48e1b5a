"""A neutral value for a required field that nobody has given: the first administrator's other fields."""

from datetime import datetime
from typing import Any

from quantumlayer.spec.model.codec import storer
from quantumlayer.spec.values import Field, FieldFormat

_NAME = "Administrator"
_FORMATTED: dict[FieldFormat, str] = {
    "email": "administrator@example.invalid",
    "url": "https://example.invalid/",
    "slug": "administrator",
    "isbn": "0000000000",
    "phone": "+10000000",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "ipv4": "0.0.0.0",
    "color": "#000000",
    "license_plate": "A",
    "alphanumeric": _NAME,
    "segment": _NAME,
}


def neutral_value(field: Field, now: datetime) -> Any:
    """A row's value of the field's type: `Administrator`, the least number, the first choice, false, now, nothing."""
    match field.type:
        case "string" | "text":
            text = _FORMATTED[field.format] if field.format else _NAME
            return text.ljust(field.min_length or 0, "_")[: field.max_length or 255]
        case "integer" | "number" | "decimal":
            return storer(field)(field.min or 0)
        case "enum":
            return field.values[0]
        case "boolean":
            return False
        case "date":
            return now.date()
        case "time":
            return "00:00"
        case "datetime":
            return now
        case _:
            return () if field.type in ("strings", "references") else None
