import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from quantumlayer.evidence.api_reference import api_reference
from quantumlayer.evidence.documentation import architecture, document, requirements
from quantumlayer.evidence.markdown import block, code, table, text
from quantumlayer.plan.values import Component, Plan
from quantumlayer.spec.frd import Criterion, Frd, FrdRequirement
from quantumlayer.spec.openapi import openapi
from quantumlayer.spec.routes import routes
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec

LIBRARY = load_spec((Path(__file__).parents[1] / "specs/library.yaml").read_text())
PLAN = Plan(
    name="x",
    spec_digest="",
    stack="python/fastapi",
    blueprint_version="1.0.0",
    blueprint_digest="",
    author="blueprint",
    components=(Component(path="app/services/", purpose="rules live here"),),
)
HOSTILE = "<script>alert(1)</script> [x](javascript:1) | `a` **b** \n# c ``` ![i](http://x) \\"


def tokens(markdown: str):
    for token in MarkdownIt("commonmark").enable(["table"]).parse(markdown):
        yield token
        yield from token.children or ()


def shown(markdown: str) -> str:
    return "".join(t.content for t in tokens(markdown) if t.type in ("text", "code_inline"))


@given(st.text(max_size=60))
def test_text_stays_text(value):
    plain = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    kinds = {t.type for t in tokens(f"a {text(value)}")}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
    assert shown(f"x{text(value)}").removeprefix("x").strip() == plain or "&" in plain
    alone = {t.type for t in tokens(text(value))}
    assert alone <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


@given(st.text(max_size=60).filter(lambda v: v.strip()))
def test_code_stays_code(value):
    kinds = [t.type for t in tokens(f"a {code(value)} b")]
    assert "code_inline" in kinds or not "".join(c for c in value if c.isprintable()).strip()
    assert not {"html_inline", "link_open", "image", "fence", "em_open"} & set(kinds)


@given(st.lists(st.text(max_size=20), min_size=2, max_size=2))
def test_a_table_keeps_its_columns(cells):
    made = table(("A", "B"), [(text(cells[0]), code(cells[1]))])
    assert [t.type for t in tokens(made)].count("td_open") == 2


@given(st.text(max_size=40))
def test_a_block_holds_its_content(content):
    fences = [t for t in tokens(block("mermaid", content)) if t.type == "fence"]
    assert len(fences) == 1


def test_every_route_parameter_and_status_is_in_the_reference():
    page = api_reference(LIBRARY)
    for route in routes(LIBRARY):
        assert f"### `{route.method} {route.path}`" in page
    for path in openapi(LIBRARY)["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                assert f"`{parameter['name']}`" in page


def test_example_bodies_are_valid():
    page, specification = api_reference(LIBRARY), openapi(LIBRARY)
    found = re.findall(r"### `(POST|PATCH) ([^`]+)`.*?```json\n(.*?)```", page, re.S)
    assert len(found) >= 5
    for method, path, example in found:
        schema = specification["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": specification["components"]}
        assert list(Draft202012Validator(whole).iter_errors(json.loads(example))) == []


def test_architecture_draws_every_relation_and_names_every_rule():
    page = architecture(LIBRARY, PLAN)
    for line in ('e_book }o--o{ e_author : "authors"', 'e_loan }o--|| e_member : "member"', "string isbn UK", "app/services/"):
        assert line in page
    assert "A member can have at most 5 open loans." in page and "`loan` `return`" in page


def test_states_are_drawn_even_with_the_diagram_language_s_own_words():
    machine = {"initial": "state", "states": ["state", "end"]}
    operations = {"finish": {"transition": {"from": ["state"], "to": "end"}}}
    spec = Spec.model_validate(
        {"name": "x", "entities": {"note": {"plural": "notes", "state": machine, "operations": operations}}}
    )
    page = architecture(spec, PLAN)
    assert "[*] --> s_state" in page and "s_state --> s_end: finish" in page


def test_requirements_are_traced_to_what_satisfies_them():
    frd = Frd(name="x", requirements=(FrdRequirement(id="R4", text="t", criteria=(Criterion(given="g", when="w", then="t"),)),))
    page = requirements(LIBRARY, frd)
    assert "| R4 | A member can have at most 5 open loans. | requested | rule `loan.max_open` |" in page
    assert "- Given g, when w, then t" in page
    spec = LIBRARY.model_copy(update={"requirements": (LIBRARY.requirements[0].model_copy(update={"id": "R99"}),)})
    assert "| nothing |" in requirements(spec, None)


def test_hostile_text_grows_no_markup():
    hostile = LIBRARY.model_copy(
        update={
            "name": HOSTILE,
            "description": HOSTILE,
            "requirements": tuple(r.model_copy(update={"text": HOSTILE, "reason": HOSTILE}) for r in LIBRARY.requirements),
            "entities": {k: e.model_copy(update={"description": HOSTILE}) for k, e in LIBRARY.entities.items()},
        }
    )
    plan = PLAN.model_copy(update={"components": (Component(path=HOSTILE, purpose=HOSTILE),)})
    frd = Frd(name=HOSTILE, introduction=HOSTILE, assumptions=(HOSTILE,), open_questions=(HOSTILE,))
    for path, content in document(hostile, frd, plan).files.items():
        found = list(tokens(content.decode()))
        assert not [t for t in found if t.type in ("html_inline", "html_block", "image", "em_open")], path
        links = {t.attrs["href"] for t in found if t.type == "link_open"}
        assert links <= {"requirements.md", "architecture.md"}
        assert [t.type for t in found].count("heading_open") >= 1
        headings = [t for t in found if t.type == "heading_open" and t.tag == "h1"]
        assert len(headings) == 1


@pytest.mark.parametrize("page", ["docs/api.md", "docs/architecture.md", "docs/requirements.md", "docs/runbook.md"])
def test_links_lead_somewhere(page):
    files = document(LIBRARY, None, PLAN).files
    for token in tokens(files[page].decode()):
        if token.type == "link_open":
            assert f"docs/{token.attrs['href']}" in files
