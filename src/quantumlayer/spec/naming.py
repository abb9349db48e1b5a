"""Names that a spec determines on the wire and in a path, the same for every stack."""

from quantumlayer.spec.values import Field, Filter

_IRREGULAR = {"people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse", "feet": "foot"}


def singular(name: str) -> str:
    """The singular of the last word of a lower snake-case plural: `authors` → `author`, `categories` → `category`."""
    head, _, last = name.rpartition("_")
    prefix = f"{head}_" if head else ""
    if last in _IRREGULAR:
        return prefix + _IRREGULAR[last]
    if last.endswith("ies") and len(last) > 4:
        return prefix + last[:-3] + "y"
    if last.endswith(("ses", "xes", "zes", "ches", "shes")):
        return prefix + last[:-2]
    if last.endswith("s") and not last.endswith(("ss", "us", "is")):
        return prefix + last[:-1]
    return name


def wire_name(name: str, field: Field) -> str:
    """The member of a JSON body: `room` → `room_id`, `authors` → `author_ids`, others as they are."""
    if field.type == "reference":
        return f"{name}_id"
    if field.type == "references":
        return f"{singular(name)}_ids"
    return name


def filter_parameter(filter_: Filter, field: Field) -> str:
    """The query parameter of a list filter. For many-valued fields: the singular wire name (`author_id`, `tag`)."""
    if filter_.op != "eq":
        bounds = ("_from", "_to") if field.type in ("date", "datetime", "time") else ("_min", "_max")
        return filter_.field + bounds[filter_.op == "lte"]
    if field.type == "references":
        return f"{singular(filter_.field)}_id"
    if field.type == "strings":
        return singular(filter_.field)
    return wire_name(filter_.field, field)
