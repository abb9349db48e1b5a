from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumlayer.answer.data import read_json
from quantumlayer.answer.edits import Edit, applied
from quantumlayer.answer.files import content, read_file, read_files
from quantumlayer.answer.values import Permission, Refusal, Wanted
from quantumlayer.blueprint.render import render
from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.conformance.answers import handled, read_corpus
from quantumlayer.files.values import FileTree
from quantumlayer.files.write_files import write_files
from quantumlayer.languages.python.adapter import Python
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.ports.llm import Answer
from quantumlayer.spec.yaml_form import load_spec

CORPUS = read_corpus(Path(__file__).parent / "corpus")
PYTHON = Python()


SHARDS = [
    *("```python\n", "```\n", "x = 1\n", "<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", "`app/a.py`\n", "{", "}", '"'),
    *("…", "../x.py\n", "\x00", "def price(w):\n", "    return w\n", "# ...\n"),
]


def said(text, finish="stop"):
    return Answer(text, finish, "scripted", 0, 0)


@pytest.mark.parametrize("case", CORPUS, ids=lambda c: c.name)
def test_answer_is_handled_as_expected(case, tmp_path):
    result = handled(case, PYTHON)
    assert result.expected, f"expected {case.expect}, got {result.outcome}"
    project = tmp_path / "project"
    write_files(FileTree(result.files), project)
    written = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if not p.is_dir()}
    assert written == {f"project/{path}" for path in result.files}


def test_corpus_is_large_and_covers_every_refusal():
    assert len(CORPUS) >= 60
    assert not {"import", "impure", "secret", "unsafe_path", "forbidden_path", "truncated"} - {c.expect for c in CORPUS}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(SHARDS), max_size=14))
def test_any_text_is_read_or_refused(parts):
    answer = said("".join(parts))
    for read in (
        lambda: read_file(answer, Wanted("app/a.py", "python")),
        lambda: read_files(answer, Permission(("app/*.py",))),
        lambda: read_json(answer, {}),
    ):
        try:
            read()
        except Refusal as refusal:
            assert refusal.message


LINES = st.lists(st.sampled_from(["a = 1", "b = 2", "c = 3", "d = a", ""]), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(LINES, st.integers(0, 7), st.integers(1, 3), st.sampled_from(["e = 5", "a = 1\nb = 2"]))
def test_an_edit_changes_the_one_place_it_names_or_is_refused(lines, at, length, after):
    text = "\n".join(lines) + "\n"
    before = "\n".join(lines[at : at + length])
    places = [i for i in range(len(lines)) if lines[i : i + before.count("\n") + 1] == before.split("\n")]
    try:
        changed = applied((Edit("app/a.py", before, after),), {"app/a.py": text.encode()}, Permission(("app/*.py",)))
    except Refusal as refusal:
        assert refusal.kind in ("ambiguous", "missing_text", "empty")
        assert not before.strip() or len(places) != 1
        return
    (place,) = places
    wanted = [*lines[:place], after, *lines[place + before.count("\n") + 1 :]]
    assert changed["app/a.py"].decode().strip("\n") == "\n".join(wanted).strip("\n")


@pytest.mark.parametrize(
    ("globs", "path", "allowed"),
    [
        (("app/*.py",), "app/a.py", True),
        (("app/*.py",), "app/b/a.py", False),
        (("app/**",), "app/b/a.py", True),
        (("**/*.py",), "a.py", True),
        (("app/*.py",), "app/a.pyc", False),
        ((), "a.py", False),
    ],
)
def test_permission(globs, path, allowed):
    assert Permission(globs).allows(path) is allowed
    assert not Permission(globs, never=("**",)).allows(path)


@pytest.mark.parametrize("stack", ["python/fastapi", "typescript/fastify", "go/chi"])
def test_what_blueprints_render_is_taken(stack, tmp_path):
    spec = load_spec((Path(__file__).parents[1] / "specs" / "todo.yaml").read_text())
    blueprint, language = known_blueprints(tmp_path).get(stack), family("languages").load(stack.split("/")[0])()
    tree = render(spec, make_plan(spec, blueprint, "blueprint", language), blueprint, language)
    sources = {path: text for path, text in tree.files.items() if path.endswith(language.conventions.suffixes)}
    assert len(sources) > 10
    for path, text in sources.items():
        assert content(path, text.decode()).strip() == text.strip()


UNIT = "def f(a: int) -> int:\n    return a + 1\n"
TRIALS = ['print(f("é → 2"))', "assert f(1) == 2", 'if __name__ == "__main__":\n    print(f(2))', "f(1)"]


@pytest.mark.parametrize("trial", TRIALS)
def test_calls_that_try_a_unit_out_are_left_away(trial):
    wanted = Wanted("app/units/f.py", "python", ("f",), frozenset(), "print", alone=True)
    wrong = f"`f(1)` is 2, so\n```python\n{UNIT.replace('+ 1', '- 1')}```\nNo:\n"
    for text in (f"{UNIT}\n{trial}\n", f"{trial}\n{UNIT}"):
        kept = read_file(said(f"{wrong}```python\n{text}```\n"), wanted).decode()
        assert kept.strip() == UNIT.strip()
    with pytest.raises(Refusal):
        read_file(said("```python\nprint(1)\n```"), wanted)
    inner = UNIT.replace("return", "print(a)\n    return")
    with pytest.raises(Refusal, match="uses 'print'"):
        read_file(said(f"```python\n{inner}```"), wanted)


def test_typescript_too():
    text = "export function f(a: number): number {\n  return a;\n}\n"
    wanted = Wanted("src/units/f.ts", "typescript", ("f",), alone=True)
    assert read_file(said(f"```typescript\n{text}\nconsole.log(f(1));\n```"), wanted).decode().strip() == text.strip()
