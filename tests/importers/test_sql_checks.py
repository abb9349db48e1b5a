"""Checks of SQL hold in the application, in whatever words a dump writes them."""

import pytest

from quantumlayer.spec.analyst.world import EntityDraft
from quantumlayer.spec.importers.sql import import_sql
from quantumlayer.spec.values import Field

COLUMNS = "code varchar(9) NOT NULL, price int NOT NULL, old_price int, sold boolean NOT NULL, kind citext NOT NULL"


def declared(check: str) -> tuple[EntityDraft, list[str]]:
    result = import_sql("t.sql", f"CREATE TABLE things (id bigserial PRIMARY KEY, {COLUMNS}, CHECK ({check}));")
    return result.world.entities["thing"], result.unmet


@pytest.mark.parametrize(
    ("check", "name", "bounds"),
    [
        ("price BETWEEN 1 AND 9", "price", {"min": 1, "max": 9}),
        ("0 <= price", "price", {"min": 0}),
        ("(price >= (0)::numeric)", "price", {"min": 0}),
        ("old_price IS NULL OR old_price > 5", "old_price", {"min": 5, "exclusive_min": True}),
        ("char_length(code) BETWEEN 2 AND 8", "code", {"min_length": 2, "max_length": 8}),
        ("length(code) = 4", "code", {"min_length": 4, "max_length": 4}),
        ("code <> ''", "code", {"min_length": 1}),
        ("price IN (1, 2, 3)", "price", {"min": 1, "max": 3}),
        ("code ~ '^[A-Z]{3}$'", "code", {"pattern": "[A-Z]{3}"}),
        ("code ~ '[0-9]'", "code", {"pattern": ".*[0-9].*"}),
        ("kind IN ('a', 'b')", "kind", {"type": "enum", "values": ("a", "b")}),
        (
            "((kind)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
            "kind",
            {"values": ("a", "b")},
        ),
    ],
)
def test_a_check_of_one_column_is_a_bound_of_its_field(check: str, name: str, bounds: dict[str, object]) -> None:
    entity, unmet = declared(check)
    field: Field = entity.fields[name]
    assert {n: getattr(field, n) for n in bounds} == bounds
    assert not unmet and not entity.rules


@pytest.mark.parametrize(
    ("check", "rule"),
    [
        ("old_price > price", "self.old_price == null || self.old_price > self.price"),
        ("old_price IS NULL OR old_price > price", "(self.old_price == null || self.old_price > self.price)"),
        ("NOT sold OR price > 0", "(!(self.sold) || self.price > 0)"),
        ("sold = false OR code <> 'x'", "(self.sold == false || self.code != 'x')"),
        ("NOT sold OR old_price IS NOT NULL", "(!(self.sold) || !(self.old_price == null))"),
        ("price * 2 < old_price", "self.old_price == null || self.price * 2 < self.old_price"),
        ("lower(code) = code", "lower(self.code) == self.code"),
        ("price % 2 = 0", "self.price % 2 == 0"),
        ("price IN (1, 2, 5)", "self.price in [1, 2, 5]"),
        ("price <> ALL (ARRAY[3, 4])", "!(self.price in [3, 4])"),
        ("kind NOT LIKE 'x%'", "!(self.kind.startsWith('x'))"),
        ("coalesce(old_price, 0) < price", "(self.old_price == null ? 0 : self.old_price) < self.price"),
    ],
)
def test_a_check_of_several_columns_is_a_rule(check: str, rule: str) -> None:
    entity, unmet = declared(check)
    assert [r.check for r in entity.rules.values()] == [rule]
    assert not unmet


@pytest.mark.parametrize(
    "check", ["price / 2 > 1", "code ~* '^[a-z]+$'", "num_nonnulls(price, old_price) = 1", "code ~ '(?=a)b'"]
)
def test_a_check_without_a_counterpart_is_told(check: str) -> None:
    entity, unmet = declared(check)
    assert len(unmet) == 1 and "has no counterpart" in unmet[0]
    assert not entity.rules
