"""Pages of lists by an OpenAPI file: the parameter that numbers them, and what answers tell of them."""

import re

from quantumlayer.spec.importers.openapi.document import Json
from quantumlayer.spec.importers.openapi.fields import type_of
from quantumlayer.spec.importers.openapi.operations import Op
from quantumlayer.spec.importers.tables import identifier
from quantumlayer.spec.surface import TOTAL
from quantumlayer.spec.values import Pages

_PAGES = ("page", "page_number", "page_no", "page_num", "page_index", "current_page", "p")
_FROM_ZERO = re.compile(r"\b(?:zero|0)[- ]?(?:based|indexed)|\b(?:from|at|with|first page is)\s+(?:zero|0)\b", re.I)
_FROM_ONE = re.compile(r"\b(?:one|1)[- ]?(?:based|indexed)|\b(?:from|at|with|first page is)\s+(?:one|1)\b", re.I)
_TOLD: dict[str, tuple[str, ...]] = {
    TOTAL: ("total", "total_count", "total_items", "total_elements", "total_results", "total_records", "count"),
    "$page": ("page", "page_number", "page_no", "page_num", "page_index", "current_page", "number"),
    "$limit": ("limit", "size", "page_size", "per_page", "items_per_page"),
    "$pages": ("pages", "total_pages", "page_count", "last_page", "num_pages"),
    "$offset": ("offset", "skip", "start"),
    "$more": ("more", "has_more", "has_next", "has_next_page"),
    "$first": ("first", "is_first", "first_page"),
    "$last": ("last", "is_last"),
    "$next": ("next", "next_page"),
    "$previous": ("previous", "prev", "previous_page", "prev_page"),
}


def pages_of(op: Op) -> Pages | None:
    """The pages that an operation's parameters number; None where none does."""
    found = next((name for name in op.query if identifier(name) in _PAGES), None)
    if found is None:
        return None
    first = says_first(op.query[found])
    return Pages(page=found, first=first if first is not None else 0 if identifier(found) == "page_index" else 1)  # type: ignore[arg-type]


def says_first(parameter: Json) -> int | None:
    """The number of the first page by a parameter's bounds or words; None where they do not tell."""
    schema = parameter.get("schema") or {}
    told = [value for key in ("minimum", "default") if isinstance(value := schema.get(key), int) and value in (0, 1)]
    text = f"{parameter.get('description', '')} {schema.get('description', '')}"
    words = 0 if _FROM_ZERO.search(text) else 1 if _FROM_ONE.search(text) else None
    return words if words is not None else min(told, default=None)


def page_members(beside: Json) -> tuple[Json, list[str]]:
    """What stands beside the items of a list, as a template, and the members that have no counterpart."""
    found: Json = {}
    untold: list[str] = []
    for key, schema in beside.items():
        if schema.get("properties"):
            inner, lost = page_members(schema["properties"])
            untold += [f"{key}.{name}" for name in lost]
            found |= {key: inner} if inner else {}
            continue
        fact = next((fact for fact, names in _TOLD.items() if identifier(key) in names), None)
        wanted = ("boolean",) if fact in ("$more", "$first", "$last") else ("integer", "number")
        if fact is None or type_of(schema)[0] not in wanted:
            untold.append(key)
        else:
            found[key] = fact
    return found, untold
