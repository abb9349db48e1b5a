"""Samples as spreadsheets export them: days, money, yes and no, and numbers in the spellings of several countries."""

import pytest

from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
from quantumlayer.spec.check import checked
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.frd import Frd
from quantumlayer.spec.importers.csv_values import infer
from quantumlayer.spec.values import Spec


def read(sentence: str, **files: str) -> tuple[Frd, Spec]:
    given = tuple(SourceFile(name=f"{name}.csv", text=text) for name, text in files.items())
    frd = draft_frd(enhance(Request(text=sentence, files=given)))
    return frd, checked(draft_spec(frd))


@pytest.mark.parametrize(
    ("name", "values", "kind", "told"),
    [
        ("issued", ["03.01.2024", "31.01.2024"], "date", "day.month.year"),
        ("issued", ["03/25/2024", "04/01/2024"], "date", "month/day/year"),
        ("issued", ["2024-01-03", "2024-02-01"], "date", ""),
        ("issued", ["3 Jan 2024", "14 Feb 2024"], "date", "day month year"),
        ("seen", ["2024-01-03 10:00", "2024-02-01 09:30"], "datetime", ""),
        ("seen", ["31.01.2024 10:00"], "datetime", "day.month.year"),
        ("opens", ["09:00", "18:30"], "time", ""),
        ("paid", ["ja", "nein"], "boolean", "ja means true"),
        ("is_new", ["0", "1"], "boolean", "1 means true"),
        ("net_amount", ["1.234,50", "99,00"], "decimal", ""),
        ("fee", ["$49.00", "$1,049.00"], "decimal", "$"),
        ("fee", ["12 €", "1.200 €"], "decimal", "€"),
        ("discount", ["10%", "0%"], "integer", "10 stands for 10%"),
        ("weight", ["1.5", "2"], "number", ""),
        ("zip", ["01067", "10115"], "string", ""),
        ("visits", ["1,204", "12"], "integer", ""),
        ("level", ["gold", "silver", "gold"], "enum", "no other values"),
        ("nickname", ["gold", "silver", "gold"], "string", ""),
        ("day", ["30.02.2024"], "string", ""),
    ],
)
def test_what_the_values_of_a_column_are(name: str, values: list[str], kind: str, told: str) -> None:
    found = infer(name, values, "R1", comma=name == "net_amount")
    assert found.field.type == kind and found.field.required
    assert told in found.told and bool(told) == bool(found.told)


def test_days_that_fit_two_spellings_are_asked_about() -> None:
    frd, spec = read("", orders="name,day\na,01/02/2024\nb,03/04/2024\n")
    assert spec.entities["order"].fields["day"].type == "date"
    assert any("day/month/year or month/day/year" in q for q in frd.open_questions)


def test_an_export_with_a_byte_order_mark_semicolons_and_quotes() -> None:
    text = (
        "\ufeffInvoice No;Customer;Issued;Net;Paid;Paid on\r\n"
        'R-1;"Müller; GmbH";03.01.2024;1.234,50;ja;15.01.2024\r\n'
        'R-2;"Say ""hi""";17.01.2024;99,00;nein;\r\n'
        "R-3;Acme;31.01.2024;12,00;ja;01.02.2024\r\n"
    )
    frd, spec = read("An invoice that is paid can't be deleted.", invoices=text)
    fields = spec.entities["invoice"].fields
    assert {n: f.type for n, f in fields.items()} == {
        "invoice_no": "string",
        "customer": "string",
        "issued": "date",
        "net": "decimal",
        "paid": "boolean",
        "paid_on": "date",
    }
    assert fields["invoice_no"].unique and not fields["paid_on"].required
    assert [g.check for g in spec.entities["invoice"].operations["delete"].guards.values()] == ["!(self.paid)"]
    assert any("No two have the same invoice no" in a for a in frd.assumptions)


def test_a_column_that_names_rows_of_another_sample_refers_to_them() -> None:
    _, spec = read(
        "", orders="order_id,customer_id,total\n1,7,12.50\n2,7,8.00\n3,9,1.00\n", customers="id,name\n7,Ann\n9,Bob\n"
    )
    order = spec.entities["order"]
    assert order.id is None and order.fields["customer"].to == "customer" and order.fields["customer"].required
