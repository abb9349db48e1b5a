"""GraphQL SDL → entities: object types with their fields, enums, and lists of other types as relations."""

import re

from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.tables import Import, ImportError_, identifier, key_of, scalar_field
from quantumlayer.spec.values import Field

_ROOTS = ("Query", "Mutation", "Subscription")
_FIELD = re.compile(r"^(?P<name>\w+)(?:\((?P<args>.*)\))?\s*:\s*(?P<type>\[?\w+!?\]?!?)(?:\s*@.*)?,?$")
_CUSTOM = {
    "datetime": "datetime",
    "date": "date",
    "decimal": "decimal",
    "money": "decimal",
    "url": "string",
    "email": "string",
    "time": "time",
    "bigint": "integer",
    "long": "integer",
}


def import_graphql(name: str, text: str, by: str = "R1") -> Import:
    """The entities of a schema. Queries and mutations beyond reading and writing them are unmet. Raises `ImportError_`."""
    text = re.sub(r'"""(?:.|\n)*?"""', lambda m: "\n" * m[0].count("\n"), text)
    types, enums, operations = _blocks(name, text)
    result = Import()
    if not types:
        raise ImportError_(name, None, "no object type was found", "declare at least one `type Name { field: Type }`")
    for type_name in types:
        result.entity(identifier(type_name), by)
    entities = {t: result.entity(identifier(t), by) for t in types}
    for type_name, fields in types.items():
        draft = entities[type_name]
        for line, raw in fields:
            field = _FIELD.match(raw)
            if field is None:
                raise ImportError_(name, line, f"{raw[:60]!r} is no field", "write `name: Type` or `name: [Type!]!`")
            _field(name, line, draft, type_name, field, types, enums, entities, result, by)
    for line, raw in operations:
        _ = line
        found = _FIELD.match(raw)
        target = (
            re.sub(r"^(?:all|get|list|find|create|update|delete|add|remove)", "", found["name"], flags=re.I) if found else ""
        )
        known = found and (result.world.find(identifier(target)) or result.world.find(identifier(found["name"])))
        if not known:
            result.unmet.append(
                f"the GraphQL operation {raw.split('(')[0].split(':')[0]} is more than reading or writing one type"
            )
    return result


def _blocks(name: str, text: str) -> tuple[dict[str, list[tuple[int, str]]], dict[str, tuple[str, ...]], list[tuple[int, str]]]:
    types: dict[str, list[tuple[int, str]]] = {}
    enums: dict[str, tuple[str, ...]] = {}
    operations: list[tuple[int, str]] = []
    kind, current, body, opened = "", "", [], 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r'#.*$|"[^"]*"', "", raw).strip()
        head = re.match(
            r"^(?:extend\s+)?(type|input|enum|interface)\s+(\w+)(?:\s+implements[^{]*)?(?:\s*@[^{]*)?\s*\{(.*)$", line
        )
        if head and not current:
            kind, current, body, opened, line = head[1], head[2], [], number, head[3].strip()
        elif not current:
            if line and not re.match(r"(?:scalar|union|directive|schema|query|mutation|subscription|\})", line):
                raise ImportError_(name, number, f"{line[:60]!r} is not understood here", "declare types as `type Name { … }`")
            continue
        closes = line.endswith("}")
        body += [
            (number, part.strip())
            for part in re.split(r"(?<=[\w\]!])\s*,?\s+(?=\w+\s*(?:\([^)]*\))?\s*:)", line.rstrip("}"))
            if part.strip()
        ]
        if closes:
            if kind == "enum":
                enums[current] = tuple(v for _, part in body for v in part.replace(",", " ").split())
            elif kind == "type" and current in _ROOTS:
                operations += body
            elif kind == "type":
                types[current] = body
            current = ""
    if current:
        raise ImportError_(name, opened, f"the block of {current} is not closed", "add the missing }")
    return types, enums, operations


def _named_id(text: str) -> bool:
    found = _FIELD.match(text)
    return found is not None and identifier(found["name"]) == "id"


def _field(
    name: str,
    line: int,
    draft: EntityDraft,
    type_name: str,
    found: re.Match[str],
    types: dict,
    enums: dict,
    entities: dict,
    result: Import,
    by: str,
) -> None:
    raw, field_name = found["type"], identifier(found["name"])
    many, required, base = raw.startswith("["), raw.endswith("!"), raw.strip("[]!")
    if field_name in ("created_at", "updated_at") or (field_name, base) == ("id", "ID"):
        return
    if field_name == "id" or (
        base == "ID" and required and not many and not any(_named_id(text) for _, text in types[type_name])
    ):
        key = scalar_field(field_name, base, required=True, unique=True, by=by)
        if key is not None and key.type in ("string", "integer"):
            draft.id = key_of(draft, field_name, key, result)
            return
    if base in types:
        other = entities[base]
        back = [f for _, text in types[base] if (f := _FIELD.match(text)) and f["type"].strip("[]!") == type_name]
        if many and any(not f["type"].startswith("[") for f in back):
            return
        if many and any(f.type == "references" and f.to == draft.name for f in other.fields.values()):
            return
        kind = "references" if many else "reference"
        draft.fields[field_name] = Field(type=kind, to=other.name, required=required and not many, satisfies=(by,))
    elif base in enums:
        draft.fields[field_name] = Field(type="enum", values=enums[base], required=required, satisfies=(by,))
    else:
        field = scalar_field(
            field_name, _CUSTOM.get(base.lower(), base) + ("[]" if many else ""), required=required, unique=False, by=by
        )
        if field is None:
            result.unmet.append(f"{name}:{line}: the field {field_name} has type {raw}, which has no counterpart")
        else:
            draft.fields[field_name] = field
