import sys
from types import SimpleNamespace

import pytest
from grammar_samples import SAMPLES

from quantumlayer.errors import EnvironmentError_
from quantumlayer.evidence.grammars import SUFFIXES, grammar, language_of
from quantumlayer.evidence.semantics import check_semantics, parse, sound, syntax_errors
from quantumlayer.files.values import FileTree, tree
from quantumlayer.languages.python.imports import unresolved_imports
from quantumlayer.sandboxes.bubblewrap import BubblewrapSandbox

PYTHON = SimpleNamespace(name="python", conventions=SimpleNamespace(grammar="python", suffixes=(".py",)))


def test_a_sound_tree_has_no_findings():
    found = parse(tree({"app/main.py": "def f[T](x: T) -> T:\n    return x\n", "README.md": "def ("}), PYTHON)
    assert (found.status, found.findings, found.files, found.kind) == ("ran", (), 1, "semantics")
    assert sound([found])


def test_a_syntax_error_is_found_with_file_line_and_column():
    found = parse(tree({"a.py": "x = 1\n", "b.py": 'y = "é"; print((1, 2)\nz = 3\n'}), PYTHON)
    assert not sound([found])
    assert {f.path for f in found.findings} == {"b.py"}
    assert found.findings[0].line in (1, 2) and found.findings[0].rule == "syntax"
    broken = parse(tree({"b.py": "a = 1\nwörter = = 2\n"}), PYTHON).findings[0]
    assert (broken.line, broken.column) == (2, 10)


def test_bytes_that_are_no_text_are_an_encoding_error():
    found = parse(FileTree({"a.py": b"x = 1\ny = '\xff'\n"}), PYTHON)
    assert [(f.rule, f.line) for f in found.findings] == [("encoding", 2)]


def test_deep_nesting_does_not_exhaust_the_stack():
    depth = 5 * sys.getrecursionlimit()
    assert parse(tree({"a.py": "(" * depth}), PYTHON).findings


def test_nothing_to_parse_is_not_a_pass():
    found = parse(tree({"README.md": "hi"}), PYTHON)
    assert found.status == "not_run" and not sound([found])
    assert parse(FileTree({"a.py": b"#" * (2 * 1024 * 1024 + 1)}), PYTHON).status == "errored"


def test_a_missing_grammar_names_the_mend():
    with pytest.raises(EnvironmentError_) as caught:
        grammar("nosuchlanguage")
    assert "nosuchlanguage" in caught.value.message and "typescript" in caught.value.hint


# In these the grammar gives up on what begins before the mistake, or sees it only behind.
NEARBY = ("bash", "fortran", "xml")


@pytest.mark.parametrize("name", SUFFIXES)
def test_every_language_is_read_offline_and_its_mistakes_have_a_place(name):
    good, broken = SAMPLES[name]
    assert syntax_errors(name, "sound", good.encode()) == []
    found = syntax_errors(name, "broken", broken.encode())
    assert found and all(f.rule == "syntax" and f.severity == "high" and f.path == "broken" for f in found)
    assert (1 <= found[0].line <= 3) if name in NEARBY else found[0].line == 2
    assert all(f.column and f.column >= 1 for f in found)


def test_at_least_thirty_languages_and_those_of_the_stacks():
    assert len(SUFFIXES) >= 33 and {"python", "go", "typescript", "tsx"} <= set(SUFFIXES)
    assert [language_of(p) for p in ("a/b.go", "Dockerfile", "x/go.mod", "a.tsx", "README.md")] == [
        "go", "dockerfile", "gomod", "tsx", None,
    ]  # fmt: skip


def test_other_files_of_a_project_are_read_too():
    found = parse(
        tree({"a.py": "x = 1\n", "conf/a.toml": "a = 1\nb = = 2\n", "a.yaml": "a: [1\nb: }\n", "Makefile": "a b c ("}), PYTHON
    )
    assert {f.path for f in found.findings} == {"conf/a.toml", "a.yaml"} and found.files == 3


@pytest.fixture
def installed(tmp_path):
    packages = tmp_path / "lib/python3.11/site-packages"
    for name in ("fastapi", "fastapi-1.dist-info", "yaml"):
        (packages / name).mkdir(parents=True)
    for name in ("six.py", "_native.cpython-311-x86_64-linux-gnu.so", "distutils-precedence.pth"):
        (packages / name).write_text("")
    return tmp_path


def test_imports_lead_somewhere_or_are_named(installed):
    files = {
        "app/__init__.py": "",
        "app/a/__init__.py": "from . import b\nfrom .b import x\nfrom ..c import y\nfrom .gone import z\n",
        "app/a/b.py": "import os.path, fastapi.routing as r, six, _native\nfrom yaml import *\nx = 1\n",
        "app/c.py": "import app.a.b\nimport app.nowhere\n\nif True:\n    import missing.deep\nfrom .... import up\n",
        "notes.md": "import nothing",
    }
    found = unresolved_imports(tree(files).files, installed)
    assert [(f.path, f.line, f.message) for f in found] == [
        ("app/a/__init__.py", 4, "there is no module 'app.a.gone'"),
        ("app/c.py", 2, "there is no module 'app.nowhere'"),
        ("app/c.py", 5, "there is no module 'missing.deep'"),
        ("app/c.py", 6, "there is no module '....'"),
    ]
    assert {f.severity for f in found} == {"high"}


def test_imports_of_hostile_sources_do_not_break(installed):
    for text in ("import " + "a." * 5000 + "b", "from " + "." * 5000 + " import x", "import (((", "\0import x"):
        unresolved_imports({"a.py": text.encode()}, installed)


async def test_without_an_environment_imports_are_not_run():
    scans = await check_semantics(tree({"a.py": "import nowhere\n"}), PYTHON, (), BubblewrapSandbox())
    assert {s.scanner: s.status for s in scans} == {"tree-sitter": "ran", "names": "not_run"}
