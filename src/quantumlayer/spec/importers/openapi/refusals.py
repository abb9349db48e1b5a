"""How an API refuses, by the error schemas of its file: forms for the statuses of our convention."""

from typing import Any

from quantumlayer.spec.importers.openapi.document import Document
from quantumlayer.spec.importers.openapi.fields import type_of
from quantumlayer.spec.importers.openapi.operations import Op
from quantumlayer.spec.values import Refusal

_STATUSES = (400, 401, 403, 404, 405, 409, 422)
_BAD_INPUT = {400: (400, 422, 409), 409: (409, 422, 400), 422: (422, 400, 409)}
_CONSTANTS = {"type": "about:blank"}
_NAMES = {"title": "$title", "status": "$status"}
_UNDECLARED: Any = object()


def refusals(document: Document, operations: list[Op]) -> dict[int, Refusal]:
    """A form for each status where the file says one; what an operation declares holds for all."""
    declared: dict[int, Any] = {}
    for op in operations:
        for status, schema in op.refusals.items():
            if declared.get(status, {}) == {}:
                declared[status] = schema
    forms = {s: _form(document, schema) for s, schema in declared.items() if schema}
    general = forms.get(0) or next((forms[s] for s in (422, 400, 404, *sorted(forms)) if s in forms), None)
    found: dict[int, Refusal] = {}
    for status in _STATUSES:
        shown = next((s for s in _BAD_INPUT.get(status, (status,)) if s in declared), None)
        schema = declared[shown] if shown is not None else _UNDECLARED
        if schema is None:
            found[status] = Refusal(status=shown or status)
        elif general is not None or shown not in (None, status):
            body = forms.get(shown or -1, general)
            if body is not None:
                found[status] = Refusal(status=shown or status, body=body)
    return found


def _form(document: Document, node: Any, name: str = "", depth: int = 0) -> Any:
    schema = document.schema(node)
    kind, _ = type_of(schema)
    if depth > 6:
        return None
    if kind == "object" or schema["properties"]:
        return {key: _form(document, inner, str(key), depth + 1) for key, inner in schema["properties"].items()}
    if kind == "array":
        items = document.schema(schema.get("items") or {})
        return "$messages" if items.get("type") == "string" else []
    if kind in ("integer", "number"):
        return "$status"
    if kind == "boolean":
        return False
    return _CONSTANTS.get(name) or _NAMES.get(name, "$detail")
