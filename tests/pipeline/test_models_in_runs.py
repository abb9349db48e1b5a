"""Models within runs: the real stages that ask them, on the real workflow, worker and stores. Nothing is built."""

import base64
import io
import json

import pytest
from PIL import Image
from scripted import activities, ended
from temporalio import activity

from quantumlayer.author.documents import unread
from quantumlayer.evidence.scores import security
from quantumlayer.files.values import tree
from quantumlayer.pipeline.activities import Activities
from quantumlayer.pipeline.client import Runs
from quantumlayer.pipeline.codecs import decode
from quantumlayer.pipeline.serving import serving
from quantumlayer.pipeline.stages import NAMES
from quantumlayer.pipeline.values import Review
from quantumlayer.pipeline.workbench import NotRun
from quantumlayer.ports.scanner import Finding, Scan
from quantumlayer.request.draw import draw
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Brief, Picture, Request
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.frd import Frd
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec
from quantumlayer.stores.home import Home
from quantumlayer.worker import open_toolbox

BOXES = "Boxes have a name and a weight in grams. The label of a box is computed by the Luhn algorithm."
FRD = draft_frd(enhance(Request(text=BOXES)))
SPEC = """
name: Boxes
requirements: {R1: %s, R2: %s}
entities:
  box:
    plural: boxes
    satisfies: [R1]
    fields:
      name: string
      weight: number
      label: {type: integer, writable: never, default: label_of(self.weight), satisfies: [R2]}
    operations: [create, read, list]
units:
  label_of:
    description: Twice the weight.
    input: {weight: number}
    returns: integer
    examples: [{given: {weight: 2}, answer: 4}]
    satisfies: [R2]
"""
ROLE = '{role} = "scripted:{role}"\n'
MODEL = '[models."scripted:{role}"]\npath = "{path}"\nusd_per_million_input = 1.0\nusd_per_million_output = 2.0\n'


@pytest.fixture
async def place(tmp_path):
    """A home in which models of the given roles say the given lines, and the stages that are not to be scripted."""
    opened = []

    async def open_(extra="", **lines):
        home = Home(tmp_path / "home")
        home.root.mkdir()
        for role, said in lines.items():
            (tmp_path / f"{role}.json").write_text(json.dumps(said))
        roles = "".join(ROLE.format(role=role) for role in lines)
        models = "".join(MODEL.format(role=role, path=tmp_path / f"{role}.json") for role in lines)
        (home.root / "models.toml").write_text(f"[roles]\n{roles}{models}{extra}")
        opened.append(await open_toolbox(home))
        return opened[0], Runs(opened[0].metadata, opened[0].blobs)

    yield open_
    for tools in opened:
        await tools.models.close()
        await tools.metadata.close()


def stages(tools, runs, *real, **bodies):
    """The named ones and `finish` as they are, those with a body as it says, all others with nothing to do."""

    async def nothing(desk):
        raise NotRun("it is not tried here")

    def name(function):
        return activity._Definition.must_from_callable(function).name

    scripted = activities(runs, **{one.replace(" ", "_"): nothing for one in NAMES} | bodies)
    own = {name(function): function for function in Activities(tools).all}
    chosen = {name(function): function for function in scripted} | {one: own[one] for one in (*real, "finish", "review")}
    return list(chosen.values())


async def run(client, runs, functions, request, **options):
    async with serving(client, functions):
        added = await runs.add(request, stack="python/fastapi", author="auto", preview=False, ttl=60, **options)
        await runs.start(client, added)
        finished = await ended(runs, added, 60)
    return added, finished, {d.kind: d for d in await runs.metadata.drops(added.id, current=True)}


async def test_auto_drafts_brief_frd_and_spec_in_three_calls(place, client):
    (open_,) = unread(FRD)
    texts = [json.dumps(r.text) for r in FRD.requirements if not r.assumption]
    spec = json.loads(load_spec(SPEC % tuple(texts)).model_dump_json(by_alias=True, exclude_defaults=True))
    spec["requirements"] += [{"id": r.id, "text": r.text, "assumption": True} for r in FRD.requirements if r.assumption]
    criterion = {"given": "a box of 2 grams", "when": "it is created", "then": "its label is 4"}
    notes = {"assumptions": ["A label is a number."], "open_questions": ["Which digits?"]}
    tools, runs = await place(analyst=[notes, {"requirements": [{"id": open_.id, "criteria": [criterion]}]}, spec])
    functions = stages(tools, runs, "enhance", "frd", "requirements")
    _, finished, drops = await run(client, runs, functions, Request(text=BOXES))
    assert {u.stage: u.calls for u in finished.usage} == {"enhance": 1, "frd": 1, "requirements": 1}
    assert {drops[kind].producer.model for kind in ("brief", "frd", "spec")} == {"scripted:analyst"}
    brief = decode(await runs.blobs.get(drops["brief"].id), Brief)
    frd, made = decode(await runs.blobs.get(drops["frd"].id), Frd), decode(await runs.blobs.get(drops["spec"].id), Spec)
    assert brief.open_questions == ("Which digits?",) and frd.open_questions == ("Which digits?",)
    assert next(r for r in frd.requirements if r.id == open_.id).criteria[0].then == "its label is 4"
    assert "label_of" in made.units and all(r.understood for r in made.requirements)
    assert finished.report.cost_usd > 0 and finished.review == "not_run: no model is named for the role reviewer"


async def test_a_used_up_budget_leaves_what_the_analyst_read(place, client):
    tools, runs = await place("[budget]\nrun_tokens = 10\n", analyst=["never asked"])
    functions = stages(tools, runs, "enhance", "frd", "requirements")
    added, finished, drops = await run(client, runs, functions, Request(text=BOXES))
    told = [e.data["message"] for e in await runs.metadata.events(added.id) if e.kind == "log"]
    assert len(told) == 3 and all("no model completed it" in line and "10 tokens" in line for line in told)
    spec = decode(await runs.blobs.get(drops["spec"].id), Spec)
    assert [r.id for r in spec.requirements if not r.understood] == ["R2"] and finished.usage == ()


async def test_a_picture_that_the_budget_does_not_allow_ends_the_run_as_partial(place, client):
    out = io.BytesIO()
    Image.new("RGB", (99, 99)).save(out, "PNG")
    _, data = draw(out.getvalue())
    picture = Picture(name="board.png", media_type="image/png", data=base64.b64encode(data))
    tools, runs = await place("[budget]\nrun_usd = 0.000001\n", vision=["never asked"])
    functions = stages(tools, runs, "enhance", "frd", "requirements")
    _, finished, drops = await run(client, runs, functions, Request(pictures=(picture,)))
    assert (finished.report.status, finished.exit_code, finished.problem.type) == ("partial", 3, "BudgetExceeded")
    assert set(drops) == {"request"} and finished.report.cost_usd == 0 and "run_usd" in finished.problem.hint
    lines = {line.name: line for line in finished.report.stages}
    assert lines["enhance"].status == "failed" and lines["frd"].reason == "the budget is used up"


async def test_a_review_is_written_down_and_changes_no_score(place, client):
    scans = (Scan("bandit", "1", "ran", (Finding("B105", "low", "hardcoded", "app/main.py", 1),), 1, kind="sast"),)

    async def spec(desk):
        await desk.save("spec", load_spec("name: x\nentities: {book: {plural: books, fields: {title: string}}}"))

    async def code(desk):
        await desk.save("source", tree({"app/main.py": "password = 'x'\n\n\n\nx = 1\n"}))

    async def scanned(desk):
        await desk.save("scans", scans)

    claims = [
        {"file": "app/main.py", "line": 2, "reason": "A password is written down", "severity": "critical"},
        {"file": "app/main.py", "line": 5, "reason": "The name says nothing", "severity": "critical"},
        {"file": "app/none.py", "line": 1, "reason": "It leaks"},
    ]
    tools, runs = await place(reviewer=[{"findings": claims}])
    functions = stages(tools, runs, requirements=spec, code=code, security=scanned)
    _, finished, drops = await run(client, runs, functions, Request(text="Books."), review=True)
    assert finished.review == "1 confirmed, 1 opinions, 1 about nothing that is there (scripted:reviewer)"
    review = decode(await runs.blobs.get(drops["review"].id), Review)
    assert [(f.rule, f.severity, f.line) for f in review.scan.findings] == [
        ("review/confirmed", "low", 2),
        ("review/opinion", "info", 5),
    ]
    assert finished.report.scores.security == security(scans) and drops["source"].id in drops["review"].parents


async def test_a_reviewer_that_is_silent_fails_no_run(place, client):
    async def code(desk):
        await desk.save("source", tree({"app/main.py": "x = 1\n"}))

    async def spec(desk):
        await desk.save("spec", load_spec("name: x\nentities: {book: {plural: books, fields: {title: string}}}"))

    tools, runs = await place(reviewer=[])
    functions = stages(tools, runs, requirements=spec, code=code)
    _, finished, drops = await run(client, runs, functions, Request(text="Books."), review=True)
    assert finished.review.startswith("errored: the script of scripted:reviewer has 0 lines") and finished.problem is None
    assert decode(await runs.blobs.get(drops["review"].id), Review).scan.status == "errored"
