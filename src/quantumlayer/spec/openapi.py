"""The OpenAPI 3.1 document of a spec: what every generated application and the reference model serve at /openapi.json."""

from typing import Any

from quantumlayer.spec.check_operations import listable
from quantumlayer.spec.compiled import Compiled
from quantumlayer.spec.expression import Type
from quantumlayer.spec.ids import given_fields
from quantumlayer.spec.naming import filter_parameter, wire_name
from quantumlayer.spec.openapi_fields import TYPES, field_schema, id_schema
from quantumlayer.spec.openapi_surface import exposed_operation
from quantumlayer.spec.routes import ADMIN, Route, routes
from quantumlayer.spec.surface import stands_for
from quantumlayer.spec.values import Entity, Field, Spec

Json = dict[str, Any]
_SINGLE: dict[str, Json] = {"strings": {"type": "string"}}
_COLUMNS: dict[str, Json] = {
    "int": {"type": "integer"},
    "number": {"type": "number"},
    "decimal": {"type": "number"},
    "bool": {"type": "boolean"},
    "string": {"type": "string"},
    "date": TYPES["date"],
    "datetime": TYPES["datetime"],
}
_PROBLEM: Json = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_REASONS = {
    400: "The body is not a JSON object.",
    401: "Nobody is signed in, or the token or key is not valid.",
    403: "The caller may not do this.",
    404: "There is no such row.",
    409: "The request conflicts with the current state.",
    410: "What was asked for is no longer there.",
    422: "A value is not valid.",
}
_PASSWORD: Json = {"type": "string", "minLength": 8, "maxLength": 128}


def openapi(spec: Spec) -> Json:
    """An OpenAPI 3.1 document. Operations carry the requirements they satisfy as `x-requirements`."""
    compiled = Compiled(spec)
    paths: dict[str, Json] = {}
    if spec.surface is None:
        for route in routes(spec):
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(spec, compiled, route)
    else:
        known = stands_for(spec)
        for exposure in spec.surface.exposures:
            made = _operation(spec, compiled, known[exposure.does])
            if spec.auth and exposure.does == "auth.login":
                made["account"] = _ref(schema_name(spec.auth.entity))
            exposed = exposed_operation(spec, exposure, made, _schemas(spec))
            paths.setdefault(spec.surface.base + exposure.path, {})[exposure.method.lower()] = exposed
    components: Json = {"schemas": _schemas(spec)}
    if schemes := _security_schemes(spec):
        components["securitySchemes"] = schemes
    return {
        "openapi": "3.1.0",
        "info": {
            "title": spec.name,
            "version": str(spec.version),
            **({"description": spec.description} if spec.description else {}),
        },
        "paths": paths,
        "components": components,
    }


def _security_schemes(spec: Spec) -> Json:
    found: Json = {}
    if spec.auth and "password" in spec.auth.methods:
        found["bearer"] = {"type": "http", "scheme": "bearer"}
    if spec.auth and "api_key" in spec.auth.methods:
        found["api_key"] = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    return found


# schemas


def schema_name(entity: str) -> str:
    """`stock_movement` → `StockMovement`."""
    return "".join(part.capitalize() for part in entity.split("_"))


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas(spec: Spec) -> Json:
    found: Json = {"Problem": _PROBLEM}
    for name, entity in spec.entities.items():
        title = schema_name(name)
        found[title] = _row_schema(spec, name, entity)
        found[f"{title}Page"] = _page_schema(_ref(title))
        found[f"{title}Create"] = _body_schema(spec, _writable(entity, "create"))
        found[f"{title}Update"] = _body_schema(spec, _writable(entity, "update"), partial=True)
    return found


def _writable(entity: Entity, how: str) -> dict[str, Field]:
    fields = given_fields(entity)
    return fields if how == "create" else {name: field for name, field in fields.items() if field.writable == "always"}


def _page_schema(item: Json) -> Json:
    properties = {"items": {"type": "array", "items": item}, "total": {"type": "integer", "minimum": 0}}
    return {"type": "object", "required": ["items", "total"], "properties": properties}


def _row_schema(spec: Spec, name: str, entity: Entity) -> Json:
    properties: Json = {"id": id_schema(entity)}
    for key, field in entity.fields.items():
        if field.shown:
            properties[wire_name(key, field)] = field_schema(spec, field)
    if entity.state:
        properties[entity.state.field] = {"type": "string", "enum": list(entity.state.states)}
    if spec.auth and spec.auth.entity == name and spec.roles:
        properties["roles"] = {"type": "array", "items": {"type": "string", "enum": sorted({*spec.roles, ADMIN})}}
    properties |= {"created_at": TYPES["datetime"], "updated_at": TYPES["datetime"]}
    description = {"description": entity.description} if entity.description else {}
    return {"type": "object", **description, "required": list(properties), "properties": properties}


def _body_schema(spec: Spec, fields: dict[str, Field], *, partial: bool = False) -> Json:
    properties = {wire_name(name, field): field_schema(spec, field) for name, field in fields.items()}
    needed = [wire_name(name, f) for name, f in fields.items() if f.required and f.default is None and not partial]
    return {"type": "object", **({"required": needed} if needed else {}), "properties": properties}


# operations


def _operation(spec: Spec, compiled: Compiled, route: Route) -> Json:
    operation = route.operation
    found: Json = {"operationId": _operation_id(route), "tags": [route.entity or "reports"]}
    description = (operation or route.report).description if (operation or route.report) else ""  # type: ignore[union-attr]
    if description:
        found["description"] = description
    if parameters := _parameters(spec, route):
        found["parameters"] = parameters
    if body := _request_body(spec, route):
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    found["responses"] = {str(route.status): _answer(spec, compiled, route)}
    for status in _refusals(spec, route):
        problem = {"application/problem+json": {"schema": _ref("Problem")}}
        found["responses"][str(status)] = {"description": _REASONS[status], "content": problem}
    if not route.access.anonymous:
        found["security"] = [{scheme: []} for scheme in _security_schemes(spec)]
    if route.satisfies:
        found["x-requirements"] = list(route.satisfies)
    return found


def _operation_id(route: Route) -> str:
    if route.report:
        return f"report_{route.name}"
    return f"{route.name}_{route.entity}" if route.operation else f"auth_{route.name}"


def _parameter(name: str, schema: Json, *, required: bool = False, where: str = "query") -> Json:
    return {"name": name, "in": where, "required": required or where == "path", "schema": schema}


def _parameters(spec: Spec, route: Route) -> list[Json]:
    found: list[Json] = []
    if route.on_row:
        by = route.operation.by if route.operation else "id"
        entity = spec.entities[route.entity or ""]
        schema = id_schema(entity) if by == "id" else field_schema(spec, entity.fields[by])
        found.append(_parameter(by, schema, where="path"))
    inputs = _inputs(route) if route.method in ("GET", "DELETE") else {}
    for name, field in inputs.items():
        found.append(
            _parameter(wire_name(name, field), field_schema(spec, field), required=field.required and field.default is None)
        )
    if route.kind in ("list", "report"):
        paging = (route.operation or route.report).paging  # type: ignore[union-attr]
        bounds = {"minimum": 1, "maximum": paging.most, "default": paging.usual}
        found.append(_parameter("limit", {"type": "integer", **bounds}))
        found.append(_parameter("offset", {"type": "integer", "minimum": 0, "default": 0}))
    if route.kind == "list" and route.operation:
        found += _list_parameters(spec, spec.entities[route.entity or ""], route)
    return found


def _inputs(route: Route) -> dict[str, Field]:
    return route.operation.input if route.operation else route.report.input if route.report else {}


def _list_parameters(spec: Spec, entity: Entity, route: Route) -> list[Json]:
    operation, fields = route.operation, listable(entity)
    assert operation is not None
    found = []
    for filter_ in operation.filters:
        field = fields[filter_.field]
        single = id_schema(spec.entities[field.to]) if field.to else _SINGLE.get(field.type) or TYPES[field.type]
        schema = {**single, "enum": list(field.values)} if field.type == "enum" else single
        found.append(_parameter(filter_parameter(filter_, field), schema))
    if operation.search:
        found.append(_parameter("q", {"type": "string"}))
    if operation.sort:
        found.append(
            _parameter("sort", {"type": "string", "enum": [sign + key for key in operation.sort for sign in ("", "-")]})
        )
    return found


def _request_body(spec: Spec, route: Route) -> Json | None:
    if route.method in ("GET", "DELETE"):
        return None
    if route.kind in ("create", "update", "register"):
        return _row_body(spec, route)
    if route.kind == "action" and _inputs(route):
        return _body_schema(spec, _inputs(route))
    if route.kind == "login" and spec.auth:
        text = {"type": "string"}
        names = [spec.auth.identifier, "password"]
        return {"type": "object", "required": names, "properties": dict.fromkeys(names, text)}
    if route.kind == "set_roles":
        roles = {"type": "array", "items": {"type": "string", "enum": sorted({*spec.roles, ADMIN})}}
        return {"type": "object", "required": ["roles"], "properties": {"roles": roles}}
    return None


def _row_body(spec: Spec, route: Route) -> Json:
    name, inputs, auth = route.entity or "", _inputs(route), spec.auth
    update = route.kind == "update"
    account = not update and auth and auth.entity == name and "password" in auth.methods
    changed = update and route.operation and route.operation.password
    if not inputs and not account and not changed:
        return _ref(schema_name(name) + ("Update" if update else "Create"))
    schema = _body_schema(spec, _writable(spec.entities[name], "update" if update else "create"), partial=update)
    more = _body_schema(spec, inputs)
    schema["properties"] |= more["properties"] | ({"password": _PASSWORD} if account or changed else {})
    needed = [*schema.get("required", []), *more.get("required", []), *(["password"] if account else [])]
    return {**schema, **({"required": needed} if needed else {})}


def _answer(spec: Spec, compiled: Compiled, route: Route) -> Json:
    if route.status == 204:
        return {"description": "Done."}
    if route.status == 307:
        return {"description": "Redirects.", "headers": {"Location": {"schema": {"type": "string"}}}}
    schema = _answer_schema(spec, compiled, route)
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


def _answer_schema(spec: Spec, compiled: Compiled, route: Route) -> Json:
    text = {"type": "string"}
    if route.kind == "report":
        report = compiled.report(route.name)
        columns = {**report.group_by, **report.measures, **report.columns}
        properties = {name: _column(expr.type) for name, expr in columns.items()}
        return _page_schema({"type": "object", "required": list(properties), "properties": properties})
    if route.kind == "login":
        properties = {"access_token": text, "token_type": {"const": "bearer"}, "expires_in": {"type": "integer"}}
        return {"type": "object", "required": list(properties), "properties": properties}
    if route.kind == "new_api_key":
        return {"type": "object", "required": ["api_key"], "properties": {"api_key": text}}
    name = schema_name(route.entity or "")
    if route.kind == "list":
        return _ref(f"{name}Page")
    keyed = spec.auth and spec.auth.entity == route.entity and spec.auth.methods == ("api_key",)
    if route.kind == "create" and keyed:
        return {"allOf": [_ref(name), {"type": "object", "required": ["api_key"], "properties": {"api_key": text}}]}
    return _ref(name)


def _column(type_: Type) -> Json:
    schema = dict(_COLUMNS[type_.kind])
    return {**schema, "type": [schema["type"], "null"]} if type_.nullable else schema


def _refusals(spec: Spec, route: Route) -> list[int]:
    operation = route.operation
    found = {401} if spec.auth else set()
    if route.access.roles or route.access.allow:
        found.add(403)
    if route.on_row:
        found.add(404)
    if _request_body(spec, route):
        found |= {400, 422}
    if route.kind in ("list", "report") or _inputs(route):
        found.add(422)
    if operation:
        found |= {guard.status for guard in operation.guards.values()}
        if operation.transition or operation.effects or route.kind in ("create", "update", "delete"):
            found.add(409)
        if route.kind in ("create", "update"):
            found |= {rule.status for rule in spec.entities[route.entity or ""].rules.values()}
    elif route.kind == "register":
        found.add(409)
    return sorted(found - {route.status})
