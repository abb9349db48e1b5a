"""Which kinds of row an OpenAPI file is about, and which of its operations belong to each."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from quantumlayer.spec.analyst.words import participle, verb_base
from quantumlayer.spec.importers.openapi.document import Json
from quantumlayer.spec.importers.openapi.operations import Op, Shape, entity_name
from quantumlayer.spec.importers.openapi.people import SECRETS, People
from quantumlayer.spec.importers.tables import identifier
from quantumlayer.spec.values import Writable

_SYSTEM = {"id": "id", "created_at": "created_at", "updated_at": "updated_at"}
_STAMPS = {"created": "created_at", "created_on": "created_at", "updated": "updated_at", "modified": "updated_at", "modified_at": "updated_at", "updated_on": "updated_at", "last_modified": "updated_at"}  # fmt: skip
_SIMILAR = 0.6


@dataclass
class Toggle:
    """A POST and a DELETE on the same path beneath a row: `/articles/{slug}/favorite`. `marks` is the stem of its traces."""

    verb: str
    on: Op
    off: Op

    @property
    def field(self) -> str:
        """The field that holds who has it on."""
        return f"{participle(self.verb)}_by"

    def marks(self, member: str) -> bool:
        """Whether a member of the row tells that the caller has it on: `favorited`, `following`, `is_liked`."""
        stem = self.verb[: max(4, len(self.verb) - 1)]
        return any(part.startswith(stem) or stem.startswith(part) and len(part) > 3 for part in member.split("_"))


@dataclass(frozen=True)
class Member:
    """A member of a resource's schemas: whether rows are made and changed with it, and whether making one needs it."""

    key: str
    node: Any
    schema: Json
    made: bool
    changed: bool
    needed: bool
    changeable: bool

    @property
    def name(self) -> str:
        """What it is called in the spec."""
        return identifier(self.key)

    @property
    def accepted(self) -> bool:
        """Whether clients give it."""
        return (self.made or self.changed) and not self.schema.get("readOnly")

    @property
    def writable(self) -> Writable:
        """When clients give it."""
        return "always" if self.changed else "create" if self.made else "never"


@dataclass
class Resource:
    """A kind of row. `members` says what each member of the file's schemas is called in the spec."""

    name: str
    plural: str
    operations: list[Op] = field(default_factory=list)
    toggles: list[Toggle] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    components: set[str] = field(default_factory=set)
    members: dict[str, Any] = field(default_factory=dict)
    views: list["Resource"] = field(default_factory=list)
    key: str | None = None
    parameter: str | None = None

    def of(self, *methods: str, on_row: bool) -> list[Op]:
        """Its operations on the collection or on a row."""
        return [op for op in self.operations if op.method in methods and bool(op.chain[-1][1]) == on_row]

    @property
    def shown(self) -> list[Shape]:
        """Every shape in which its rows are answered, the fullest first."""
        own = [op.answer for op in self.operations if op.answer.kind in ("row", "rows")]
        toggled = [t.on.answer for t in self.toggles if t.on.answer.kind == "row"]
        return sorted([*own, *toggled], key=lambda s: -len(s.properties))

    @property
    def creates(self) -> list[Op]:
        """Operations that make rows."""
        return self.of("POST", on_row=False)

    @property
    def updates(self) -> list[Op]:
        """Operations that change a row."""
        return self.of("PUT", "PATCH", on_row=True)

    @property
    def accepted(self) -> list[Shape]:
        """The shapes in which rows are given."""
        return [op.body for op in (*self.creates, *self.updates) if op.body.kind == "row"]


def system_member(name: str, schema: dict[str, Any]) -> str | None:
    """The system field that a member is: `createdAt` → created_at."""
    if name in _STAMPS and schema.get("format") == "date-time":
        return _STAMPS[name]
    return _SYSTEM.get(name)


def resources(operations: list[Op], accounts: People | None) -> dict[str, Resource]:
    """The resources of a file by name, accounts first. Operations that belong to one are marked as used."""
    found: dict[str, Resource] = {}
    if accounts:
        found[accounts.entity] = Resource(accounts.entity, identifier(_plural_of(accounts, operations)))
        found[accounts.entity].components |= {op.answer.component for op in accounts.shown if op.answer.component}
    free = [op for op in operations if not op.used]
    toggled = _toggles(free)
    pairs = {id(op) for _, toggle in toggled for op in (toggle.on, toggle.off)}
    collections = _collections([op for op in free if id(op) not in pairs])
    for word in collections:
        name = entity_name(word)
        if name not in found:
            found[name] = Resource(name, identifier(word))
        elif accounts and name == accounts.entity:
            found[name].plural = identifier(word)
    for op in free:
        word = op.last if op.last in collections else _made_by_verb(op, collections)
        if id(op) in pairs or word is None:
            continue
        owner = entity_name(word)
        resource = found[owner]
        resource.operations.append(op)
        op.used = True
        if word == op.last and op.chain[-1][1] and not resource.parameter:
            resource.parameter = op.chain[-1][1]
        if op.above[0] in collections:
            parent = entity_name(op.above[0])
            if parent not in resource.parents and parent != owner:
                resource.parents.append(parent)
        if op.answer.component and op.answer.kind in ("row", "rows"):
            resource.components.add(op.answer.component)
    for word, toggle in toggled:
        owner = found.get(entity_name(word))
        if owner and accounts:
            owner.toggles.append(toggle)
            toggle.on.used = toggle.off.used = True
    for resource in list(found.values()):
        _fold(resource, found, accounts)
    return found


def _plural_of(accounts: People, operations: list[Op]) -> str:
    words = [
        word for op in operations for word, _ in op.chain if entity_name(word) == accounts.entity and word != accounts.entity
    ]
    return words[0] if words else f"{accounts.entity}s"


def _collections(operations: Iterable[Op]) -> list[str]:
    """The fixed parts of paths that hold rows: they have rows of their own, answer a list of them, or take new ones."""
    found: dict[str, None] = {}
    placed = [op for op in operations if op.chain and op.last]
    for op in placed:
        keyed = op.chain[-1][1] is not None
        listed = op.method == "GET" and op.answer.kind == "rows" and (len(op.chain) == 1 or op.above[1] is not None)
        if (keyed and op.answer.kind != "texts") or listed:
            found[op.last] = None
    held = list(found)
    order = {word: number for number, word in enumerate(dict.fromkeys(op.last for op in placed))}
    for op in placed:
        made = op.method == "POST" and op.body.kind == "row" and op.answer.kind == "row" and op.chain[-1][1] is None
        own = made and (len(op.chain) == 1 or op.answer.component in (None, *_last_words(op.last)) or op.status == 201)
        if own and _made_by_verb(op, held) is None:
            found[op.last] = None
    return sorted(found, key=order.__getitem__)


def _made_by_verb(op: Op, collections: list[str]) -> str | None:
    """The collection that a POST makes a row of under a verb: `/books/{isbn}/borrow` answers a loan, whose rows are `/loans`."""
    made = op.method == "POST" and op.status == 201 and op.answer.kind == "row" and op.answer.component and op.above[1]
    if not made or op.chain[-1][1] is not None or entity_name(str(op.answer.component)) == entity_name(op.last):
        return None
    named = entity_name(str(op.answer.component))
    return next((word for word in collections if entity_name(word) == named and word != op.above[0]), None)


def _last_words(word: str) -> tuple[str, ...]:
    name = entity_name(word)
    return (name, name.title().replace("_", ""))


def _toggles(operations: list[Op]) -> list[tuple[str, Toggle]]:
    """(collection of the row, toggle) for each."""
    found = []
    for on in operations:
        beneath = on.above[1] is not None and on.chain[-1][1] is None
        if on.method not in ("POST", "PUT") or not beneath or on.body.properties or not on.signed_in:
            continue
        off = next((op for op in operations if op.path == on.path and op.method == "DELETE"), None)
        if off is not None and off.signed_in:
            word = identifier(on.last)
            found.append((on.above[0], Toggle(verb_base(word) or entity_name(word), on, off)))
    return found


def _fold(resource: Resource, known: dict[str, Resource], accounts: People | None) -> None:
    """A resource without rows of its own that shows another's (`profiles` of users) becomes a view of that one."""
    if resource.creates or resource.updates or (accounts and resource.name == accounts.entity):
        return
    shape = next(iter(resource.shown), None)
    if shape is None:
        return
    names = {identifier(k) for k in shape.properties} - {"id"}
    for other in known.values():
        if other is resource or other.name == resource.name:
            continue
        own = _names(other, accounts)
        if names and len(names & own) / len(names) >= _SIMILAR and identifier(resource.parameter or "id") in own | {"id"}:
            other.views.append(resource)
            other.components |= resource.components
            del known[resource.name]
            return


def _names(resource: Resource, accounts: People | None) -> set[str]:
    shapes = [*resource.shown, *resource.accepted]
    if accounts and resource.name == accounts.entity:
        shapes += [op.answer for op in accounts.shown] + [op.body for op in accounts.taken]
    return {identifier(k) for shape in shapes for k in shape.properties} - set(SECRETS)
