"""How the operations of an imported surface are described: the conventional description, through the surface's templates."""

from typing import Any

from quantumlayer.spec.openapi_fields import id_schema
from quantumlayer.spec.surface import leaves, parameters
from quantumlayer.spec.values import Exposure, Refusal, Spec

Json = dict[str, Any]
_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_SPECIAL: dict[str, Json] = {"$token": _TEXT, "$total": _COUNT, "$detail": _TEXT, "$title": _TEXT}
_SPECIAL |= dict.fromkeys(("$limit", "$offset", "$page", "$pages"), _COUNT)
_SPECIAL |= dict.fromkeys(("$more", "$first", "$last"), {"type": "boolean"})
_SPECIAL |= {**dict.fromkeys(("$next", "$previous"), {"type": ["integer", "null"]})}
_REFUSAL = {**_SPECIAL, "$status": {"type": "integer"}, "$messages": {"type": "array", "items": _TEXT}}


def exposed_operation(spec: Spec, exposure: Exposure, made: Json, schemas: Json) -> Json:
    """The description of an exposure. `made` is that of the operation it stands for, `schemas` the components it refers to."""
    found: Json = {k: made[k] for k in ("tags", "security", "x-requirements") if k in made}
    found["operationId"] = exposure.does.replace(".", "_") + ("_" + exposure.method.lower())
    if exposure.description:
        found["description"] = exposure.description
    given = [*_path_parameters(spec, exposure), *_query_parameters(exposure, made)]
    if given:
        found["parameters"] = given
    body = _schema(made.get("requestBody"), schemas)
    if isinstance(exposure.accepts, dict) and body:
        schema = _accepted(exposure.accepts, body.get("properties", {}), set(body.get("required", ())))
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    found["responses"] = {str(exposure.status): _answer(exposure, made, schemas)}
    for status in [s for s in made["responses"] if s.startswith("4")]:
        form = spec.surface.refusals.get(int(status)) if spec.surface else None
        found["responses"].setdefault(
            str(form.status) if form else status, _refusal(form) if form else made["responses"][status]
        )
    return found


def _path_parameters(spec: Spec, exposure: Exposure) -> list[Json]:
    found = []
    for name in parameters(exposure.path):
        bound = exposure.bind[name]
        owner, does = exposure.does.split(".")
        entity = spec.entities[bound.entity or (spec.auth.entity if owner == "auth" and spec.auth else owner)]
        declared, operation = entity.fields.get(bound.by), entity.operations.get(does)
        numbered = (bound.by if bound.entity else operation.by if operation else "id") == "id"
        counted = declared is not None and declared.type == "integer"
        schema = id_schema(entity) if numbered else {"type": "integer", "minimum": 1} if counted else _TEXT
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    return found


def _query_parameters(exposure: Exposure, made: Json) -> list[Json]:
    known = {p["name"]: p for p in made.get("parameters", ()) if p["in"] == "query"}
    found = [{**known[inner], "name": outer} for outer, inner in exposure.query.items() if inner in known]
    if pages := exposure.pages:
        schema = {"type": "integer", "minimum": pages.first, "default": pages.first}
        found.append({"name": pages.page, "in": "query", "required": False, "schema": schema})
    return found


def _schema(content: Json | None, schemas: Json) -> Json:
    """The schema in a body or answer, with its references followed and `allOf` merged."""
    found = ((content or {}).get("content") or {}).get("application/json", {}).get("schema", {})
    return _plain(found, schemas)


def _plain(schema: Json, schemas: Json) -> Json:
    if "$ref" in schema:
        return _plain(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas)
    if "allOf" in schema:
        parts = [_plain(part, schemas) for part in schema["allOf"]]
        return {"type": "object", "properties": {k: v for part in parts for k, v in part["properties"].items()}}
    return schema


def _accepted(template: Json, properties: Json, required: set[str]) -> Json:
    found = {
        name: properties.get(inner, _TEXT) if isinstance(inner, str) else _accepted(inner, properties, required)
        for name, inner in template.items()
    }
    needed = [name for name, inner in template.items() if _needs(inner, required)]
    return {"type": "object", **({"required": needed} if needed else {}), "properties": found}


def _needs(template: Any, required: set[str]) -> bool:
    return any(member in required for _, member in leaves(template))


def _answer(exposure: Exposure, made: Json, schemas: Json) -> Json:
    if exposure.answers is None:
        return {"description": "Done."}
    success = next((a for s, a in made["responses"].items() if s.startswith("2")), {})
    source = _schema(success, schemas)
    if "account" in made:
        source = {"properties": {**_plain(made["account"], schemas)["properties"], **source.get("properties", {})}}
    schema = _filled(exposure.answers, source, schemas)
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


def _filled(template: Any, source: Json, schemas: Json) -> Json:
    if isinstance(template, str):
        return _SPECIAL.get(template) or source.get("properties", {}).get(template, {})
    if isinstance(template, list):
        items = source.get("properties", {}).get("items", {}).get("items", {})
        return {"type": "array", "items": _filled(template[0], _plain(items, schemas), schemas)}
    properties = {name: _filled(inner, source, schemas) for name, inner in template.items()}
    return {"type": "object", "required": list(properties), "properties": properties}


def _refusal(form: Refusal) -> Json:
    if form.body is None:
        return {"description": "Refused."}

    def described(part: Any) -> Json:
        if isinstance(part, dict):
            return {"type": "object", "properties": {name: described(inner) for name, inner in part.items()}}
        if isinstance(part, list):
            return {"type": "array", "items": described(part[0]) if part else {}}
        return _REFUSAL.get(part, {"const": part}) if isinstance(part, str) else {"const": part}

    return {"description": "Refused.", "content": {"application/json": {"schema": described(form.body)}}}
