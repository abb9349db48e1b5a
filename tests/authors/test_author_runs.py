"""Whole runs with a scripted model, everything else real: author auto with a unit, author model with a repair."""

import asyncio
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import zstandard
from said import NOTES, PARCELS, PYTHON_UNIT, faulty_notes

from quantumlayer.author.documents import unread
from quantumlayer.pipeline.codecs import decode
from quantumlayer.pipeline.values import Review
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.yaml_form import load_spec
from quantumlayer.stores.folder import FolderBlobs

pytestmark = pytest.mark.matrix

QL = Path(sys.executable).with_name("ql")


def line(report, stage):
    return next(found for found in report["stages"] if found["name"] == stage)


def test_auto_writes_a_unit_after_two_wrong_ones(generate):
    code, report, log = generate(
        ["Sure!", PYTHON_UNIT.replace("<= 1000", "< 1000"), PYTHON_UNIT], "--file", PARCELS, "--author", "auto"
    )
    assert (code, report.get("status")) == (0, "verified"), (report, log)
    assert report["author"] == "auto" and report["model"].startswith("scripted:test_auto") and report["cost_usd"] > 0
    assert {r["id"]: r["status"] for r in report["requirements"]} == {"R1": "met", "R2": "met"}
    assert line(report, "repair")["status"] == "not_run"


def test_a_unit_that_stays_wrong_is_named_and_the_run_is_not_verified(generate):
    wrong = [PYTHON_UNIT.replace("500", str(n)) for n in range(501, 511)]
    code, report, log = generate(wrong + wrong, "--file", PARCELS, "--author", "auto")
    assert code in (1, 3), (report, log)
    told = line(report, "code")
    assert told["status"] == "failed" and "the unit parcel_price: examples fails after 10 attempts" in told["reason"]


def test_a_budget_that_is_used_up_ends_partial_with_what_was_done(generate, home):
    wrong = [PYTHON_UNIT.replace("500", str(n)) for n in range(501, 510)]
    budget = "[budget]\nrun_tokens = 3500\n"
    code, report, log = generate(wrong, "--file", PARCELS, "--author", "auto", extra=budget)
    assert (code, report.get("status")) == (3, "partial"), (report, log)
    assert 0 < report["cost_usd"] < 0.01 and line(report, "structure")["status"] == "passed"
    assert "budget" in line(report, "code")["reason"] or "budget" in log
    code, report, log = generate([PYTHON_UNIT], "--file", PARCELS, "--author", "auto", extra="[budget]\nrun_tokens = 10\n")
    assert (code, report.get("status")) == (3, "partial"), (report, log)
    assert report["cost_usd"] == 0 and "has used 0 tokens of 10 tokens" in log
    assert {r["status"] for r in report["requirements"]} == {"unverified"}
    assert line(report, "sandbox validation")["reason"] == "the budget is used up"


def test_a_reviewer_reads_what_was_built_and_changes_no_score(generate, home, tmp_path):
    wrong_claim = {"file": "app/main.py", "line": 1, "reason": "It leaks memory", "severity": "critical"}
    wrong_claim["calls"] = [{"method": "GET", "path": "/health"}]
    nowhere = {"file": "app/none.py", "line": 1, "reason": "It is missing"}
    script = tmp_path / "reviewer.json"
    script.write_text(json.dumps([{"findings": [wrong_claim, nowhere]}] + [{"findings": []}] * 9))
    reviewer = f'[models."scripted:reviewer"]\npath = "{script}"\n'
    code, report, log = generate(
        [PYTHON_UNIT], "--file", PARCELS, "--author", "auto", "--out", tmp_path / "out", extra=reviewer
    )
    assert (code, report.get("status")) == (0, "verified"), (report, log)
    with tarfile.open(fileobj=io.BytesIO(zstandard.decompress(Path(report["capsule"]).read_bytes(), 1 << 28))) as capsule:
        found = json.load(capsule.extractfile("evidence/review.json"))
    assert found["dropped"] == 1 and found["scan"]["status"] == "ran"
    (said,) = found["scan"]["findings"]
    assert (said["rule"], said["severity"]) == ("review/opinion", "info") and "critical" in said["message"]
    assert report["scores"]["security"].startswith("A")
    shown = subprocess.run(
        [QL, "show", report["run_id"]], env=os.environ | {"QL_HOME": str(home)}, capture_output=True, text=True
    )
    assert "0 confirmed, 1 opinions, 1 about nothing that is there" in shown.stdout


def test_a_reviewer_is_believed_where_the_running_application_says_so_too(generate, home, tmp_path):
    """Of a service that answers 200 where 201 is due: the claim that calls show is confirmed, the other is not."""
    answer, _ = faulty_notes(tmp_path)
    spec = tmp_path / "notes.yaml"
    spec.write_text(NOTES)
    call = {"method": "POST", "path": "/notes", "body": {"title": "a", "text": "b"}}
    true = {"file": "app/routers/note.py", "line": 1, "reason": "Creating answers the wrong status", "severity": "critical"}
    false = {"file": "app/main.py", "line": 1, "reason": "Lists are never answered", "severity": "critical"}
    claims = [
        true | {"calls": [call]},
        false | {"calls": [{"method": "GET", "path": p} for p in ("/metrics", "/notes?limit=5")]},
    ]
    script = tmp_path / "reviewer.json"
    script.write_text(json.dumps([{"findings": claims}] + [{"findings": []}] * 9))
    reviewer = f'[models."scripted:reviewer"]\npath = "{script}"\n'
    words = ("--file", spec, "--author", "model")
    code, report, log = generate([answer], *words, extra=reviewer)
    assert code in (1, 3), (report, log)
    shown = subprocess.run(
        [QL, "drops", report["run_id"], "--json"], env=os.environ | {"QL_HOME": str(home)}, capture_output=True, text=True
    )
    (drop,) = [one["id"] for one in json.loads(shown.stdout) if one["kind"] == "review"]
    review = decode(asyncio.run(FolderBlobs(home / "drops").get(drop)), Review)
    found = review.scan.findings
    assert {(f.path, f.rule, f.severity) for f in found} == {
        ("app/routers/note.py", "review/confirmed", "critical"),
        ("app/main.py", "review/opinion", "info"),
    }
    (confirmed,) = [f.message for f in found if f.rule == "review/confirmed"]
    assert confirmed.endswith("POST /notes is answered 200, and the specification wants 201")
    alone_code, alone, log = generate([answer], *words)
    assert (alone_code, alone["status"]) == (code, report["status"]), log
    assert alone["scores"] == report["scores"]
    assert [r["status"] for r in alone["requirements"]] == [r["status"] for r in report["requirements"]]


SHELVES = "Boxes have a name and a weight in grams. The label of a box is computed by the Luhn algorithm."
SHELF_SPEC = """
name: Boxes
requirements:
  - {{id: R1, text: {0}}}
  - {{id: R2, text: {1}}}
entities:
  box:
    plural: boxes
    satisfies: [R1]
    fields:
      name: {{type: string, satisfies: [R1]}}
      weight: {{type: number, satisfies: [R1]}}
      label: {{type: integer, writable: never, default: label_of(self.weight), satisfies: [R2]}}
    operations: [create, read, list, update, delete]
units:
  label_of:
    description: Twice the weight.
    input: {{weight: number}}
    returns: integer
    examples: [{{given: {{weight: 2}}, answer: 4}}]
    satisfies: [R2]
"""


def test_auto_drafts_all_documents_in_three_calls(generate, tmp_path):
    frd = draft_frd(enhance(Request(text=SHELVES)))
    own = [r for r in frd.requirements if not r.assumption]
    (open_,) = unread(frd)
    spec = load_spec(SHELF_SPEC.format(*(json.dumps(r.text) for r in own)))
    whole = json.loads(spec.model_dump_json(by_alias=True, exclude_defaults=True))
    assumed = [r for r in frd.requirements if r.assumption]
    whole["requirements"] += [{"id": r.id, "text": r.text, "assumption": True} for r in assumed]
    for operation in whole["entities"]["box"]["operations"].values():
        operation["satisfies"] = [r.id for r in assumed]
    criterion = {"given": "a box of 2 grams", "when": "it is created", "then": "its label is 4"}
    lines = [
        {"assumptions": ["The label is a number."], "open_questions": ["Which digits?"]},
        {"requirements": [{"id": open_.id, "criteria": [criterion]}]},
        whole,
        "```python\ndef label_of(weight: float) -> int:\n    return int(weight * 2)\n```",
    ]
    code, report, log = generate(lines, SHELVES, "--author", "auto")
    assert (code, report.get("status")) == (0, "verified"), (report, log)
    with tarfile.open(fileobj=io.BytesIO(zstandard.decompress(Path(report["capsule"]).read_bytes(), 1 << 28))) as capsule:
        usage = json.load(capsule.extractfile("manifest.json"))["usage"]
    assert {u["stage"]: u["calls"] for u in usage} == {"enhance": 1, "frd": 1, "requirements": 1, "code": 1}


def test_model_writes_an_application_and_repairs_it(generate, tmp_path):
    answer, edit = faulty_notes(tmp_path)
    spec = tmp_path / "notes.yaml"
    spec.write_text(NOTES)
    code, report, log = generate([answer, "I think it is fine.", edit], "--file", spec, "--author", "model")
    assert (code, report.get("status")) == (0, "verified"), (report, log)
    assert report["author"] == "model" and line(report, "sandbox validation")["status"] == "failed"
    assert line(report, "repair")["status"] == "passed"
    assert {r["status"] for r in report["requirements"]} == {"met"}


def test_without_a_model_nothing_starts(tmp_path):
    environment = os.environ | {"QL_HOME": str(tmp_path / "home")}
    words = [QL, "generate", "--file", PARCELS, "--author", "auto"]
    found = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
    assert found.returncode == 2 and "no model is named" in found.stderr and not (tmp_path / "home").exists()
