"""Schemas as tools dump them: each clause is in the spec, or told; nothing of them is lost in silence."""

from pathlib import Path

import pytest

from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
from quantumlayer.spec.check import checked
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.values import Spec


def read(text: str, sentence: str = "") -> tuple[Spec, list[str]]:
    spec = checked(draft_spec(draft_frd(enhance(Request(text=sentence, files=(SourceFile(name="d.sql", text=text),))))))
    return spec, [r.text for r in spec.requirements if not r.understood]


POSTGRES = (Path(__file__).parent / "files" / "people.pg.sql").read_text("utf-8")


def test_postgresql_computed_columns_domains_partial_indexes_and_comments() -> None:
    spec, unmet = read(POSTGRES)
    person, project, leave = (spec.entities[n] for n in ("person", "project", "leave"))
    assert person.fields["full_name"].value == "(self.first + ' ') + self.last" and person.description == "Everybody"
    assert (person.fields["salary"].places, person.fields["salary"].min, person.fields["salary"].exclusive_min) == (2, 0, True)
    assert person.fields["salary"].description == "a year, before tax"
    assert leave.fields["days"].value == "(days_between(self.starts_on, self.ends_on)) + 1"
    assert [(u.fields, u.where) for u in leave.unique] == [(("person",), "self.active == true")]
    checks = [r.check for r in leave.rules.values()]
    assert checks == [
        "self.approver == null || self.approver != self.person",
        "(self.active == false || !(self.approver == null))",
    ]
    assert {n: f.to for n, f in project.fields.items() if f.type == "references"} == {
        "members": "person",
        "followers_people": "person",
    }
    told = " ".join(unmet)
    assert len(unmet) == 3 and "LOWER(title)" in told and "policy own" in told and "ENABLE ROW LEVEL SECURITY" in told


MYSQL = (Path(__file__).parent / "files" / "shop.mysql.sql").read_text("utf-8")


def test_mysql_flags_sets_computed_columns_and_triggers_in_comments() -> None:
    spec, unmet = read(MYSQL)
    order, item, customer = (spec.entities[n] for n in ("order", "order_item", "customer"))
    assert (order.fields["gift"].type, order.fields["gift"].default) == ("boolean", "false")
    assert (order.fields["rating"].min, order.fields["rating"].max, order.fields["total"].min) == (1, 5, 0)
    assert item.fields["line_total"].value == "double(self.quantity) * self.unit_price"
    assert item.fields["sku"].description == "what is sold" and item.unique[0].fields == ("order", "sku")
    assert order.fields["changed_at"].writable == "never"
    assert [e.set for e in order.operations["update"].effects] == [{"changed_at": "now"}]
    assert spec.auth and spec.auth.entity == "customer" and "password_hash" not in customer.fields
    assert len(unmet) == 2 and "trigger down" in " ".join(unmet) and "new, eco" in " ".join(unmet)


def test_phpmyadmin_keys_behind_the_tables() -> None:
    spec, unmet = read(
        "CREATE TABLE `a` (`id` int NOT NULL, `name` varchar(20) NOT NULL);\n"
        "ALTER TABLE `a` ADD PRIMARY KEY (`id`), ADD UNIQUE KEY `n` (`name`), ADD KEY `k` (`name`);\n"
        "ALTER TABLE `a` MODIFY `id` int NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=5;"
    )
    assert spec.entities["a"].id is None and spec.entities["a"].fields["name"].unique and not unmet


def test_sqlite_flags_times_and_columns_without_a_type() -> None:
    spec, unmet = read(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, joined TEXT NOT NULL DEFAULT (datetime('now')),"
        " day TEXT DEFAULT (date('now')), archived INT NOT NULL DEFAULT FALSE,"
        " admin INTEGER NOT NULL DEFAULT 0 CHECK (admin IN (0, 1)), note,"
        " took INTEGER AS (strftime('%s', joined) / 60) VIRTUAL);"
        "CREATE TABLE u (t_id INTEGER PRIMARY KEY REFERENCES t(id), tag TEXT);"
    )
    fields = spec.entities["t"].fields
    kinds = {n: (f.type, f.default) for n, f in fields.items()}
    assert kinds["joined"] == ("datetime", "now") and kinds["day"] == ("date", "today")
    assert kinds["archived"] == ("boolean", "false") and kinds["admin"] == ("boolean", "false")
    assert kinds["note"] == ("text", None) and "took" not in kinds
    assert spec.entities["u"].fields["t"].unique and spec.entities["u"].fields["t"].required
    assert len(unmet) == 1 and "took" in unmet[0]


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("x inet DEFAULT '127.0.0.1'", None),
        ("x jsonb", "jsonb"),
        ("x int DEFAULT (random() * 10)", "default of x"),
        ("x int REFERENCES b(id) ON DELETE SET DEFAULT DEFAULT 1", "default"),
        ("x int, y int, FOREIGN KEY (x, y) REFERENCES b (p, q)", "together"),
        ("x tsrange, EXCLUDE USING gist (x WITH &&)", "EXCLUDE"),
        ("x text GENERATED ALWAYS AS (md5('a')) STORED", "computed"),
    ],
)
def test_what_has_no_counterpart_is_told(column: str, told: str | None) -> None:
    _, unmet = read(f"CREATE TABLE b (id serial PRIMARY KEY, p int, q int);\nCREATE TABLE a (id serial PRIMARY KEY, {column});")
    assert (told or "") in " ".join(unmet) and bool(unmet) == bool(told)


def test_a_rule_that_no_specification_can_hold_is_told_and_the_rest_is_built() -> None:
    spec, unmet = read("CREATE TABLE a (id serial PRIMARY KEY, n text NOT NULL UNIQUE, note text, CHECK (length(note) > n));")
    assert spec.entities["a"].fields["n"].unique and len(unmet) == 1
