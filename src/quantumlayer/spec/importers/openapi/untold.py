"""What an OpenAPI file says and nothing carries: told, so that none of it is lost in silence."""

import re
from collections.abc import Iterator
from typing import Any

from quantumlayer.spec.importers.openapi.document import Document, Json
from quantumlayer.spec.importers.openapi.operations import METHODS, Op

# What has a meaning of its own in HTTP, and is kept as HTTP has it.
_HEADERS = frozenset(("authorization", "accept", "content-type", "content-length", "accept-language", "user-agent", "host"))
_STATUSES = frozenset((0, 400, 401, 403, 404, 405, 406, 409, 410, 413, 415, 422, 429, 500, 501, 502, 503, 504))
_KEYWORDS = ("uniqueItems", "minProperties", "maxProperties", "not", "if", "dependentRequired", "dependentSchemas", "contains", "prefixItems", "patternProperties")  # fmt: skip
_ITEMS = ("enum", "pattern", "minLength", "maxLength", "format")
_CHECKED = frozenset(("email", "uri", "url", "uuid", "ipv4", "date", "date-time", "int32", "int64", "float", "double", "password", "binary", "byte", ""))  # fmt: skip


def unheld(document: Document, node: Any) -> Iterator[str]:
    """Bounds of a member that no field has."""
    schema = document.schema(node)
    yield from (word for word in _KEYWORDS if schema.get(word))
    if schema.get("type") == "array":
        items = document.schema(schema.get("items") or {})
        yield from (f"{word} of the items" for word in _ITEMS if items.get(word) and items.get("type") == "string")
    format_ = schema.get("format")
    if schema.get("type") == "string" and isinstance(format_, str) and format_ not in _CHECKED and "enum" not in schema:
        yield f"format {format_}"


def unsaid(document: Document, operations: list[Op]) -> Iterator[str]:
    """Headers, cookies and refusals that nothing carries, each with where it stands first."""
    asked: dict[str, list[str]] = {}
    answered: dict[str, list[str]] = {}
    refused: dict[int, list[str]] = {}
    for path, item in document.data["paths"].items():
        item = document.follow(item)
        for method in METHODS:
            operation = item.get(method.lower())
            if not isinstance(operation, dict):
                continue
            place = f"{method} {path}"
            for node in [*(item.get("parameters") or []), *(operation.get("parameters") or [])]:
                parameter = document.follow(node)
                name, where = str(parameter.get("name") or ""), parameter.get("in")
                if where in ("header", "cookie") and name.lower() not in _HEADERS:
                    asked.setdefault(f"the {where} {name}", []).append(place)
            for response in (operation.get("responses") or {}).values():
                for name in _mapping(document.follow(response).get("headers")):
                    answered.setdefault(f"the header {name} of answers", []).append(place)
    components = document.data.get("components") or {}
    for name, node in _mapping(components.get("securitySchemes")).items():
        one = document.follow(node)
        kind = str(one.get("scheme") or one.get("type"))
        if one.get("type") in ("oauth2", "openIdConnect", "mutualTLS") or (
            one.get("type") == "http" and kind.lower() != "bearer"
        ):
            yield f"callers sign in with a token of the application, not with {kind} ({name})"
        elif one.get("type") == "apiKey" and one.get("in") != "header":
            yield f"the key {name} in the {one.get('in')} has no counterpart"
    for op in operations:
        for status in op.refusals:
            if status not in _STATUSES:
                refused.setdefault(status, []).append(f"{op.method} {op.path}")
    yield from (f"{what} is not carried over ({_places(places)})" for what, places in asked.items())
    yield from (f"{what} is not carried over ({_places(places)})" for what, places in answered.items())
    yield from (f"when {_places(places)} answers {status} is not said" for status, places in refused.items())


def _places(places: list[str]) -> str:
    known = list(dict.fromkeys(places))
    return known[0] if len(known) == 1 else f"{known[0]} and {len(known) - 1} more"


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


_ONLY = re.compile(r"\bonly (?:an? |the )?(?P<s>[\w ,]+?) (?:can|may) be\b|\bonly (?:possible )?(?:if|when|while|for|from) (?:it is |they are |the \w+ is )?(?:an? )?(?P<s2>[\w ,]+?)(?:[.;]|$| \w+s?\b)", re.I)  # fmt: skip


def only_in(text: str, states: tuple[str, ...]) -> tuple[str, ...]:
    """The states in which an action is possible, by its description: `Only an active or trialing subscription can be …`."""
    found = _ONLY.search(text)
    if found is None:
        return ()
    text = re.sub(r"\b(?:the|an?) ", "", (found["s"] or found["s2"] or "").lower())
    for state in states:
        text = text.replace(state.lower().replace("_", " "), state.lower())
    said = set(re.findall(r"[a-z_]+", text))
    told = tuple(s for s in states if s.lower() in said)
    rest = said - {s.lower() for s in states} - {"or", "and", "an", "a", "the"}
    return told if told and len(rest) <= (2 if found["s"] else 1) else ()
