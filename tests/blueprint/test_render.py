import ast
from pathlib import Path

import pytest

from quantumlayer.blueprint.load import load_blueprints
from quantumlayer.blueprint.render import render
from quantumlayer.files.values import FileTree
from quantumlayer.languages.python.adapter import Python
from quantumlayer.languages.python.text import docstring, literal
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.spec.yaml_form import load_spec

HERE = Path(__file__).parent
SPECS = [*sorted((HERE.parent / "specs").glob("*.yaml")), HERE.parent / "specs" / "hostile" / "names.yaml"]
BLUEPRINT = load_blueprints().get("python/fastapi")


def sources(path: Path) -> FileTree:
    spec = load_spec(path.read_bytes(), path.name)
    language = Python()
    return render(spec, make_plan(spec, BLUEPRINT, "blueprint", language), BLUEPRINT, language)


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_every_source_parses(path: Path) -> None:
    for name, content in sources(path).files.items():
        if name.endswith(".py"):
            ast.parse(content, name)


def test_rendering_twice_gives_the_same_bytes() -> None:
    assert sources(SPECS[0]).digest() == sources(SPECS[0]).digest()


def test_nothing_about_accounts_where_there_are_none() -> None:
    files = sources(HERE.parent / "specs" / "todo.yaml").files
    assert not [name for name in files if name.startswith("app/auth")]


@pytest.mark.parametrize("text", ['"""', "\\", '\\"', "\n\r\0\x1b", "{x}", "'''\"\"\"", "ünïcödé\u2028", "\ud800"])
def test_hostile_text_stays_text(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text
    body = ast.parse(f"def f():\n    {docstring(f'a{text}b')}\n").body
    assert len(body) == 1 and len(body[0].body) == 1  # type: ignore[attr-defined]
