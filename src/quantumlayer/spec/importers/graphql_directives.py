"""Directives of GraphQL fields that bound their values; others are told as unmet."""

from graphql import ConstValueNode, DirectiveNode, FieldDefinitionNode, InputValueDefinitionNode, ValueNode, print_ast

from quantumlayer.spec.importers.graphql_document import constant
from quantumlayer.spec.importers.tables import Import
from quantumlayer.spec.values import Field

# They say nothing of a value.
SILENT = ("deprecated", "specifiedBy", "key", "shareable", "external", "provides", "requires", "tag", "inaccessible", "override", "cacheControl", "cost", "complexity", "node", "model", "id", "relation", "connection")  # fmt: skip
_BOUNDS = {"min": "min", "max": "max", "minimum": "min", "maximum": "max", "minLength": "min_length", "maxLength": "max_length", "pattern": "pattern", "gte": "min", "lte": "max"}  # fmt: skip
_FITTING = {
    **dict.fromkeys(("string", "text"), ("min_length", "max_length", "pattern")),
    **dict.fromkeys(("integer", "number", "decimal"), ("min", "max")),
}


def literal_of(node: ConstValueNode | ValueNode | None, field: Field) -> str | None:
    """CEL of a constant, as a value of the field; None where it is none of its type."""
    value = constant(node) if node is not None else None
    if isinstance(value, bool):
        return str(value).lower() if field.type == "boolean" else None
    if isinstance(value, int | float) and field.type in ("integer", "number", "decimal"):
        return str(float(value) if field.type in ("number", "decimal") else int(value))
    if isinstance(value, str) and field.type in ("string", "text", "enum"):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return None


def directed(node: FieldDefinitionNode | InputValueDefinitionNode, found: Field, label: str, result: Import) -> Field:
    """The field with what its directives say of it."""
    for directive in node.directives or ():
        changes = {"unique": True} if directive.name.value in ("unique", "isUnique") else _bounds(directive, found)
        if directive.name.value == "default" and directive.arguments:
            value = literal_of(directive.arguments[0].value, found)
            changes = {"default": value, "required": True} if value is not None else None
        if changes is not None:
            found = Field.model_validate(found.model_dump(exclude_defaults=True) | changes)
        elif directive.name.value not in SILENT:
            result.unmet.append(f"{print_ast(directive)} of {label} is not carried over")
    return found


def _bounds(directive: DirectiveNode, found: Field) -> dict | None:
    """Bounds that a directive's arguments name, all of them or none."""
    told = {a.name.value: constant(a.value) for a in directive.arguments or ()}
    if directive.name.value in ("length", "size") and found.type in ("string", "text"):
        told = {f"{n}Length": v for n, v in told.items()}
    named = {_BOUNDS.get(n): v for n, v in told.items()}
    return named if told and set(named) <= set(_FITTING.get(found.type, ())) else None
