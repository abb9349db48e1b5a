"""A GraphQL schema → its definitions, told apart: rows, wrappers of rows, enumerations, inputs and operations."""

import re
from dataclasses import dataclass, field

from graphql import (
    DirectiveNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    EnumValueNode,
    FieldDefinitionNode,
    GraphQLSyntaxError,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    ListTypeNode,
    ListValueNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    OperationTypeDefinitionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeNode,
    ValueNode,
    parse,
)

from quantumlayer.spec.importers.tables import ImportError_

_WRAPPER = re.compile(r"\w+(?:Payload|Response|Result)")
_ROWS = ("nodes", "items", "edges", "data", "results")
_ABOUT_PAGES = ("pageInfo", "totalCount", "total", "count", "hasMore", "cursor", "nextCursor")


@dataclass(frozen=True)
class Kind:
    """A type as a field has it: its name, whether it is a list, and whether it always holds a value."""

    name: str
    many: bool
    required: bool


@dataclass
class Schema:
    """`types` are all object types that are no roots; `through` names what a wrapper (a connection, an edge, a payload) holds."""

    types: dict[str, dict[str, FieldDefinitionNode]] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    inputs: dict[str, dict[str, InputValueDefinitionNode]] = field(default_factory=dict)
    roots: dict[str, list[FieldDefinitionNode]] = field(default_factory=dict)
    through: dict[str, Kind] = field(default_factory=dict)
    directed: list[tuple[str, DirectiveNode]] = field(default_factory=list)

    def kind(self, node: TypeNode) -> Kind:
        """A type, with what wraps rows looked through."""
        found = plain_kind(node)
        seen: set[str] = set()
        while found.name in self.through and found.name not in seen:
            seen.add(found.name)
            inner = self.through[found.name]
            found = Kind(inner.name, found.many or inner.many, found.required)
        return found

    def embedded(self, name: str) -> bool:
        """Whether a type has no rows of its own: it has no id though others have, and stands in single fields only."""
        if "id" in self.types[name] or not any("id" in fields for fields in self.types.values()):
            return False
        asked = [f for fields in self.roots.values() for f in fields]
        if any(self.kind(f.type).name == name for f in asked):
            return False
        uses = [self.kind(f.type) for fields in self.types.values() for f in fields.values()]
        leaves = all(self.kind(f.type).name not in self.types for f in self.types[name].values())
        return leaves and any(u.name == name for u in uses) and not any(u.name == name and u.many for u in uses)


def plain_kind(node: TypeNode) -> Kind:
    """A type as it is written."""
    required = isinstance(node, NonNullTypeNode)
    inner = node.type if isinstance(node, NonNullTypeNode) else node
    if isinstance(inner, ListTypeNode):
        return Kind(plain_kind(inner.type).name, True, required)
    return Kind(inner.name.value, False, required)  # type: ignore[union-attr]


def constant(node: ValueNode) -> object:
    """A literal of the language as a value."""
    if isinstance(node, ListValueNode):
        return [constant(v) for v in node.values]
    raw = getattr(node, "value", None)
    if isinstance(node, EnumValueNode) or not isinstance(raw, str):
        return raw
    if node.kind == "int_value":
        return int(raw)
    return float(raw) if node.kind == "float_value" else raw


def line_of(node: FieldDefinitionNode | InputValueDefinitionNode) -> int:
    """The line of a definition, from 1."""
    return node.loc.start_token.line if node.loc else 1


def read_schema(name: str, text: str) -> Schema:
    """The schema of a file. Raises `ImportError_` with the line of a mistake, and where no object type is declared."""
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else None
        told = error.message.removeprefix("Syntax Error: ")
        mend = "declare types as `type Name { field: Type }`, one definition after the other"
        raise ImportError_(name, line, told, mend) from None
    except RecursionError:
        raise ImportError_(name, None, "its types are nested too deeply", "declare one type after the other") from None
    schema, named = Schema(), {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
            named |= {_root(one): one.type.name.value for one in node.operation_types or ()}
    for node in document.definitions:
        _enter(name, schema, node, {v: k for k, v in named.items()})
    schema.through = {n: kind for n in schema.types if (kind := _held(schema, n))}
    schema.types = {n: fields for n, fields in schema.types.items() if n not in schema.through and not _about_pages(n, fields)}
    schema.types = {n: fields for n, fields in schema.types.items() if "id" in fields or not _only_in_unions(schema, n)}
    if not schema.types:
        raise ImportError_(name, None, "no object type was found", "declare at least one `type Name { field: Type }`")
    return schema


def _root(node: OperationTypeDefinitionNode) -> str:
    return node.operation.value


def _enter(name: str, schema: Schema, node: object, roots: dict[str, str]) -> None:
    match node:
        case ObjectTypeDefinitionNode() | ObjectTypeExtensionNode() if node.name.value in roots:
            schema.roots.setdefault(roots[node.name.value], []).extend(node.fields or ())
        case ObjectTypeDefinitionNode() | ObjectTypeExtensionNode():
            known = schema.types.setdefault(node.name.value, {})
            for one in node.fields or ():
                if one.name.value in known:
                    told = f"{node.name.value} has two fields {one.name.value}"
                    raise ImportError_(name, line_of(one), told, "keep one of them")
                known[one.name.value] = one
            described = getattr(node, "description", None)
            schema.told[node.name.value] = described.value if described else schema.told.get(node.name.value, "")
            schema.directed += [(node.name.value, d) for d in node.directives or ()]
        case EnumTypeDefinitionNode() | EnumTypeExtensionNode():
            values = tuple(v.name.value for v in node.values or ())
            schema.enums[node.name.value] = (*schema.enums.get(node.name.value, ()), *values)
        case InputObjectTypeDefinitionNode() | InputObjectTypeExtensionNode():
            schema.inputs.setdefault(node.name.value, {}).update({f.name.value: f for f in node.fields or ()})
        case _:
            # Interfaces repeat what their types have; unions, scalars and directives are read where they are used.
            pass


def _held(schema: Schema, name: str) -> Kind | None:
    """What a connection, an edge or a payload holds; None for what is a row itself."""
    fields = schema.types[name]
    if set(fields) >= {"node", "cursor"}:
        return plain_kind(fields["node"].type)
    listed = next((n for n in _ROWS if n in fields and plain_kind(fields[n].type).many), None)
    if listed and set(fields) - {listed} and all(n in (*_ROWS, *_ABOUT_PAGES) for n in fields):
        return plain_kind(fields[listed].type)
    if _WRAPPER.fullmatch(name) and "id" not in fields:
        rows = [plain_kind(f.type) for f in fields.values() if plain_kind(f.type).name in schema.types]
        rows = [r for r in rows if not re.search(r"Error", r.name)]
        return rows[0] if len(rows) == 1 else None
    return None


def _only_in_unions(schema: Schema, name: str) -> bool:
    """Whether a type without an id is named by no field and no operation, though others have ids: an answer, and no row."""
    if not any("id" in fields for fields in schema.types.values()):
        return False
    fields = [f for group in (*schema.types.values(),) for f in group.values()] + [
        f for root in schema.roots.values() for f in root
    ]
    return all(plain_kind(f.type).name != name for f in fields)


def _about_pages(name: str, fields: dict[str, FieldDefinitionNode]) -> bool:
    """Whether a type tells of a page or of a refusal, and is no row."""
    if name.endswith("Error") and "id" not in fields:
        return True
    return name == "PageInfo" or ({"hasNextPage", "endCursor"} & set(fields) != set() and "id" not in fields)
