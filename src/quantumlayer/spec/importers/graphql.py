"""GraphQL SDL → entities: object types with their fields, enums, and lists of other types as relations."""

from graphql import FieldDefinitionNode, print_ast

from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.graphql_directives import SILENT, directed
from quantumlayer.spec.importers.graphql_document import Kind, Schema, line_of, read_schema
from quantumlayer.spec.importers.graphql_inputs import given_by
from quantumlayer.spec.importers.graphql_operations import add_operations
from quantumlayer.spec.importers.tables import Import, identifier, key_of, said, scalar_field
from quantumlayer.spec.values import Field

_CUSTOM = {
    "datetime": "datetime", "date": "date", "timestamp": "datetime", "decimal": "decimal", "money": "decimal", "currency": "decimal",
    "bigdecimal": "decimal", "url": "url", "uri": "url", "email": "email", "emailaddress": "email", "time": "time", "localtime": "time",
    "localdate": "date", "localdatetime": "datetime", "bigint": "integer", "long": "integer", "positiveint": "integer",
    "nonnegativeint": "integer", "unsignedint": "integer", "positivefloat": "number", "nonnegativefloat": "number", "phonenumber": "phone",
    "nonemptystring": "string", "uuid": "uuid",
}  # fmt: skip
_FORMATS = ("url", "email", "phone")
_LEAST = {"positiveint": 1, "nonnegativeint": 0, "unsignedint": 0, "nonnegativefloat": 0}


def import_graphql(name: str, text: str, by: str = "R1") -> Import:
    """The entities of a schema. What its operations do beyond reading and writing rows is unmet. Raises `ImportError_`."""
    schema, result = read_schema(name, text), Import()
    rows = [t for t in schema.types if not schema.embedded(t)]
    entities = {t: result.entity(identifier(t), by) for t in rows}
    for type_name, draft in entities.items():
        draft.description = said(schema.told.get(type_name))
        for node in schema.types[type_name].values():
            _Reader(name, schema, type_name, draft, entities, result, by).field(node)
        given_by(schema, type_name, draft, result, by)
    add_operations(schema, entities, result, by)
    for type_name, directive in schema.directed:
        if directive.name.value not in SILENT:
            result.unmet.append(f"{print_ast(directive)} of {type_name} is not carried over")
    if any(v != v.lower() for values in schema.enums.values() for v in values):
        result.world.assume("Values of enumerations that are states are written in lower case.")
    return result


class _Reader:
    """The fields of one type."""

    def __init__(
        self, file: str, schema: Schema, type_name: str, draft: EntityDraft, entities: dict, result: Import, by: str
    ) -> None:
        self.file, self.schema, self.type_name, self.draft = file, schema, type_name, draft
        self.entities, self.result, self.by = entities, result, by

    def field(self, node: FieldDefinitionNode) -> None:
        """Give the draft a field of its type, or tell why it has none."""
        name, kind = identifier(node.name.value), self.schema.kind(node.type)
        if name in ("created_at", "updated_at") or (name, kind.name) == ("id", "ID"):
            return
        if name == "id" or (kind.name == "ID" and kind.required and not kind.many and self._names_rows(name)):
            key = scalar_field(name, _CUSTOM.get(kind.name.lower(), kind.name), required=True, unique=True, by=self.by)
            if key is not None and key.type in ("string", "integer"):
                self.draft.id = key_of(self.draft, name, key, self.result)
                return
        if kind.name in self.schema.types and kind.name not in self.entities:
            self._embedded(name, kind)
        elif kind.name in self.entities:
            self._relation(node, name, kind)
        else:
            self._value(node, name, kind)

    def _names_rows(self, name: str) -> bool:
        """Whether an `ID` is what its rows are named by, where none is called so, and none refers to other rows."""
        return "id" not in self.schema.types[self.type_name] and self._referred(name) is None

    def _referred(self, name: str) -> EntityDraft | None:
        stem = name.removesuffix("_ids").removesuffix("_id")
        found = self.result.world.entities.get(stem) if stem != name else None
        return found if found is not self.draft else None

    def _part(self, kind: Kind) -> bool:
        """Whether a type without an id stands in one list alone: its rows are parts of that one's."""
        kinds = [self.schema.kind(f.type) for fields in self.schema.types.values() for f in fields.values()]
        asked = [self.schema.kind(f.type).name for fields in self.schema.roots.values() for f in fields]
        alone = sum(k.name == kind.name for k in kinds) == 1 and kind.name not in asked
        return alone and "id" not in self.schema.types[kind.name]

    def _value(self, node: FieldDefinitionNode, name: str, kind: Kind) -> None:
        if kind.name == "ID" and (target := self._referred(name)):
            relation = "references" if kind.many else "reference"
            stem = name.removesuffix("_id") if not kind.many else target.plural
            self.draft.fields[stem] = Field(type=relation, to=target.name, required=kind.required and not kind.many, satisfies=(self.by,))  # fmt: skip
            return
        if (values := self.schema.enums.get(kind.name)) and not kind.many:
            found: Field | None = Field(type="enum", values=values, required=kind.required, satisfies=(self.by,))
        else:
            found = self._scalar(name, kind)
        if found is None:
            told = print_ast(node.type)
            self.result.unmet.append(
                f"{self.file}:{line_of(node)}: the field {node.name.value} of {self.type_name} has type {told}, which has no counterpart"
            )
            return
        if node.arguments:
            asked = ", ".join(a.name.value for a in node.arguments)
            self.result.unmet.append(f"what {node.name.value} of {self.type_name} does with {asked} is not said")
        found = found.model_copy(update={"description": said(node.description.value if node.description else None)})
        self.draft.fields[name] = directed(node, found, f"{node.name.value} of {self.type_name}", self.result)

    def _scalar(self, name: str, kind: Kind) -> Field | None:
        base = _CUSTOM.get(kind.name.lower(), kind.name)
        if kind.name in self.schema.enums:
            self.result.unmet.append(f"that {name} of {self.type_name} holds values of {kind.name} only has no counterpart")
            base = "String"
        written = "string" if base in _FORMATS else base
        found = scalar_field(name, written + ("[]" if kind.many else ""), required=kind.required, unique=False, by=self.by)
        if found is None:
            return None
        changes: dict[str, object] = {"format": base} if base in _FORMATS and found.type == "string" else {}
        if kind.many:
            changes["required"] = False
        if (least := _LEAST.get(kind.name.lower())) is not None:
            changes["min"] = least
        if kind.name.lower().startswith("positivefloat"):
            changes |= {"min": 0, "exclusive_min": True}
        return found.model_copy(update=changes)

    def _embedded(self, name: str, kind: Kind) -> None:
        """What has no rows of its own: its fields are fields of the row."""
        for inner in self.schema.types[kind.name].values():
            told = self.schema.kind(inner.type)
            label = f"{name}_{identifier(inner.name.value)}"
            self._value(inner, label, Kind(told.name, told.many, told.required and kind.required))

    def _relation(self, node: FieldDefinitionNode, name: str, kind: Kind) -> None:
        other, mine = self.entities[kind.name], self.type_name
        back = [k for f in self.schema.types[kind.name].values() if (k := self.schema.kind(f.type)).name == mine]
        if kind.many and any(not k.many for k in back):
            return
        if kind.many and any(f.type == "references" and f.to == self.draft.name for f in other.fields.values()):
            return
        if kind.many and not back and self._part(kind):
            other.fields[self.draft.name] = Field(
                type="reference", to=self.draft.name, on_delete="cascade", inverse=name, satisfies=(self.by,)
            )
            return
        if kind.many and not back:
            rows = f"{self.draft.plural} and {other.plural}".replace("_", " ")
            self.result.world.assume(f"Each of {rows} may have many of the other ({node.name.value} of {mine}).")
        relation = "references" if kind.many else "reference"
        clash = self.draft.reference_to(other.name) or self.draft.reference_list_to(other.name) or other is self.draft
        self.draft.fields[name] = Field(
            type=relation,
            to=other.name,
            required=kind.required and not kind.many,
            inverse=f"{self.draft.plural}_as_{name}" if clash else None,
            description=said(node.description.value if node.description else None),
            satisfies=(self.by,),
        )
