"""Python names for what a spec names: legal, unreserved, and never the same twice in one namespace."""

import builtins
import keyword

from quantumlayer.blueprint.view.names import EntityNames, Naming, camel

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
        "aliased",
        "and_",
        "association_proxy",
        "cast",
        "date_of",
        "days_apart",
        "exact",
        "exists",
        "false",
        "find",
        "greatest_of",
        "hash_password",
        "hour_of",
        "literal",
        "literal_column",
        "long_text",
        "mapped_column",
        "new_id",
        "new_key",
        "not_found",
        "or_",
        "random_code",
        "referred",
        "register",
        "relationship",
        "rounded",
        "seconds_between",
        "selectinload",
        "short_text",
        "true",
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
        "AssociationProxy",
        "Column",
        "Day",
        "ExactOutput",
        "Output",
        "PageQuery",
        "QueryRowKey",
        "Registration",
        "RowId",
        "Sequence",
        "Stamped",
    }
)


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


def type_name(name: str) -> str:
    """A class of the project."""
    wanted = camel(name)
    return f"{wanted}Row" if wanted in _CLASSES or hasattr(builtins, wanted) else wanted


def association(kind: str, owner: EntityNames, name: str) -> str:
    """The class that holds the items of a list of texts, or the table that holds a many-to-many relation."""
    return f"{owner.cls}{camel(name)}Item" if kind == "strings" else f"{owner.variable.rstrip('_')}_{name}_table"


NAMING = Naming(type=type_name, variable=variable, attribute=attribute, module=module, association=association, types=_CLASSES)
