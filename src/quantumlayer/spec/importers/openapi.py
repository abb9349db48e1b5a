"""OpenAPI 3.0 / 3.1 (YAML or JSON) → entities and operations: its resources, shapes, constraints and parameters."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from quantumlayer.spec.analyst.words import singular, snake
from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.tables import Import, ImportError_
from quantumlayer.spec.values import Auth, Field, Filter

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
_FORMATS = {"email": "email", "uri": "url", "url": "url", "uuid": "uuid", "ipv4": "ipv4"}
_SYSTEM = ("id", "created_at", "updated_at")
_LISTING = (
    "limit",
    "offset",
    "page",
    "per_page",
    "page_size",
    "cursor",
    "size",
    "skip",
    "sort",
    "order",
    "q",
    "search",
    "query",
)


@dataclass
class _Reader:
    """A document with its file name; follows local references once each."""

    name: str
    document: dict[str, Any]
    unmet: list[str] = field(default_factory=list)

    def follow(self, node: Any, seen: tuple[str, ...] = ()) -> dict[str, Any]:
        """The node itself, or what it refers to. Raises `ImportError_` for remote and missing references."""
        if not isinstance(node, dict) or "$ref" not in node:
            return node if isinstance(node, dict) else {}
        reference = str(node["$ref"])
        if not reference.startswith("#/"):
            raise ImportError_(
                self.name,
                None,
                f"the reference {reference!r} points outside the file",
                "bundle the file first, for example with `redocly bundle`",
            )
        if reference in seen:
            return {}
        target: Any = self.document
        for part in reference[2:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, dict) or part not in target:
                raise ImportError_(
                    self.name, None, f"the reference {reference!r} has no target", f"add {reference[2:]} or mend the reference"
                )
            target = target[part]
        return self.follow(target, (*seen, reference))

    def schema(self, node: Any, depth: int = 0) -> dict[str, Any]:
        """A schema with its `allOf` parts merged. Raises `ImportError_` where they contain each other."""
        if depth > 50:
            raise ImportError_(self.name, None, "schemas contain each other through allOf", "take the circle out of allOf")
        schema = dict(self.follow(node))
        for part in schema.pop("allOf", ()):
            other = self.schema(part, depth + 1)
            schema = {
                **other,
                **schema,
                "properties": {**other.get("properties", {}), **schema.get("properties", {})},
                "required": [*other.get("required", []), *schema.get("required", [])],
            }
        return schema

    def reference_name(self, node: Any) -> str | None:
        """The name of the component that a node refers to, also through an array."""
        if isinstance(node, dict):
            if "$ref" in node:
                return str(node["$ref"]).rsplit("/", 1)[-1]
            for key in ("items",):
                if key in node:
                    return self.reference_name(node[key])
        return None


def load(name: str, text: str) -> dict[str, Any]:
    """The document of a YAML or JSON text. Raises `ImportError_` with the line."""
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else YAML(typ="safe", pure=True).load(text)
    except json.JSONDecodeError as error:
        raise ImportError_(name, error.lineno, f"invalid JSON: {error.msg}", "mend the JSON at this line") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ImportError_(name, line, f"invalid YAML: {error.problem}", "mend the YAML at this line") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise ImportError_(name, None, f"invalid YAML: {error}", "mend the YAML") from None
    if not isinstance(document, dict):
        raise ImportError_(name, 1, "the file holds no object", "pass an OpenAPI document")
    return document


def import_openapi(name: str, text: str, by: str = "R1") -> Import:
    """The resources of a document. Raises `ImportError_` for Swagger 2.0, bad references and documents without paths."""
    document = load(name, text)
    if "swagger" in document:
        raise ImportError_(
            name,
            None,
            f"this is Swagger {document['swagger']}",
            "convert it to OpenAPI 3, for example with `npx swagger2openapi`",
        )
    version = str(document.get("openapi", ""))
    if not re.match(r"3\.[01]", version):
        raise ImportError_(
            name, None, f"the OpenAPI version is {version or 'missing'}", "pass a document with `openapi: 3.0.x` or `3.1.x`"
        )
    paths = document.get("paths")
    if not isinstance(paths, dict) or not paths:
        raise ImportError_(name, None, "the document has no paths", "declare at least one path with an operation")
    reader, result = _Reader(name, document), Import()
    result.world.name = str((document.get("info") or {}).get("title") or "Application")[:200]
    prefix = _prefix(list(paths))
    resources = _resources(paths, prefix)
    for plural, routes in resources.items():
        _entity(plural, routes, reader, result, by)
    for plural, routes in resources.items():
        _operations(plural, routes, reader, result, by)
    _unmet_paths(paths, prefix, resources, reader, result)
    _security(reader, result, by)
    result.unmet += reader.unmet
    if not result.world.entities:
        raise ImportError_(
            name, None, "no path looks like a collection of a resource", "declare collections such as /orders and /orders/{id}"
        )
    return result


def _prefix(paths: list[str]) -> str:
    """A common `/api/v1` in front of all paths."""
    first = paths[0].split("/")
    count = 0
    for part in first[1:]:
        if re.fullmatch(r"api|rest|v\d+(?:\.\d+)?", part) and all(p.split("/")[1 + count : 2 + count] == [part] for p in paths):
            count += 1
        else:
            break
    return "/".join(first[: count + 1])


def _resources(paths: dict[str, Any], prefix: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Collection → {tail of the path: item}: `""`, `/{x}`, `/{x}/verb`."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    collections = {p.removeprefix(prefix).strip("/").split("/")[0] for p in paths if "{" in p}
    for path, item in paths.items():
        parts = path.removeprefix(prefix).strip("/").split("/")
        collection = parts[0] and not parts[0].startswith("{")
        plural = collection and (parts[0] in collections or (isinstance(item, dict) and {"get", "post"} <= set(item)))
        if plural and isinstance(item, dict) and (len(parts) == 1 or parts[1].startswith("{")):
            found.setdefault(parts[0], {})["/".join(["", *parts[1:]])] = item
    return {p: r for p, r in found.items() if any(m in i for i in r.values() for m in ("get", "post", "put", "patch"))}


def _body(operation: dict[str, Any], reader: _Reader) -> Any:
    content = reader.follow(operation.get("requestBody", {})).get("content", {})
    chosen = content.get("application/json") or next((v for k, v in content.items() if "json" in k), None) or {}
    return chosen.get("schema", {})


def _answer(operation: dict[str, Any], reader: _Reader) -> Any:
    for status, response in operation.get("responses", {}).items():
        if str(status).startswith("2"):
            content = reader.follow(response).get("content", {})
            chosen = content.get("application/json") or next(iter(content.values()), {})
            return chosen.get("schema", {})
    return {}


def _entity(plural: str, routes: dict[str, Any], reader: _Reader, result: Import, by: str) -> None:
    row = next((i for t, i in routes.items() if re.fullmatch(r"/\{[^}]+\}", t)), {})
    collection = routes.get("", {})
    answer = (
        _answer(row.get("get", {}), reader)
        or _answer(collection.get("post", {}), reader)
        or _items(_answer(collection.get("get", {}), reader), reader)
    )
    body = _body(collection.get("post", {}), reader) or _body(row.get("put", {}), reader) or _body(row.get("patch", {}), reader)
    shape, given = _unwrapped(answer, plural, reader, result), _unwrapped(body, plural, reader, result)
    if not shape.get("properties") and not given.get("properties"):
        return
    draft = result.entity(singular(snake(plural)), by)
    draft.plural = snake(plural)
    required = set(given.get("required", shape.get("required", [])))
    accepted = given.get("properties", {})
    properties = {**shape.get("properties", {}), **accepted}
    for key, node in properties.items():
        name = snake(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(key)))
        if name in _SYSTEM or not name:
            continue
        if name != key:
            result.unmet.append(f"the member {key} of {plural} is written {name}")
        made = _field(name, node, key in required, reader, result, by)
        if made is None:
            result.unmet.append(f"the member {key} of {plural} is an object or a mixture of types, which has no counterpart")
            continue
        if (accepted and key not in accepted) or reader.schema(node).get("readOnly"):
            if made.default is None:
                made = made.model_copy(update={"required": False})
            made = made.model_copy(update={"writable": "never"})
        draft.fields[name] = made


def _items(node: Any, reader: _Reader) -> Any:
    schema = reader.schema(node)
    if schema.get("type") == "array":
        return schema.get("items", {})
    for key in ("items", "data", "results"):
        if key in schema.get("properties", {}):
            return _items(schema["properties"][key], reader)
    return {}


def _unwrapped(node: Any, plural: str, reader: _Reader, result: Import) -> dict[str, Any]:
    """The row's schema; an envelope such as `{"article": {…}}` is opened and noted."""
    schema = reader.schema(node)
    properties = schema.get("properties", {})
    if len(properties) == 1:
        key, inner = next(iter(properties.items()))
        if snake(str(key)) == singular(snake(plural)) and reader.schema(inner).get("properties"):
            note = f"bodies of {plural} are not wrapped in {key!r}"
            if note not in result.unmet:
                result.unmet.append(note)
            return reader.schema(inner)
    return schema


def _field(name: str, node: Any, required: bool, reader: _Reader, result: Import, by: str) -> Field | None:
    schema = reader.schema(node)
    kind = schema.get("type")
    nullable = bool(schema.get("nullable"))
    if isinstance(kind, list):
        nullable, kinds = nullable or "null" in kind, [k for k in kind if k != "null"]
        kind = kinds[0] if len(kinds) == 1 else None
    base: dict[str, Any] = {"required": required and not nullable, "satisfies": (by,)}
    if "enum" in schema and all(isinstance(v, str) and v for v in schema["enum"] if v is not None):
        return Field(
            type="enum", values=tuple(v for v in schema["enum"] if v), default=_literal(schema.get("default"), "enum"), **base
        )
    if name.endswith("_id") and kind in ("integer", "string") and (target := result.world.find(name.removesuffix("_id"))):
        return Field(type="reference", to=target.name, **base)
    format_ = str(schema.get("format", ""))
    if kind == "string":
        return _string(schema, format_, base)
    if kind in ("integer", "number"):
        limits = {
            k: v
            for k, v in (
                ("min", schema.get("minimum")),
                ("max", schema.get("maximum")),
                ("step", schema.get("multipleOf") or None),
            )
            if v is not None
        }
        for key, bound in (("exclusiveMinimum", "min"), ("exclusiveMaximum", "max")):
            value = schema.get(key)
            if value is True:
                limits[f"exclusive_{bound}"] = True
            elif value is not None and value is not False:
                limits |= {bound: value, f"exclusive_{bound}": True}
        return Field(type=kind, default=_literal(schema.get("default"), kind), **limits, **base)
    if kind == "boolean":
        return Field(type="boolean", default=_literal(schema.get("default"), "boolean"), **base)
    if kind == "array" and reader.schema(schema.get("items", {})).get("type") == "string":
        return Field(
            type="strings",
            required=base["required"],
            min_items=schema.get("minItems"),
            max_items=schema.get("maxItems") or None,
            satisfies=(by,),
        )
    if (target_name := reader.reference_name(node)) and (
        target := result.world.find(snake(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", target_name)))
    ):
        return (
            Field(type="references", to=target.name, satisfies=(by,))
            if kind == "array"
            else Field(type="reference", to=target.name, **base)
        )
    return None


def _string(schema: dict[str, Any], format_: str, base: dict[str, Any]) -> Field:
    if format_ in ("date", "date-time"):
        return Field(type="date" if format_ == "date" else "datetime", **base)
    length = {
        k: v
        for k, v in (
            ("min_length", schema.get("minLength")),
            ("max_length", schema.get("maxLength")),
            ("pattern", schema.get("pattern")),
        )
        if v is not None
    }
    kind = "text" if (length.get("max_length") or 0) > 255 else "string"
    return Field(type=kind, format=_FORMATS.get(format_), default=_literal(schema.get("default"), "string"), **length, **base)  # type: ignore[arg-type]


def _literal(value: Any, kind: str) -> str | None:
    if isinstance(value, bool):
        return ("true" if value else "false") if kind == "boolean" else None
    if isinstance(value, int | float) and kind in ("integer", "number"):
        return str(value) if kind == "integer" else str(float(value))
    if isinstance(value, str) and kind in ("string", "enum"):
        return json.dumps(value)
    return None


def _operations(plural: str, routes: dict[str, Any], reader: _Reader, result: Import, by: str) -> None:
    draft = result.world.entities.get(singular(snake(plural)))
    if draft is None:
        return
    draft.exact = True
    for tail, item in routes.items():
        for method in (m for m in _METHODS if m in item):
            operation = item[method]
            kind = _crud(tail, method)
            if kind:
                draft.update(
                    kind,
                    satisfies=(by,),
                    description=_line(operation),
                    **({"method": "PUT"} if method == "put" and "patch" not in item else {}),
                )
                if kind == "list":
                    _parameters(draft, item, operation, reader, result, plural)
            elif action := re.fullmatch(r"/\{[^}]+\}/([\w-]+)", tail):
                _action(draft, snake(action[1]), method, operation, plural, reader, result, by)
            else:
                result.unmet.append(
                    f"{method.upper()} /{plural}{tail}: {_line(operation) or 'an operation'} is not reading or writing one row"
                )


def _crud(tail: str, method: str) -> str | None:
    if tail == "":
        return {"get": "list", "post": "create"}.get(method)
    if re.fullmatch(r"/\{[^}]+\}", tail):
        return {"get": "read", "put": "update", "patch": "update", "delete": "delete"}.get(method)
    return None


def _line(operation: dict[str, Any]) -> str:
    return re.sub(r"\s+", " ", str(operation.get("summary") or operation.get("description") or ""))[:200].strip()


def _parameters(
    draft: EntityDraft, item: dict[str, Any], operation: dict[str, Any], reader: _Reader, result: Import, plural: str
) -> None:
    found = []
    for node in [*item.get("parameters", []), *operation.get("parameters", [])]:
        parameter = reader.follow(node)
        name = snake(str(parameter.get("name", "")))
        if parameter.get("in") != "query" or name in _LISTING:
            continue
        if name in draft.fields:
            found.append(Filter(field=name))
        else:
            result.unmet.append(f"GET /{plural} has a parameter {name} that is no field")
    draft.update("list", filters=tuple(found))


def _action(
    draft: EntityDraft, name: str, method: str, operation: dict[str, Any], plural: str, reader: _Reader, result: Import, by: str
) -> None:
    if method != "post":
        result.unmet.append(
            f"{method.upper()} /{plural}/{{id}}/{name}: {_line(operation) or 'an operation'} is not reading or writing one row"
        )
        return
    schema = reader.schema(_body(operation, reader))
    inputs = {}
    for key, node in schema.get("properties", {}).items():
        if made := _field(snake(str(key)), node, key in schema.get("required", []), reader, result, by):
            inputs[snake(str(key))] = made
    draft.update(name, input=inputs, description=_line(operation), satisfies=(by,))
    result.unmet.append(
        f"POST /{plural}/{{id}}/{name} is there, but what it changes is not said{': ' + _line(operation) if _line(operation) else ''}"
    )


def _unmet_paths(paths: dict[str, Any], prefix: str, resources: dict[str, Any], reader: _Reader, result: Import) -> None:
    for path, item in paths.items():
        first = path.removeprefix(prefix).strip("/").split("/")[0]
        handled = first in resources and singular(snake(first)) in result.world.entities
        parts = path.removeprefix(prefix).strip("/").split("/")
        if isinstance(item, dict) and (not handled or (len(parts) > 1 and not parts[1].startswith("{"))):
            for method in (m for m in _METHODS if m in item):
                result.unmet.append(
                    f"{method.upper()} {path}: {_line(item[method]) or 'an operation'} is not reading or writing one row"
                )


def _security(reader: _Reader, result: Import, by: str) -> None:
    schemes = (reader.document.get("components") or {}).get("securitySchemes") or {}
    if not schemes or not (
        reader.document.get("security")
        or any(
            "security" in o
            for i in reader.document["paths"].values()
            if isinstance(i, dict)
            for o in i.values()
            if isinstance(o, dict)
        )
    ):
        return
    account = result.world.find("user") or result.world.add("user", by)
    result.world.account = account.name
    result.world.auth = Auth(entity=account.name, satisfies=(by,))
    result.world.auth_cues.append(by)
