"""A DDL script → its tables: columns and constraints, wherever in the script they stand."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import TokenType

from quantumlayer.spec.importers.tables import ImportError_

# It warns of each statement that it only skims; what that means here is decided below.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_DIALECTS = ("postgres", "mysql", "sqlite")
_TABLE = re.compile(r"create\s+(?:global\s+|local\s+|temp(?:orary)?\s+|unlogged\s+)*table\b", re.I)
_READ = re.compile(r"create\s+type\b|create\s+unique\s+index\b|alter\s+table\b|comment\s+on\b", re.I)
_DOMAIN = re.compile(r"create\s+domain\s+(?P<n>[\w.\"]+)\s+(?:as\s+)?(?P<t>.+)", re.I | re.S)
_CODE = re.compile(r"create\s+(?:or\s+replace\s+)?(?:algorithm\s*=\s*\w+\s+)?(?:definer\s*=\s*\S+\s+)?(?:sql\s+security\s+\w+\s+)?(?:temp(?:orary)?\s+|recursive\s+|constraint\s+)*(?P<k>(?:materialized\s+)?view|virtual\s+table|trigger|function|procedure|event|policy|rule|aggregate)\s+(?:if\s+not\s+exists\s+)?(?P<n>[\w.`\"]+)", re.I)  # fmt: skip
_STORAGE = re.compile(r"\)\s*(?:(?:without\s+rowid|strict)\s*,?\s*)+$", re.I)
_PARTS = re.compile(r"\)([^)]*?)\bpartition\s+by\b.*$", re.I | re.S)
_VERSIONED = re.compile(r"/\*!\d{0,6}\s?(?P<c>[^*]*(?:\*(?!/)[^*]*)*)\*/")
_MEANT = re.compile(r"\b(?:create|trigger|view|procedure|function|definer|event|check|generated)\b", re.I)
_FOREIGN = {
    "SQL Server": re.compile(r"\[\w+\]|\bnvarchar\s*\(\s*max|\bidentity\s*\(\s*\d|\bclustered\b", re.I),
    "Oracle": re.compile(r"\bvarchar2\b|\bnumber\s*\(|\btablespace\b", re.I),
    "Db2": re.compile(r"\bin\s+userspace|\bnot logged\b", re.I),
}
# What such a statement says is about storage, not about rows.
_OF_STORAGE = re.compile(r"owner\s+to|set\s+schema|set\s+tablespace|set\s*\(|cluster\s+on|replica\s+identity|(?:enable|disable)\s+(?:replica\s+|always\s+)?trigger|(?:enable|disable)\s+keys|attach\s+partition|inherit\b|auto_increment|engine\b|validate\b|alter\s+(?:column\s+)?\S+\s+set\s+(?:statistics|storage)|add\s+(?:index|key|fulltext|spatial)", re.I)  # fmt: skip


@dataclass
class Index:
    """A unique index: what it is of, and (None: all) of which rows."""

    parts: list[exp.Expr]
    where: exp.Expr | None


@dataclass
class Table:
    """A table with what its own statement and later ones give it; columns that those fill are `filled`."""

    name: str
    columns: list[exp.ColumnDef]
    constraints: list[exp.Expr]
    filled: set[str] = field(default_factory=set)
    indexes: list[Index] = field(default_factory=list)
    comment: str = ""
    comments: dict[str, str] = field(default_factory=dict)

    def primary(self) -> list[str]:
        """The columns of the primary key."""
        own = [c.name for c in self.columns if c.find(exp.PrimaryKeyColumnConstraint)]
        return [*own, *(e.name for key in self._all(exp.PrimaryKey) for e in key.find_all(exp.Column, exp.Identifier))]

    def references(self) -> dict[str, tuple[str, str]]:
        """Column → (table, what happens on delete), for keys of one column."""
        found = {c.name: _target_and_action(r) for c in self.columns for r in c.find_all(exp.Reference)}
        for key in self._all(exp.ForeignKey):
            if len(key.expressions) == 1 and (reference := key.args.get("reference")) is not None:
                target, action = _target_and_action(reference)
                found[key.expressions[0].name] = (target, action or _action(key))
        return found

    def compound_references(self) -> list[tuple[list[str], str]]:
        """(columns, table) of keys of several columns."""
        return [
            ([e.name for e in key.expressions], _target_and_action(key.args["reference"])[0])
            for key in self._all(exp.ForeignKey)
            if len(key.expressions) > 1 and key.args.get("reference") is not None
        ]

    def column(self, name: str) -> exp.ColumnDef | None:
        """The column of a name."""
        return next((c for c in self.columns if c.name == name), None)

    def _all(self, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
        for constraint in self.constraints:
            yield from constraint.find_all(kind)


@dataclass
class Script:
    """What a DDL script holds that counts here; `left_out` are views and code in it, as they would be told to a user."""

    tables: dict[str, Table] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    domains: dict[str, exp.ColumnDef] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def leave_out(self, text: str) -> None:
        """Tell once that this is not carried over."""
        if text not in self.left_out:
            self.left_out.append(text)


def read_script(name: str, text: str) -> Script:
    """The tables of a script. Raises `ImportError_` with the line where no dialect can read a table, and where there is none."""
    script = Script()
    strange: tuple[int, str] | None = None
    for line, statement in _statements(name, _with_versioned(text)):
        if code := _CODE.match(statement):
            script.leave_out(f"the {code['k'].lower()} {_last(code['n'])} is not carried over")
        elif _TABLE.match(statement):
            parsed = _parsed(name, line, statement)
            if isinstance(parsed.this, exp.Schema):
                _enter(script, parsed, name, line, statement)
        elif domain := _DOMAIN.match(statement):
            script.domains |= {_last(domain["n"]).lower(): c for c in _domain(domain["t"])}
        elif _READ.match(statement) and not re.match(r"comment\s+on\s+(?!table|column)", statement, re.I):
            _add(script, statement)
        elif re.match(r"do\b", statement, re.I):
            # Types that are made unless they are there.
            for made in re.finditer(r"create\s+type\s+[^;]*?\)", statement, re.I | re.S):
                _add(script, made[0])
        elif strange is None and re.match(r"create\s+\w+\s+\w+\s*\(", statement, re.I):
            strange = line, " ".join(statement.split()[:3])
    if not script.tables:
        raise ImportError_(
            name,
            strange[0] if strange else None,
            f"{strange[1]!r} is no statement of PostgreSQL, MySQL or SQLite"
            if strange
            else "no CREATE TABLE statement was found",
            "pass the DDL of the tables, for example the output of pg_dump --schema-only",
        )
    return script


def _with_versioned(text: str) -> str:
    """The script with what MySQL reads of `/*!50003 … */`, in its place, so that lines stay what they are."""

    def opened(found: re.Match[str]) -> str:
        if not _MEANT.search(found["c"]):
            return found[0]
        return " " * (found.start("c") - found.start()) + found["c"] + "  "

    opened_text = _VERSIONED.sub(opened, text)
    return re.sub(r"^[ \t]*delimiter[ \t]+(\S+)", lambda m: " " * len(m[0]), opened_text, flags=re.I | re.M)


def _statements(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Line and words of each statement. Raises `ImportError_` where a quote or comment never ends."""
    failures: list[TokenError] = []
    for dialect in _DIALECTS:
        try:
            tokens = sqlglot.tokenize(text, read=dialect)
            break
        except TokenError as error:
            failures.append(error)
    else:
        raise ImportError_(name, None, "a quote or a comment never ends", "close what was opened") from failures[0]
    first = None
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            if first is not None:
                yield first.line, text[first.start : token.start].strip()
            first = None
        elif first is None:
            first = token
    if first is not None:
        yield first.line, text[first.start :].strip().rstrip(";")


def _parsed(name: str, line: int, statement: str) -> exp.Expr:
    statement = _PARTS.sub(r")\1", _STORAGE.sub(")", statement))
    failures: list[ParseError] = []
    for dialect in _DIALECTS:
        try:
            parsed = sqlglot.parse_one(statement, dialect=dialect)
        except ParseError as error:
            failures.append(error)
            continue
        if isinstance(parsed, exp.Create):
            return parsed
    told = failures[0].errors[0] if failures and failures[0].errors else {}
    other = next((dialect for dialect, signs in _FOREIGN.items() if signs.search(statement)), None)
    wrong = re.sub(r"<Token .*?text: ([^,]*),.*?>", r"'\1'", str(told.get("description", "unknown syntax")))
    near, within = told.get("highlight") or "", int(told.get("line") or 1)
    raise ImportError_(
        name,
        line + within - 1,
        f"the SQL cannot be parsed{f' near {near!r}' if near else ''}: {wrong}",
        f"this looks like {other}: write it in the dialect of PostgreSQL, MySQL or SQLite"
        if other
        else "write it in the dialect of PostgreSQL, MySQL or SQLite",
    )


def _enter(script: Script, create: exp.Expr, name: str, line: int, statement: str) -> None:
    schema = create.this
    if schema.this.name in script.tables:
        raise ImportError_(name, line, f"the table {schema.this.name} is declared twice", "keep one of the declarations")
    # SQLite's columns need no type.
    members = [exp.ColumnDef(this=e) if isinstance(e, exp.Identifier) else e for e in schema.expressions]
    columns = [e for e in members if isinstance(e, exp.ColumnDef)]
    others = [e for e in members if not isinstance(e, exp.ColumnDef)]
    for conflict in re.findall(r"\bon\s+conflict\s+(?!abort|rollback|fail)\w+", statement, re.I):
        script.leave_out(f"{' '.join(conflict.split())} of the table {schema.this.name} is not carried over")
    table = script.tables[schema.this.name] = Table(schema.this.name, columns, others)
    for of_table in create.find_all(exp.SchemaCommentProperty):
        table.comment = of_table.name
    for column in columns:
        if (told := column.find(exp.CommentColumnConstraint)) is not None:
            table.comments[column.name] = told.name
    for parent in create.find_all(exp.InheritsProperty):
        script.leave_out(f"what the table {table.name} inherits ({parent.sql()}) is not carried over")


def _domain(kind: str) -> list[exp.ColumnDef]:
    """A domain as the column `value` of its type."""
    try:
        parsed = sqlglot.parse_one(f"CREATE TABLE t (value {kind})", dialect="postgres")
    except (ParseError, TokenError):
        return []
    return [e for e in parsed.this.expressions if isinstance(e, exp.ColumnDef)] if isinstance(parsed.this, exp.Schema) else []


def _add(script: Script, statement: str) -> None:
    """What stands behind the tables in dumps: types, unique indexes, comments, changes of tables."""
    # A name is wanted before ADD CHECK.
    statement = re.sub(r"\badd\s+check\b", "ADD CONSTRAINT unnamed CHECK", statement, flags=re.I)
    for dialect in _DIALECTS:
        try:
            parsed = sqlglot.parse_one(statement, dialect=dialect)
        except (ParseError, TokenError):
            continue
        if isinstance(parsed, exp.Create | exp.Comment | exp.Alter) and _take(script, parsed):
            return
    _unread(script, statement)


def _take(script: Script, parsed: exp.Expr) -> bool:
    """Whether the statement was understood."""
    if isinstance(parsed, exp.Comment):
        _comment(script, parsed)
        return True
    if isinstance(parsed, exp.Create) and isinstance(parsed.expression, exp.DataType):
        script.enums[parsed.this.name.lower()] = tuple(e.name for e in parsed.expression.expressions)
        return True
    if isinstance(parsed, exp.Create) and isinstance(index := parsed.this, exp.Index):
        table, told = script.tables.get(index.args["table"].name), index.args.get("params")
        if table is not None and told is not None:
            where = told.args.get("where")
            parts = [part.this if isinstance(part, exp.Ordered) else part for part in told.args.get("columns") or ()]
            table.indexes.append(Index(parts, where.this if where is not None else None))
        return True
    table = script.tables.get(parsed.this.name) if isinstance(parsed, exp.Alter) else None
    # What the script does not declare, it changes for somebody else.
    if table is None:
        return True
    read = [_altered(table, action) for action in parsed.args.get("actions") or ()]
    return all(read)


def _altered(table: Table, action: exp.Expr) -> bool:
    if isinstance(action, exp.AddConstraint):
        table.constraints += action.expressions
        return True
    changed = action.this if isinstance(action, exp.ModifyColumn) else action
    if isinstance(changed, exp.ColumnDef):
        table.columns = [c for c in table.columns if c.name != changed.name] + [changed]
        if action is not changed and changed.find(exp.AutoIncrementColumnConstraint):
            table.filled.add(changed.name)
        return True
    column = table.column(action.name) if isinstance(action, exp.AlterColumn) else None
    if column is None:
        return False
    default, null = action.args.get("default"), action.args.get("allow_null")
    if isinstance(default, exp.Anonymous) and default.name.lower() == "nextval":
        table.filled.add(column.name)
    elif default is not None:
        column.append("constraints", exp.ColumnConstraint(kind=exp.DefaultColumnConstraint(this=default)))
    elif null is False:
        column.append("constraints", exp.ColumnConstraint(kind=exp.NotNullColumnConstraint()))
    return default is not None or null is False


def _comment(script: Script, parsed: exp.Comment) -> None:
    told, words = parsed.this, parsed.expression.name if parsed.expression is not None else ""
    if parsed.args.get("kind") == "TABLE" and told.name in script.tables:
        script.tables[told.name].comment = words
    elif parsed.args.get("kind") == "COLUMN" and isinstance(told, exp.Column) and told.table in script.tables:
        script.tables[told.table].comments[told.name] = words


def _unread(script: Script, statement: str) -> None:
    """A statement that no dialect reads as a whole: what it says of a known table is told, if it is about its rows."""
    changed = re.match(r"alter\s+table\s+(?:only\s+)?(?:if\s+exists\s+)?(?P<t>[\w.\"`]+)\s+(?P<a>.+)", statement, re.I | re.S)
    table = script.tables.get(_last(changed["t"])) if changed else None
    if changed and table is None:
        return
    if changed and table and (filled := re.match(r"alter\s+(?:column\s+)?(\S+)\s+add\s+generated", changed["a"], re.I)):
        table.filled.add(_last(filled[1]))
    elif not changed or not _OF_STORAGE.match(changed["a"]):
        script.leave_out(f"the statement «{' '.join(statement.split())[:100]}» is not carried over")


def _last(name: str) -> str:
    return name.split(".")[-1].strip('"`')


def _target_and_action(reference: exp.Expr) -> tuple[str, str]:
    table = reference.find(exp.Table)
    return (table.name if table else ""), _action(reference)


def _action(node: exp.Expr) -> str:
    found = re.search(r"ON DELETE (CASCADE|SET NULL|SET DEFAULT|RESTRICT|NO ACTION)", node.sql(), re.I)
    return found[1].upper() if found else ""
