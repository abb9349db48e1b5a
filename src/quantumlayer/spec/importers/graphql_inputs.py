"""What clients give when they create a row, as the inputs of a GraphQL schema say it."""

import re

from graphql import FieldDefinitionNode, InputValueDefinitionNode

from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.graphql_directives import directed, literal_of
from quantumlayer.spec.importers.graphql_document import Schema, constant, plain_kind
from quantumlayer.spec.importers.tables import Import, identifier, snaked
from quantumlayer.spec.values import Field

CREATES = ("create", "add", "new", "insert", "register", "make")
CHANGES = ("update", "edit", "change", "modify", "patch")
# A yes or no of such a name follows from other things.
_TOLD = re.compile(r"(?:is|has|can|was)_")
_OF_ROWS = ("id", "client_mutation_id")


def arguments_of(schema: Schema, node: FieldDefinitionNode) -> dict[str, InputValueDefinitionNode]:
    """The arguments by their names, those of input objects in their place."""
    found: dict[str, InputValueDefinitionNode] = {}
    for argument in node.arguments or ():
        kind = plain_kind(argument.type)
        found |= schema.inputs[kind.name] if kind.name in schema.inputs and not kind.many else {argument.name.value: argument}
    return found


def given_by(schema: Schema, type_name: str, draft: EntityDraft, result: Import, by: str) -> None:
    """Let clients give what the schema's inputs take; what they do not is kept by the application."""
    created, changed = _created(schema, type_name), _changed(schema, type_name)
    if created is None:
        return
    for name, field in list(draft.fields.items()):
        given, later = _given(created, name, field), _given(changed, name, field)
        if given is not None:
            field = field if later is not None or not changed or field.writable != "always" else _at_first(field)
            draft.fields[name] = _as_given(schema, given, field, f"{name} of {type_name}", result)
        elif later is not None:
            draft.fields[name] = field if not field.required or field.default else _filled(field) or _optional(field)
        else:
            _kept(draft, name, field, result, by)


def creates(schema: Schema, type_name: str, node: FieldDefinitionNode) -> bool:
    """Whether a mutation makes a row of the type: by its verb, or since it answers one and is given none (`buyTicket(eventId)`)."""
    name = snaked(node.name.value)
    verb = name.removesuffix(f"_{snaked(type_name)}")
    own = {"id", f"{snaked(type_name)}_id"} & {identifier(n) for n in arguments_of(schema, node)}
    if verb == name or own or verb in CHANGES or schema.kind(node.type).name != type_name:
        return False
    return verb in CREATES or all(_taken_by(schema, type_name, identifier(n)) for n in arguments_of(schema, node))


def _taken_by(schema: Schema, type_name: str, argument: str) -> bool:
    stem = argument.removesuffix("_ids").removesuffix("_id")
    return bool({argument, stem, "client_mutation_id"} & {identifier(n) for n in schema.types[type_name]})


def _created(schema: Schema, type_name: str) -> dict[str, InputValueDefinitionNode] | None:
    """What clients give when they create a row; None where no mutation does."""
    return _taken(schema, [m for m in schema.roots.get("mutation", ()) if creates(schema, type_name, m)])


def _changed(schema: Schema, type_name: str) -> dict[str, InputValueDefinitionNode]:
    """What clients may change of a row."""
    wanted = {f"{verb}_{snaked(type_name)}" for verb in CHANGES}
    return _taken(schema, [m for m in schema.roots.get("mutation", ()) if snaked(m.name.value) in wanted]) or {}


def _taken(schema: Schema, named: list[FieldDefinitionNode]) -> dict[str, InputValueDefinitionNode] | None:
    return {n: a for m in named for n, a in arguments_of(schema, m).items() if identifier(n) not in _OF_ROWS} if named else None


def _given(taken: dict[str, InputValueDefinitionNode], name: str, field: Field) -> InputValueDefinitionNode | None:
    single = re.sub(r"ies$", "y", name).removesuffix("s")
    forms = {name, f"{name}_id", f"{name}_ids", f"{single}_ids", f"{field.to}_id", f"{field.to}_ids"}
    return next((a for n, a in taken.items() if identifier(n) in forms), None)


def _as_given(schema: Schema, given: InputValueDefinitionNode, field: Field, label: str, result: Import) -> Field:
    if field.type in ("references", "strings"):
        return field
    default = literal_of(given.default_value, field)
    if given.default_value is not None and default is None and constant(given.default_value) is not None:
        result.unmet.append(f"the default of {label} has no counterpart")
    default = default if given.default_value is not None else field.default
    required = plain_kind(given.type).required or default is not None
    return directed(given, field.model_copy(update={"required": required, "default": default}), label, result)


def _filled(field: Field) -> Field | None:
    """With what it holds at first, where that can only be one thing."""
    default = f"'{field.values[0]}'" if field.type == "enum" else "false" if field.type == "boolean" else None
    return field.model_copy(update={"default": default}) if default else None


def _at_first(field: Field) -> Field:
    return field.model_copy(update={"writable": "create"})


def _optional(field: Field) -> Field:
    return field.model_copy(update={"required": False})


def _kept(draft: EntityDraft, name: str, field: Field, result: Import, by: str) -> None:
    """A field that no input takes."""
    rows = draft.plural.replace("_", " ")
    if field.type == "reference":
        result.world.later.insert(0, lambda: _made(draft, name, result))
        return
    if field.type in ("references", "strings"):
        result.unfilled(draft, name)
        draft.fields[name] = field.model_copy(update={"writable": "never"})
        return
    filled = _filled(field) if field.required and not _TOLD.match(name) else None
    if filled is not None:
        result.world.assume(f"The {name.replace('_', ' ')} of {rows} is {str(filled.default).strip(chr(39))} at first.")
    else:
        result.unfilled(draft, name)
    draft.fields[name] = (filled or _optional(field)).model_copy(update={"writable": "never", "satisfies": (by,)})


def _made(draft: EntityDraft, name: str, result: Import) -> None:
    """A reference that no input takes is whoever signs in."""
    if name in draft.fields and draft.fields[name].to == result.world.account:
        result.world.made_by(draft, name)
