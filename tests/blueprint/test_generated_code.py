"""What generated Python says, where saying it otherwise was a bug once."""

from pathlib import Path

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
    report = function(generated(REPORTS, "app/reports.py"), "_report_totals")
    assert "row_id" not in report and "order_by" not in report


def test_groups_break_ties_and_nothing_orders_twice() -> None:
    report = function(generated(REPORTS, "app/reports.py"), "_report_days")
    order = report.split("order = [", 1)[1].split("]\n", 1)[0]
    assert order.split() == ['result.c["day"].desc().nulls_last(),', 'result.c["item"].asc().nulls_last(),']


def test_groups_are_named_by_position() -> None:
    # A group that holds a bound value would be bound twice, which PostgreSQL takes for two expressions.
    assert 'group_by(literal_column("1"), literal_column("2"))' in generated(REPORTS, "app/reports.py")


def test_uniqueness_is_checked_before_the_first_rule() -> None:
    rules = generated(SPECS / "booking.yaml", "app/rules/booking.py")
    assert rules.index("ctx.session.flush()") < rules.index("    if ") and rules.count("flush()") == 1
