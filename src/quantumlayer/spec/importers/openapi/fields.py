"""The members of a schema as fields of an entity."""

import json
from typing import Any

from quantumlayer.spec.check_fields import portable
from quantumlayer.spec.importers.openapi.document import Document, Json
from quantumlayer.spec.values import Field

_FORMATS = {"email": "email", "uri": "url", "url": "url", "uuid": "uuid", "ipv4": "ipv4"}
# Bounds that the convention has anyway, or beyond what it can hold, say nothing.
_LARGEST = 2**53 - 1


def type_of(schema: Json) -> tuple[str | None, bool]:
    """The one type of a schema, and whether it may be null."""
    kind, nullable = schema.get("type"), bool(schema.get("nullable"))
    if isinstance(kind, list):
        kinds = [k for k in kind if k != "null"]
        return (kinds[0] if len(kinds) == 1 else None), nullable or "null" in kind
    if kind is None and schema.get("properties"):
        return "object", nullable
    if kind is None and "enum" in schema:
        return "string", nullable
    return kind, nullable


def scalar(document: Document, node: Any, *, required: bool, by: str) -> Field | None:
    """A field for a text, number, boolean or list of texts; None for anything else."""
    schema = document.schema(node)
    kind, nullable = type_of(schema)
    # What has a default may be left out, and is nothing for that.
    filled = "default" in schema and schema["default"] is not None and not schema.get("readOnly")
    base: dict[str, Any] = {"required": (required or filled) and not nullable, "satisfies": (by,)}
    if schema.get("description"):
        base["description"] = " ".join(str(schema["description"]).split())[:200]
    if "enum" in schema:
        values = [v for v in schema["enum"] if v is not None]
        if values and all(isinstance(v, str) and v for v in values):
            return Field(
                type="enum", values=tuple(dict.fromkeys(values)), default=literal(schema.get("default"), "enum"), **base
            )
    if "const" in schema and isinstance(schema["const"], str) and schema["const"]:
        return Field(type="enum", values=(schema["const"],), **base)
    made = _made(schema, kind, base) if kind in ("string", "number", "integer", "boolean") else None
    if made is not None and filled and made.default is None:
        made = made.model_copy(update={"required": required and not nullable})
    if made is not None:
        return made
    if kind == "array" and document.schema(schema.get("items") or {}).get("type") == "string":
        bounds = {"min_items": schema.get("minItems") or None, "max_items": schema.get("maxItems") or None}
        base["required"] = required and not nullable
        return Field(type="strings", **bounds, **base)
    return None


def _made(schema: Json, kind: str, base: dict[str, Any]) -> Field:
    if kind == "string":
        return _string(schema, base)
    if kind == "boolean":
        return Field(type="boolean", default=literal(schema.get("default"), "boolean"), **base)
    if kind == "number" and (places := _PLACES.get(schema.get("multipleOf", 0))):
        exact = {k: v for k, v in _limits(schema).items() if k != "step"}
        return Field(type="decimal", places=places, default=literal(schema.get("default"), "number"), **exact, **base)
    return Field(type=kind, default=literal(schema.get("default"), kind), **_limits(schema), **base)  # type: ignore[arg-type]


# `multipleOf: 0.01` is an exact number with two places.
_PLACES = {0.1: 1, 0.01: 2, 0.001: 3, 0.0001: 4}


def _limits(schema: Json) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, bound in (("minimum", "min"), ("maximum", "max")):
        value = schema.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST:
            found[bound] = value
    for key, bound in (("exclusiveMinimum", "min"), ("exclusiveMaximum", "max")):
        value = schema.get(key)
        if value is True:
            found[f"exclusive_{bound}"] = True
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found |= {bound: value, f"exclusive_{bound}": True}
    if isinstance(schema.get("multipleOf"), int | float) and schema["multipleOf"] > 0:
        found["step"] = schema["multipleOf"]
    return found


def _string(schema: Json, base: dict[str, Any]) -> Field:
    format_ = str(schema.get("format", ""))
    if format_ in ("date", "date-time"):
        return Field(type="date" if format_ == "date" else "datetime", **base)
    lengths = {k: schema[n] for k, n in (("min_length", "minLength"), ("max_length", "maxLength")) if schema.get(n)}
    pattern = _anchored(schema["pattern"]) if isinstance(schema.get("pattern"), str) else None
    pattern = pattern if pattern and portable(pattern) else None
    kind = "text" if not 0 < lengths.get("max_length", 0) <= 255 and format_ not in _FORMATS else "string"
    return Field(
        type=kind,
        format=_FORMATS.get(format_),  # type: ignore[arg-type]
        pattern=pattern,
        default=literal(schema.get("default"), "string"),
        **lengths,
        **base,
    )


def _anchored(pattern: str) -> str:
    """JSON Schema searches, the spec matches the whole value."""
    head = "" if pattern.startswith("^") else ".*"
    tail = "" if pattern.endswith("$") and not pattern.endswith("\\$") else ".*"
    inner = pattern.removeprefix("^").removesuffix("$") if not tail else pattern.removeprefix("^")
    return f"{head}(?:{inner}){tail}" if head or tail else inner


def literal(value: Any, kind: str) -> str | None:
    """A default as CEL; None where it is of another type."""
    if isinstance(value, bool):
        return ("true" if value else "false") if kind == "boolean" else None
    if isinstance(value, int | float) and kind in ("integer", "number"):
        return str(value) if kind == "integer" else str(float(value))
    if isinstance(value, str) and kind in ("string", "enum"):
        return json.dumps(value)
    return None


def check_bounds(document: Document, label: str, key: str, found: Field) -> None:
    """Raises `ImportError_` for bounds that exclude each other."""
    for least, most, what in ((found.min, found.max, "value"), (found.min_length, found.max_length, "length")):
        if least is not None and most is not None and least > most:
            near = f"{key}:" if f"{key}:" in document.text else f'"{key}"'
            told = f"the {what} of {label} is at least {least} and at most {most}"
            raise document.error(told, "mend the bounds of this member", near)
