"""What members of one resource say of others: which rows they name, and by what names these call them."""

import re
from typing import Any

from quantumlayer.spec.analyst.words import participle, verb_base
from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.openapi.document import Json
from quantumlayer.spec.importers.openapi.fields import type_of
from quantumlayer.spec.importers.openapi.resources import Resource
from quantumlayer.spec.importers.tables import Import, identifier
from quantumlayer.spec.values import Field

Drafts = dict[str, EntityDraft]
NATURAL = frozenset(("code", "slug", "number", "sku", "isbn", "email", "username", "key"))
# What is done to make a row.
_BEGUN = ("started", "placed", "ordered", "submitted", "issued", "opened", "registered", "joined", "requested", "posted", "sent", "uploaded", "added", "signed_up", "enrolled", "subscribed", "booked", "reserved", "bought", "purchased", "made", "recorded", "logged", "borrowed", "reported", "entered", "arrived", "checked_in", "parked", "queued")  # fmt: skip


def referred(drafts: Drafts, schema: Json, *, many: bool = False) -> str | None:
    """The entity that a document of our own says a member names."""
    named = schema.get("x-references")
    is_list = type_of(schema)[0] == "array"
    return named if isinstance(named, str) and named in drafts and is_list == many else None


def relation(drafts: Drafts, resource: Resource, target: str, label: str, schema: Json, *, required: bool) -> dict[str, Any]:
    """What a relation is called from the other side, and what deleting that side does."""
    said = schema.get("x-inverse")
    free = isinstance(said, str) and identifier(said) == said and not taken(drafts, target, said)
    action = schema.get("x-on-delete")
    fits = (action == "set_null" and not required) or (action == "cascade" and type_of(schema)[0] != "array")
    named = f"{resource.plural}_as_{label}" if taken(drafts, target, resource.plural) else None
    return {"inverse": said if free else named, "on_delete": action if fits else "restrict"}


def taken(drafts: Drafts, target: str, inverse: str) -> bool:
    """Whether rows of the target call something so already."""
    relations = ((d, f) for d in drafts.values() for f in d.fields.values() if f.type in ("reference", "references"))
    called = any(f.to == target and (f.inverse or d.plural) == inverse for d, f in relations)
    return called or inverse in drafts[target].fields


def made_by_signed(resource: Resource) -> bool:
    """Whether only those who sign in make rows."""
    return bool(resource.creates) and all(op.signed_in for op in resource.creates)


def own(drafts: Drafts, account: str, resource: Resource, label: str, schema: Json, by: str) -> None:
    """Who is named without being given is whoever makes the row."""
    draft, mine = drafts[resource.name], taken(drafts, account, resource.plural)
    draft.owner = draft.owner or label
    told = relation(drafts, resource, account, label, schema, required=True)
    usual: dict[str, Any] = {"on_delete": "cascade", "inverse": f"{label}_{resource.plural}" if mine else resource.plural}
    draft.fields[label] = Field(
        type="reference",
        to=account,
        writable="never",
        default="actor",
        satisfies=(by,),
        **(told if "x-references" in schema else usual),
    )


def of_parent(drafts: Drafts, known: dict[str, Resource], resource: Resource, name: str) -> str | None:
    """The reference to the row above whose key a member repeats: the `isbn` of a loan that stands beneath `/books/{isbn}`."""
    draft = drafts[resource.name]
    for parent in resource.parents:
        above = known.get(parent)
        if above and name != "id" and identifier(above.parameter or "") == name and name in drafts[parent].fields:
            return parent if parent in draft.fields else None
    return None


def natural_key(members: dict[str, set[str]], resource: Resource, name: str) -> str | None:
    """The entity whose rows a `plan_code` names, where these have a code; `members` are the codes that each entity has."""
    for other, names in members.items():
        part = name.removeprefix(f"{other}_")
        if other != resource.name and part != name and part in names:
            return other
    return None


def begin(draft: EntityDraft, resource: Resource, always: set[str], result: Import, by: str) -> None:
    """Moments that every row has from its beginning are that of its beginning; of other values that nobody gives, only the
    request can tell what they hold. `always` are the members that every answer has.
    """
    made = {participle(verb_base(identifier(op.last)) or "") for op in resource.creates} | set(_BEGUN)
    for name, known in list(draft.fields.items()):
        if known.type == "boolean" and known.writable == "never" and known.value is None and name.startswith("is_"):
            # Which it is follows from something that the file does not say.
            result.unfilled(draft, name)
            continue
        if known.writable != "never" or known.default is not None or known.value is not None or not known.shown:
            continue
        clock = {"datetime": "now", "date": "today"}.get(known.type)
        if clock and name in always and re.sub(r"_(?:at|on|date)$", "", name) in made:
            told = f"The {name} of {resource.plural} is when they are made."
            satisfies = (by, result.world.assume(told.replace("_", " ")))
            draft.fields[name] = known.model_copy(update={"default": clock, "required": True, "satisfies": satisfies})
            continue
        result.unfilled(draft, name)
