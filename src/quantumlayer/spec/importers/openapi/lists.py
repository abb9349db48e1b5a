"""Lists by an OpenAPI file: page sizes, filters, search, order, and which rows a named list shows."""

import re
from dataclasses import dataclass
from typing import Any

from quantumlayer.spec.analyst.words import singular
from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.ids import NUMBER
from quantumlayer.spec.importers.openapi.entities import Maker
from quantumlayer.spec.importers.openapi.fields import type_of
from quantumlayer.spec.importers.openapi.operations import Op, entity_name
from quantumlayer.spec.importers.openapi.pages import pages_of, says_first
from quantumlayer.spec.importers.openapi.resources import Resource
from quantumlayer.spec.importers.tables import identifier
from quantumlayer.spec.naming import filter_parameter
from quantumlayer.spec.values import Field, Filter, Pages, Paging

_MOST = 2**31 - 1
_SEARCH = ("q", "search", "query", "text", "keyword")
_LIMITS = ("limit", "per_page", "page_size", "size", "count", "max", "max_results")
_SORTS = ("sort", "sort_by", "order", "order_by", "ordering")
_OFFSETS = ("offset", "skip", "start")
_NEWEST = re.compile(r"\b(?:recent|newest|latest)\b", re.I)
_OWN = re.compile(r"\b(?:my|own|your|yours|of the (?:current|logged|signed)|for the (?:current|logged|signed))\b", re.I)
_MINE = re.compile(r"^(?:\w+ )?my\b|\b(?:caller's|user's) own\b|\bof the (?:current|logged|signed)", re.I)
_PER_PAGE = re.compile(r"\b([1-9]\d{0,3})\s+(?:\w+\s+)?(?:per|a|on each|on a)\s+page\b", re.I)
_RANGES = {"gte": ("_from", "_min", "_after", "_since", "_gte"), "lte": ("_to", "_max", "_before", "_until", "_lte")}
_HEADS = {"gte": ("min_", "from_", "after_", "since_"), "lte": ("max_", "to_", "before_", "until_")}


@dataclass
class Lists:
    """Declares lists of entities."""

    maker: Maker

    def add(
        self, resource: Resource, draft: EntityDraft, name: str, op: Op, where: str = ""
    ) -> tuple[str, dict[str, str], Pages | None]:
        """Declares the list that an operation answers; its name, what its parameters are called in the spec, its pages."""
        query: dict[str, str] = {}
        pages = pages_of(op)
        known = draft.operation(name)
        filters, inputs, search, sort = list(known.filters), dict(known.input), known.search, known.sort
        conditions, ordered = [where] if where else [], known.default_sort
        for parameter, node in op.query.items():
            if pages and parameter == pages.page:
                continue
            called = identifier(re.sub(r"^filter\[(.+)\]$", r"\1", parameter))
            if identifier(parameter) in _SORTS and (keys := _sort_keys(draft, node)):
                sort, query[parameter] = keys, "sort"
                first = (node.get("schema") or {}).get("default")
                ordered = (first,) if isinstance(first, str) and first.removeprefix("-") in keys else ordered
                continue
            found = self._parameter(resource, draft, called, node, filters, inputs, conditions)
            if found is None and identifier(parameter) in _SEARCH:
                search = tuple(n for n, f in draft.fields.items() if f.type in ("string", "text") and not f.value)
                found = "q"
            if found is None:
                told = (
                    "pages by a cursor, which has no counterpart"
                    if "cursor" in parameter.lower()
                    else "whose meaning is not known"
                )
                self.maker.note(f"{op.method} {op.path} has a parameter {parameter} {told}")
                continue
            query[parameter] = found
            listed = type_of(self.maker.document.schema(node.get("schema") or {}))[0] == "array"
            if listed and found not in ("limit", "offset", "sort", "q"):
                self.maker.note(f"{op.method} {op.path} takes one {parameter} at a time")
        for parent in resource.parents:
            if Filter(field=parent) not in filters and parent in draft.fields:
                filters.append(Filter(field=parent))
        kept = [known.where] if known.where else []
        draft.update(
            name,
            **({} if name == "list" else {"kind": "list"}),
            filters=tuple(filters),
            input=inputs,
            search=search,
            sort=sort,
            where=" && ".join(dict.fromkeys([*kept, *conditions])) or None,
            default_sort=("-created_at",) if _NEWEST.search(op.text) else ordered,
            paging=_paging(op, numbered=pages is not None),
            description=op.summary,
            satisfies=(self.maker.by,),
        )
        if pages and says_first(op.query[pages.page]) is None:
            self.maker.result.world.assume(f"Pages of {draft.plural.replace('_', ' ')} are counted from {pages.first}.")
        return name, query, pages

    def _parameter(
        self,
        resource: Resource,
        draft: EntityDraft,
        name: str,
        node: dict[str, Any],
        filters: list[Filter],
        inputs: dict[str, Field],
        conditions: list[str],
    ) -> str | None:
        if name in _LIMITS[:1] or (name in _LIMITS and name != "count"):
            return "limit"
        if name in _OFFSETS:
            return "offset"
        if found := self._filter(draft, name):
            if found not in filters:
                filters.append(found)
            return filter_parameter(found, self._field(draft, found.field))
        text = Field(type="string", required=False, satisfies=(self.maker.by,))
        if key := self._human_key(draft, name):
            label, field_name = key
            inputs[name] = text
            conditions.append(f"(input.{name} == null || self.{label}.{field_name} == input.{name})")
            return name
        for toggle in (t for owner in (resource, *resource.views) for t in owner.toggles):
            account = self.maker.accounts
            if toggle.marks(name) and account:
                holder = self._key_of(account.entity) or account.identifier
                inputs[name] = text
                conditions.append(f"(input.{name} == null || self.{toggle.field}.exists(u, u.{holder} == input.{name}))")
                return name
        return None

    def _field(self, draft: EntityDraft, name: str) -> Field:
        if draft.state and draft.state.field == name:
            return Field(type="enum", values=draft.state.states)
        if name == "id":
            return draft.id or NUMBER
        return draft.fields.get(name) or Field(type="datetime")

    def _filter(self, draft: EntityDraft, name: str) -> Filter | None:
        if draft.state and draft.state.field == name:
            return Filter(field=name)
        for key, field in draft.fields.items():
            if field.value is None and field.shown and name in (key, f"{key}_id" if field.to else key):
                return Filter(field=key) if field.to is None or name.endswith("_id") else None
            if field.type == "references" and name == f"{singular(key)}_id":
                return Filter(field=key)
            if field.type == "strings" and singular(name) in {singular(w) for w in (key, *key.split("_"))}:
                return Filter(field=key)
        ranged = {k: f for k, f in draft.fields.items() if f.type in ("integer", "number", "decimal", "date", "datetime")}
        for op in ("gte", "lte"):
            for key in (*ranged, "created_at", "updated_at"):
                stems = {key, re.sub(r"_(?:at|on|date)$", "", key)}
                forms = {
                    f for k in stems for f in (*(f"{k}{tail}" for tail in _RANGES[op]), *(f"{head}{k}" for head in _HEADS[op]))
                }
                if name in forms:
                    return Filter(field=key, op=op)  # type: ignore[arg-type]
        return None

    def _human_key(self, draft: EntityDraft, name: str) -> tuple[str, str] | None:
        """A reference whose row the parameter names by a field that people know: `author` by user name."""
        field = draft.fields.get(name)
        if field is None or field.type != "reference" or not field.required:
            return None
        key = self._key_of(field.to or "")
        return (name, key) if key else None

    def _key_of(self, entity: str) -> str | None:
        resource = self.maker.known.get(entity)
        if resource is None:
            return None
        keys = [owner.key for owner in (resource, *resource.views) if owner.key]
        return keys[0] if keys else None


def _sort_keys(draft: EntityDraft, node: dict[str, Any]) -> tuple[str, ...]:
    """The fields that a parameter sorts by in both directions (`title`, `-title`); empty where it is said otherwise."""
    values = (node.get("schema") or {}).get("enum") or ()
    keys = tuple(dict.fromkeys(v.removeprefix("-") for v in values if isinstance(v, str)))
    plain = {n for n, f in draft.fields.items() if f.shown and f.type not in ("reference", "references", "strings")}
    known = set(keys) <= plain | {"id", "created_at", "updated_at"}
    return keys if known and set(values) <= {sign + key for key in keys for sign in ("", "-")} else ()


def _paging(op: Op, *, numbered: bool) -> Paging:
    """By the file's parameter; without one, all rows, or pages of the size that the description names."""
    found = next((node for name, node in op.query.items() if identifier(name) in _LIMITS), None)
    if found is None:
        told = _PER_PAGE.search(op.text)
        size = min(int(told[1]), 1000) if told else Paging().usual
        return Paging(usual=size, most=size) if numbered else Paging(usual=_MOST, most=_MOST)
    schema = found.get("schema") or {}
    most, usual = (
        value if isinstance(value := schema.get(k), int) else other for k, other in (("maximum", _MOST), ("default", 50))
    )
    most = min(max(most, 1), _MOST)
    return Paging(usual=min(max(usual, 1), most), most=most)


def own_rows(maker: Maker, draft: EntityDraft, op: Op) -> str:
    """CEL for the caller's own rows, where a list says that it is about these."""
    if not _MINE.search(op.text):
        return ""
    if draft.owner and op.signed_in:
        return f"self.{draft.owner} == actor"
    maker.note(f"{op.title} is about rows of the caller, of which nothing says whose they are")
    return ""


def listing(maker: Maker, resource: Resource, draft: EntityDraft, op: Op) -> str | None:
    """CEL for the rows of a named list, by its description; None where that does not tell."""
    text = op.text.lower()
    for other in maker.known.values():
        for toggle in (t for owner in (other, *other.views) for t in owner.toggles):
            if not re.search(rf"\b(?:you|current user|caller)\b[^.]*\b{re.escape(toggle.verb)}|\b{re.escape(toggle.verb)}\w*\b[^.]*\bby (?:you|the)", text):  # fmt: skip
                continue
            if other is resource:
                return f"actor in self.{toggle.field}"
            label = next(
                (n for n, f in draft.fields.items() if f.type == "reference" and f.to == other.name and f.required), None
            )
            if label:
                return f"actor in self.{label}.{toggle.field}"
    if draft.owner and op.signed_in and _OWN.search(text):
        return f"self.{draft.owner} == actor"
    if draft.state and entity_name(op.last) in draft.state.states:
        return f"self.{draft.state.field} == '{entity_name(op.last)}'"
    for key, field in draft.fields.items():
        if field.type == "boolean" and key == identifier(op.last):
            return f"self.{key}" if field.required else f"self.{key} != null && self.{key}"
    return None
