"""The short ways to write a spec in YAML, one each; `docs/spec.md` lists them. `expand` and `compress` are inverse."""

from typing import Any

Data = dict[str, Any]
_CEL = ("default", "value", "check", "where", "allow", "visible", "redirect", "delete")
_CEL_MAPS = ("set", "group_by", "measures", "columns")
_BOUNDS = {"gte": ">=", "lte": "<="}
_SIGNED_IN = "signed_in"


def expand(data: Any) -> Any:
    """Plain data with every shorthand written out. Anything unexpected is left for the validation to name."""
    if not isinstance(data, dict):
        return data
    spec = dict(data)
    if isinstance(spec.get("requirements"), dict):
        spec["requirements"] = [_expand_requirement(key, value) for key, value in spec["requirements"].items()]
    if isinstance(spec.get("entities"), dict):
        spec["entities"] = {key: _expand_entity(value) for key, value in spec["entities"].items()}
    if isinstance(spec.get("reports"), dict):
        spec["reports"] = {key: _expand_operation(value) for key, value in spec["reports"].items()}
    return _texts(spec)


def _expand_requirement(key: str, value: Any) -> Any:
    if isinstance(value, str):
        return {"id": key, "text": value}
    return {"id": key, **value} if isinstance(value, dict) else value


def _expand_entity(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    entity = dict(value)
    if "id" in entity:
        entity["id"] = _expand_field(entity["id"])
    if isinstance(entity.get("fields"), dict):
        entity["fields"] = {key: _expand_field(field) for key, field in entity["fields"].items()}
    if isinstance(entity.get("unique"), list):
        entity["unique"] = [{"fields": part} if isinstance(part, list) else part for part in entity["unique"]]
    if isinstance(entity.get("operations"), list):
        entity["operations"] = {key: {} for key in entity["operations"] if isinstance(key, str)}
    if isinstance(entity.get("operations"), dict):
        entity["operations"] = {key: _expand_operation(operation) for key, operation in entity["operations"].items()}
    return entity


def _expand_field(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return {"type": value[:-1], "required": False} if value.endswith("?") else {"type": value}


def _expand_operation(value: Any) -> Any:
    if value is None:
        return {}
    if not isinstance(value, dict):
        return value
    operation = dict(value)
    if isinstance(operation.get("input"), dict):
        operation["input"] = {key: _expand_field(field) for key, field in operation["input"].items()}
    if isinstance(operation.get("filters"), list):
        operation["filters"] = [_expand_filter(part) for part in operation["filters"]]
    access = operation.get("access")
    if isinstance(access, str):
        operation["access"] = {"sign_in": True} if access == _SIGNED_IN else {"roles": [access]}
    transition = operation.get("transition")
    if isinstance(transition, dict) and isinstance(transition.get("from"), str):
        operation["transition"] = {**transition, "from": [transition["from"]]}
    return operation


def _expand_filter(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    for op, sign in _BOUNDS.items():
        if value.endswith(sign):
            return {"field": value.removesuffix(sign).strip(), "op": op}
    return {"field": value}


def _texts(part: Any) -> Any:
    """`satisfies: R1` becomes a list; plain numbers and booleans where CEL is wanted become its text."""
    if isinstance(part, list):
        return [_texts(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {key: _texts(value) for key, value in part.items()}
    if isinstance(found.get("satisfies"), str):
        found["satisfies"] = [found["satisfies"]]
    for key in _CEL:
        if key in found:
            found[key] = _cel(found[key])
    for key in _CEL_MAPS:
        if isinstance(found.get(key), dict):
            found[key] = {name: _cel(value) for name, value in found[key].items()}
    return found


def _cel(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else value


def compress(spec: Data) -> Data:
    """The shorthands for data as `Spec.model_dump` gives it."""
    short = dict(spec)
    if "requirements" in short:
        short["requirements"] = {r["id"]: _compress_requirement(r) for r in short["requirements"]}
    short["entities"] = {key: _compress_entity(value) for key, value in short["entities"].items()}
    if "reports" in short:
        short["reports"] = {key: _compress_operation(value) for key, value in short["reports"].items()}
    return _short_satisfies(short)


def _compress_requirement(value: Data) -> Any:
    rest = {key: part for key, part in value.items() if key != "id"}
    return rest["text"] if rest.keys() == {"text"} else rest


def _compress_entity(value: Data) -> Data:
    entity = dict(value)
    if "id" in entity:
        entity["id"] = _compress_field(entity["id"])
    if "fields" in entity:
        entity["fields"] = {key: _compress_field(field) for key, field in entity["fields"].items()}
    if "unique" in entity:
        entity["unique"] = [part["fields"] if part.keys() == {"fields"} else part for part in entity["unique"]]
    if "operations" in entity:
        operations = {key: _compress_operation(part) for key, part in entity["operations"].items()}
        entity["operations"] = operations if any(operations.values()) else list(operations)
    return entity


def _compress_field(value: Data) -> Any:
    if value.keys() == {"type"}:
        return value["type"]
    return f"{value['type']}?" if value == {"type": value["type"], "required": False} else value


def _compress_operation(value: Data) -> Data:
    operation = dict(value)
    if "input" in operation:
        operation["input"] = {key: _compress_field(field) for key, field in operation["input"].items()}
    if "filters" in operation:
        operation["filters"] = [part["field"] + _BOUNDS.get(part.get("op", "eq"), "") for part in operation["filters"]]
    access = operation.get("access", {})
    if access == {"sign_in": True}:
        operation["access"] = _SIGNED_IN
    elif access.keys() == {"roles"} and len(access["roles"]) == 1 and access["roles"] != [_SIGNED_IN]:
        operation["access"] = access["roles"][0]
    if "transition" in operation and len(operation["transition"]["from"]) == 1:
        operation["transition"] = {**operation["transition"], "from": operation["transition"]["from"][0]}
    return operation


def _short_satisfies(part: Any) -> Any:
    if isinstance(part, list):
        return [_short_satisfies(item) for item in part]
    if not isinstance(part, dict):
        return part
    found = {key: _short_satisfies(value) for key, value in part.items()}
    if isinstance(found.get("satisfies"), list) and len(found["satisfies"]) == 1:
        found["satisfies"] = found["satisfies"][0]
    return found
