"""The API reference: the OpenAPI document of a spec as a page that people read."""

import json
from collections.abc import Iterator
from typing import Any

from quantumlayer.evidence.markdown import block, code, table, text
from quantumlayer.plan.regex_text import matching
from quantumlayer.spec.openapi import openapi
from quantumlayer.spec.values import Spec

Json = dict[str, Any]
_BOUNDS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "exclusiveMinimum": "> {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}


def api_reference(spec: Spec) -> str:
    """Markdown: how to sign in, every operation with its parameters, body, answers and requirements, every resource."""
    document = openapi(spec)
    parts = [f"# {text(spec.name)}: API reference\n", _conventions(document)]
    operations: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operations.setdefault(operation["tags"][0], []).append(_operation(document, method, path, operation))
    for tag, shown in operations.items():
        parts += [f"## {text(tag.replace('_', ' ').capitalize())}\n", *shown]
    parts.append("## Resources\n")
    for name, schema in document["components"]["schemas"].items():
        if not name.endswith(("Page", "Create", "Update")) and name != "Problem":
            parts += [f"### {text(name)}\n", *_described(schema), _members(document, schema)]
    return "\n".join(parts)


def _conventions(document: Json) -> str:
    schemes = document["components"].get("securitySchemes", {})
    ways = {
        "bearer": "`Authorization: Bearer TOKEN`, with the token from `POST /auth/login`",
        "api_key": "`X-API-Key: KEY`",
    }
    lines = [
        "Bodies are JSON. Lists take `limit` (1 to 100, default 50) and `offset`, and answer "
        '`{"items": [...], "total": n}`. Errors are problem details (RFC 9457, `application/problem+json`) with `title`, '
        "`status` and `detail`; a 422 also names the fields in `errors`.",
        "",
        "Instants are RFC 3339 in UTC, dates `YYYY-MM-DD`, times `HH:MM`.",
    ]
    if schemes:
        lines += ["", "Sign in with " + ", or ".join(ways[scheme] for scheme in schemes) + "."]
    return "\n".join([*lines, ""])


def _operation(document: Json, method: str, path: str, operation: Json) -> str:
    parts = [f"### {code(f'{method.upper()} {path}')}\n", *_described(operation)]
    if "security" in operation:
        parts.append("Needs a signed-in caller.\n")
    if requirements := operation.get("x-requirements"):
        parts.append(f"Satisfies {', '.join(f'[{text(r)}](requirements.md)' for r in requirements)}.\n")
    if parameters := operation.get("parameters"):
        rows = [
            (code(p["name"]), p["in"], _type(document, p["schema"]), "yes" if p["required"] else "no", _limits(p["schema"]))
            for p in parameters
        ]
        parts.append(table(("Parameter", "In", "Type", "Required", "Limits"), rows))
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        parts += ["Body:\n", _members(document, schema)]
        parts.append(block("json", json.dumps(_example(document, schema), indent=2, ensure_ascii=False)))
    rows = [(code(status), text(answer["description"]), _body(answer)) for status, answer in operation["responses"].items()]
    parts.append(table(("Status", "Meaning", "Body"), rows))
    return "\n".join(parts)


def _described(schema: Json) -> list[str]:
    return [f"{text(schema['description'])}\n"] if schema.get("description") else []


def _body(answer: Json) -> str:
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    if not schema:
        return "problem details" if answer.get("content") else "none"
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"page of {text(name.removesuffix('Page'))}" if name.endswith("Page") else text(name)
    return "page of rows" if "total" in schema.get("properties", {}) else "object"


def _resolved(document: Json, schema: Json) -> Json:
    if "$ref" in schema:
        return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _members(document: Json, schema: Json) -> str:
    resolved = _resolved(document, schema)
    needed = resolved.get("required", [])
    rows = [
        (
            code(name),
            _type(document, member),
            "yes" if name in needed else "no",
            _limits(member),
            text(member.get("description", "")),
        )
        for name, member in resolved.get("properties", {}).items()
    ]
    return table(("Member", "Type", "Required", "Limits", "Meaning"), rows) if rows else "No members.\n"


def _type(document: Json, schema: Json) -> str:
    schema = _resolved(document, schema)
    kinds = schema.get("type", "value")
    names = [kinds] if isinstance(kinds, str) else kinds
    if "format" in schema:
        names = [schema["format"] if name == "string" else name for name in names]
    if schema.get("type") == "array":
        names = [f"list of {_type(document, schema.get('items', {}))}"]
    return text(" or ".join(names)) + (" (read only)" if schema.get("readOnly") else "")


def _limits(schema: Json) -> str:
    found = [said.format(schema[keyword]) for keyword, said in _BOUNDS.items() if keyword in schema]
    found = [text(limit) for limit in found]
    if "enum" in schema:
        found.append("one of " + ", ".join(code(str(value)) for value in schema["enum"] if value is not None))
    if "pattern" in schema:
        found.append(f"matches {code(schema['pattern'])}")
    if "default" in schema:
        found.append(f"default {code(json.dumps(schema['default']))}")
    return "; ".join(found)


def _example(document: Json, schema: Json) -> Json:
    """A body that is valid but for references, which name the row 1 whether it exists or not."""
    return dict(_example_members(document, _resolved(document, schema)))


def _example_members(document: Json, schema: Json) -> Iterator[tuple[str, Any]]:
    samples = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}
    formats = {"date": "2026-11-22", "date-time": "2026-11-22T09:30:00Z"}
    for name, member in schema.get("properties", {}).items():
        member = _resolved(document, member)
        kind = member.get("type", "string")
        kind = kind if isinstance(kind, str) else kind[0]
        if "enum" in member:
            yield name, member["enum"][0]
        elif kind in ("integer", "number") and member.get("minimum", 0) > 1:
            yield name, member["minimum"]
        elif kind == "array":
            yield name, [dict(_example_members(document, {"properties": {"item": member.get("items", {})}}))["item"]]
        elif kind == "string" and "pattern" in member:
            yield name, matching(member["pattern"], 0, member.get("minLength", 0), member.get("maxLength", 255))
        elif kind == "string" and "format" not in member:
            yield name, "text".ljust(member.get("minLength", 0), ".")[: member.get("maxLength", 255)]
        else:
            yield name, formats.get(member.get("format", ""), samples.get(kind, "text"))
