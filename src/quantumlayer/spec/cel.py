"""CEL for a spec: parsed and type-checked by the official runtime, decoded into typed `expression` trees.

Every entity is a message; a reference is a message field, its inverse a repeated one, so `self.member.loans` type-checks.
Dates and datetimes are both CEL timestamps; `expression.Type` keeps them apart. Times of day are strings "HH:MM".
On top of CEL's own checks, whatever may be null must be guarded (`x == null || x > 1`), so that no stack meets a null.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, timestamp_pb2, wrappers_pb2

from quantumlayer.errors import UserError
from quantumlayer.spec.cel_names import CelNames
from quantumlayer.spec.checked_expr import decode
from quantumlayer.spec.decode_cel import Builder, Facts, UnitSignature
from quantumlayer.spec.expression import Expr, Kind, Type
from quantumlayer.spec.functions import OVERLOADS, Overload, unit_overloads
from quantumlayer.spec.ids import textual
from quantumlayer.spec.values import Field, Spec, Unit

_F = descriptor_pb2.FieldDescriptorProto
_WORD = re.compile(r"[A-Za-z_]\w*")
_POSITION = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_PROTO_TYPES: dict[Kind, tuple[int, str | None]] = {
    "bool": (_F.TYPE_BOOL, "google.protobuf.BoolValue"),
    "int": (_F.TYPE_INT64, "google.protobuf.Int64Value"),
    "number": (_F.TYPE_DOUBLE, "google.protobuf.DoubleValue"),
    "decimal": (_F.TYPE_DOUBLE, "google.protobuf.DoubleValue"),
    "string": (_F.TYPE_STRING, "google.protobuf.StringValue"),
}
_WRAPPERS = {
    "int": "google.protobuf.Int64Value",
    "double": "google.protobuf.DoubleValue",
    "string": "google.protobuf.StringValue",
}
_CEL_TYPES = {
    "bool": cel.Type.BOOL,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "string": cel.Type.STRING,
    "timestamp": cel.Type.TIMESTAMP,
    "duration": cel.Type.DURATION,
}
CLOCK = {"now": Type("datetime"), "today": Type("date")}
FIELD_KINDS: dict[str, Kind] = {
    "string": "string",
    "text": "string",
    "integer": "int",
    "number": "number",
    "decimal": "decimal",
    "boolean": "bool",
    "date": "date",
    "time": "string",
    "datetime": "datetime",
    "enum": "string",
}


class CelError(UserError):
    """A CEL text that does not parse, type-check or handle null. `line` and `column` count from 1."""

    def __init__(self, message: str, text: str, line: int = 1, column: int = 1) -> None:
        hint = "write double(x) around the integer" if re.search(r"'\(.*(int, double|double, int).*\)'", message) else ""
        super().__init__(f"{message} at {line}:{column} in CEL «{text}»", hint=hint, text=text, line=line, column=column)
        self.reason, self.line, self.column = message, line, column

    def match(self, pattern: str) -> re.Match[str] | None:
        """Where the reason matches a pattern."""
        return re.search(pattern, self.reason)


@dataclass(frozen=True)
class Member:
    """A field as expressions see it."""

    type: Type
    relation: str | None = None


def inverse_name(entity: str, spec: Spec, field: Field) -> str:
    """The name by which the rows that refer here are reached: `inverse`, else the referring entity's plural."""
    return field.inverse or spec.entities[entity].plural


def field_type(field: Field) -> Type:
    """The expression type of a declared field; references are rows, derived fields keep their declared type."""
    nullable = not field.required
    if field.type == "reference":
        return Type("entity", nullable, entity=field.to)
    if field.type == "references":
        return Type("list", element=Type("entity", entity=field.to))
    if field.type == "strings":
        return Type("list", element=Type("string"))
    return Type(FIELD_KINDS[field.type], nullable)


def unit_type(unit: Unit) -> UnitSignature:
    """What a call of a unit takes and gives."""
    return tuple(FIELD_KINDS[kind] for kind in unit.input.values()), Type(FIELD_KINDS[unit.returns])


def members(spec: Spec, name: str) -> dict[str, Member]:
    """All fields of an entity that expressions can select: declared, system, state, inverse, roles of the actor."""
    entity = spec.entities[name]
    found = {
        "id": Member(Type("string" if textual(entity) else "int")),
        "created_at": Member(Type("datetime")),
        "updated_at": Member(Type("datetime")),
    }
    if entity.state:
        found[entity.state.field] = Member(Type("string"))
    for field_name, field in entity.fields.items():
        relation = field.type if field.type in ("reference", "references") else None
        found[field_name] = Member(field_type(field), relation)
    if spec.auth and spec.auth.entity == name and spec.roles:
        found["roles"] = Member(Type("list", element=Type("string")))
    for other_name, other in spec.entities.items():
        for field in other.fields.values():
            if field.type in ("reference", "references") and field.to == name:
                found[inverse_name(other_name, spec, field)] = Member(
                    Type("list", element=Type("entity", entity=other_name)), "inverse"
                )
    return found


class Dialect:
    """Compiles CEL against one spec. The spec's names must already be known to be consistent (`check.checked`)."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.messages: dict[str, dict[str, Member]] = {name: members(spec, name) for name in spec.entities}
        for owner, inputs in _inputs(spec):
            self.messages[owner] = {
                name: Member(field_type(f), f.type if f.type in ("reference", "references") else None)
                for name, f in inputs.items()
            }
        self._units = {name: unit_type(unit) for name, unit in spec.units.items()}
        self._compiled: dict[tuple[str, tuple[tuple[str, Type], ...], Facts], Expr] = {}
        self._environments: dict[tuple[tuple[str, Type], ...], Any] = {}
        common = CLOCK | ({"actor": row(spec.auth.entity)} if spec.auth and spec.auth.entity in spec.entities else {})
        self._names = CelNames(spec.entities, self.messages.keys() - spec.entities.keys(), common)

    def compile(self, text: str, variables: Mapping[str, Type], facts: Facts = frozenset()) -> Expr:
        """The typed tree of `text`; `facts` are the paths known not to be null. Raises `CelError` naming line and column."""
        # What the text does not name cannot matter, and so the same constant is compiled once for all entities.
        words = set(_WORD.findall(text))
        named = {name: type_ for name, type_ in variables.items() if name in words}
        key = (text, tuple(named.items()), facts)
        if key not in self._compiled:
            self._compiled[key] = self._compile(text, named, facts)
        return self._compiled[key]

    def _compile(self, text: str, variables: Mapping[str, Type], facts: Facts) -> Expr:
        renamed = self._names.renamed(text, variables)
        if renamed is not None:
            # A mistake is told by what follows: here its place would be one in the renamed text.
            with suppress(CelError):
                return self._built(self._shared, renamed, variables, facts, self._names.meant)
        return self._built(self._environment(variables), text, variables, facts)

    def _built(
        self, environment: Any, text: str, variables: Mapping[str, Type], facts: Facts, meant: Mapping[str, str] = {}
    ) -> Expr:
        try:
            serialised = environment.compile(text).serialize()
        except RuntimeError as error:
            found = _POSITION.search(str(error))
            line, column, message = found.groups() if found else ("1", "1", str(error))
            raise CelError(message.strip(), text, int(line), int(column)) from None
        root, positions = decode(serialised)

        def fail(message: str, expression_id: int) -> CelError:
            before = text[: positions.get(expression_id, 0)]
            return CelError(message, text, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)

        return Builder(self.messages, dict(variables), fail, self._units, meant).build(root, facts)

    @cached_property
    def _shared(self) -> Any:
        return self._environment(self._names.declared)

    def _environment(self, variables: Mapping[str, Type]) -> Any:
        key = tuple(variables.items())
        if key not in self._environments:
            types = {name: self._cel_type(type_) for name, type_ in variables.items()}
            self._environments[key] = cel.NewEnv(self._pool, variables=types, functions=_functions(unit_overloads(self.spec)))
        return self._environments[key]

    def _cel_type(self, type_: Type) -> cel.Type:
        match type_.kind:
            case "entity" | "record":
                return cel.Type(f"spec.{type_.entity}")
            case "list":
                return cel.Type.List(self._cel_type(type_.element or Type("dyn")))
            case "date" | "datetime":
                return cel.Type.TIMESTAMP
            case "number" | "decimal":
                return cel.Type.DOUBLE
            case kind:
                return _CEL_TYPES[kind]

    @cached_property
    def _pool(self) -> descriptor_pool.DescriptorPool:
        pool = descriptor_pool.DescriptorPool()
        for module in (timestamp_pb2, wrappers_pb2, duration_pb2):
            pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        file = descriptor_pb2.FileDescriptorProto(
            name="spec.proto",
            package="spec",
            syntax="proto3",
            dependency=["google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto", "google/protobuf/duration.proto"],
        )
        for name, fields in self.messages.items():
            message = file.message_type.add(name=name)
            # Names that differ in an underscore alone would be refused for a JSON form that nobody uses.
            message.options.deprecated_legacy_json_field_conflicts = True
            for number, (field, member) in enumerate(fields.items(), 1):
                _add_field(message, field, number, member.type)
        pool.AddSerializedFile(file.SerializeToString())
        return pool


def input_message(owner: str, operation: str) -> str:
    """The message name of an operation's or report's input."""
    return f"input__{owner}__{operation}"


def _inputs(spec: Spec) -> list[tuple[str, dict[str, Field]]]:
    found = [
        (input_message(e, o), operation.input)
        for e, entity in spec.entities.items()
        for o, operation in entity.operations.items()
    ]
    return found + [(input_message("report", r), report.input) for r, report in spec.reports.items()]


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, number: int, type_: Type) -> None:
    field = message.field.add(name=name, number=number, json_name=name, label=_F.LABEL_OPTIONAL)
    if type_.kind == "list" and type_.element:
        field.label, type_ = _F.LABEL_REPEATED, Type(type_.element.kind, entity=type_.element.entity)
    if type_.kind in ("entity", "record"):
        field.type, field.type_name = _F.TYPE_MESSAGE, f".spec.{type_.entity}"
    elif type_.kind in ("date", "datetime", "duration"):
        well_known = "Duration" if type_.kind == "duration" else "Timestamp"
        field.type, field.type_name = _F.TYPE_MESSAGE, f".google.protobuf.{well_known}"
    else:
        scalar, wrapper = _PROTO_TYPES[type_.kind]
        if type_.nullable and wrapper:
            field.type, field.type_name = _F.TYPE_MESSAGE, f".{wrapper}"
        else:
            field.type = cast(Any, scalar)


@lru_cache(maxsize=8)
def _functions(units: tuple[Overload, ...]) -> list[cel.FunctionDecl]:
    def parse(text: str) -> cel.Type:
        if text.startswith("list("):
            return cel.Type.List(parse(text[5:-1]))
        return _CEL_TYPES[text]

    def result(overload: Overload) -> cel.Type:
        nullable = _WRAPPERS.get(overload.result) if overload.nullable else None
        return cel.Type(nullable) if nullable else parse(overload.result)

    by_name: dict[str, list[cel.Overload]] = {}
    for overload in (*OVERLOADS, *units):
        identity = "_".join((overload.name, *(re.sub(r"\W", "_", p) for p in overload.params)))
        by_name.setdefault(overload.name, []).append(
            cel.Overload(identity, result(overload), [parse(p) for p in overload.params])
        )
    return [cel.FunctionDecl(name, overloads) for name, overloads in by_name.items()]


def row(entity: str, *, nullable: bool = False) -> Type:
    """The type of a row of an entity."""
    return Type("entity", nullable, entity=entity)


def scope(**variables: Type) -> dict[str, Type]:
    """Variables plus the two that are always there: `now` and `today`."""
    return variables | CLOCK
