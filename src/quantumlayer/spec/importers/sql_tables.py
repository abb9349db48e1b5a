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
_READ = re.compile(r"create\s+type\b|create\s+unique\s+index\b|alter\s+table\b", re.I)
_CODE = re.compile(r"create\s+(?:or\s+replace\s+)?(?:definer\s*=\s*\S+\s+)?(?P<k>(?:materialized\s+)?view|trigger|function|procedure)\s+(?:if\s+not\s+exists\s+)?(?P<n>[\w.`\"]+)", re.I)  # fmt: skip
_STORAGE = re.compile(r"\)\s*(?:(?:without\s+rowid|strict)\s*,?\s*)+$", re.I)


@dataclass
class Table:
    """A table with the constraints that its own statement and later ones give it; columns that those fill are `filled`."""

    name: str
    columns: list[exp.ColumnDef]
    constraints: list[exp.Expr]
    filled: set[str] = field(default_factory=set)

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

    def _all(self, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
        for constraint in self.constraints:
            yield from constraint.find_all(kind)


@dataclass
class Script:
    """What a DDL script holds that counts here; `left_out` are views and code in it, as they would be told to a user."""

    tables: dict[str, Table] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def read_script(name: str, text: str) -> Script:
    """The tables of a script. Raises `ImportError_` with the line where no dialect can read a table, and where there is none."""
    script = Script()
    strange: tuple[int, str] | None = None
    for line, statement in _statements(name, text):
        if code := _CODE.match(statement):
            label = code["n"].strip('`"')
            script.left_out.append(f"the {code['k'].lower()} {label} is not carried over")
        elif _TABLE.match(statement):
            parsed = _parsed(name, line, statement)
            if isinstance(parsed.this, exp.Schema):
                _enter(script, parsed, name, line)
        elif _READ.match(statement):
            _add(script, statement)
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
    statement = _STORAGE.sub(")", statement)
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
    near, within = told.get("highlight") or "", int(told.get("line") or 1)
    raise ImportError_(
        name,
        line + within - 1,
        f"the SQL cannot be parsed{f' near {near!r}' if near else ''}: {told.get('description', 'unknown syntax')}",
        "write it in the dialect of PostgreSQL, MySQL or SQLite",
    )


def _enter(script: Script, create: exp.Expr, name: str, line: int) -> None:
    schema = create.this
    if schema.this.name in script.tables:
        raise ImportError_(name, line, f"the table {schema.this.name} is declared twice", "keep one of the declarations")
    columns = [e for e in schema.expressions if isinstance(e, exp.ColumnDef)]
    others = [e for e in schema.expressions if not isinstance(e, exp.ColumnDef | exp.Identifier)]
    script.tables[schema.this.name] = Table(schema.this.name, columns, others)


def _add(script: Script, statement: str) -> None:
    """`CREATE TYPE … AS ENUM`, `CREATE UNIQUE INDEX`, `ALTER TABLE … ADD …`, as dumps write them."""
    if listed := re.match(r"create\s+type\s+\"?([\w.\"]+?)\"?\s+as\s+enum\s*\((.*)\)", statement, re.I | re.S):
        label = listed[1].split(".")[-1].strip('"').lower()
        script.enums[label] = tuple(v.replace("''", "'") for v in re.findall(r"'((?:[^']|'')*)'", listed[2]))
        return
    added = re.match(r"alter\s+table\s+(?:only\s+)?(?:if\s+exists\s+)?(?P<t>[\w.\"`]+)\s+(?P<a>.+)", statement, re.I | re.S)
    unique = re.match(
        r"create\s+unique\s+index.*?\bon\s+(?:only\s+)?(?P<t>[\w.\"`]+)[^(]*\((?P<c>[^()]+)\)\s*$", statement, re.I | re.S
    )
    found = added or unique
    table = script.tables.get(found["t"].split(".")[-1].strip('"`')) if found else None
    if table is None:
        return
    if added and (column := re.match(r"alter\s+column\s+(\S+)\s+(?:set\s+default|add\s+generated)", added["a"], re.I)):
        table.filled.add(column[1].strip('"`'))
        return
    body = f"UNIQUE ({unique['c']})" if unique else re.sub(r"^add\s+", "", added["a"], flags=re.I) if added else ""
    for dialect in _DIALECTS:
        try:
            parsed = sqlglot.parse_one(f"CREATE TABLE t (x INT, {body})", dialect=dialect)
        except (ParseError, TokenError):
            continue
        if isinstance(parsed, exp.Create) and isinstance(parsed.this, exp.Schema):
            table.constraints += [e for e in parsed.this.expressions[1:] if not isinstance(e, exp.ColumnDef)]
            return


def _target_and_action(reference: exp.Expr) -> tuple[str, str]:
    table = reference.find(exp.Table)
    return (table.name if table else ""), _action(reference)


def _action(node: exp.Expr) -> str:
    found = re.search(r"ON DELETE (CASCADE|SET NULL|RESTRICT|NO ACTION)", node.sql(), re.I)
    return found[1].upper() if found else ""
