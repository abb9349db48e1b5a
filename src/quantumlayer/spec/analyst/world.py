"""What the analyst has understood so far: drafts of entities that rules fill, and what it assumed on the way."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from quantumlayer.spec.analyst.words import (
    LEXICON,
    PEOPLE,
    ROLES,
    free,
    participle,
    plural,
    singular,
    snake,
    verb_base,
    words_of,
)
from quantumlayer.spec.values import Auth, Effect, Field, Guard, Operation, Report, Rule, Spec, StateMachine, Transition, Unique

OPEN = words_of("states", "open")
NEGATIVE = words_of("states", "negative")
# Assumptions are numbered after the requirements, whose count is not known while reading.
ASSUMED = 1_000_000
_TOOK_PLACE = frozenset(("closed", "archived", "finished", "completed"))
_STATE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass
class EntityDraft:
    """An entity in the making. `closed_by` names the nullable field whose value ends a row's open life.

    `exact` says that a file lists its operations, `guarded` that the file also says who may call them; `id` is what the file
    names rows by, None for plain numbers. `listed` are the states that a list of them names, in the order of a row's life.
    `seen_by_own` are the people who see their own rows; `chosen_owner` says that whoever creates a row names its owner.
    """

    name: str
    plural: str
    fields: dict[str, Field] = field(default_factory=dict)
    unique: list[Unique] = field(default_factory=list)
    rules: dict[str, Rule] = field(default_factory=dict)
    state: StateMachine | None = None
    listed: tuple[str, ...] = ()
    visible: list[str] = field(default_factory=list)
    public_when: str | None = None
    seen_by_all: str | None = None
    operations: dict[str, Operation] = field(default_factory=dict)
    forbidden: dict[str, tuple[str, ...]] = field(default_factory=dict)
    satisfies: list[str] = field(default_factory=list)
    closed_by: str | None = None
    owner: str | None = None
    seen_by_own: set[str] = field(default_factory=set)
    chosen_owner: bool = False
    event_of: str | None = None
    declared: bool = False
    exact: bool = False
    guarded: bool = False
    id: Field | None = None
    description: str = ""

    def before(self, state: str) -> tuple[str, ...]:
        """The listed states that a row goes through before this one; none where it is not listed."""
        return self.listed[: self.listed.index(state)] if state in self.listed else ()

    def operation(self, name: str) -> Operation:
        """The operation so far, or an empty one."""
        return self.operations.get(name, Operation())

    def update(self, name: str, **changes: object) -> Operation:
        """Replace members of an operation, making it where it is new."""
        self.operations[name] = self.operation(name).model_copy(update=changes)
        return self.operations[name]

    def guard(self, operation: str, name: str, guard: Guard) -> None:
        """Add a guard to an operation."""
        self.update(operation, guards={**self.operation(operation).guards, name: guard})

    def rule(self, name: str, rule: Rule) -> None:
        """Add a rule under a name that is free."""
        base, count = name, 2
        while name in self.rules and self.rules[name].check != rule.check:
            name, count = f"{base}_{count}", count + 1
        self.rules[name] = rule

    def reference_to(self, entity: str) -> str | None:
        """The name of the first reference to an entity."""
        return next((n for n, f in self.fields.items() if f.type == "reference" and f.to == entity), None)

    def reference_list_to(self, entity: str) -> str | None:
        """The name of the first list of references to an entity."""
        return next((n for n, f in self.fields.items() if f.type == "references" and f.to == entity), None)

    def dates(self) -> list[str]:
        """The names of fields that hold a day or an instant."""
        return [n for n, f in self.fields.items() if f.type in ("date", "datetime")]


@dataclass
class World:
    """All drafts of one request.

    `finish` completes the spec by what a file says of its form. `deciders` are people who decide on what others make, `mere` those
    who are only values of records. `no_cues` are requirements from which nobody concludes that people sign in. `pending` holds
    requirements that are met once an operation (entity, name) does something, or fills a field (entity, name); `settled` are those
    that are met after all. `called` are second names of entities, by what a file says of them.
    """

    name: str = "Application"
    entities: dict[str, EntityDraft] = field(default_factory=dict)
    surface: dict[str, str] = field(default_factory=dict)
    roles: dict[str, list[str]] = field(default_factory=dict)
    auth: Auth | None = None
    auth_cues: list[str] = field(default_factory=list)
    no_cues: frozenset[str] = frozenset()
    api_key_cues: list[str] = field(default_factory=list)
    account: str | None = None
    signed_in_by: str = ""
    actors: dict[str, str] = field(default_factory=dict)
    deciders: frozenset[str] = frozenset()
    mere: frozenset[str] = frozenset()
    reports: dict[str, Report] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    topic: str | None = None
    later: list[Callable[[], None]] = field(default_factory=list)
    stored: dict[str, tuple[str, str]] = field(default_factory=dict)
    finish: Callable[[Spec], Spec] | None = None
    pending: dict[str, tuple[str, str]] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    called: dict[str, str] = field(default_factory=dict)

    def is_role(self, person: str) -> bool:
        """Whether a kind of people is a role: by its name, or by what it decides."""
        return person in ROLES or person in self.deciders

    def assume(self, text: str) -> str:
        """Note an assumption once; the marker that stands for its requirement until ids are given."""
        if text not in self.assumptions:
            self.assumptions.append(text)
        return f"R{ASSUMED + self.assumptions.index(text) + 1}"

    def retract(self, marker: str) -> None:
        """Take an assumption back; the markers of the others stay what they are."""
        number = int(marker[1:]) - ASSUMED if marker[1:].isdecimal() else 0
        if number > 0:
            self.assumptions[number - 1] = ""

    def ask(self, text: str) -> None:
        """Note an open question once."""
        if text not in self.questions:
            self.questions.append(text)

    def call(self, entity: EntityDraft, noun: str) -> None:
        """Let an entity go by a second name, unless something goes by it already."""
        one = snake(singular(noun.lower().strip()))
        if not one or one in self.entities or any(f.replace(" ", "_") == one for f in self.surface):
            return
        for form in (one, snake(plural(one.replace("_", " ")))):
            self.surface[form.replace("_", " ")] = entity.name
        self.called[one] = entity.name

    def add(self, noun: str, by: str | None = None) -> EntityDraft:
        """The entity of a noun in any number, made where it is new."""
        said = snake(singular(noun.lower().strip()))
        one = free(said, "record")
        known = self.entities.get(one) or (self.find(one) if one in self.actors or one in PEOPLE else None)
        if known is None:
            known = EntityDraft(one, snake(plural(said.replace("_", " "))))
            self.entities[one] = known
            for form in (said, known.plural, *(["persons"] if said == "person" else [])):
                self.surface[form.replace("_", " ")] = one
                self.surface.setdefault(form.split("_")[-1], one)
        if by and by not in known.satisfies:
            known.satisfies.append(by)
        return known

    def find(self, noun: str | None) -> EntityDraft | None:
        """The entity that a noun names, in any number; accounts answer to every name that people go by."""
        if not noun:
            return None
        one = free(snake(singular(noun.lower().strip())), "record")
        if one in self.entities:
            return self.entities[one]
        # The price per person is no person.
        if "_per_" in one or "_of_" in one:
            return self.entities.get(self.surface.get(noun.lower().strip().replace("_", " "), ""))
        if one in self.actors or (self.account and one in PEOPLE and one not in self.entities and one not in self.mere):
            return self.entities.get(self.account or "")
        named = self.surface.get(noun.lower().strip().replace("_", " "))
        alike = [e for n, e in self.entities.items() if n.endswith("_" + one)]
        return self.entities.get(named or "") or (alike[0] if len(alike) == 1 else None)

    def is_account(self, entity: EntityDraft | None) -> bool:
        """Whether the rows of the entity are those who sign in."""
        return entity is not None and entity.name == self.account

    def events_of(self, verb: str, target: str | None = None) -> EntityDraft | None:
        """The entity that records a verb's doing (`borrow` → loan), if the request has it."""
        for noun in LEXICON["events"].get(verb, "").split():
            found = self.entities.get(noun)
            if found and found.name != target:
                return found
        return next((e for e in self.entities.values() if e.event_of == verb and e.name != target), None)

    def children(self, parent: str) -> list[tuple[EntityDraft, str]]:
        """Entities that refer to the parent, with the name of the reference."""
        return [(e, n) for e in self.entities.values() for n, f in e.fields.items() if f.type == "reference" and f.to == parent]

    def link(self, child: EntityDraft, parent: EntityDraft, by: str, *, name: str | None = None, required: bool = True) -> str:
        """Make the child refer to the parent, once; the field's name."""
        known = child.reference_to(parent.name)
        if known and name in (None, known):
            return known
        if self.is_account(parent) and name is None:
            return self.own(child, by)
        label = name or parent.name
        if label not in child.fields:
            child.fields[label] = Field(type="reference", to=parent.name, required=required, satisfies=(by,))
        return label

    def own(self, child: EntityDraft, by: str, name: str | None = None) -> str:
        """Make the row belong to the account that creates it; the field's name."""
        if child.owner:
            return child.owner
        child.owner = name or self.account or "owner"
        if child.owner == "user" and name is None:
            child.owner = "owner"
        clash = any(
            f.type in ("reference", "references") and f.to == self.account and not f.inverse for f in child.fields.values()
        )
        inverse = f"{child.plural}_as_{child.owner}" if clash else None
        child.fields[child.owner] = Field(
            type="reference", to=self.account, writable="never", default="actor", inverse=inverse, satisfies=(by,)
        )
        return child.owner

    def made_by(self, child: EntityDraft, name: str) -> None:
        """Let a reference that a file declares name the account that creates the row, unless the file says who gives it."""
        if child.owner or child.exact or child.fields[name].default is not None:
            return
        child.owner = name
        child.fields[name] = child.fields[name].model_copy(update={"writable": "never", "default": "actor"})

    def inverse(self, child: EntityDraft, reference: str) -> str:
        """The name under which a parent reaches the rows that refer to it."""
        return child.fields[reference].inverse or child.plural


_CLOSING = re.compile(r"(?:returned|closed|ended|finished|completed|resolved|settled|checked_out)_(?:at|on|date)")


def closed_by(entity: EntityDraft) -> str | None:
    """The nullable field whose value ends a row's open life, told by a sentence or by a file (`returned_at`)."""
    if entity.closed_by or entity.state or not entity.declared:
        return entity.closed_by
    given = (n for n in entity.dates() if not entity.fields[n].required and entity.fields[n].value is None)
    return next((n for n in given if _CLOSING.fullmatch(n)), None)


def open_test(entity: EntityDraft, row: str = "self") -> str | None:
    """CEL that holds while a row's life is not over; None where the entity has no end."""
    if closing := closed_by(entity):
        return f"{row}.{closing} == null"
    if entity.state:
        states = entity.state.states
        opened = [s for s in states if s in OPEN]
        if opened:
            return any_of(f"{row}.{entity.state.field}", opened)
        ended = ended_states(entity)
        if ended:
            return " && ".join(f"{row}.{entity.state.field} != '{s}'" for s in ended)
    return None


def standing_test(entity: EntityDraft, row: str = "self") -> str | None:
    """CEL that holds unless a row was undone: what is over took place, and keeps its place. None where nothing undoes it."""
    if entity.closed_by or entity.state is None:
        return open_test(entity, row)
    undone = [s for s in entity.state.states if s in NEGATIVE - _TOOK_PLACE]
    return " && ".join(f"{row}.{entity.state.field} != '{s}'" for s in undone) or None


def ended_test(entity: EntityDraft, row: str = "self") -> str | None:
    """CEL that holds once a row's life is over; None where the entity has no end."""
    if closing := closed_by(entity):
        return f"{row}.{closing} != null"
    ended = ended_states(entity)
    opened = [s for s in entity.state.states if s in OPEN] if entity.state else []
    if entity.state and opened:
        return f"!({any_of(f'{row}.{entity.state.field}', opened)})"
    return any_of(f"{row}.{entity.state.field}", ended) if entity.state and ended else None


def ended_states(entity: EntityDraft) -> list[str]:
    """The states that no transition leaves, or that mean an end."""
    if not entity.state:
        return []
    left = {s for o in entity.operations.values() if o.transition for s in o.transition.from_states}
    return [s for s in entity.state.states if s != entity.state.initial and (s in NEGATIVE or (left and s not in left))]


def any_of(path: str, values: list[str]) -> str:
    """CEL: the path is one of the values."""
    if len(values) == 1:
        return f"{path} == '{values[0]}'"
    return f"{path} in [{', '.join(repr(v) for v in values)}]"


def ensure_states(entity: EntityDraft, initial: str, states: list[str], by: str) -> StateMachine:
    """The state machine with at least these states, `initial` first where it is new."""
    adopt_states(entity, by)
    if entity.state is None:
        field_name = "state" if "status" in entity.fields else "status"
        entity.state = StateMachine(
            field=field_name, initial=initial, states=tuple(dict.fromkeys([initial, *states])), satisfies=(by,)
        )
    else:
        known = entity.state
        entity.state = known.model_copy(
            update={
                "states": tuple(dict.fromkeys([*known.states, *states])),
                "satisfies": tuple(dict.fromkeys([*known.satisfies, by])),
            }
        )
    return entity.state


def adopt_states(entity: EntityDraft, by: str) -> None:
    """Make the states that an entity has listed in an enum its state machine, which begins where a new row does."""
    if entity.state is not None:
        return
    name = next((n for n in ("status", "state") if n in entity.fields and entity.fields[n].type == "enum"), "")
    if not name:
        return
    listed = entity.fields[name]
    # What an OpenAPI file lists stands in answers as it is written there.
    states = listed.values if entity.exact else tuple(snake(value) for value in listed.values)
    if not all(_STATE.fullmatch(state) for state in states) or len(set(states)) < len(states):
        return
    del entity.fields[name]
    given = (listed.default or "").strip("'\"")
    initial = states[listed.values.index(given)] if given in listed.values else states[0]
    satisfies = tuple(dict.fromkeys([*listed.satisfies, by]))
    entity.state = StateMachine(field=name, initial=initial, states=states, satisfies=satisfies)
    entity.listed = states


def transition(entity: EntityDraft, name: str, sources: list[str], target: str, by: str) -> None:
    """An action that moves a row from one of the sources to the target."""
    operation = entity.operation(name)
    if operation.transition:
        sources = [*operation.transition.from_states, *sources]
    entity.update(
        name,
        transition=Transition.model_validate({"from": tuple(dict.fromkeys(sources)), "to": target}),
        satisfies=tuple(dict.fromkeys([*operation.satisfies, by])),
    )


def effect(entity: EntityDraft, name: str, changes: dict[str, str], by: str) -> None:
    """Let an operation of the entity set fields of its row."""
    operation = entity.operation(name)
    entity.update(
        name,
        effects=(*operation.effects, Effect(set=changes)),
        satisfies=tuple(dict.fromkeys([*operation.satisfies, by])),
    )


def action_for_state(state: str) -> str:
    """The action that leads to a state: `published` → publish, `in_progress` → start."""
    special = {"in_progress": "start", "open": "reopen", "draft": "revert", "done": "complete", "active": "activate", "ready": "make_ready", "pending": "reset", "overdue": "mark_overdue", "no_show": "mark_no_show", "under_review": "review", "in_review": "review", "on_hold": "hold", "out_for_delivery": "dispatch", "won": "win", "lost": "lose", "paid": "pay", "sent": "send", "resolved": "resolve"}  # fmt: skip
    if state in special:
        return special[state]
    return verb_base(state) or (verb_base(state.split("_")[0]) if "_" in state else None) or f"mark_{state}"


def state_of_verb(verb: str) -> str:
    """The state that a verb leads to."""
    return {"start": "in_progress", "complete": "completed", "open": "open", "reopen": "open", "activate": "active"}.get(
        verb, participle(verb)
    )
