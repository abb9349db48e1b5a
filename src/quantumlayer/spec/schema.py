"""The JSON Schema of the YAML form, shorthands included: for editors, and for whoever writes specs by program."""

from typing import Any, get_args

from quantumlayer.spec.values import FieldType, Spec

Json = dict[str, Any]
ID = "https://quantumlayer.dev/schemas/spec-1.json"
_CEL_MEMBERS = ("default", "value", "check", "where", "allow", "visible", "redirect", "delete")
_CEL_MAPS = ("set", "group_by", "measures", "columns")
_REQUIREMENT = {"type": "string", "pattern": "^R[1-9][0-9]*$"}


def spec_schema() -> Json:
    """JSON Schema 2020-12 of what `yaml_form.load_spec` reads. Expressions are checked by `load_spec` only."""
    schema = Spec.model_json_schema(by_alias=True)
    definitions: dict[str, Json] = schema["$defs"]
    for definition in (schema, *definitions.values()):
        for name, member in definition.get("properties", {}).items():
            definition["properties"][name] = _with_shorthand(name, member)
    field_types = "|".join(get_args(FieldType))
    definitions["Field"] = _or(definitions["Field"], {"type": "string", "pattern": rf"^({field_types})\??$"})
    definitions["Filter"] = _or(definitions["Filter"], {"type": "string", "pattern": "^[a-z][a-z0-9_]* ?(>=|<=)?$"})
    definitions["Access"] = _or(definitions["Access"], {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"})
    definitions["Operation"] = _or(definitions["Operation"], {"type": "null"})
    definitions["Unique"] = _or(definitions["Unique"], {"type": "array", "items": {"type": "string"}, "minItems": 1})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, **schema}


def _or(full: Json, short: Json) -> Json:
    return {"anyOf": [full, short]}


def _with_shorthand(name: str, member: Json) -> Json:
    if name == "satisfies":
        return _or(member, _REQUIREMENT)
    if name == "from":
        return _or(member, {"type": "string"})
    if name == "operations":
        return _or(member, {"type": "array", "items": {"type": "string"}})
    if name == "requirements":
        statement = {"anyOf": [{"type": "string"}, {"type": "object"}]}
        by_id = {"type": "object", "propertyNames": _REQUIREMENT, "additionalProperties": statement}
        return _or(member, by_id)
    if name in _CEL_MEMBERS:
        return _or(member, {"type": ["boolean", "number"]})
    if name in _CEL_MAPS:
        return _or(member, {"type": "object", "additionalProperties": {"type": ["boolean", "number", "string"]}})
    return member
