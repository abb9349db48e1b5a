"""Attributes of classes and entities in diagrams → fields."""

import re
from dataclasses import dataclass, field

from quantumlayer.spec.analyst.words import verb_base
from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.tables import Import, ImportError_, identifier, key_of, said, scalar_field, snaked
from quantumlayer.spec.values import Field, Unique

_KEYS = r"(?:PK|FK|UK|AK)"
_TYPE = r"[A-Za-z_][\w.]*(?:\([\d, ]*\)|<[\w<>, ]+>|~[\w~, ]+~)?(?:\[\])?\??"
_TYPED = re.compile(rf"^(?P<type>{_TYPE}|[\w]+\([^)]*\))\s+(?P<name>[\w-]+)\s*(?:=\s*(?P<default>[\w.'\"-]+))?\s*(?P<keys>{_KEYS}(?:\s*,\s*{_KEYS})*)?(?:\s*\"(?P<note>[^\"]*)\")?$")  # fmt: skip
_NAMED = re.compile(rf"^(?P<name>[\w]+)\s*:\s*(?P<type>{_TYPE}|enum\([^)]*\))?\s*(?:\[(?P<size>[\d.*]+)\])?\s*(?:=\s*(?P<default>[^{{<]+?))?\s*(?:\{{(?P<note>[^}}]*)\}})?\s*(?P<keys>(?:<<[^>]*>>\s*)*)$")  # fmt: skip
_METHOD = re.compile(r"^(?:[\w<>\[\]~]+\s+)?\w+\s*\((?!\s*\d)[^)]*\).*$")
_RULER = re.compile(r"(?:--|\.\.|__|==)(?:.*(?:--|\.\.|__|==))?")
_LISTS = re.compile(r"^(?:List|Set|Array|Collection|Sequence|Vector)?[<~](?P<of>\w+)[>~]$|^(?P<of2>\w+)\[\]$", re.I)
_OPTIONAL = re.compile(
    r"\b(?:optional|nullable|may be (?:empty|null|missing|blank)|can be (?:empty|null)|if any|not required)\b", re.I
)
_LISTED = re.compile(r"[\w-]+(?: [\w-]+)?(?:(?:\s*[,|/]\s*|\s+or\s+)[\w-]+(?: [\w-]+)?)+")


@dataclass
class Body:
    """What stands inside the braces of one class, until all are read."""

    draft: EntityDraft
    keys: list[str] = field(default_factory=list)
    foreign: dict[str, bool] = field(default_factory=dict)
    starred: bool = False
    starless: list[str] = field(default_factory=list)


def add_member(
    file: str,
    number: int,
    raw: str,
    body: Body,
    result: Import,
    by: str,
    enums: dict[str, tuple[str, ...]],
    kinds: dict[str, str],
) -> tuple[str, str, bool] | None:
    """Give the body's draft a field. (name, class, whether many) where the type is another class of the diagram, by `kinds`."""
    line = re.sub(r"\{(?:field|static|abstract|classifier)\}\s*", "", raw).strip().rstrip(";")
    # What is bold, underlined or slanted is named all the same.
    line = re.sub(r"(\*\*|__|//)(?=\w)(.+?)(?<=\w)\1", r"\2", line)
    starred = bool(re.match(r"[+#~-]?\s*\*", line))
    line = re.sub(r"^[+#~-]?\s*\*?\s*", "", line)
    if not line or _RULER.fullmatch(raw.strip()) or re.fullmatch(r"<<.*>>", line):
        return None
    if _METHOD.match(line):
        _method(line, body, result)
        return None
    found = _TYPED.match(line) or _NAMED.match(line)
    if found is None and re.fullmatch(r"\w+", line):
        found = re.match(r"^(?P<name>\w+)(?P<type>)?(?P<keys>)?(?P<note>)?$", line)
    if found is None:
        raise ImportError_(file, number, f"{raw[:60]!r} is no field", "write `type name`, or `name : type`")
    told = found.groupdict()
    body.starred = body.starred or starred
    keys, name = (told["keys"] or "").upper(), identifier(told["name"])
    kind, many = _kind(told["type"] or "string", told.get("size") or "")
    optional = (told["type"] or "").endswith("?") or (told.get("size") or "").startswith("0..1")
    if name in ("created_at", "updated_at"):
        return None
    if "FK" in keys:
        body.foreign[name] = "UK" in keys
        body.keys += [name] if "PK" in keys else []
        return None
    if kind in kinds and kind not in enums:
        return name, kinds[kind], many
    if not starred:
        body.starless.append(name)
    made = _field(name, kind, many, told, enums, by)
    if made is None:
        rows = body.draft.plural.replace("_", " ")
        result.unmet.append(f"the field {told['name']} of {rows} has type {told['type']}, which has no counterpart")
        return None
    if optional:
        made = made.model_copy(update={"required": False})
    if re.search(r"\bPK\b|PRIMARY|\bKEY\b", keys) or name == "id":
        body.keys.append(name)
    unique = bool(re.search(r"\bUK\b|\bAK\b|UNIQUE", keys) or re.search(r"\bunique\b", told["note"] or "", re.I))
    made = made.model_copy(update={"unique": unique and made.type not in ("boolean", "strings")})
    body.draft.fields[name] = _noted(body.draft, name, made, told, result)
    return None


# What only reads or makes the object itself.
_ACCESSOR = re.compile(r"(?:get|set|is|has|to|equals|hash|new|init)(?:_|$)|\w*(?:__init__|constructor)")


def _method(line: str, body: Body, result: Import) -> None:
    """What an operation of a class does, only a sentence can tell."""
    called = re.match(r"(?:[\w<>\[\]~]+\s+)?(\w+)\s*\(", line)
    name, draft = snaked(called[1]) if called else "", body.draft
    verb = name.split("_")[0]
    if not name or _ACCESSOR.match(name) or name == draft.name or verb_base(verb) is None:
        return
    note = f"what the operation {called[1] if called else ''} of {draft.plural.replace('_', ' ')} does is not said"
    result.pend(note, draft, name)


def _kind(written: str, size: str) -> tuple[str, bool]:
    """The type of an item, and whether there are many of it."""
    plain = written.rstrip("?")
    listed = _LISTS.match(plain)
    many = "*" in size or bool(re.fullmatch(r"\d+\.\.(?:\d*[2-9]\d*)", size))
    return ((listed["of"] or listed["of2"]), True) if listed else (plain, many)


def _field(name: str, kind: str, many: bool, told: dict, enums: dict[str, tuple[str, ...]], by: str) -> Field | None:
    if len(values := enums.get(kind, ())) > 1 and not many:
        return Field(type="enum", values=values, satisfies=(by,))
    if inline := re.match(r"enum\((.+)\)", kind, re.I):
        listed = tuple(v for part in inline[1].split(",") if (v := part.strip(" '\"")))
        return Field(type="enum", values=listed, satisfies=(by,)) if len(listed) > 1 else None
    if kind.lower() == "enum" and not many and _LISTED.fullmatch(told["note"] or ""):
        kind = "string"
    found = scalar_field(name, kind + ("[]" if many else ""), required=True, unique=False, by=by)
    if found is None or many:
        return found
    size = re.search(r"\((\d+)(?:\s*,\s*(\d+))?\)", kind)
    if size and found.type == "string":
        return found.model_copy(update={"max_length": int(size[1])})
    if size and found.type == "decimal":
        return found.model_copy(update={"places": min(int(size[2] or 0), 8)})
    return found


def _noted(draft: EntityDraft, name: str, made: Field, told: dict, result: Import) -> Field:
    """With what a comment and a default tell."""
    note, rows = (told["note"] or "").strip(), draft.plural.replace("_", " ")
    label = f"{name.replace('_', ' ')} of {rows}"
    if note and note.lower() not in ("unique", "not null"):
        made = made.model_copy(update={"description": said(note)})
    if _OPTIONAL.search(note):
        made = made.model_copy(update={"required": False})
        result.world.assume(f"The {label} may be missing («{note}»).")
    elif made.type == "string" and not made.unique and _LISTED.fullmatch(note):
        values = tuple(dict.fromkeys(re.split(r"\s*[,|/]\s*|\s+or\s+", note)))
        if len(values) > 1:
            result.world.assume(f"The {label} is one of {', '.join(values)}.")
            made = Field(type="enum", values=values, required=made.required, satisfies=made.satisfies)
    made = _bounded(made, note)
    told_default = re.search(r"\bdefaults?(?: to|:| is|=)? ?[\"']?([\w.-]+)", note, re.I)
    given = (told.get("default") or (told_default[1] if told_default else "")).strip().strip("\"'")
    if given and given.lower() not in ("null", "none", "[]", "{}"):
        default = constant_of(given, made)
        if default is None:
            result.unmet.append(f"the default {given} of the {label} has no counterpart")
        made = made.model_copy(update={"default": default})
    return made


_RANGE = re.compile(r"(?P<a>-?\d+(?:\.\d+)?)\s*(?:\.\.|-|–|to)\s*(?P<b>-?\d+(?:\.\d+)?)")
_BOUND = re.compile(
    r"(?P<o>>=|<=|>|<|\bmin(?:imum)?\b|\bmax(?:imum)?\b|\bat least\b|\bat most\b)\s*:?\s*(?P<n>-?\d+(?:\.\d+)?)", re.I
)


def _bounded(made: Field, note: str) -> Field:
    """With the bounds that a comment tells: `1..24`, `> 0`, `max 5`, `positive`."""
    if made.type in ("string", "text") and (long := re.search(r"\bmax(?:imum)?\.?:? ?(\d+)(?: char\w*)?\b", note, re.I)):
        return made.model_copy(update={"max_length": int(long[1])})
    if made.type not in ("integer", "number", "decimal"):
        return made
    changes: dict[str, object] = {}
    if between := _RANGE.search(note):
        changes = {"min": _number(between["a"]), "max": _number(between["b"])}
    for told in _BOUND.finditer(note):
        low = told["o"].lower() in (">=", ">", "min", "minimum", "at least")
        changes["min" if low else "max"] = _number(told["n"])
        changes |= {f"exclusive_{'min' if low else 'max'}": True} if told["o"] in "<>" else {}
    if re.search(r"\bpositive\b", note, re.I):
        changes |= {"min": 0, "exclusive_min": True}
    if re.search(r"\bnon-?negative\b|\bnot negative\b|\bnever negative\b", note, re.I):
        changes |= {"min": 0}
    return made.model_copy(update=changes)


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def constant_of(given: str, made: Field) -> str | None:
    """CEL of a value as diagrams write it, as one of the field's type; None where it is none."""
    if made.type == "boolean":
        return given.lower() if given.lower() in ("true", "false") else None
    if made.type == "integer":
        return given if re.fullmatch(r"-?\d+", given) else None
    if made.type in ("number", "decimal"):
        return (given if "." in given else f"{given}.0") if re.fullmatch(r"-?\d+(\.\d+)?", given) else None
    if made.type == "enum":
        named = next((v for v in made.values if v.lower() in (given.lower(), given.split(".")[-1].lower())), None)
        return f"'{named}'" if named else None
    if made.type in ("date", "datetime") and re.match(r"(?:now|today|current)", given, re.I):
        return "now" if made.type == "datetime" else "today"
    return "'" + given.replace("\\", "\\\\").replace("'", "\\'") + "'" if made.type in ("string", "text") else None


def settle_keys(body: Body, result: Import, by: str) -> None:
    """What rows are named by, and what a star in front of fields says of the others."""
    draft, rows = body.draft, body.draft.plural.replace("_", " ")
    if body.starred and body.starless:
        for name in body.starless:
            if name in draft.fields and name not in body.keys:
                draft.fields[name] = draft.fields[name].model_copy(update={"required": False})
        result.world.assume(f"Fields of {rows} without a star may be missing.")
    if len(body.keys) == 1 and (name := body.keys[0]) in draft.fields:
        key = draft.fields[name]
        if key.type in ("string", "integer"):
            del draft.fields[name]
            draft.id = key_of(draft, name, key, result)
        elif name == "id":
            del draft.fields[name]
        else:
            draft.fields[name] = key.model_copy(update={"unique": True})
    elif len(body.keys) > 1:
        result.world.assume(f"Rows of {rows} are addressed by an id; their key {' and '.join(body.keys)} stays unique.")
        draft.fields.pop("id", None)


def settle_together(body: Body, by: str) -> None:
    """A key of several fields and references is unique as a whole."""
    if len(body.keys) < 2:
        return
    stems = [next((n for n in (k, *(k.rsplit("_", i)[0] for i in (1, 2))) if n in body.draft.fields), None) for k in body.keys]
    names = tuple(dict.fromkeys(n for n in stems if n))
    if len(names) > 1:
        body.draft.unique.append(Unique(fields=names, satisfies=(by,)))
