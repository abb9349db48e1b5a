"""Reads the reports that an application's own tests leave. They are hostile: no entities, no links, bounded size."""

import math
from collections.abc import Callable
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from quantumlayer.errors import UserError
from quantumlayer.evidence.values import Check, CheckStatus
from quantumlayer.ports.language import CoverageFormat

MAX_CASES = 10_000
MAX_TEXT = 4_000
MAX_STATEMENTS = 10_000  # of one block
_NOT_PASSED: dict[str, CheckStatus] = {"failure": "failed", "error": "errored", "skipped": "not_run"}


class BadReport(UserError):
    """A report that cannot be read; nothing is concluded from it."""


def unit_checks(junit: bytes) -> tuple[Check, ...]:
    """One check per test case of a JUnit XML report. Raises `BadReport`."""
    cases = list(_parse(junit, "JUnit").iter("testcase"))
    if len(cases) > MAX_CASES:
        raise BadReport(f"{len(cases)} test cases are more than {MAX_CASES}")
    seen: dict[str, int] = {}
    return tuple(_check(case, seen) for case in cases)


def line_coverage(report: bytes, form: CoverageFormat) -> float:
    """The share of covered lines (of statements, for Go), 0..1, counted one by one and not from the report's own sum.

    Raises `BadReport` when nothing is counted in it.
    """
    hits = _READERS[form](report)
    if not hits:
        raise BadReport("the coverage report counts no lines")
    return sum(count > 0 for count in hits) / len(hits)


def _cobertura(report: bytes) -> list[int]:
    root = _parse(report, "coverage")
    return [_count(line.get("hits", "")) for module in root.iter("class") for line in module.iterfind("lines/line")]


def _lcov(report: bytes) -> list[int]:
    """`DA:line,hits[,checksum]` after `SF:file`; a line that is told twice is covered where either says so."""
    found: dict[tuple[str, str], int] = {}
    file = ""
    for text in report.decode(errors="replace").splitlines():
        kind, _, rest = text.partition(":")
        if kind == "SF":
            file = rest
        elif kind == "DA":
            line, _, hits = rest.partition(",")
            found[file, line] = max(found.get((file, line), 0), _count(hits.partition(",")[0]))
    return list(found.values())


def _go(report: bytes) -> list[int]:
    """`mode: …`, then `file.go:line.column,line.column statements hits`: each statement counts once, however often told."""
    blocks: dict[str, tuple[int, int]] = {}
    lines = report.decode(errors="replace").splitlines()
    if not lines or not lines[0].startswith("mode:"):
        raise BadReport("the coverage report does not begin with its mode")
    for text in filter(None, lines[1:]):
        words = text.rsplit(" ", 2)
        if len(words) != 3:
            raise BadReport("the coverage report has a line that is no block")
        statements, hits = _count(words[1]), _count(words[2])
        if statements > MAX_STATEMENTS:
            raise BadReport(f"a block of {statements} statements is not believed")
        blocks[words[0]] = (statements, max(hits, blocks.get(words[0], (0, 0))[1]))
    return [hits for statements, hits in blocks.values() for _ in range(statements)]


def _count(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) < 20):
        raise BadReport("the coverage report counts with something that is no number")
    return int(text)


_READERS: dict[CoverageFormat, Callable[[bytes], list[int]]] = {"cobertura": _cobertura, "lcov": _lcov, "go": _go}


def _parse(content: bytes, kind: str) -> Element:
    try:
        return fromstring(content, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise BadReport(f"the {kind} report is not readable XML: {error}") from error


def _check(case: Element, seen: dict[str, int]) -> Check:
    title = f"{case.get('classname', '')}::{case.get('name', '')}".strip(":")[:MAX_TEXT] or "unnamed"
    seen[title] = seen.get(title, 0) + 1
    status, message = _result(case)
    number = f" ({seen[title]})" if seen[title] > 1 else ""
    return Check(
        id=f"unit.{title}{number}",
        title=title,
        level="unit",
        status=status,
        seconds=_seconds(case.get("time", "")),
        message=message[:MAX_TEXT],
    )


def _result(case: Element) -> tuple[CheckStatus, str]:
    for tag, status in _NOT_PASSED.items():
        if (element := case.find(tag)) is not None:
            text = element.get("message") or (element.text or "").strip() or f"the report says {tag}"
            return status, text
    return "passed", ""


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value >= 0 else 0.0
