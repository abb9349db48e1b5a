"""Go: what is rendered is laid out, alike twice, and says what it means; what the ecosystem's files hold is read strictly."""

import json
import re
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.blueprint.load import BUILT_IN, load_blueprints
from quantumlayer.blueprint.render import render
from quantumlayer.files.values import FileTree
from quantumlayer.languages.go import names
from quantumlayer.languages.go.adapter import Go
from quantumlayer.languages.go.checker import findings
from quantumlayer.languages.go.licences import licence_of
from quantumlayer.languages.go.modules import GoModules
from quantumlayer.languages.go.text import argument, literal, sql_arguments, sql_literal, sql_quoted, statement
from quantumlayer.languages.go.tidy import gofmt, tidy
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.ports.sandbox import Completed
from quantumlayer.spec.yaml_form import load_spec

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "src/quantumlayer/conformance/specs").rglob("*.yaml"))
PINS = BUILT_IN / "go/chi/pins"


def rendered(path: Path, *, tests: bool = False) -> FileTree:
    language, blueprint = Go(), load_blueprints().get("go/chi")
    spec = load_spec(path.read_bytes(), str(path))
    plan = make_plan(spec, blueprint, "blueprint", language)
    tree = render(spec, plan, blueprint, language, part="source")
    if tests:
        tree = tree.merged(render(spec, plan, blueprint, language, part="tests", test_plan=plan_tests(spec, plan)))
    return tree


@pytest.mark.parametrize("path", [p for p in SPECS if p.stem in ("blog", "inventory", "names")], ids=lambda p: p.stem)
def test_is_rendered_alike_twice_and_laid_out_as_gofmt_does(path: Path, tmp_path: Path) -> None:
    tree = rendered(path)
    assert tree.digest() == rendered(path).digest()
    for name, content in tree.files.items():
        if name.endswith(".go"):
            (tmp_path / name.replace("/", "__")).write_bytes(content)
    found = subprocess.run([gofmt(), "-s", "-l", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def test_rules_read_as_what_they_say() -> None:
    rules = rendered(next(p for p in SPECS if p.stem == "library")).files["internal/rules/loan.go"].decode()
    wanted = "tx.Count(`FROM loans WHERE loans.member_id = ? AND loans.returned_on IS NULL`, loan.MemberID) > 5"
    assert f"if created && {wanted} {{" in rules


def test_no_input_reaches_sql_text() -> None:
    """Queries are raw strings of the program, joined with nothing but its own columns, conditions and orders."""
    own = {"where.SQL", "conditions.SQL", "order", "table", "rest", "database.Marks", "pattern"}
    for path, content in rendered(next(p for p in SPECS if p.stem == "blog")).files.items():
        if path.endswith(".go"):
            joined = set(re.findall(r"`\s*\+\s*(\w[\w.]*)", content.decode()))
            assert {name for name in joined if not name.endswith("Columns")} <= own, path


def test_scenarios_are_tests_of_the_application() -> None:
    tests = rendered(next(p for p in SPECS if p.stem == "todo"), tests=True).files["tests/requirements_test.go"].decode()
    assert tests.count("func Test") > 10 and "api.matches(" in tests


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_text_stays_text(value: str) -> None:
    written = literal(value)
    assert "\n" not in written
    as_json = re.sub(r"\\U([0-9a-f]{8})", lambda m: json.dumps(chr(int(m[1], 16)))[1:-1], written)
    assert json.loads(as_json) == value
    quoted = sql_quoted(value).replace('` + "`" + `', "`")
    assert quoted[1:-1].replace("''", "'") == value and quoted[1:-1].count("'") % 2 == 0


@given(st.text(max_size=30), st.integers(), st.booleans())
def test_every_value_of_a_query_is_a_constant_or_an_argument(value: str, number: int, flag: bool) -> None:
    constants = " AND ".join(sql_literal(constant) for constant in (value, flag, number))
    sql = f"FROM a WHERE {constants} AND a.c = {argument('x.Y')}"
    text = statement(sql)
    assert text.count("`") == 2 or "`" in value
    assert sql_arguments(sql).endswith("x.Y") and text.endswith("x.Y")


def test_constants() -> None:
    assert [literal(v) for v in (None, True, 3, 2.5, Decimal("0.25"), Decimal(4), ["a"])] == [
        "nil", "true", "3", "2.5", 'decimal.RequireFromString("0.25")', "decimal.NewFromInt(4)", '[]string{"a"}',
    ]  # fmt: skip


def test_names_are_what_go_takes_for_names_and_files() -> None:
    assert (names.exported("receipt_url"), names.local("order_line"), names.local("type")) == (
        "ReceiptURL",
        "orderLine",
        "typeRow",
    )
    assert [names.exported(n) for n in ("author_ids", "css", "urls_seen", "s")] == ["AuthorIDs", "CSS", "URLsSeen", "S"]
    assert [names.module(n) for n in ("loan", "load_test", "port_linux", "x_amd64")] == [
        "loan",
        "load_test_",
        "port_linux_",
        "x_amd64_",
    ]
    assert names.quoted("order") == '"order"' and names.quoted("title") == "title"


def test_imports_are_those_that_are_used() -> None:
    head = b'package a\n\nimport (\n\t"fmt"\n\t"os"\n\t"github.com/go-chi/chi/v5"\n\t"app/internal/a"\n)\n'
    source = head + b'\n// os. is said\nfunc f() { fmt.Println(chi.X, "a.b") }\n'
    tidied = tidy({"a.go": source, "b.txt": b"\xff"})
    assert b'"os"' not in tidied["a.go"] and b"app/internal" not in tidied["a.go"] and b"chi/v5" in tidied["a.go"]
    assert tidied["b.txt"] == b"\xff"
    assert tidy({"a.go": b"package a\nfunc {"})["a.go"] == b"package a\nfunc {"


def test_the_lock_of_the_stack_is_exact() -> None:
    files = {name: (PINS / name).read_bytes() for name in ("go.mod", "go.sum")}
    pins, wrong = GoModules().read_lock(files)
    assert not wrong and len(pins) > 20 and all(pin.hashes for pin in pins)
    assert GoModules().purl(pins[0]).startswith("pkg:golang/github.com/")


def test_a_lock_that_is_not_exact_is_told() -> None:
    lock = b"module a\n\nrequire example.com/b v1.0.0\nreplace example.com/b => ../b\n"
    pins, wrong = GoModules().read_lock({"go.mod": lock, "go.sum": b"\xff\n"})
    assert [p.key for p in pins] == ["example.com/b@v1.0.0"]
    assert sorted(f.rule for f in wrong) == ["lock-address", "lock-no-hash"]


def test_licences_are_known_by_their_words(tmp_path: Path) -> None:
    assert licence_of("Permission is hereby granted, free\nof charge, ... THE SOFTWARE IS PROVIDED") == "MIT"
    assert licence_of("All rights reserved.") is None
    (tmp_path / "mod/github.com/!a!b/c@v1.0.0").mkdir(parents=True)
    (tmp_path / "mod/github.com/!a!b/c@v1.0.0/LICENSE").write_text("Apache License Version 2.0")
    assert GoModules().licences(tmp_path) == {"github.com/AB/c@v1.0.0": "Apache-2.0"}


def test_what_the_compiler_says_is_found_in_place() -> None:
    said = b"# app/a\nvet: ./internal/a.go:3:9: undefined: x\ninternal/b.go:1:2: no required module provides package y\n"
    found = findings(Completed(outcome="exited", exit_code=1, stdout=b"", stderr=said, seconds=0.1))
    assert [(f.path, f.line, f.rule) for f in found] == [("internal/a.go", 3, "name"), ("internal/b.go", 1, "import")]
