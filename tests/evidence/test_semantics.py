import sys
from types import SimpleNamespace

import pytest

from quantumlayer.errors import EnvironmentError_
from quantumlayer.evidence.semantics import check_semantics, grammar, parse, sound
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
    assert "tree-sitter-nosuchlanguage" in caught.value.hint


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
