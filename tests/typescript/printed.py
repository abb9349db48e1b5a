"""Random expressions over one row, and what each printer's text makes of them when Node.js and SQLite carry it out."""

import json
import random
import sqlite3
from typing import Any

from quantumlayer.blueprint.view.scope import Context, Loaded, Scope, Stored
from quantumlayer.languages.typescript.kysely import Query
from quantumlayer.languages.typescript.names import NAMING
from quantumlayer.languages.typescript.plain import Plain
from quantumlayer.languages.typescript.sql_functions import FUNCTIONS
from quantumlayer.spec.cel import Dialect
from quantumlayer.spec.expression import Expr, Type
from quantumlayer.spec.model.evaluate import Evaluator
from quantumlayer.spec.yaml_form import load_spec
from tests.typescript.node import evaluated

SPEC = load_spec(
    """
version: 1
name: Rows
entities:
  row:
    plural: rows
    fields: {i: integer, j: integer, s: string, t: string, b: boolean, day: date, due: date, at: datetime, later: datetime}
""",
    "rows",
)
COLUMNS = ("i", "j", "s", "t", "b", "day", "due", "at", "later")
SELF = {"self": Type("entity", entity="row")}
DIALECT = Dialect(SPEC)
EVALUATOR = Evaluator(SPEC, DIALECT.messages)


class Maker:
    """Makes texts of expressions, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def whole(self, depth: int) -> str:
        leaves = ["self.i", "self.j", "3", "-2", "0", "size(self.s)"]
        if depth == 0:
            return self.random.choice(leaves)
        a, b = self.whole(depth - 1), self.whole(depth - 1)
        return self.random.choice(
            [f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} / 7)", f"({a} % 5)", f"least({a}, {b})", f"abs({a})",
             f"({self.truth(depth - 1)} ? {a} : {b})", "days_between(self.day, self.due)", *leaves]
        )  # fmt: skip

    def text(self, depth: int) -> str:
        leaves = ["self.s", "self.t", '"a"', '"it\'s"', '"B `x` ${1}"', '""']
        if depth == 0:
            return self.random.choice(leaves)
        a = self.text(depth - 1)
        return self.random.choice(
            [f"lower({a})", f"upper({a})", f"({self.truth(depth - 1)} ? {a} : {self.text(depth - 1)})", *leaves]
        )

    def truth(self, depth: int) -> str:
        if depth == 0:
            return self.random.choice(["self.b", "!self.b", "true"])
        a, b, i, j, s, t = (f(depth - 1) for f in (self.truth, self.truth, self.whole, self.whole, self.text, self.text))
        sign = self.random.choice(["==", "!=", "<", "<=", ">", ">="])
        return self.random.choice(
            [f"({a} && {b})", f"({a} || {b})", f"!({a})", f"({i} {sign} {j})", f"({s} {sign} {t})", f"{i} in [1, 2, {j}]",
             f"{s}.contains({t})", f"{s}.startsWith({t})", f"{s}.endsWith({t})", f"({a} == {b})",
             f"(self.at {sign} self.later)", f"(self.day + days(3) {sign} self.due)", f"(self.at + hours(5) {sign} self.later)"]
        )  # fmt: skip


def expressions(seed: int, count: int) -> list[Expr]:
    """So many expressions with a truth value, a number or a text."""
    maker = Maker(seed)
    kinds = (maker.truth, maker.whole, maker.text)
    return [DIALECT.compile(kinds[number % 3](3), SELF) for number in range(count)]


def printers() -> tuple[Plain, Query, Context]:
    """Both printers over one context."""
    context = Context.of(SPEC, NAMING)
    plain = Plain(context)
    return plain, Query(context, plain), context


def in_node(exprs: list[Expr], rows: list[dict[str, Any]]) -> list[list[Any]]:
    """What the plain texts give, for each expression and row. The helpers are those of the template, without their types."""
    plain, _, _ = printers()
    scope: Scope = {"self": Loaded("row")}
    bodies = ",\n".join(f"(row) => {plain(expr, scope)}" for expr in exprs)
    return evaluated(f"[{bodies}].map((one) => {json.dumps(rows)}.map(one))", _PLAIN_HELPERS)


def in_sqlite(exprs: list[Expr], rows: list[dict[str, Any]]) -> list[list[Any]]:
    """What the SQL texts give."""
    _, query, _ = printers()
    scope: Scope = {"self": Stored("rows", "row")}
    connection = sqlite3.connect(":memory:")
    connection.execute(f"create table rows ({', '.join(COLUMNS)})")
    connection.executemany(f"insert into rows values ({', '.join('?' * len(COLUMNS))})", [tuple(r.values()) for r in rows])
    texts = statements([query.value(expr, scope) for expr in exprs])
    return [[row[0] for row in connection.execute(f"select {text} from rows order by rowid")] for text in texts]


def statements(printed: list[str]) -> list[str]:
    """The SQL that printed templates make on SQLite, their parameters written as constants."""
    functions = ", ".join(f"{f.name}: ({', '.join(f.parameters)}) => sql`{f.sqlite}`" for f in FUNCTIONS)
    setup = f"{_SQL_TAG}\nconst ctx = {{ fn: {{ {functions}, exact: (v) => sql`cast(${{v}} as real)`, flag: constant_ }} }};"
    return evaluated(f"[{', '.join(_untyped(text) for text in printed)}].map((one) => one.sql)", setup)


def _untyped(text: str) -> str:
    return text.replace("sql<boolean>`", "sql`").replace("sql<number>`", "sql`").replace("sql<string>`", "sql`")


_PLAIN_HELPERS = """
const DAY = 86400000;
const daysBetween = (start, end) => Math.floor((Date.parse(end) - Date.parse(start)) / DAY);
const addDays = (day, days) => new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10);
const addSeconds = (moment, seconds) => new Date(Date.parse(moment) + seconds * 1000).toISOString();
"""
_SQL_TAG = """
const constant = (v) => v?.sql ?? (typeof v === "string" ? `'${v.replaceAll("'", "''")}'` : String(v));
const constant_ = (v) => ({ sql: constant(v) });
const sql = (strings, ...values) => ({ sql: String.raw({ raw: strings }, ...values.map(constant)) });
"""
