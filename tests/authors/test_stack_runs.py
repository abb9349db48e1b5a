"""Whole runs with a scripted model on other stacks: units where a blueprint writes the rest, and stacks without a blueprint."""

import json
import shutil
from pathlib import Path

import pytest
from said import NOTES, PARCELS, PYTHON_UNIT

pytestmark = pytest.mark.matrix

HERE = Path(__file__).parent
TYPESCRIPT = """```typescript
export function parcelPrice(weight: number, zone: string): number {
  const base = weight <= 1000 ? 500 : weight <= 5000 ? 900 : 1500;
  if (zone === "B") {
    return Math.floor((base * 120) / 100);
  }
  return zone === "C" ? base * 2 : base;
}
```"""
GO = """```go
package unit

func ParcelPrice(weight int64, zone string) int64 {
	base := int64(1500)
	if weight <= 1000 {
		base = 500
	} else if weight <= 5000 {
		base = 900
	}
	switch zone {
	case "B":
		return base * 120 / 100
	case "C":
		return base * 2
	}
	return base
}
```"""


@pytest.fixture
def osv(home):
    """A source of advisories, in the home, that knows none of the packages."""
    for ecosystem in ("PyPI", "npm", "Go"):
        (home / "osv" / ecosystem).mkdir(parents=True)
        affected = [{"package": {"name": "nobody-asks-for-this", "ecosystem": ecosystem}, "versions": ["1.0"]}]
        (home / "osv" / ecosystem / "a.json").write_text(json.dumps({"id": "MAL-0", "affected": affected}))
    yield
    shutil.rmtree(home / "osv")


def statuses(report):
    return {stage["name"]: stage["status"] for stage in report["stages"]}


@pytest.mark.parametrize(
    ("stack", "unit"),
    [("python/litestar", PYTHON_UNIT), ("typescript/fastify", TYPESCRIPT), ("go/chi", GO)],
    ids=["litestar", "fastify", "chi"],
)
def test_a_unit_is_written_tried_and_judged_on_every_stack(generate, stack, unit):
    wrong = unit.replace("<= 1000", "< 1000")
    code, report, log = generate([wrong, unit], "--file", PARCELS, "--author", "auto", "--stack", stack)
    assert (code, report.get("status")) == (0, "verified"), (report, log)
    assert {r["status"] for r in report["requirements"]} == {"met"} and statuses(report)["repair"] == "not_run"


@pytest.mark.parametrize("stack", ["python/flask", "typescript/express"])
def test_a_model_writes_a_service_that_no_blueprint_describes(generate, osv, tmp_path, stack):
    spec = tmp_path / "notes.yaml"
    spec.write_text(NOTES)
    answer = (HERE / "recorded" / f"{stack.partition('/')[2]}_notes.md").read_text()
    code, report, log = generate([answer], "--file", spec, "--author", "model", "--stack", stack, "--out", tmp_path / "out")
    assert (code, report.get("status")) == (0, "verified"), (report, log)
    assert report["coverage"] is None and statuses(report)["dependencies"] == "passed"
    assert {r["status"] for r in report["requirements"]} == {"met"} and (tmp_path / "out" / "packages.txt").is_file()


def test_without_advisories_a_package_that_nobody_reviewed_ends_the_run(generate, tmp_path):
    spec = tmp_path / "notes.yaml"
    spec.write_text(NOTES)
    answer = "`packages.txt`\n\n```\nflask\n```\n\n`app/__main__.py`\n\n```python\nimport flask\n```\n\nDONE"
    code, report, log = generate([answer], "--file", spec, "--author", "model", "--stack", "python/flask")
    assert code == 4 and "is not installed unchecked" in log, (code, report, log)
