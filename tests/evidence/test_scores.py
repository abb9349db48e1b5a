from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.evidence.scores import qa, security
from quantumlayer.evidence.values import Check, Evidence, RequirementResult
from quantumlayer.ports.scanner import Finding, Scan

ORDER = ["F", "D", "C", "B", "A", "A+"]
checks = st.lists(
    st.builds(
        Check,
        id=st.text("abc", min_size=1, max_size=3),
        title=st.just("t"),
        level=st.sampled_from(["unit", "acceptance", "random"]),
        status=st.sampled_from(["passed", "failed", "errored", "not_run"]),
    ),
    max_size=12,
)
evidences = st.builds(Evidence, checks=checks.map(tuple), coverage=st.none() | st.floats(0, 1))
requirements = st.lists(
    st.builds(RequirementResult, id=st.just("R1"), text=st.just(""), status=st.sampled_from(["met", "unmet", "unverified"])),
    max_size=8,
)
findings = st.builds(
    Finding,
    rule=st.just("r"),
    severity=st.sampled_from(["critical", "high", "medium", "low", "info"]),
    message=st.just("m"),
    path=st.just("p"),
    line=st.just(1),
)
scans = st.lists(
    st.builds(
        Scan,
        scanner=st.just("s"),
        version=st.just("1"),
        status=st.sampled_from(["ran", "ran", "ran", "not_run"]),
        findings=st.lists(findings, max_size=3).map(tuple),
        kind=st.sampled_from(["sast", "secrets", "iac"]),
    ),
    max_size=6,
)
CLEAN = (Scan("b", "1", "ran", kind="sast"), Scan("d", "1", "ran", kind="secrets"))


def as_number(grade: str | None) -> int:
    return -1 if grade is None else ORDER.index(grade)


@given(evidences, requirements)
def test_qa_is_between_0_and_100_and_null_only_without_evidence(evidence, results):
    score = qa(evidence, results)
    nothing = all(c.status == "not_run" for c in evidence.checks) or not results
    assert (score is None) == nothing
    assert score is None or 0 <= score <= 100


@given(evidences, requirements, st.data())
def test_a_worse_check_never_raises_qa(evidence, results, data):
    before = qa(evidence, results)
    if before is None:
        return
    index = data.draw(st.integers(0, len(evidence.checks) - 1))
    worse = evidence.checks[index].model_copy(update={"status": "failed"})
    changed = evidence.model_copy(update={"checks": (*evidence.checks[:index], worse, *evidence.checks[index + 1 :])})
    after = qa(changed, results)
    assert after is not None and after <= before
    longer = qa(evidence.model_copy(update={"checks": (*evidence.checks, worse)}), results)
    assert longer is not None and longer <= before


@given(evidences, requirements, st.data())
def test_less_coverage_or_an_unmet_requirement_never_raises_qa(evidence, results, data):
    before = qa(evidence, results)
    if before is None:
        return
    lower = data.draw(st.none() | st.floats(0, evidence.coverage or 0))
    assert (qa(evidence.model_copy(update={"coverage": lower}), results) or 0) <= before
    unmet = RequirementResult(id="R9", text="", status="unmet")
    assert (qa(evidence, [*results, unmet]) or 0) <= before


def test_qa_is_full_only_when_all_holds():
    passed = Check(id="a", title="t", level="unit", status="passed")
    met = RequirementResult(id="R1", text="", status="met")
    assert qa(Evidence(checks=(passed,), coverage=0.8), [met]) == 100
    assert qa(Evidence(checks=(passed,), coverage=0.799999), [met]) == 99
    assert qa(Evidence(checks=(passed,)), [met]) == 80
    assert qa(Evidence(checks=(passed,), coverage=1.0), [met.model_copy(update={"status": "unverified"})]) == 50


@given(scans, findings, st.data())
def test_more_findings_never_raise_the_grade(found, finding, data):
    before = security(found)
    if before is None:
        return
    index = data.draw(st.integers(0, len(found) - 1))
    worse = [*found]
    worse[index] = replace(worse[index], findings=(*worse[index].findings, finding))
    assert as_number(security(worse)) <= as_number(before)
    worse[index] = replace(worse[index], status="not_run", findings=())
    if security(worse) == "A+":
        raise AssertionError("A+ although a scan did not run")


def test_grades():
    def graded(*severities):
        return security((replace(CLEAN[0], findings=tuple(Finding("r", s, "m", "p", 1) for s in severities)), CLEAN[1]))

    assert graded() == graded("info") == "A+"
    assert graded("low") == graded("medium") == "A"
    assert graded("medium", "medium") == "B"
    assert graded("high") == "C"
    assert graded("high", "medium", "medium") == "D"
    assert graded("high", "high") == graded("critical") == "F"
    assert security((*CLEAN, Scan("osv", "", "not_run", kind="dependencies"))) == "A"


def test_no_grade_without_evidence():
    assert security(()) is None
    assert security(CLEAN[:1]) is None
    assert security((*CLEAN, Scan("x", "1", "errored", kind="iac"))) is None
    assert security((CLEAN[0], replace(CLEAN[1], status="not_run"))) is None
