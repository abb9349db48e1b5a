"""Go names for what a spec names: legal, unreserved, with the initialisms that Go writes in capitals."""

from quantumlayer.blueprint.view.names import EntityNames, Naming, sql_name

_INITIALISMS = frozenset({
    "api", "cpu", "css", "csv", "dns", "html", "http", "https", "id", "ip", "isbn", "json", "pdf", "sku", "sql", "tls", "uri",
    "url", "utf8", "uuid", "vat", "xml",
})  # fmt: skip
_KEYWORDS = frozenset({
    "break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "for", "func", "go", "goto", "if",
    "import", "interface", "map", "package", "range", "return", "select", "struct", "switch", "type", "var",
})  # fmt: skip
_PREDECLARED = frozenset({
    "any", "append", "bool", "byte", "cap", "clear", "close", "comparable", "complex", "complex128", "complex64", "copy",
    "delete", "error", "false", "float32", "float64", "imag", "init", "int", "int16", "int32", "int64", "int8", "iota", "len",
    "main", "make", "max", "min", "new", "nil", "panic", "print", "println", "real", "recover", "rune", "string", "true",
    "uint", "uint16", "uint32", "uint64", "uint8", "uintptr",
})  # fmt: skip
_LOCALS = frozenset({
    "actor", "answer", "api", "app", "auth", "body", "byID", "caller", "cell", "changes", "chi", "clock", "columns", "config",
    "context", "created", "database", "decimal", "err", "fmt", "found", "http", "ids", "in", "item", "items", "key", "link",
    "math", "model", "order", "page", "params", "problem", "query", "r", "result", "row", "rows", "rules", "service", "slices",
    "store", "strings", "t", "tables", "target", "time", "total", "tx", "value", "view", "w", "web", "where", "wire", "work",
})  # fmt: skip
_TYPES = frozenset({"Tx", "Page", "Actor"})
_FILES = frozenset({"doc", "lists", "page"})
_FILE_ENDINGS = frozenset({
    "test", "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd",
    "openbsd", "plan9", "solaris", "wasip1", "windows", "zos", "unix", "386", "amd64", "arm", "arm64", "loong64", "mips",
    "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x", "wasm", "sparc64", "riscv", "amd64p32", "armbe",
    "arm64be", "mips64p32", "mips64p32le", "ppc", "s390", "sparc",
})  # fmt: skip
_SQL_RESERVED = frozenset({
    "abort", "action", "add", "after", "all", "alter", "always", "analyse", "analyze", "and", "any", "array", "as", "asc",
    "asymmetric", "attach", "authorization", "autoincrement", "before", "begin", "between", "binary", "both", "by", "cascade",
    "case", "cast", "check", "collate", "collation", "column", "commit", "concurrently", "conflict", "constraint", "create",
    "cross", "current", "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "database", "default", "deferrable", "deferred", "delete", "desc", "detach",
    "distinct", "do", "drop", "each", "else", "end", "escape", "except", "exclude", "exclusive", "exists", "explain", "fail",
    "false", "fetch", "filter", "first", "following", "for", "foreign", "freeze", "from", "full", "generated", "glob", "grant",
    "group", "groups", "having", "if", "ignore", "ilike", "immediate", "in", "index", "indexed", "initially", "inner",
    "insert", "instead", "intersect", "into", "is", "isnull", "join", "key", "last", "lateral", "leading", "left", "like",
    "limit", "localtime", "localtimestamp", "match", "materialized", "natural", "no", "not", "nothing", "notnull", "null",
    "nulls", "of", "offset", "on", "only", "or", "order", "others", "outer", "over", "overlaps", "partition", "placing",
    "plan", "pragma", "preceding", "primary", "query", "raise", "range", "recursive", "references", "regexp", "reindex",
    "release", "rename", "replace", "restrict", "returning", "right", "rollback", "row", "rows", "savepoint", "select",
    "session_user", "set", "similar", "some", "symmetric", "system_user", "table", "tablesample", "temp", "temporary", "then",
    "ties", "to", "trailing", "transaction", "trigger", "true", "unbounded", "union", "unique", "update", "user", "using",
    "vacuum", "values", "variadic", "verbose", "view", "virtual", "when", "where", "window", "with", "without",
})  # fmt: skip


def exported(name: str) -> str:
    """`receipt_url` → `ReceiptURL`, `author_ids` → `AuthorIDs`."""
    return "".join(map(_capital, name.split("_"))) or "Row"


def _capital(part: str) -> str:
    if part in _INITIALISMS:
        return part.upper()
    return f"{part[:-1].upper()}s" if part[-1:] == "s" and part[:-1] in _INITIALISMS else part[:1].upper() + part[1:]


def type_name(name: str) -> str:
    """A type of the package model."""
    wanted = exported(name)
    return f"{wanted}Row" if wanted in _TYPES else wanted


def local(name: str) -> str:
    """`order_line` → `orderLine`: a variable or parameter."""
    first, *rest = name.split("_")
    text = first + "".join(exported(part) for part in rest)
    return f"{text}Row" if text in _KEYWORDS | _PREDECLARED | _LOCALS else text


def module(name: str) -> str:
    """The name of a file: never one that Go takes for a test or for another platform, nor one that has its place already."""
    return f"{name}_" if name.rpartition("_")[2] in _FILE_ENDINGS or name in _FILES else name


def quoted(name: str) -> str:
    """A name in SQL, in quotes only where it is a word of the language."""
    return f'"{name}"' if name in _SQL_RESERVED else name


def source(names: EntityNames) -> str:
    """What a query selects an entity's rows from."""
    return quoted(names.table)


def alias(table: str, number: int) -> str:
    """The same table once more in an inner query."""
    return f"other{number if number > 1 else ''}_{table.strip(chr(34))}"[:63]


def association(_: str, owner: EntityNames, name: str) -> str:
    """The table that holds the items of a list, or the links to other rows."""
    return sql_name(f"{owner.table}_{owner.fields[name].wire}")


NAMING = Naming(
    type=type_name,
    variable=local,
    attribute=exported,
    module=module,
    association=association,
    source=source,
    alias=alias,
    attributes=frozenset({"PasswordHash", "Roles", "APIKey"}),
    parameters=frozenset({"Page", "Limit", "Offset", "Sort", "Q"}),
)


def method(name: str) -> str:
    """A method that is not exported: only keywords, and the field that all these types have, are taken."""
    first, *rest = name.split("_")
    text = first + "".join(exported(part) for part in rest)
    return f"{text}Call" if text in _KEYWORDS | {"app"} else text
