"""Coverage reports of three ecosystems are counted line by line, and hostile ones refused."""

import pytest

from quantumlayer.evidence.reports import BadReport, line_coverage

COBERTURA = b"""<coverage line-rate="1"><packages><package><classes><class filename="a.py"><lines>
<line number="1" hits="3"/><line number="2" hits="0"/></lines></class></classes></package></packages></coverage>"""
LCOV = b"TN:\nSF:src/a.ts\nDA:1,2\nDA:2,0\nLF:2\nLH:2\nend_of_record\n"
LCOV += b"SF:src/b.ts\nDA:1,0,checksum\nDA:2,1\nDA:1,4\nend_of_record\n"
GO = b"mode: atomic\na.go:3.10,5.2 2 7\na.go:7.1,8.2 3 0\na.go:3.10,5.2 2 0\n"


@pytest.mark.parametrize(("form", "report", "share"), [("cobertura", COBERTURA, 0.5), ("lcov", LCOV, 0.75), ("go", GO, 0.4)])
def test_lines_are_counted_and_sums_not_believed(form, report, share):
    assert line_coverage(report, form) == pytest.approx(share)


@pytest.mark.parametrize(
    ("form", "report"),
    [
        ("cobertura", b""),
        ("cobertura", COBERTURA.replace(b'"3"', b'"-3"')),
        ("cobertura", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'),
        ("lcov", b""),
        ("lcov", b"SF:a\nDA:1,many\n"),
        ("lcov", b"\xff\xfe\x00"),
        ("go", b""),
        ("go", b"mode: set\n"),
        ("go", b"a.go:1.1,2.2 1 1\n"),
        ("go", b"mode: set\na.go:1.1,2.2 99999999 1\n"),
        ("go", b"mode: set\nnonsense\n"),
    ],
)
def test_a_report_that_counts_nothing_is_bad(form, report):
    with pytest.raises(BadReport):
        line_coverage(report, form)
