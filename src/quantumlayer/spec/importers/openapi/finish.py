"""The surface of a finished spec: the file's operations that have behaviour, and by convention what the request adds to them."""

from dataclasses import dataclass
from typing import Any

from quantumlayer.spec.importers.openapi.behaviour import settled
from quantumlayer.spec.openapi import openapi
from quantumlayer.spec.routes import Route
from quantumlayer.spec.surface import TOTAL, named, parameters, stands_for
from quantumlayer.spec.values import Bound, Exposure, Spec, Surface

Json = Any


@dataclass(frozen=True)
class Finisher:
    """`hidden` operations have no form of their own, `pending` ones only once they do something."""

    surface: Surface
    hidden: frozenset[tuple[str, str]]
    pending: frozenset[tuple[str, str]]
    has_login: bool

    def __call__(self, spec: Spec) -> Spec:
        """The spec with its surface."""
        known = stands_for(spec)
        idle = {f"{e}.{o}" for e, o in self.pending if e in spec.entities and not _does(spec, e, o)}
        kept = [e for e in self.surface.exposures if e.does in known and e.does not in idle]
        shown = {e.does for e in kept} | idle | {f"{e}.{o}" for e, o in self.hidden}
        added = [r for name, r in known.items() if name not in shown and not self._replaced(r)]
        document = openapi(spec.model_copy(update={"surface": None})) if added else {}
        kept += [conventional(route, document) for route in added]
        return spec.model_copy(update={"surface": self.surface.model_copy(update={"exposures": tuple(kept)})})

    def _replaced(self, route: Route) -> bool:
        """Where the file says how people sign in, the convention's own ways are not added."""
        return self.has_login and route.kind in ("register", "login", "logout", "me", "new_api_key")


def _does(spec: Spec, entity: str, operation: str) -> bool:
    found = spec.entities[entity].operations.get(operation)
    return found is not None and settled(found)


def conventional(route: Route, document: Json) -> Exposure:
    """The exposure that shows a route as the convention has it. `document` describes the spec without a surface."""
    made, schemas = document["paths"][route.path][route.method.lower()], document["components"]["schemas"]
    body = _members(made.get("requestBody"), schemas)
    success = next((a for s, a in made["responses"].items() if s.startswith("2")), {})
    answers: Json = _members(success, schemas)
    if answers is not None and route.kind in ("list", "report"):
        answers = {"items": [_items(success, schemas)], "total": TOTAL}
    elif route.kind == "login":
        answers = {"access_token": "$token"}
    return Exposure(
        method=route.method,  # type: ignore[arg-type]
        path=route.path,
        does=named(route),
        bind={name: Bound() for name in parameters(route.path)},
        query={p["name"]: p["name"] for p in made.get("parameters", ()) if p["in"] == "query"},
        accepts=body,
        status=route.status,
        answers=answers,
        satisfies=route.satisfies,
    )


def _schema(content: Json, schemas: Json) -> Json:
    found = ((content or {}).get("content") or {}).get("application/json", {}).get("schema")
    while isinstance(found, dict) and "$ref" in found:
        found = schemas[found["$ref"].rsplit("/", 1)[-1]]
    return found


def _members(content: Json, schemas: Json) -> Json:
    found = _schema(content, schemas)
    return {name: name for name in found.get("properties", {})} if isinstance(found, dict) else None


def _items(content: Json, schemas: Json) -> Json:
    items = _schema(content, schemas)["properties"]["items"]["items"]
    wrapped = {"content": {"application/json": {"schema": items}}}
    return _members(wrapped, schemas)
