"""Mermaid ER, class and state diagrams and PlantUML → entities, relations and state machines."""

import re
from collections import Counter
from dataclasses import dataclass, field

from quantumlayer.spec.importers.diagram_links import Link, class_link, er_link, relate
from quantumlayer.spec.importers.machines import import_states
from quantumlayer.spec.importers.members import Body, add_member, settle_keys, settle_together
from quantumlayer.spec.importers.tables import Import, ImportError_, identifier
from quantumlayer.spec.values import Field

_HEAD = re.compile(r"^(?P<w>(?:abstract\s+class|abstract|class|entity|table|interface|annotation|struct|dataclass|record|protocol|exception|metaclass|stereotype|object)\s+)?(?:\"(?P<q>[^\"]+)\"|(?P<n>[\w.-]+)(?:~[\w~, ]+~|<[\w<>, ]+>)?)(?:\s+as\s+(?:\"(?P<asq>[^\"]+)\"|(?P<as>[\w-]+))|\[\"?(?P<shown>[^\]\"]*)\"?\])?(?P<rest>(?:\s*(?:<<.*?>>|#[\w|;:.]+|:::\w+|(?:extends|implements)\s+[\w.]+(?:\s*,\s*[\w.]+)*|\[\[.*?\]\]|\$\w+))*)\s*(?P<open>\{)?\s*(?P<close>\})?$")  # fmt: skip
_PARENT = re.compile(r"\b(?P<k>extends|implements)\s+(?P<p>[\w.]+(?:\s*,\s*[\w.]+)*)", re.I)
_GROUP = re.compile(r"^(?:package|namespace|rectangle|frame|folder|node|cloud|database|together|set|skinparam)\b[^{]*\{$", re.I)
_BETWEEN = re.compile(r"^\((?P<a>\w+)\s*,\s*(?P<b>\w+)\)\s*[.-]+>?\s*(?P<m>\w+)$")
_BETWEEN_LAST = re.compile(r"^(?P<m>\w+)\s*[.-]+>?\s*\((?P<a>\w+)\s*,\s*(?P<b>\w+)\)$")
_MARKED = re.compile(r"<<\s*(?P<k>[\w ]+)\s*>>")
_MERMAID_NOISE = r"```|direction\s|style\s|classDef\s|cssClass\s|class\s+[\w,]+\s+\w+$|link(?:Style)?\s|click\s|callback\s|acc(?:Title|Descr)"
_PLANTUML_NOISE = r"@start|@end|skinparam\s+\w+\s+\S|(?:hide|show|remove|title|caption|header|footer|scale|newpage|page|mainframe)\s+(?!:)|left to|top to|!|set\s+\w+\s+\S+$|allowmixing"


@dataclass
class _Diagram:
    file: str
    result: Import
    by: str
    bodies: dict[str, Body] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    abstract: set[str] = field(default_factory=set)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parents: list[tuple[str, str]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    classes: bool = True
    members: list[tuple[int, str, str]] = field(default_factory=list)
    between: list[tuple[str, str, str]] = field(default_factory=list)

    def named(self, name: str) -> str:
        return self.names.get(name, name)

    def body(self, name: str) -> Body:
        """The class of a name or an alias."""
        known = self.named(name)
        if known not in self.bodies:
            self.bodies[known] = Body(self.result.entity(known, self.by))
        return self.bodies[known]


def import_mermaid(name: str, text: str, by: str = "R1") -> Import:
    """The entities of an `erDiagram` or `classDiagram`, the machine of a `stateDiagram`. Raises `ImportError_` with the line."""
    text = re.sub(r"\A\s*---\n.*?\n---[ \t]*$", lambda m: "\n" * m[0].count("\n"), text, flags=re.S | re.M)
    text = re.sub(r"%%\{.*?\}%%", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
    lines = _lines(text, r"%%.*$", _MERMAID_NOISE + r"|title:?\s")
    if not lines:
        raise ImportError_(name, None, "the diagram is empty", "start it with erDiagram or stateDiagram-v2")
    kind = lines[0][1].split()[0]
    if kind in ("erDiagram", "classDiagram", "classDiagram-v2"):
        return _entities(name, _split(lines[1:]), by, classes=kind != "erDiagram")
    if kind in ("stateDiagram", "stateDiagram-v2"):
        return import_states(name, lines[1:], by)
    raise ImportError_(
        name, lines[0][0], f"{kind!r} is no diagram that can be read", "use erDiagram, classDiagram or stateDiagram-v2"
    )


def import_plantuml(name: str, text: str, by: str = "R1") -> Import:
    """Entities, classes or states of a PlantUML file. Raises `ImportError_` with the line."""
    blank = re.compile(r"/'.*?'/|^[ \t]*(?:legend|skinparam\s+\w+\s*\{).*?^[ \t]*(?:end ?legend|\})", re.S | re.M | re.I)
    text = blank.sub(lambda m: "\n" * m[0].count("\n"), text)
    included = re.findall(r"^[ \t]*!(?:include|import)\w*[ \t]+(\S+)", text, re.M)
    lines = _lines(text, r"^\s*'.*$", _PLANTUML_NOISE)
    if not lines:
        raise ImportError_(name, None, "the diagram is empty", "put entities or states between @startuml and @enduml")
    _refuse_others(name, lines)
    stated = any(_STATED.match(line) for _, line in lines)
    result = import_states(name, lines, by) if stated else _entities(name, _split(lines), by, classes=True)
    result.unmet += [f"{name} includes {other}, which is not read" for other in included]
    return result


_DECLARED = re.compile(
    r"(?:abstract|class|entity|table|enum|interface|state|struct|object|dataclass|record)\b|\[\*\]|.*\[\*\]", re.I
)
# `[*]` is a state where an arrow begins or ends, and a multiplicity in `tags : String[*]`.
_STATED = re.compile(r"\[\*\]\s*[-<]|.*-+\w*(?:\[[^\]]*\])?-*>+\s*\[\*\]|state\s", re.I)
_OTHER = re.compile(r"(?P<w>participant|actor|boundary|control|collections|queue|activate|deactivate|alt|loop|opt|autonumber|usecase|start|stop|partition|component|artifact|agent|robust|concise)\b(?!\s*:)|(?P<a>:.+;)$", re.I)  # fmt: skip
_SENT = re.compile(r"\w+\s*(?:<?-+>+|->>?|-->>?)\s*\w+\s*(?::.*)?")


def _refuse_others(name: str, lines: list[tuple[int, str]]) -> None:
    """Raises `ImportError_` for a diagram that shows neither classes, entities nor states."""
    if any(_DECLARED.match(line) for _, line in lines):
        return
    other = next(((n, line) for n, line in lines if _OTHER.match(line)), None)
    if other is None and all(_SENT.fullmatch(line) for _, line in lines):
        other = lines[0]
    if other is not None:
        told = f"{other[1][:60]!r} belongs to a diagram that shows neither classes, entities nor states"
        raise ImportError_(name, other[0], told, "pass a class, entity or state diagram, and say the rest in words")


def _lines(text: str, comment: str, noise: str) -> list[tuple[int, str]]:
    """Numbered lines that say something."""
    found = [(number, re.sub(comment, "", raw).strip()) for number, raw in enumerate(text.splitlines(), 1)]
    return [(number, line) for number, line in found if line and not re.match(noise, line, re.I)]


def _split(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """A brace begins or ends each line, but for those of relations (`||--o{`) and of properties (`{unique}`)."""
    found = []
    for number, line in lines:
        if er_link(line) or class_link(line):
            found.append((number, line))
            continue
        opened = re.match(r"^([^{}|]*[^{}|\s:]\s*\{)\s*([^{}]*?)\s*(\})?$", line)
        if opened and (opened[2] or opened[3]) and not re.match(r"^[+#~-]?\s*\*?\s*\w+\s*:|^\{", line):
            parts = [opened[1], *re.split(r"\s*;\s*", opened[2]), opened[3]]
        else:
            closed = re.match(r"^([^{}]+?)\s*\}$", line)
            parts = [closed[1], "}"] if closed else [line]
        found += [(number, part) for part in parts if part]
    return found


def _entities(name: str, lines: list[tuple[int, str]], by: str, *, classes: bool) -> Import:
    diagram = _Diagram(name, Import(), by, classes=classes)
    _scan(diagram, lines, classes)
    for number, owner, member in diagram.members:
        _member(diagram, number, owner, member)
    for body in diagram.bodies.values():
        settle_keys(body, diagram.result, by)
    _inherit(diagram)
    pairs = Counter(frozenset((link.left, link.right)) for link in diagram.links)
    for link in diagram.links:
        if diagram.named(link.left) in diagram.enums or diagram.named(link.right) in diagram.enums:
            continue
        alone = pairs[frozenset((link.left, link.right))] == 1
        relate(link, diagram.body(link.left), diagram.body(link.right), diagram.result, by, named=not alone)
    for left, right, middle in diagram.between:
        _associate(diagram, left, right, middle)
    _inherit_relations(diagram)
    for body in diagram.bodies.values():
        _foreign(diagram, body)
        settle_together(body, by)
    return diagram.result


def _scan(diagram: _Diagram, lines: list[tuple[int, str]], classes: bool) -> None:
    """Classes with their members, and the links between them; names are known once all lines are read."""
    stack: list[tuple[str, int]] = []
    noted = ""
    for number, line in lines:
        here = stack[-1][0] if stack else ""
        if noted:
            noted = "" if re.match(r"end ?note\b", line, re.I) else noted
            if noted:
                diagram.result.unmet.append(f"the note{noted} («{line[:200]}») is not carried over")
        elif line == "}":
            if not stack:
                raise ImportError_(diagram.file, number, "} without an opening {", "remove it, or open the entity above")
            stack.pop()
        elif here and not here.startswith("{"):
            _inside(diagram, number, here, line)
        elif note := re.match(
            r"note\s*(?:(?:left|right|top|bottom|for)(?:\s+of)?\s*)?(?P<of>[\w.]+)?\s*(?P<t>:.*|\".*)?$", line, re.I
        ):
            about = f" on {note['of']}" if note["of"] else ""
            if note["t"]:
                diagram.result.unmet.append(f"the note{about} («{note['t'].strip(': ')[:200]}») is not carried over")
            noted = "" if note["t"] else about or " of the diagram"
        elif _GROUP.match(line) and not re.match(r"(?:set|skinparam)\b", line):
            stack.append(("{" + line, number))
        elif between := _BETWEEN.match(line) or _BETWEEN_LAST.match(line):
            diagram.between.append((between["a"], between["b"], between["m"]))
        elif link := er_link(line) or (class_link(line) if classes else None):
            _link(diagram, link)
        elif classes and (marked := re.match(r"^<<\s*([\w ]+)\s*>>\s+(\w+)$", line)):
            _mark(diagram, marked[2], marked[1])
        elif classes and (member := re.match(r"^(\w+)\s*:\s*(.+)$", line)):
            diagram.members.append((number, member[1], member[2]))
        elif enum := re.match(r"^enum\s+\"?(\w+)\"?.*?(\{)?$", line):
            diagram.enums.setdefault(enum[1], ())
            stack += [(enum[1], number)] if enum[2] else []
        elif (head := _HEAD.match(line)) and (classes or not head["w"]) and (head["open"] or head["w"] or not classes):
            _head(diagram, head, stack, number)
        else:
            raise ImportError_(
                diagram.file,
                number,
                f"{line[:60]!r} is neither an entity, a field nor a relation",
                "write NAME { type field } or A ||--o{ B : label",
            )
    if stack:
        raise ImportError_(
            diagram.file, stack[-1][1], f"the block of {stack[-1][0].strip('{ ')} is not closed", "add the missing }"
        )


def _inside(diagram: _Diagram, number: int, here: str, line: str) -> None:
    if here in diagram.enums:
        diagram.enums[here] += tuple(
            v for v in re.split(r"[\s,;]+", re.sub(r"\(.*\)|=.*|:.*", "", line)) if re.search(r"\w", v)
        )
    elif marked := re.fullmatch(r"<<\s*([\w ]+)\s*>>", line):
        _mark(diagram, here, marked[1])
    else:
        diagram.members.append((number, here, line))


def _mark(diagram: _Diagram, name: str, kind: str) -> None:
    if re.match(r"enum", kind, re.I):
        diagram.enums.setdefault(name, ())
        diagram.bodies.pop(name, None)
        diagram.result.world.entities.pop(identifier(name), None)
    elif re.match(r"interface|abstract", kind, re.I):
        diagram.abstract.add(name)


def _head(diagram: _Diagram, head: re.Match[str], stack: list[tuple[str, int]], number: int) -> None:
    shown = head["q"] or (head["asq"] or head["shown"] or head["n"])
    alias = head["as"] if head["q"] else head["n"]
    if alias and alias != shown:
        diagram.names[alias] = shown
    if head["q"]:
        diagram.names[head["q"]] = shown
    marked = _MARKED.search(head["rest"])
    if marked and re.match(r"enum", marked["k"], re.I):
        diagram.enums.setdefault(shown, ())
    else:
        diagram.body(shown)
    word = (head["w"] or "").strip().lower()
    if word.startswith(("abstract", "interface", "annotation")) or (
        marked and re.match(r"interface|abstract", marked["k"], re.I)
    ):
        diagram.abstract.add(shown)
    if told := _PARENT.findall(head["rest"]):
        diagram.parents += [(shown, parent.strip()) for _, listed in told for parent in listed.split(",")]
    if head["open"] and not head["close"]:
        stack.append((shown, number))


def _link(diagram: _Diagram, link: Link) -> None:
    if link.kind == "inherits":
        diagram.parents.append((link.left, link.right))
    elif link.kind == "uses":
        if diagram.named(link.right) not in diagram.enums:
            diagram.result.world.assume(f"That {link.left} uses {link.right} is no relation of their rows.")
    else:
        diagram.links.append(link)


def _member(diagram: _Diagram, number: int, owner: str, member: str) -> None:
    body = diagram.body(owner)
    if not diagram.classes and re.fullmatch(r"\w+", member):
        raise ImportError_(diagram.file, number, f"{member[:60]!r} has a type or a name only", "write `type name`")
    kinds = {n: n for n in (*diagram.bodies, *diagram.names)}
    found = add_member(diagram.file, number, member, body, diagram.result, diagram.by, diagram.enums, kinds)
    if found is None:
        return
    name, target, many = found
    link = Link(owner, target, "*" if many else "*", "*" if many else "1", name)
    if not any({link.left, link.right} == {known.left, known.right} for known in diagram.links):
        diagram.links.append(link)


def _inherit(diagram: _Diagram) -> None:
    """Fields of what a class extends are its own; what is abstract has no rows."""
    for _ in diagram.parents:
        for child, parent in diagram.parents:
            if diagram.named(parent) not in diagram.bodies:
                continue
            mine, theirs = diagram.body(child).draft, diagram.body(parent).draft
            mine.fields = {**theirs.fields, **mine.fields}
            mine.id = mine.id or theirs.id
    for name in {diagram.named(a) for a in diagram.abstract} & set(diagram.bodies):
        heirs = [diagram.named(c) for c, p in diagram.parents if diagram.named(p) == name]
        linked = [link for link in diagram.links if name in (diagram.named(link.left), diagram.named(link.right))]
        for link in linked:
            diagram.links.remove(link)
            for heir in heirs:
                left, right = (heir if diagram.named(end) == name else end for end in (link.left, link.right))
                diagram.links.append(Link(left, right, link.near, link.far, link.label, link.kind))
        gone = diagram.bodies.pop(name).draft
        diagram.result.world.entities.pop(gone.name, None)
        if not heirs:
            diagram.result.unmet.append(f"{name} is abstract, and nothing of the diagram is one")
    concrete = dict.fromkeys(p for _, p in diagram.parents if diagram.named(p) in diagram.bodies)
    for parent in concrete:
        rows = diagram.body(parent).draft.plural.replace("_", " ")
        diagram.result.world.assume(f"What extends {parent} has rows of its own with its fields, which are none of {rows}.")


def _inherit_relations(diagram: _Diagram) -> None:
    """What refers to others is inherited, too; what refers to rows of the parent cannot refer to those of its heirs."""
    for child, parent in diagram.parents:
        if diagram.named(parent) not in diagram.bodies or diagram.named(child) not in diagram.bodies:
            continue
        mine, theirs = diagram.body(child).draft, diagram.body(parent).draft
        for name, known in theirs.fields.items():
            if known.to and name not in mine.fields and known.to != theirs.name:
                inverse = f"{mine.plural}_as_{name}" if known.inverse else None
                mine.fields[name] = known.model_copy(update={"inverse": inverse})
        for other in diagram.result.world.entities.values():
            if other is not mine and any(f.to == theirs.name for f in other.fields.values()):
                told = f"that {other.plural} refer to {mine.plural}, which {parent} stands for, has no counterpart"
                diagram.result.unmet.append(told.replace("_", " "))


def _associate(diagram: _Diagram, left: str, right: str, middle: str) -> None:
    """A class of an association: its rows refer to both ends, in place of the lists that they would have."""
    between = diagram.body(middle).draft
    for end in (left, right):
        target = diagram.body(end).draft
        for other in (diagram.body(left).draft, diagram.body(right).draft):
            other.fields = {n: f for n, f in other.fields.items() if not (f.type == "references" and f.to == target.name)}
        if not between.reference_to(target.name):
            between.fields[target.name] = Field(type="reference", to=target.name, satisfies=(diagram.by,))


def _only_left(references: dict[str, Field], body: Body) -> str | None:
    """The one reference that no other key of the entity names, where one key names none."""
    stems = {re.sub(r"_(?:id|uuid|code|key|number)$", "", column) for column in body.foreign}
    free = [n for n, f in references.items() if n not in stems and f.to not in stems]
    lost = [s for s in stems if s not in references and all(f.to != s for f in references.values())]
    # A key that is called after no entity is rather one to rows of its own.
    free = [n for n in free if references[n].to == body.draft.name] if len(free) > 1 else free
    return free[0] if len(free) == len(lost) == 1 else None


def _foreign(diagram: _Diagram, body: Body) -> None:
    """Fields marked as keys to other tables name the reference that a relation made, or make one."""
    draft = body.draft
    for column, unique in body.foreign.items():
        stem = next(
            (column.removesuffix(tail) for tail in ("_id", "_uuid", "_code", "_key", "_number") if column.endswith(tail)),
            column,
        )
        references = {n: f for n, f in draft.fields.items() if f.type == "reference"}
        named = next((n for n, f in references.items() if stem == n or f.to == identifier(stem)), None)
        found = named or _only_left(references, body)
        target = diagram.result.world.entities.get(identifier(stem))
        if found is None and target is not None:
            draft.fields[stem] = Field(type="reference", to=target.name, satisfies=(diagram.by,))
            found = stem
        if found is None:
            rows = draft.plural.replace("_", " ")
            diagram.result.unmet.append(f"what {column} of {rows} names is not said")
            continue
        kept = draft.fields.pop(found)
        changes: dict[str, object] = {"unique": kept.unique or unique}
        if stem != found:
            changes["inverse"] = kept.inverse
        draft.fields[identifier(stem)] = kept.model_copy(update=changes)
