"""TypeScript names for what a spec names: camel case for variables, Pascal case for types, kebab case for files."""

from quantumlayer.blueprint.view.names import EntityNames, Naming, camel, lower_camel, sql_name

_KEYWORDS_TEXT = """
arguments as async await boolean break case catch class const continue debugger declare default delete do else enum
eval export extends false finally for from function get if implements import in instanceof interface let module namespace
new null number object of package private protected public return set static string super switch symbol this throw true
try type typeof undefined unknown using var void while with yield
"""
_KEYWORDS = frozenset(_KEYWORDS_TEXT.split())
_LOCALS_TEXT = """
account accounts actor addDays addSeconds all answer answers app auth body Buffer caller callerOf changes clock column columns
conditions console count ctx database db demand derived direction fn given globalThis hashPassword ids index item items key
known limit linked listed newKey notFound now offset one order page params process policies problem randomCode register reply
reportRoutes request rounded routes row rows rowsOf rules schemas searched self service services setItems setLinks settings
shown sql tables today token total value wire work z
"""
_LOCALS = frozenset(_LOCALS_TEXT.split())
_TYPES_TEXT = """
Account App Array ArrayBuffer BigInt Boolean Buffer Caller Context Database Date Decimal Error Expression FastifyInstance
FastifyReply FastifyRequest Found Function Instant Infinity Iterator JSON Kysely List Map Math NaN Never Number Object Omit Page
PageQuery Partial Pick PlainDate Problem Promise Proxy Query RawBuilder Readonly Record Reflect RegExp Registration Row Rows
Settings Set SqlBool String Symbol Table TableName Tables Transaction Uint8Array URL WeakMap
Work
"""
_TYPES = frozenset(_TYPES_TEXT.split())
# Words that SQLite or PostgreSQL keep for themselves: as names they stand in quotes.
_SQL_WORDS_TEXT = """
abort action add after all alter always analyse analyze and any array as asc asymmetric attach authorization autoincrement
before begin between binary both by cascade case cast check collate collation column commit concurrently conflict constraint
create cross current current_catalog current_date current_role current_schema current_time current_timestamp current_user
database default deferrable deferred delete desc detach distinct do drop each else end escape except exclude exclusive
exists explain fail false fetch filter first following for foreign freeze from full generated glob grant group groups having
if ignore ilike immediate in index indexed initially inner insert instead intersect into is isnull join key last lateral
leading left like limit localtime localtimestamp match materialized natural no not nothing notnull null nulls of offset on
only or order others outer over overlaps partition placing plan pragma preceding primary query raise range recursive
references regexp reindex release rename replace restrict returning right rollback row rows savepoint select session_user
set similar some symmetric system_user table tablesample temp temporary then ties to trailing transaction trigger true
unbounded union unique update user using vacuum values variadic verbose view virtual when where window with without
rowid oid ctid value values
"""
_SQL_WORDS = frozenset(_SQL_WORDS_TEXT.split())
LONGEST_TYPE = 120


def variable(name: str) -> str:
    """A local variable, parameter or function: `order_line` → `orderLine`."""
    found = lower_camel(name)
    return f"{found}_" if found in _KEYWORDS or found in _LOCALS else found


def type_name(name: str) -> str:
    """An interface: `order_line` → `OrderLine`."""
    found = camel(name)
    return f"{found}Row" if found in _TYPES else found


def module(name: str) -> str:
    """A file of a folder with one file for each entity: `order_line` → `order-line`."""
    return name.replace("_", "-")


def quoted(name: str) -> str:
    """A table or column inside SQL, in double quotes where it is a word of SQL."""
    return f'"{name}"' if name in _SQL_WORDS else name


def _source(names: EntityNames) -> str:
    return quoted(names.table)


def _alias(source: str, number: int) -> str:
    return sql_name(f"other{number if number > 1 else ''}_{source.strip(chr(34))}")


def _association(_: str, owner: EntityNames, name: str) -> str:
    return sql_name(f"{owner.table}_{owner.fields[name].column}")


NAMING = Naming(
    type=type_name,
    variable=variable,
    attribute=sql_name,
    module=module,
    association=_association,
    source=_source,
    alias=_alias,
    types=_TYPES,
)
