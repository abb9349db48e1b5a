"""Python names for what a spec names: legal, unreserved, and never the same twice in one namespace."""

import builtins
import hashlib
import keyword
from collections.abc import Iterable
from dataclasses import dataclass, field

from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.values import SYSTEM_FIELDS, Entity, Field, Spec

_KEYWORDS = frozenset(keyword.kwlist) | frozenset(keyword.softkwlist)
_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_"))
_LOCALS = frozenset(
    {
        "account",
        "actor",
        "app",
        "base",
        "body",
        "changes",
        "clock",
        "context",
        "count",
        "credentials",
        "ctx",
        "database",
        "dt",
        "functions",
        "limit",
        "math",
        "model",
        "models",
        "now",
        "offset",
        "orm",
        "page",
        "params",
        "policies",
        "problem",
        "query",
        "re",
        "row",
        "router",
        "rules",
        "schema",
        "schemas",
        "select",
        "self",
        "service",
        "services",
        "session",
        "settings",
        "sql",
        "today",
        "total",
        "token",
        "value",
        "created",
        "tables",
        "func",
    }
)
_ATTRIBUTES = frozenset(
    {
        "metadata",
        "registry",
        "self",
        "construct",
        "copy",
        "dict",
        "fields",
        "json",
        "validate",
        "schema",
        "schema_json",
        "from_orm",
        "parse_obj",
        "dt",
    }
)
_CLASSES = frozenset(
    {
        "Any",
        "Base",
        "Boolean",
        "Caller",
        "Case",
        "ColumnElement",
        "Constraint",
        "Context",
        "Database",
        "Date",
        "DateTime",
        "Decimal",
        "Depends",
        "Engine",
        "Enum",
        "Exact",
        "Field",
        "Float",
        "ForeignKey",
        "Index",
        "Integer",
        "Interval",
        "Json",
        "Literal",
        "Mapped",
        "Numeric",
        "Page",
        "Paging",
        "Path",
        "Problem",
        "Query",
        "Request",
        "Response",
        "Row",
        "Select",
        "Session",
        "Settings",
        "String",
        "Table",
        "Text",
        "Time",
        "Timestamp",
        "UniqueConstraint",
        "Annotated",
        "Signed",
        "UTC",
        "BaseModel",
        "BigInteger",
        "None",
        "True",
        "False",
        "Credentials",
        "AccessToken",
        "ApiKey",
        "RolesChange",
        "Account",
        "Tokens",
        "APIRouter",
        "HTTPException",
        "FastAPI",
        "Callable",
        "Iterator",
        "Db",
        "Type",
        "Instant",
        "Money",
        "Wire",
        "Message",
        "Exception",
    }
)
_TABLES = frozenset({"auth_tokens", "auth_api_keys", "alembic_version"})
LONGEST_SQL_NAME = 63


def camel(name: str) -> str:
    """`order_line` → `OrderLine`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or "Row"


def sql_name(name: str) -> str:
    """A name that PostgreSQL keeps whole; longer ones end in a digest."""
    if len(name) <= LONGEST_SQL_NAME:
        return name
    return f"{name[: LONGEST_SQL_NAME - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def variable(name: str) -> str:
    """A local variable or parameter."""
    return f"{name}_" if name in _KEYWORDS | _BUILTINS | _LOCALS else name


def attribute(name: str) -> str:
    """An attribute of a model or schema class."""
    taken = name in _KEYWORDS | _ATTRIBUTES or (name in _BUILTINS and name not in ("id",)) or name.startswith("model_")
    return f"{name}_" if taken else name


def module(name: str) -> str:
    """A module of a package that holds one module per entity."""
    return f"{name}_" if name in _KEYWORDS else name


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
    """Names of one entity. `fields` also holds the state field."""

    cls: str
    module: str
    variable: str
    plural: str
    table: str
    fields: dict[str, FieldNames] = field(default_factory=dict)


def name_all(spec: Spec) -> dict[str, EntityNames]:
    """Names for every entity of a spec."""
    classes, modules, tables = Namespace(_CLASSES), Namespace(), Namespace(_TABLES)
    variables = Namespace()
    found = {}
    for name, entity in spec.entities.items():
        found[name] = EntityNames(
            cls=_class_name(name, classes),
            module=modules.claim(module(name)),
            variable=variables.claim(variable(name)),
            plural=variable(entity.plural),
            table=tables.claim(sql_name(entity.plural)),
            fields=_field_names(entity),
        )
    return found


def _class_name(name: str, classes: Namespace) -> str:
    wanted = camel(name)
    return classes.claim(f"{wanted}Row" if wanted in _CLASSES or hasattr(builtins, wanted) else wanted)


def _field_names(entity: Entity) -> dict[str, FieldNames]:
    attributes = Namespace((*SYSTEM_FIELDS, "password_hash", "roles"))
    found = {}
    state = [entity.state.field] if entity.state else []
    for name in [*entity.fields, *state]:
        declared = entity.fields.get(name, Field(type="string"))
        wire = wire_name(name, declared)
        reached = attributes.claim(attribute(name))
        key = attributes.claim(attribute(wire)) if wire != name else reached
        found[name] = FieldNames(reached, key, sql_name(wire), wire)
    return found
