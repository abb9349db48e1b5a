"""Repair: which file is looked at, what the model is told, what may be changed; and a component that a model sends in parts."""

from gateways import Untouched, gateway

from quantumlayer.answer.values import Permission
from quantumlayer.author.component import Writing
from quantumlayer.author.mend import Mending, suspect, trial_of
from quantumlayer.author.values import Bounds, Failed, Trial
from quantumlayer.catalog.adapters import family
from quantumlayer.evidence.chosen_packages import Packages
from quantumlayer.evidence.values import Check
from quantumlayer.files.values import tree
from quantumlayer.ports.llm import Answer, Prompt
from quantumlayer.ports.scanner import Finding, Scan

FILES = {
    "app/notes.py": "STATUS = 200\n\n\ndef create() -> int:\n    return STATUS\n",
    "app/tags.py": "def tags() -> list[str]:\n    return []\n",
    "tests/test_notes.py": "from app.notes import create\n",
}
PERMISSION = Permission(("app/**",), ("tests/**",))
EDIT = "app/notes.py\n<<<<<<< SEARCH\nSTATUS = 200\n=======\nSTATUS = 201\n>>>>>>> REPLACE"


async def checking(made):
    text = made.files["app/notes.py"].decode()
    failed = [] if "201" in text else [Failed("create", "app/notes.py: POST /notes: expected 201, got 200")]
    failed += [] if "def tags" in made.files["app/tags.py"].decode() else [Failed("tags", "GET /tags: expected 200, got 500")]
    return Trial(made, frozenset({"create", "tags"} - {f.check for f in failed}), tuple(failed))


async def mended(*lines, attempts=4):
    the_gateway = gateway(*lines)
    mending = Mending(the_gateway, PERMISSION, "python", "Keep it simple.", checking, Bounds(attempts=attempts))
    return await mending.run(await checking(tree(FILES))), the_gateway.llm.prompts


async def test_an_edit_after_which_all_checks_pass():
    found, prompts = await mended("No idea.", EDIT)
    assert found.broken is None and found.best.made.files["app/notes.py"].startswith(b"STATUS = 201")
    assert "expected 201, got 200" in prompts[0].text and "STATUS = 200" in prompts[0].text
    assert "app/tags.py\n  def tags() -> list[str]:" in prompts[0].text and "Keep it simple." in prompts[0].text
    assert "test_notes" not in prompts[0].text


async def test_what_breaks_another_check_is_undone_and_told():
    breaking = (
        EDIT + "\n\napp/tags.py\n<<<<<<< SEARCH\ndef tags() -> list[str]:\n=======\ndef other() -> list[str]:\n>>>>>>> REPLACE"
    )
    found, prompts = await mended(breaking, EDIT)
    assert found.broken is None and b"def tags" in found.best.made.files["app/tags.py"]
    assert "was undone, because it broke tags" in prompts[1].text and "STATUS = 200" in prompts[1].text


async def test_tests_cannot_be_written():
    cheating = "tests/test_notes.py\n<<<<<<< SEARCH\nfrom app.notes import create\n=======\nassert True\n>>>>>>> REPLACE"
    found, prompts = await mended(cheating, cheating, attempts=2)
    assert found.best.made.files["tests/test_notes.py"] == FILES["tests/test_notes.py"].encode()
    assert "may not be written" in prompts[1].text and "may not be written" not in found.broken.error
    assert found.broken.check == "create" and found.broken.attempts == 2


def test_the_suspect_is_the_file_named_last_else_the_one_that_speaks_of_it():
    files = {path: text.encode() for path, text in FILES.items() if path.startswith("app/")}
    assert suspect("app/tags.py:3 in tags\napp/notes.py:5 in create", files) == "app/notes.py"
    assert suspect("GET /tags: expected a list of tags", files) == "app/tags.py"


def test_checks_and_scans_become_one_trial():
    checks = (
        Check(id="a", title="A", level="unit", status="passed"),
        Check(id="b", title="B", level="unit", status="failed", message="no", counterexample="POST /b"),
        Check(id="c", title="C", level="time", status="not_run"),
    )
    scans = (
        Scan("ruff", "1", "ran", (Finding("F", "high", "bad", "app/x.py", 3),)),
        Scan("bandit", "1", "errored", reason="it crashed"),
        Scan("names", "1", "not_run"),
        Scan("imports", "1", "ran", (Finding("I", "low", "odd", "app/x.py", 3),)),
    )
    found = trial_of(tree({}), checks, scans)
    assert found.passed == {"a", "imports"}
    assert [(f.check, f.message) for f in found.failed] == [
        ("b", "B\nno\nPOST /b"), ("ruff", "app/x.py:3: F: bad"), ("bandit", "it crashed"),
    ]  # fmt: skip


def block(path, text):
    return f"`{path}`\n\n```python\n{text}\n```\n\n"


async def written(*lines, **options):
    the_gateway = gateway(*lines, **options)
    return await Writing(the_gateway, Prompt("s", "write it"), PERMISSION, "python").run(), the_gateway.llm.prompts


async def test_a_component_comes_in_parts():
    cut = Answer(block("app/a.py", "A = 1") + "`app/b.py`\n\n```python\nB = [", "length", "m", 1, 1)
    found, prompts = await written(cut, block("app/b.py", "B = [2]") + "DONE")
    assert found.broken is None and found.files == {"app/a.py": b"A = 1\n", "app/b.py": b"B = [2]\n"}
    assert "Written so far: app/a.py" in prompts[1].text


async def test_a_file_that_may_not_be_written_is_asked_for_no_more_than_told():
    found, prompts = await written(
        block("app/a.py", "A = 1") + block("tests/test_a.py", "assert True") + block("../x.py", "X = 1") + "DONE", "DONE"
    )
    assert list(found.files) == ["app/a.py"] and found.broken is None
    assert (
        "tests/test_a.py: 'tests/test_a.py' may not be written" in prompts[1].text and "leaves the project" in prompts[1].text
    )


async def test_a_model_that_never_comes_to_an_end_is_stopped():
    found, _ = await written("Let me think about it.", endless=True)
    assert found.files == {} and found.broken.stop == "loop"
    found, _ = await written(block("app/a.py", "A = 1") + block("app/b.py", "B = ("), endless=True)
    assert found.broken.stop == "loop" and list(found.files) == ["app/a.py"]


async def test_who_sends_the_same_again_has_come_to_an_end():
    found, prompts = await written(block("app/a.py", "A = 1"), endless=True)
    assert found.broken is None and list(found.files) == ["app/a.py"] and len(prompts) == 2


async def test_packages_that_are_refused_are_asked_for_again_and_a_manifest_is_never_written(tmp_path):
    lists = ["--index-url http://127.0.0.1:1\nflask\n", "flask @ http://127.0.0.1/flask.whl\n", "# none\n"]
    answers = [block("app/a.py", "A = 1") + block("requirements.txt", "flask\n") + "DONE"]
    answers += [block("packages.txt", text) + "DONE" for text in lists]
    the_gateway, python = gateway(*answers), family("languages").load("python")()
    packages = Packages(python, Untouched(), (), {}, tmp_path, None)
    found = await Writing(the_gateway, Prompt("s", "write it"), PERMISSION, "python", packages=packages).run()
    told = [prompt.text for prompt in the_gateway.llm.prompts]
    assert "requirements.txt' may not be written" in told[1] and "options are not taken" in told[2] and "address" in told[3]
    again = gateway(block("app/a.py", "A = 1") + block("packages.txt", "-e .") + "DONE", endless=True)
    never = await Writing(again, Prompt("s", "write it"), PERMISSION, "python", packages=packages).run()
    assert never.broken.stop == "loop" and len(again.llm.prompts) == 5 and "packages.txt" not in never.files
    assert (
        found.broken is None and found.files["packages.txt"].strip() == b"# none" and found.locked == {"requirements.txt": b""}
    )
