"""Checks of operations: routes, inputs, lists, transitions, effects, access."""

from collections.abc import Iterator

from quantumlayer.spec.check_fields import field_problems
from quantumlayer.spec.ids import given_id, id_field
from quantumlayer.spec.naming import filter_parameter, wire_name
from quantumlayer.spec.problems import Path, Problem, nearest
from quantumlayer.spec.routes import ADMIN, kind_of
from quantumlayer.spec.values import SYSTEM_FIELDS, Access, Effect, Entity, Field, Operation, Spec

PAGING = ("limit", "offset", "sort", "q")
_RANGED = ("integer", "number", "decimal", "date", "datetime", "time")
_LIST_ONLY = ("where", "filters", "sort", "default_sort", "search")
_ALLOWED: dict[str, tuple[str, ...]] = {
    "guards": ("create", "read", "update", "delete", "action"),
    "effects": ("create", "read", "update", "delete", "action"),
    "transition": ("update", "action"),
    "redirect": ("read", "action"),
    "input": ("create", "update", "list", "action"),
    **dict.fromkeys(_LIST_ONLY, ("list",)),
}
_STAMP = Field(type="datetime")


def listable(entity: Entity) -> dict[str, Field]:
    """Every field that a list can filter or sort by: declared, system and state fields."""
    state = {entity.state.field: Field(type="enum", values=entity.state.states)} if entity.state else {}
    return {**dict.fromkeys(SYSTEM_FIELDS, _STAMP), "id": id_field(entity), **entity.fields, **state}


def operation_problems(spec: Spec, name: str, key: str) -> Iterator[Problem]:
    """What is wrong with one operation, apart from its expressions and route."""
    entity = spec.entities[name]
    operation = entity.operations[key]
    base: Path = ("entities", name, "operations", key)
    kind = kind_of(key, operation)
    for member, kinds in _ALLOWED.items():
        if getattr(operation, member) and kind not in kinds:
            yield Problem((*base, member), f"{member} does not fit the kind {kind}", f"it is for {', '.join(kinds)}")
    yield from access_problems(spec, base, operation.access)
    auth = spec.auth if spec.auth and spec.auth.entity == name and "password" in spec.auth.methods else None
    if operation.password and (kind != "update" or auth is None):
        yield Problem((*base, "password"), "only an update of accounts that log in by password takes a new one")
    yield from _input_problems(spec, base, kind, entity, operation)
    yield from _list_problems(base, entity, operation)
    yield from _transition_problems(base, entity, operation)
    for index, effect in enumerate(operation.effects):
        yield from _effect_problems(spec, (*base, "effects", index), effect)


def access_problems(spec: Spec, base: Path, access: Access) -> Iterator[Problem]:
    """Access needs authentication, and roles that are declared."""
    if not access.anonymous and not spec.auth:
        yield Problem((*base, "access"), "a caller is wanted, but the spec has no auth", "add auth: {entity: …}")
    for role in access.roles:
        if role not in (*spec.roles, ADMIN) or not spec.roles:
            yield Problem((*base, "access", "roles"), f"the role «{role}» is not declared", nearest(role, spec.roles))


def _input_problems(spec: Spec, base: Path, kind: str, entity: Entity, operation: Operation) -> Iterator[Problem]:
    in_query = operation.method in ("GET", "DELETE") or kind == "list"
    taken = {wire_name(n, f) for n, f in entity.fields.items()} if kind in ("create", "update") else set()
    taken |= set(PAGING) if kind == "list" else set()
    for field_name, field in operation.input.items():
        place = (*base, "input", field_name)
        yield from field_problems(spec, place, field, is_input=True)
        if in_query and field.type in ("strings", "references"):
            yield Problem((*place, "type"), f"a query parameter cannot be {field.type}")
        if wire_name(field_name, field) in taken:
            yield Problem(place, f"the name «{wire_name(field_name, field)}» is taken", "choose another name")


def _list_problems(base: Path, entity: Entity, operation: Operation) -> Iterator[Problem]:
    fields = listable(entity)
    seen = {*PAGING, *operation.input}
    for index, filter_ in enumerate(operation.filters):
        place = (*base, "filters", index)
        field = fields.get(filter_.field)
        if not field:
            yield Problem(place, f"there is no field «{filter_.field}»", nearest(filter_.field, fields))
            continue
        if filter_.op != "eq" and field.type not in _RANGED:
            yield Problem(place, f"a {field.type} field has no range", f"ranges are for {', '.join(_RANGED)}")
        parameter = filter_parameter(filter_, field)
        if parameter in seen:
            yield Problem(place, f"the query parameter «{parameter}» is taken already")
        seen.add(parameter)
    sortable = [n for n, f in fields.items() if f.type not in ("strings", "reference", "references")]
    for member in ("sort", "default_sort"):
        for index, key in enumerate(getattr(operation, member)):
            field_name = key.removeprefix("-") if member == "default_sort" else key
            if field_name not in sortable:
                yield Problem((*base, member, index), f"cannot sort by «{key}»", nearest(field_name, sortable))
    texts = [n for n, f in entity.fields.items() if f.type in ("string", "text") and f.value is None]
    for index, key in enumerate(operation.search):
        if key not in texts:
            yield Problem((*base, "search", index), f"cannot search in «{key}»", nearest(key, texts))


def _transition_problems(base: Path, entity: Entity, operation: Operation) -> Iterator[Problem]:
    if not operation.transition:
        return
    place = (*base, "transition")
    if not entity.state:
        yield Problem(place, "the entity has no state", "add state: {initial: …, states: […]}")
        return
    states = entity.state.states
    for state in (*operation.transition.from_states, operation.transition.to):
        if state not in states:
            yield Problem(place, f"there is no state «{state}»", nearest(state, states))


def _effect_problems(spec: Spec, base: Path, effect: Effect) -> Iterator[Problem]:
    if effect.create and (effect.delete or effect.update != "self"):
        yield Problem(base, "an effect creates, updates or deletes: give one of them")
    if effect.delete is not None:
        if effect.set:
            yield Problem((*base, "set"), "a deleted row cannot be set")
        return
    if not effect.create:
        if not effect.set:
            yield Problem(base, "the effect changes nothing", "give `set`")
        return
    if effect.create not in spec.entities:
        yield Problem((*base, "create"), f"there is no entity «{effect.create}»", nearest(effect.create, spec.entities))
        return
    if spec.auth and spec.auth.entity == effect.create and "password" in spec.auth.methods:
        yield Problem((*base, "create"), "an effect cannot make accounts: they need a password")
    made = given_id(spec.entities[effect.create])
    if made and made.required:
        hint = "set `required: false` on the id, or `writable: never`"
        yield Problem((*base, "create"), f"nobody gives the id of the {effect.create} that is made", hint)
    for key, field in spec.entities[effect.create].fields.items():
        if field.required and field.default is None and field.value is None and key not in effect.set:
            yield Problem(
                (*base, "set"), f"the required field «{key}» of {effect.create} has no value", "set it, or give it a default"
            )


def settable_problems(base: Path, target: str, entity: Entity, names: tuple[str, ...]) -> Iterator[Problem]:
    """An effect sets stored fields only, and never the state."""
    settable = [n for n, f in entity.fields.items() if f.value is None]
    for name in names:
        place = (*base, "set", name)
        if entity.state and name == entity.state.field:
            yield Problem(place, "the state changes by transitions only", "give the operation a transition")
        elif name in entity.fields and entity.fields[name].value is not None:
            yield Problem(place, f"«{name}» is derived: it cannot be set")
        elif name not in settable:
            yield Problem(place, f"{target} has no field «{name}»", nearest(name, settable))
