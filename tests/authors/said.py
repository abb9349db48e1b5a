"""What the scripted models of these tests are asked for, and a right answer of theirs."""

from pathlib import Path

from quantumlayer.blueprint.render import render
from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.evidence.grammars import language_of
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.spec.yaml_form import load_spec

PARCELS = Path(__file__).parents[1] / "units" / "parcels.yaml"
NOTES = """
name: Notes
requirements: {R1: Notes have a title and a text., R2: A title is unique.}
entities:
  note:
    plural: notes
    satisfies: [R1]
    fields: {title: {type: string, unique: true, satisfies: [R2]}, text: text}
    operations: [create, read, list, update, delete]
"""
PYTHON_UNIT = """```python
def parcel_price(weight: int, zone: str) -> int:
    base = 500 if weight <= 1000 else 900 if weight <= 5000 else 1500
    if zone == "B":
        return base * 120 // 100
    return base * 2 if zone == "C" else base
```"""


def component(spec_text, tmp_path):
    """All files that author `model` may write, as a model would send them."""
    spec, blueprint = load_spec(spec_text), known_blueprints(tmp_path).get("python/fastapi")
    language = family("languages").load("python")()
    tree = render(spec, make_plan(spec, blueprint, "blueprint", language), blueprint, language)
    return {
        path: content.decode()
        for path, content in tree.files.items()
        if path.startswith(("app/", "migrations/")) and language_of(path)
    }


def faulty_notes(tmp_path):
    """The application of `NOTES` as one answer, in which a created note is answered 200; and the edit that mends it."""
    files = component(NOTES, tmp_path)
    right = files["app/routers/note.py"]
    assert right.count("status_code=201") == 1
    files["app/routers/note.py"] = right.replace("status_code=201", "status_code=200")
    (before,) = [text for text in files["app/routers/note.py"].splitlines() if "status_code=200" in text]
    answer = "\n\n".join(f"`{path}`\n\n```\n{text}\n```" for path, text in files.items()) + "\n\nDONE"
    edit = f"app/routers/note.py\n<<<<<<< SEARCH\n{before}\n=======\n{before.replace('200', '201')}\n>>>>>>> REPLACE"
    return answer, edit
