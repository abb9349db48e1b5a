import sys
from types import SimpleNamespace

import pytest

from quantumlayer.errors import EnvironmentError_
from quantumlayer.evidence.semantics import grammar, parse, sound
from quantumlayer.files.values import FileTree, tree

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
