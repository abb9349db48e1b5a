"""A model's draft beside the built-in analyst's reading: what was understood stays, and the draft completes it.

A weak model forgets fields, or adds rules that nobody asked for. A requirement that was understood must not be built, and
found to hold, by such a draft; where the two differ is asked (`drafting`).
"""

import json
from collections.abc import Mapping
from typing import Any

from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec

# Members that hold elements by name. Who may change an operation may add to its input; an entity is too much to claim whole.
_PARTS = {"guards", "input"}
_NAMED = {"entities", "fields", "rules", "operations", "reports", "units"} | _PARTS
_CLAIMS = "satisfies"


def completed(known: Spec, drafted: Spec) -> Spec:
    """The analyst's spec with those elements of the draft that name a requirement which it did not understand.

    An element of both is the analyst's, unless the draft's names such a requirement. Raises `UserError` where the two do not
    go together.
    """
    open_ = {r.id for r in known.requirements if not r.understood}
    first, second = _plain(known), _plain(drafted)
    drafts = {r["id"]: r for r in second.pop("requirements", ())}
    first["requirements"] = [drafts.get(r["id"], r) if r["id"] in open_ else r for r in first.get("requirements", ())]
    roles = [*dict.fromkeys((*first.get("roles", ()), *second.pop("roles", ())))]
    whole = _element(first, second, open_, ours=False)
    whole |= {"roles": roles} if roles and "auth" in whole else {}
    return load_spec(json.dumps(whole, ensure_ascii=False), "the answer, with what was understood kept")


def _element(known: Mapping[str, Any], drafted: Mapping[str, Any], open_: set[str], *, ours: bool) -> dict[str, Any]:
    """One element of both. `ours` where the draft may change it: it, or what it is a part of, names an open requirement."""
    ours = ours or bool(open_ & (set(drafted.get(_CLAIMS, ())) - set(known.get(_CLAIMS, ()))))
    found: dict[str, Any] = {}
    for key in {**known, **drafted}:
        one, two = known.get(key), drafted.get(key)
        if key == _CLAIMS:
            found[key] = [*dict.fromkeys((*(one or ()), *(id_ for id_ in two or () if id_ in open_)))]
        elif key not in drafted:
            found[key] = one
        elif key in _NAMED and isinstance(two, dict):
            found[key] = _elements(one or {}, two, open_, ours=ours and key in _PARTS)
        elif isinstance(one, dict) and isinstance(two, dict):
            found[key] = _element(one, two, open_, ours=ours)
        elif ours or (key not in known and _names(two, open_)):
            found[key] = two
        elif key in known:
            found[key] = one
    return found


def _elements(known: Mapping[str, Any], drafted: Mapping[str, Any], open_: set[str], *, ours: bool) -> dict[str, Any]:
    """Elements by name: the analyst's, each completed, and those new ones that are there for an open requirement."""
    kept = {
        name: _element(one, drafted[name], open_, ours=ours) if isinstance(drafted.get(name), dict) else one
        for name, one in known.items()
    }
    return kept | {name: two for name, two in drafted.items() if name not in known and (ours or _names(two, open_))}


def _names(part: Any, open_: set[str]) -> bool:
    """Whether it, or something in it, names an open requirement."""
    if isinstance(part, dict):
        return bool(open_ & set(part.get(_CLAIMS, ()))) or any(_names(value, open_) for value in part.values())
    return isinstance(part, list) and any(_names(value, open_) for value in part)


def _plain(spec: Spec) -> dict[str, Any]:
    return spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
