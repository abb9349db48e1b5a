"""Reads the reports that an application's own tests leave. They are hostile: no entities, no links, bounded size."""

import math
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from quantumlayer.errors import UserError
from quantumlayer.evidence.values import Check, CheckStatus

MAX_CASES = 10_000
MAX_TEXT = 4_000
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


def line_coverage(cobertura: bytes) -> float:
    """The share of covered lines, 0..1, counted from the lines themselves and not from the report's own sum.

    Raises `BadReport` when no line is in it.
    """
    root = _parse(cobertura, "coverage")
    hits = [line.get("hits", "") for module in root.iter("class") for line in module.iterfind("lines/line")]
    if not hits or not all(h.isdecimal() and h.isascii() for h in hits):
        raise BadReport("the coverage report counts no lines")
    return sum(int(h) > 0 for h in hits) / len(hits)


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
