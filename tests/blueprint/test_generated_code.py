"""What generated Python says, where saying it otherwise was a bug once."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from quantumlayer.blueprint.load import load_blueprints
from quantumlayer.blueprint.render import render
from quantumlayer.languages.python.adapter import Python
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.spec.yaml_form import load_spec

SPECS = Path(__file__).parent.parent / "specs"
BLUEPRINT = load_blueprints().get("python/fastapi")


def generated(spec: str | Path, path: str) -> str:
    """One file of the application of a spec, which is given as YAML or by its file."""
    loaded = load_spec(spec.read_bytes(), spec.name) if isinstance(spec, Path) else load_spec(spec.encode(), "test")
    language = Python()
    return render(loaded, make_plan(loaded, BLUEPRINT, "blueprint", language), BLUEPRINT, language).files[path].decode()


def function(source: str, name: str) -> str:
    """The text of one function."""
    return source.split(f"def {name}(", 1)[1].split("\n\n\n", 1)[0]


REPORTS = """
version: 1
name: Shop
requirements: {R1: Sales}
entities:
  sale:
    plural: sales
    fields: {day: {type: date}, item: {type: string}, price: {type: decimal}}
    operations: {create: {satisfies: R1}, list: {}}
reports:
  totals: {entity: sale, measures: {sales: size(rows)}}
  days: {entity: sale, group_by: {day: self.day, item: self.item}, measures: {sales: size(rows)}, sort: [-day]}
"""


def test_a_report_over_all_rows_reads_no_single_row() -> None:
    # PostgreSQL refuses a column beside an aggregate; SQLite picks any row.
    report = function(generated(REPORTS, "app/reports.py"), "report_totals")
    assert "row_id" not in report and "order_by" not in report


def test_groups_break_ties_and_nothing_orders_twice() -> None:
    report = function(generated(REPORTS, "app/reports.py"), "report_days")
    order = report.split("order = [", 1)[1].split("]\n", 1)[0]
    assert order.split() == ['result.c["day"].desc().nulls_last(),', 'result.c["item"].asc().nulls_last(),']


def test_groups_are_named_by_position() -> None:
    # A group that holds a bound value would be bound twice, which PostgreSQL takes for two expressions.
    assert 'group_by(literal_column("1"), literal_column("2"))' in generated(REPORTS, "app/reports.py")


def test_uniqueness_is_checked_before_the_first_rule() -> None:
    rules = generated(SPECS / "booking.yaml", "app/rules/booking.py")
    assert rules.index("ctx.session.flush()") < rules.index("    if ") and rules.count("flush()") == 1


def test_a_relation_through_a_table_means_the_row_of_the_query_around_it() -> None:
    # SQLAlchemy correlates a query with the nearest one around it only: nested, the condition held for any note.
    policy = generated(SPECS / "notes.yaml", "app/policies.py")
    assert "in_(select(" not in policy and policy.count(".correlate(Note)") == 2


def test_an_inner_query_means_the_rows_of_every_query_around_it() -> None:
    spec = """
version: 1
name: Shop
requirements: {R1: Shelves}
entities:
  shelf:
    plural: shelves
    fields:
      twins: {type: integer, value: "size(self.boxes.filter(b, self.crates.exists(c, c.size == b.size)))"}
    operations: {create: {satisfies: R1}, list: {}}
  box: {plural: boxes, fields: {shelf: {type: reference, to: shelf, inverse: boxes}, size: integer}}
  crate: {plural: crates, fields: {shelf: {type: reference, to: shelf, inverse: crates}, size: integer}}
"""
    assert ".correlate(Shelf, Box).exists()" in generated(spec, "app/services/shelf.py").replace("\n", "").replace("  ", "")


SWAP = """
version: 1
name: Swap
requirements: {R1: Swapping}
entities:
  pair:
    plural: pairs
    fields: {left: integer, right: integer, swaps: {type: integer, default: 0, writable: never}}
    state: {field: phase, initial: new, states: [new, done]}
    operations:
      create: {satisfies: R1}
      swap: {effects: [{set: {left: self.right, right: self.left}}, {set: {swaps: self.swaps + 1}}]}
      reset: {transition: {from: [new], to: done}, effects: [{set: {left: "0", right: "0"}}]}
"""


def test_values_of_one_effect_are_computed_before_any_is_written() -> None:
    service = generated(SWAP, "app/services/pair.py")
    assert [line.strip() for line in function(service, "swap_pair").splitlines()][5:12] == [
        "new_left = pair.right",
        "new_right = pair.left",
        "pair.left = new_left",
        "pair.right = new_right",
        "pair.updated_at = ctx.now",
        "pair.swaps = pair.swaps + 1",
        "return answer_pair(ctx, pair)",
    ]


def test_a_change_is_stamped_once_and_held_in_locals_only_where_needed() -> None:
    reset = function(generated(SWAP, "app/services/pair.py"), "reset_pair")
    assert reset.count("updated_at") == 1 and "new_" not in reset


def test_defaults_of_a_row_that_an_effect_makes_know_the_actor_and_keep_their_bounds() -> None:
    spec = """
version: 1
name: Log
requirements: {R1: Logging}
auth: {entity: user}
entities:
  user: {plural: users, fields: {email: {type: string, format: email, unique: true}, nick: string}}
  note:
    plural: notes
    fields: {text: string}
    operations:
      touch: {access: signed_in, satisfies: R1, effects: [{create: entry, set: {note: self}}]}
  entry:
    plural: entries
    fields:
      note: {type: reference, to: note}
      author: {type: reference, to: user, default: actor}
      nick: {type: string, max_length: 5, default: actor.nick}
"""
    touch = function(generated(spec, "app/services/note.py"), "touch_note")
    assert "actor = ctx.caller()" in touch and "len(entry_changed.nick) > 5" in touch


def test_hours_between_moments_are_exact_in_sqlite() -> None:
    # julianday() as a double is some ten microseconds off, enough to round half an hour's hundredth the wrong way.
    sql = generated(SPECS / "booking.yaml", "app/sql.py")
    assert "julianday" not in sql
    moments = "'2026-11-21 18:07:30.000000'", "'2031-01-01 03:00:00.000000'"
    scope: dict[str, Any] = {}
    exec("def _seconds(" + function(sql, "_seconds"), scope)
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        assert database.execute(f"SELECT {scope['_seconds'](*moments)} / 3600.0").fetchone() == (36032.875,)


def test_a_login_forgets_the_tokens_of_the_account_that_have_ended() -> None:
    new_token = function(generated(SPECS / "notes.yaml", "app/auth/keys.py"), "new_token")
    assert "delete(AccessToken).where(AccessToken.account_id == account_id, AccessToken.expires_at <= now)" in new_token


def test_replicas_that_start_together_migrate_in_turn() -> None:
    migrate = function(generated(SPECS / "todo.yaml", "app/migrate.py"), "migrate")
    assert migrate.index("pg_advisory_xact_lock") < migrate.rindex("command.upgrade")


def test_writes_that_postgresql_refused_are_tried_again_one_after_another() -> None:
    # 60 transfers from one account at once ended in ten 500s when all of them tried again together.
    write = function(generated(SPECS / "ledger.yaml", "app/database.py"), "write")
    assert "with self._turn if attempt else nullcontext():" in write and "Problem(503" in write


TREE = """
version: 1
name: Shop
entities:
  category:
    plural: categories
    fields: {name: string, parent: {type: reference, to: category, required: false, inverse: parts}}
    operations: [create, read, update]
"""


def test_a_row_may_refer_to_itself() -> None:
    # Else SQLAlchemy looks for an order of writing in which a row comes before itself.
    assert 'remote_side="Category.id", post_update=True' in generated(TREE, "app/models/category.py")
