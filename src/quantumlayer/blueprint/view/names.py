"""Names for what a spec names: legal in the language, unreserved, and never the same twice in one namespace."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.values import SYSTEM_FIELDS, Entity, Field, Spec

LONGEST_SQL_NAME = 63
TABLES = frozenset({"auth_tokens", "auth_api_keys", "alembic_version", "schema_migrations"})


def camel(name: str) -> str:
    """`order_line` → `OrderLine`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or "Row"


def lower_camel(name: str) -> str:
    """`order_line` → `orderLine`."""
    return name[:1] + camel(name)[1:]


def sql_name(name: str) -> str:
    """A name that PostgreSQL keeps whole; longer ones end in a digest."""
    if len(name) <= LONGEST_SQL_NAME:
        return name
    return f"{name[: LONGEST_SQL_NAME - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class Namespace:
    """Hands out each name once: a second claim gets a number."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def claim(self, wanted: str) -> str:
        """The wanted name, or the first free one of `wanted2`, `wanted3`, …"""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}{number}"
        self._taken.add(name)
        return name


@dataclass(frozen=True)
class FieldNames:
    """`attribute` reaches the value (the row, for a reference); `key` the foreign key; `column` is its name in the database."""

    attribute: str
    key: str
    column: str
    wire: str


@dataclass(frozen=True)
class EntityNames:
    """Names of one entity: its type, module (file or package), variable for one row and for many, table, fields and state."""

    cls: str
    module: str
    variable: str
    plural: str
    table: str
    fields: dict[str, FieldNames] = field(default_factory=dict)


def _source(names: EntityNames) -> str:
    return names.cls


def _alias(source: str, number: int) -> str:
    return f"Other{source}{number if number > 1 else ''}"


@dataclass(frozen=True)
class Naming:
    """How one language writes names. Each function makes a legal, unreserved name of a spec's snake-case name.

    `association` names what holds a field of type `strings` or `references`, given that type, the owner and the field.
    `source` names what a query selects an entity's rows from, `alias` the same once more (counted from 1) in an inner query.
    `types`, `attributes` and `parameters` (of lists and reports) are taken from the start, beyond what the functions avoid by
    themselves.
    """

    type: Callable[[str], str]
    variable: Callable[[str], str]
    attribute: Callable[[str], str]
    module: Callable[[str], str]
    association: Callable[[str, EntityNames, str], str]
    source: Callable[[EntityNames], str] = _source
    alias: Callable[[str, int], str] = _alias
    types: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset({"password_hash", "roles"})
    parameters: frozenset[str] = frozenset()

    def inputs(self, fields: Mapping[str, Field], taken: Iterable[str] = ()) -> dict[str, FieldNames]:
        """Names of the inputs of an operation or report, or of a list's filters; none of them twice, and none that is taken."""
        claimed, found = Namespace(taken), {}
        for name, declared in fields.items():
            wire = wire_name(name, declared)
            reached = claimed.claim(self.attribute(name))
            key = claimed.claim(self.attribute(wire)) if wire != name else reached
            found[name] = FieldNames(reached, key, wire, wire)
        return found


def name_all(spec: Spec, naming: Naming) -> dict[str, EntityNames]:
    """Names for every entity of a spec."""
    types, modules, tables, variables = Namespace(naming.types), Namespace(), Namespace(TABLES), Namespace()
    found = {}
    for name, entity in spec.entities.items():
        found[name] = EntityNames(
            cls=types.claim(naming.type(name)),
            module=modules.claim(naming.module(name)),
            variable=variables.claim(naming.variable(name)),
            plural=naming.variable(entity.plural),
            table=tables.claim(sql_name(entity.plural)),
            fields=_field_names(entity, naming),
        )
    return found


def _field_names(entity: Entity, naming: Naming) -> dict[str, FieldNames]:
    attributes = Namespace((*(naming.attribute(name) for name in SYSTEM_FIELDS), *naming.attributes))
    found = {}
    state = [entity.state.field] if entity.state else []
    for name in [*entity.fields, *state]:
        declared = entity.fields.get(name, Field(type="string"))
        wire = wire_name(name, declared)
        reached = attributes.claim(naming.attribute(name))
        key = attributes.claim(naming.attribute(wire)) if wire != name else reached
        found[name] = FieldNames(reached, key, sql_name(wire), wire)
    return found
