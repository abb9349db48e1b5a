"""Evidence as JUnit XML, the form that every build server reads."""

import re
from collections import defaultdict
from xml.etree import ElementTree

from quantumlayer.evidence.values import Check, Evidence

_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(evidence: Evidence, name: str = "acceptance") -> bytes:
    """One suite per level, one case per check; requirements as properties. UTF-8 with an XML declaration."""
    by_level: dict[str, list[Check]] = defaultdict(list)
    for check in evidence.checks:
        by_level[check.level].append(check)
    root = ElementTree.Element("testsuites", {"name": _clean(name), **_totals(evidence.checks)})
    for level, checks in by_level.items():
        suite = ElementTree.SubElement(root, "testsuite", {"name": level, **_totals(checks)})
        for check in checks:
            _case(suite, check)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _case(suite: ElementTree.Element, check: Check) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=check.level, name=_clean(f"{check.id} {check.title}"), time=f"{check.seconds:.3f}"
    )
    if check.requirements:
        properties = ElementTree.SubElement(case, "properties")
        for requirement in check.requirements:
            ElementTree.SubElement(properties, "property", name="requirement", value=requirement)
    tag = {"failed": "failure", "errored": "error", "not_run": "skipped"}.get(check.status)
    if tag:
        outcome = ElementTree.SubElement(case, tag, message=_clean(check.message))
        outcome.text = _clean(check.counterexample)


def _totals(checks: list[Check] | tuple[Check, ...]) -> dict[str, str]:
    count = {s: sum(1 for c in checks if c.status == s) for s in ("failed", "errored", "not_run")}
    return {
        "tests": str(len(checks)),
        "failures": str(count["failed"]),
        "errors": str(count["errored"]),
        "skipped": str(count["not_run"]),
        "time": f"{sum(c.seconds for c in checks):.3f}",
    }


def _clean(text: str) -> str:
    """Characters that XML cannot hold are replaced."""
    return _UNPRINTABLE.sub("\ufffd", text)
