"""Both printers say what the reference model says."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from quantumlayer.blueprint.view.scope import Loaded, Scope, Stored
from quantumlayer.languages.typescript.kysely import fragment
from quantumlayer.spec.expression import Expr
from tests.typescript.printed import DIALECT, EVALUATOR, SELF, expressions, in_node, in_sqlite, printers, statements

ROWS: list[dict[str, Any]] = [
    {"i": 0, "j": 1, "s": "a", "t": "it's", "b": True, "day": "2026-01-31", "due": "2026-02-03",
     "at": "2026-01-31T23:59:59.999Z", "later": "2026-02-01T04:59:59.999Z"},
    {"i": -7, "j": 5, "s": "B `x` ${1}", "t": "b", "b": False, "day": "2024-02-29", "due": "2024-02-28",
     "at": "2024-02-29T00:00:00.000Z", "later": "2024-02-28T00:00:00.001Z"},
    {"i": 123456, "j": -3, "s": "", "t": "", "b": True, "day": "1999-12-31", "due": "2000-01-01",
     "at": "1999-12-31T12:00:00.500Z", "later": "1999-12-31T12:00:00.500Z"},
]  # fmt: skip
COUNT = 240


def _modelled(expr: Expr) -> list[Any]:
    compiled = EVALUATOR.compile(expr)
    return [compiled({"self": _values(row)}) for row in ROWS]


def _values(row: dict[str, Any]) -> dict[str, Any]:
    days = {name: date.fromisoformat(row[name]) for name in ("day", "due")}
    return row | days | {name: datetime.fromisoformat(row[name]).astimezone(UTC) for name in ("at", "later")}


@pytest.fixture(scope="module")
def exprs() -> list[Expr]:
    return expressions(seed=4, count=COUNT)


def test_plain_code_computes_what_the_model_computes(exprs: list[Expr]) -> None:
    for expr, found in zip(exprs, in_node(exprs, ROWS), strict=True):
        assert found == _modelled(expr), printers()[0](expr, {"self": Loaded("row")})


def test_sql_computes_what_the_model_computes(exprs: list[Expr]) -> None:
    for expr, found in zip(exprs, in_sqlite(exprs, ROWS), strict=True):
        assert [bool(f) if expr.type.kind == "bool" else f for f in found] == _modelled(expr), printers()[1](
            expr, {"self": Stored("rows", "row")}
        )


def test_a_condition_stands_between_others_without_changing_them() -> None:
    _, query, _ = printers()
    text = fragment(query.condition(DIALECT.compile("self.i == 1 || self.j == 1", SELF), {"self": Stored("rows", "row")}))
    assert text == "(rows.i = 1 or rows.j = 1)"


def test_loaded_values_are_parameters_never_text() -> None:
    _, query, _ = printers()
    scope: Scope = {"self": Stored("rows", "row"), "other": Loaded("other")}
    expr = DIALECT.compile("self.s == other.t", {**SELF, "other": SELF["self"]})
    assert query.condition(expr, scope) == "sql<boolean>`rows.s = ${other.t}`"


def test_text_constants_cannot_leave_their_template() -> None:
    _, query, _ = printers()
    expr = DIALECT.compile(r'self.s == "\' or `${process.exit()}` \\ --"', SELF)
    printed = query.condition(expr, {"self": Stored("rows", "row")})
    assert statements([printed]) == ["rows.s = ''' or `${process.exit()}` \\ --'"]
    assert "\\`\\${process" in printed
