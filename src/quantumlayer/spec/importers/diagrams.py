"""Mermaid ER, class and state diagrams and PlantUML → entities, relations and state machines."""

import re
from collections import Counter

from quantumlayer.spec.analyst.words import value_name
from quantumlayer.spec.analyst.world import EntityDraft, action_for_state, ensure_states, transition
from quantumlayer.spec.importers.tables import Import, ImportError_, identifier, key_of, scalar_field
from quantumlayer.spec.values import Field

_ER = re.compile(
    r"^\"?(?P<a>[\w-]+)\"?\s+(?P<left>\|o|\|\||\}o|\}\|)\s*(?:--|\.\.)\s*(?P<right>o\||\|\||o\{|\|\{)\s+\"?(?P<b>[\w-]+)\"?\s*(?::\s*(?P<label>.*))?$"
)
_ATTRIBUTE = re.compile(
    r"^(?P<type>[\w()\[\],]+)\s+\*?(?P<name>\w+)(?:\s+(?P<keys>(?:PK|FK|UK)(?:\s*,\s*(?:PK|FK|UK))*))?(?:\s+\"(?P<note>[^\"]*)\")?$"
)
_NAMED = re.compile(r"^[+#~-]?\*?\s*(?P<name>\w+)\s*:\s*(?P<type>[\w()\[\],]+\??)(?:\s*<<(?P<keys>\w+)>>)?$")
_ARROW = re.compile(r"^(?P<a>\[\*\]|[\w-]+)\s*-+(?:\w+-+)?>\s*(?P<b>\[\*\]|[\w-]+)\s*(?::\s*(?P<label>.+))?$")
_CLASS_LINK = re.compile(
    r"^(?P<a>\w+)\s*(?:\"(?P<left>[^\"]*)\")?\s*(?:<\|--|\*--|o--|-->|--\*|--o|--|<--|\.\.>|\.\.)\s*(?:\"(?P<right>[^\"]*)\")?\s*(?P<b>\w+)\s*(?::\s*(?P<label>.*))?$"
)
_MANY = ("}o", "}|", "o{", "|{")


def import_mermaid(name: str, text: str, by: str = "R1") -> Import:
    """The entities of an `erDiagram` or `classDiagram`, the machine of a `stateDiagram`. Raises `ImportError_` with the line."""
    lines = _lines(text, r"%%.*$", r"```|---|title:?\s|direction\s|note\s|style\s|classDef\s|acc(?:Title|Descr)")
    if not lines:
        raise ImportError_(name, None, "the diagram is empty", "start it with erDiagram or stateDiagram-v2")
    kind = lines[0][1].split()[0]
    if kind == "erDiagram":
        return _entities(name, lines[1:], by)
    if kind == "classDiagram":
        return _entities(name, lines[1:], by, "class ")
    if kind in ("stateDiagram", "stateDiagram-v2"):
        return _states(name, lines[1:], by)
    raise ImportError_(
        name, lines[0][0], f"{kind!r} is no diagram that can be read", "use erDiagram, classDiagram or stateDiagram-v2"
    )


def import_plantuml(name: str, text: str, by: str = "R1") -> Import:
    """Entities, classes or states of a PlantUML file. Raises `ImportError_` with the line."""
    noise = r"@start|@end|skinparam|hide\b|show\b|title\s+(?!:)|left to|top to|!|note\s+(?!:)|scale\s|package\s|together\b"
    lines = _lines(text, r"^\s*'.*$", noise)
    if not lines:
        raise ImportError_(name, None, "the diagram is empty", "put entities or states between @startuml and @enduml")
    if any(re.search(r"\[\*\]", line) for _, line in lines):
        return _states(name, [(n, re.sub(r"^state\s+\"?(\w+)\"?.*$", r"\1", line)) for n, line in lines], by)
    lines, enums = _without_enums(lines)
    result = _entities(name, lines, by, "class ", "entity ", "table ", enums=enums)
    included = re.findall(r"^[ \t]*!(?:include|import)\w*[ \t]+(\S+)", text, re.M)
    result.unmet += [f"{name} includes {other}, which is not read" for other in included]
    return result


def _without_enums(lines: list[tuple[int, str]]) -> tuple[list[tuple[int, str]], dict[str, tuple[str, ...]]]:
    """The lines without `enum NAME { … }`, and the values of each."""
    rest, enums, inside = [], {}, None
    for number, line in lines:
        if opened := re.match(r"^enum\s+\"?(\w+)\"?.*\{$", line):
            inside = opened[1]
            enums[inside] = ()
        elif inside and line == "}":
            inside = None
        elif inside:
            enums[inside] += tuple(value_name(v) for v in re.split(r"[\s,]+", line) if value_name(v))
        else:
            rest.append((number, line))
    return rest, enums


def _lines(text: str, comment: str, noise: str) -> list[tuple[int, str]]:
    """Numbered lines that say something, a brace ending or beginning each."""
    found = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(comment, "", raw).strip()
        if not line or re.match(noise, line, re.I):
            continue
        opened = re.match(r"^([^{}|]*\{)\s*([^{}]*?)\s*(\})?$", line)
        parts = [opened[1], *re.split(r"\s*;\s*", opened[2]), opened[3]] if opened and opened[2] else [line]
        closed = re.match(r"^([^{}]+?)\s*\}$", line)
        parts = [closed[1], "}"] if closed and not _ER.match(line) else parts
        found += [(number, part) for part in parts if part]
    return found


def _entities(
    name: str, lines: list[tuple[int, str]], by: str, *words: str, enums: dict[str, tuple[str, ...]] | None = None
) -> Import:
    result, current, opened = Import(), None, 0
    links: list[tuple[int, re.Match[str]]] = []
    for number, line in lines:
        block = re.match(
            rf"^(?:{'|'.join(map(re.escape, words)) or '(?!)'})?\"?(?P<n>[\w-]+)\"?(?:\s+as\s+\w+|\[[^\]]*\])?\s*(?:<<.*>>)?\s*\{{\s*(?P<end>\}})?$",
            line,
        )
        if current is None and block:
            current, opened = result.entity(block["n"], by), number
            current = None if block["end"] else current
        elif line == "}":
            if current is None:
                raise ImportError_(name, number, "} without an opening {", "remove it, or open the entity above")
            current = None
        elif current is not None:
            _attribute(name, number, line, current, result, by, enums or {})
        elif link := _ER.match(line) or _CLASS_LINK.match(line):
            links.append((number, link))
        elif words and (bare := re.match(rf"^(?:{'|'.join(map(re.escape, words))})\"?(\w+)\"?$", line)):
            result.entity(bare[1], by)
        elif words and (member := re.match(r"^(\w+)\s*:\s*(.+)$", line)):
            _attribute(name, number, member[2], result.entity(member[1], by), result, by, enums or {})
        elif not words and re.fullmatch(r"[\w-]+", line):
            result.entity(line, by)
        else:
            raise ImportError_(
                name,
                number,
                f"{line[:60]!r} is neither an entity, a field nor a relation",
                "write NAME { type field } or A ||--o{ B : label",
            )
    if current is not None:
        raise ImportError_(name, opened, f"the block of {current.name} is not closed", "add the missing }")
    pairs = Counter(frozenset((link["a"], link["b"])) for _, link in links)
    for _, link in links:
        _relate(link, result, by, named=pairs[frozenset((link["a"], link["b"]))] > 1)
    return result


def _attribute(
    name: str,
    number: int,
    line: str,
    draft: EntityDraft,
    result: Import,
    by: str,
    enums: dict[str, tuple[str, ...]],
) -> None:
    line = re.sub(r"^\{(?:field|static)\}\s*", "", line)
    if line in ("--", "..", "__", "==") or re.match(r"^[+#~-]?\s*(?:\w+\s+)?\w+\s*\((?!\d)", line):
        return
    found = _ATTRIBUTE.match(line) if not _NAMED.match(line) else None
    typed = found or _NAMED.match(line)
    if typed is None:
        raise ImportError_(name, number, f"{line[:60]!r} is no field", "write `type name`, or `name : type`")
    keys, field_name = (typed["keys"] or "").upper(), identifier(typed["name"])
    if field_name in ("created_at", "updated_at") or "FK" in keys:
        return
    if field_name == "id" or "PK" in keys:
        key = scalar_field(field_name, typed["type"].rstrip("?"), required=True, unique=True, by=by)
        if draft.id is not None:
            result.unmet.append(f"rows of {draft.plural} have one key in the application, {field_name} is no part of it")
        elif key is not None and key.type in ("string", "integer"):
            draft.id = key_of(draft, field_name, key, result, made=key.type == "integer")
            return
        elif field_name == "id":
            return
    optional = typed["type"].endswith("?")
    if len(values := enums.get(typed["type"].rstrip("?"), ())) > 1:
        draft.fields[field_name] = Field(type="enum", values=values, required=not optional, satisfies=(by,))
        return
    field = scalar_field(
        field_name, typed["type"].rstrip("?"), required=not optional, unique="UK" in keys or "UNIQUE" in keys, by=by
    )
    if field is None:
        result.unmet.append(f"the field {field_name} of {draft.plural} has type {typed['type']}, which has no counterpart")
        return
    draft.fields[field_name] = field


def _relate(link: re.Match[str], result: Import, by: str, *, named: bool) -> None:
    """`named`: two entities with several relations, which their labels tell apart."""
    a, b = result.entity(link["a"], by), result.entity(link["b"], by)
    left, right = (link["left"] or "1").strip(), (link["right"] or "*").strip()
    many_a = left in _MANY or "*" in left or "n" in left.lower()
    many_b = right in _MANY or "*" in right or "n" in right.lower()
    if many_a and many_b:
        least = 1 if right in ("|{",) or right.startswith("1..") else None
        a.fields[b.plural] = Field(type="references", to=b.name, required=bool(least), min_items=least, satisfies=(by,))
        return
    child, parent, near_parent = (b, a, left) if many_b or not many_a else (a, b, right)
    optional = near_parent in ("|o", "o|") or near_parent.startswith("0")
    name = identifier(link["label"] or "") if named or child is parent else parent.name
    if not name or name in child.fields:
        name = f"parent_{parent.name}" if child is parent or parent.name in child.fields else parent.name
    one_to_one = not many_a and not many_b
    child.fields[name] = Field(
        type="reference",
        to=parent.name,
        required=not optional and child is not parent,
        unique=one_to_one,
        inverse=None if child.reference_to(parent.name) is None else f"{child.plural}_as_{name}",
        satisfies=(by,),
    )


def _states(name: str, lines: list[tuple[int, str]], by: str) -> Import:
    """One machine; the entity is named by the file (`order.mmd`, `order_states.puml`)."""
    result = Import()
    stem = re.sub(r"\.\w+$", "", name.rsplit("/", 1)[-1])
    label = re.sub(r"[-_ ]?(?:states?|status|machine|diagram|lifecycle|workflow)\b", "", stem, flags=re.I) or "item"
    draft = result.entity(label, by)
    arrows = []
    for number, line in lines:
        found = _ARROW.match(line)
        if found:
            arrows.append((number, found))
        elif not re.fullmatch(r"(?:state\s+)?\"?[\w -]+\"?(?:\s+as\s+\w+|\s*:.*)?|\}|\{", line):
            raise ImportError_(name, number, f"{line[:60]!r} is no transition", "write FROM --> TO : action")
    starts = [identifier(m["b"]) for _, m in arrows if m["a"] == "[*]"]
    inner = [(n, m) for n, m in arrows if "[*]" not in (m["a"], m["b"])]
    if not inner:
        raise ImportError_(
            name, lines[0][0] if lines else None, "no transition between two states was found", "write FROM --> TO : action"
        )
    initial = starts[0] if starts else identifier(inner[0][1]["a"])
    states = [s for _, m in inner for s in (identifier(m["a"]), identifier(m["b"]))]
    ensure_states(draft, initial, states, by)
    for number, arrow in inner:
        target = identifier(arrow["b"])
        action = identifier(arrow["label"] or "") or action_for_state(target)
        known = draft.operations.get(action)
        if known and known.transition and known.transition.to != target:
            action = f"{action}_{target}"
        transition(draft, action, [identifier(arrow["a"])], target, by)
        _ = number
    return result
