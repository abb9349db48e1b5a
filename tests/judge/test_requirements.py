"""Requirement results, run status and JUnit XML follow from the checks and from nothing else."""

from xml.etree import ElementTree

from builders import spec_named
from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.evidence.junit import junit_xml
from quantumlayer.evidence.requirements import requirement_results, run_status
from quantumlayer.evidence.values import Check, Evidence
from quantumlayer.spec.values import Requirement, Spec

STATUSES = ("passed", "failed", "errored", "not_run")


def spec_with(*requirements: Requirement) -> Spec:
    return spec_named("todo").model_copy(update={"requirements": requirements})


def check(status: str, *requirements: str, level: str = "acceptance", number: int = 0) -> Check:
    return Check(id=f"c{number}", title="t", level=level, status=status, requirements=requirements, message="m")  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(STATUSES), max_size=6))
def test_met_only_where_something_passed_and_all_ran(statuses: list[str]) -> None:
    evidence = Evidence(checks=tuple(check(s, "R1", number=i) for i, s in enumerate(statuses)))
    (result,) = requirement_results(spec_with(Requirement(id="R1", text="t")), evidence)
    if "failed" in statuses or "errored" in statuses:
        assert result.status == "unmet"
    elif statuses and set(statuses) == {"passed"}:
        assert result.status == "met" and result.reason == ""
    else:
        assert result.status == "unverified" and result.reason


def test_what_was_not_understood_is_unmet_whatever_passed() -> None:
    spec = spec_with(Requirement(id="R1", text="t", understood=False, reason="no element expresses it"))
    (result,) = requirement_results(spec, Evidence(checks=(check("passed", "R1"),)))
    assert (result.status, result.reason) == ("unmet", "no element expresses it")


def test_checks_of_other_requirements_prove_nothing() -> None:
    (result,) = requirement_results(spec_with(Requirement(id="R1", text="t")), Evidence(checks=(check("passed", "R2"),)))
    assert result.status == "unverified"


def test_run_status() -> None:
    spec = spec_with(Requirement(id="R1", text="t"))

    def status(*checks: Check) -> str:
        evidence = Evidence(checks=checks)
        return run_status(requirement_results(spec, evidence), evidence)

    good = check("passed", "R1")
    assert status(good) == "verified"
    assert status() == "failed"
    assert status(good, check("failed", level="unit")) == "failed"
    assert status(good, check("failed")) == "partial"
    assert status(good, check("not_run", "R1")) == "partial"
    assert status(check("failed", "R1")) == "failed"


@given(st.lists(st.builds(check, st.sampled_from(STATUSES)), max_size=5), st.text(max_size=20))
def test_junit_is_well_formed_and_counts(checks: list[Check], text: str) -> None:
    evidence = Evidence(checks=tuple(c.model_copy(update={"message": text, "counterexample": text}) for c in checks))
    root = ElementTree.fromstring(junit_xml(evidence, text))
    cases = root.findall("testsuite/testcase")
    assert len(cases) == len(checks) == int(root.get("tests", ""))
    assert len(root.findall("testsuite/testcase/failure")) == sum(c.status == "failed" for c in checks)
    assert len(root.findall("testsuite/testcase/skipped")) == sum(c.status == "not_run" for c in checks)
