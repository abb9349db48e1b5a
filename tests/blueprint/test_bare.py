"""Stacks that no blueprint describes: what their language has for them, and who may ask for them."""

import pytest

from quantumlayer.blueprint.load import BUILT_IN
from quantumlayer.blueprint.render import render
from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blueprints import LiveBlueprints, reviewed_files
from quantumlayer.errors import UserError
from quantumlayer.pipeline.intake import admitted
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.request.values import Request
from quantumlayer.spec.yaml_form import load_spec

NOTES = """
name: Notes
requirements: {R1: Notes have a text.}
entities:
  note: {plural: notes, satisfies: [R1], fields: {text: text}, operations: [create, read, list]}
"""
STACKS = ("python/flask", "typescript/express", "go/nethttp")


@pytest.mark.parametrize("stack", STACKS)
def test_a_language_has_a_plan_and_no_application_for_any_framework(stack, tmp_path):
    found, language = LiveBlueprints(tmp_path).get(stack), family("languages").load(stack.partition("/")[0])()
    assert found.value.id == stack and found.value.bare and not found.folder.is_relative_to(BUILT_IN)
    assert found is LiveBlueprints(tmp_path).get(stack), "templates are compiled once"
    spec = load_spec(NOTES)
    plan = make_plan(spec, found, "model", language)
    assert plan.components and not any(check.level == "unit" for check in plan.checks)
    sources = render(spec, plan, found, language).files
    assert not [path for path in sources if path.endswith(language.conventions.suffixes)]
    assert not render(spec, plan, found, language, part="tests").files
    assert (found.folder / "guide.md").read_text()


@pytest.mark.parametrize(
    "stack", ["python/fastpi", "pythn/flask", "cobol/cics", "python/../x", "python/", "python/Flask", "python"]
)
def test_what_is_misspelt_or_of_no_known_language_is_no_stack(stack, tmp_path):
    with pytest.raises(UserError, match="there is no stack") as error:
        LiveBlueprints(tmp_path).get(stack)
    assert "try" in error.value.hint


@pytest.mark.parametrize("author", [None, "blueprint", "auto"])
async def test_only_the_author_model_may_ask_for_them(author, tmp_path, monkeypatch):
    monkeypatch.setenv("QL_HOME", str(tmp_path))
    with pytest.raises(UserError, match="no blueprint describes python/flask") as error:
        await admitted(Request(text="Notes have a text.", stack="python/flask", author=author))
    assert "--author model" in error.value.hint and "python/fastapi" in error.value.hint
    assert (await admitted(Request(text="Notes have a text.", stack="python/flask", author="model"))).stack == "python/flask"


def test_what_was_reviewed_are_the_pins_of_our_own_blueprints(tmp_path, monkeypatch):
    before = reviewed_files("python")
    own = tmp_path / "python" / "own"
    (own / "pins").mkdir(parents=True)
    (own / "pins" / "requirements.txt").write_text("evil==1.0 --hash=sha256:" + "0" * 64)
    (own / "blueprint.toml").write_text('id = "python/own"\nextends = "python/fastapi"\n')
    monkeypatch.setenv("QL_BLUEPRINTS", str(tmp_path))
    assert reviewed_files("python") == before and all(b"evil" not in text for files in before for text in files.values())
