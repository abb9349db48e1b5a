"""What a reviewer says of sources: kept where it is about a line that is there, believed where a tool says so too."""

import asyncio
import json

import pytest
from aiohttp import web
from gateways import gateway

from quantumlayer.author.review import BATCH, MOST_CALLS, Claim, review
from quantumlayer.errors import BudgetExceeded, LlmUnavailable
from quantumlayer.evidence.judge.app import App
from quantumlayer.evidence.security import to_sarif
from quantumlayer.pipeline.review import CONFIRMED, OPINION, as_review, by_calls, by_scan, opinion, told
from quantumlayer.ports.scanner import Finding, Scan
from quantumlayer.spec.model.server import application
from quantumlayer.spec.yaml_form import load_spec

NOTES = """
name: Notes
requirements: {R1: Notes have a title.}
entities:
  note:
    plural: notes
    satisfies: [R1]
    fields: {title: {type: string, max_length: 5}}
    operations: [create, read, list, update, delete]
"""
FILES = {
    "app/main.py": b"import os\n\npassword = 'x'\n",
    "app/rules.py": b"a = 1\n",
    "tests/test_a.py": b"\n",
    "logo.png": b"\x89",
}


def says(*findings):
    return json.dumps({"findings": findings})


def claim(file="app/main.py", line=3, reason="A password is written down", **more):
    return {"file": file, "line": line, "reason": reason, **more}


async def test_claims_about_nothing_are_dropped_and_counted():
    the_gateway = gateway(
        says(claim(), claim(line=4), claim(line=0), claim(file="app/none.py"), claim(file="../../etc/passwd"))
    )
    found = await review(the_gateway, FILES, "name: Notes", ["app/main.py:3 B105: hardcoded"], "python")
    assert [c.line for c in found.claims] == [3] and found.dropped == 4
    assert found.read == ("app/main.py", "app/rules.py") and found.models == ("scripted:model",)
    (prompt,) = the_gateway.llm.prompts
    assert "3| password = 'x'" in prompt.text and "B105" in prompt.text and "test_a" not in prompt.text
    assert told(as_review(found, [opinion(c) for c in found.claims])) == (
        "0 confirmed, 1 opinions, 4 about nothing that is there (scripted:model)"
    )


@pytest.mark.parametrize("bad", ["Looks good to me!", says(claim(line="three")), says(claim() | {"fix": "rm -rf /"}), "[]"])
async def test_answers_that_cannot_be_used_go_back_and_then_the_files_are_unread(bad):
    found = await review(gateway(bad, says()), FILES, "", [], "python")
    assert found.claims == () and found.read
    lost = as_review(await review(gateway(bad, endless=True), FILES, "", [], "python"), [])
    assert lost.scan.status == "errored" and "could not be used" in lost.scan.reason


async def test_large_sources_are_read_in_parts_and_the_rest_is_told():
    files = {f"app/f{n:02}.py": b"x = 1  # long line of source\n" * 1500 for n in range(MOST_CALLS + 2)}
    the_gateway = gateway(says(), endless=True)
    found = await review(the_gateway, files, "", [], "python")
    assert len(the_gateway.llm.prompts) == MOST_CALLS and len(found.unread) == 2
    assert all(len(p.text) < 2 * BATCH for p in the_gateway.llm.prompts)
    half = await review(gateway(says(), BudgetExceeded("used up"), endless=True), files, "", [], "python")
    assert len(half.read) == 1 and "used up" in half.unread["app/f01.py"]


@pytest.mark.parametrize("error", [BudgetExceeded("used up"), LlmUnavailable("down")])
async def test_a_reviewer_that_reads_nothing_is_told_as_it_is(error):
    with pytest.raises(type(error)):
        await review(gateway(error), FILES, "", [], "python")


class Slow:
    """Reads one part, and then for ever."""

    def __init__(self, first):
        self.first, self.asked = first, 0

    async def ask(self, role, prompt, **options):
        self.asked += 1
        if self.first is None or self.asked > 1:
            await asyncio.Event().wait()
        return await gateway(self.first).ask(role, prompt)


async def test_a_reviewer_that_reads_too_long_is_stopped_and_the_rest_is_told():
    files = {f"app/f{n}.py": b"x = 1  # long line of source\n" * 1500 for n in range(3)}
    half = await review(Slow(says()), files, "", [], "python", seconds=2)
    assert half.read == ("app/f0.py",) and set(half.unread) == {"app/f1.py", "app/f2.py"}
    none = as_review(await review(Slow(None), files, "", [], "python", seconds=0.01), [])
    assert none.scan.status == "errored" and "a review ends after 0.01 seconds" in none.scan.reason


def test_a_tool_that_found_the_same_confirms():
    scan = Scan("bandit", "1", "ran", (Finding("B105", "low", "hardcoded", "app/main.py", 4, "CWE-259"),), 2)
    found = by_scan(Claim(**claim()), [scan])
    assert (found.rule, found.severity, found.line) == (CONFIRMED, "low", 3) and "bandit (B105)" in found.message
    assert by_scan(Claim(**claim(file="app/rules.py")), [scan]) is None
    said = opinion(Claim(**claim(severity="critical")))
    assert (said.rule, said.severity) == (OPINION, "info") and said.message.startswith("Opinion (critical)")
    levels = [r["level"] for r in to_sarif([Scan("review", "m", "ran", (found, said))])["runs"][0]["results"]]
    assert levels == ["note", "note"]


async def test_calls_are_put_to_the_application_and_to_the_specification():
    wanted, built = load_spec(NOTES), load_spec(NOTES.replace("5", "50"))
    runner = web.AppRunner(application(built))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    app = App(url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    long = [{"method": "POST", "path": "/notes", "body": {"title": "too long a title"}}]
    try:
        confirmed = await by_calls(Claim(**claim(calls=long, severity="high")), app, wanted)
        same = await by_calls(Claim(**claim(calls=[{"method": "GET", "path": "/notes?limit=1"}])), app, wanted)
    finally:
        await runner.cleanup()
    assert (confirmed.rule, confirmed.severity) == (CONFIRMED, "high")
    assert "POST /notes is answered 201, and the specification wants 422" in confirmed.message
    assert same.rule == OPINION


@pytest.mark.parametrize("path", ["http://example.com/", "//example.com/x", "notes", "/a b", "/\nx"])
def test_calls_go_to_the_application_alone(path):
    with pytest.raises(ValueError):
        Claim(**claim(calls=[{"method": "GET", "path": path}]))
