"""A specification's own OpenAPI document, imported again, gives its rows, values, lists and paths back.

Constants as defaults, uniqueness and what keys name come back too, of which the last two stand in extensions (`x-unique`,
`x-references`). What such a document cannot say is not asked for: rules, guards, computed values and defaults (CEL), what
actions and reports do (their paths end unmet).
"""

import json
from pathlib import Path

import pytest

from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
from quantumlayer.spec.check import checked
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.naming import wire_name
from quantumlayer.spec.openapi import openapi
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import load_spec


def again(spec: Spec) -> Spec:
    file = SourceFile(name="api.json", text=json.dumps(openapi(spec)), kind="openapi")
    return checked(draft_spec(draft_frd(enhance(Request(text="", files=(file,))))))


@pytest.fixture(scope="module", params=[p.stem for p in sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))])
def both(request: pytest.FixtureRequest) -> tuple[Spec, Spec]:
    text = (Path(__file__).parent.parent / "specs" / f"{request.param}.yaml").read_text("utf-8")
    spec = load_spec(text)
    return spec, again(spec)


def test_every_kind_of_row_and_value_comes_back(both: tuple[Spec, Spec]) -> None:
    spec, copy = both
    assert set(spec.entities) <= set(copy.entities)
    for name, entity in spec.entities.items():
        wires = {wire_name(n, f): f for n, f in copy.entities[name].fields.items()}
        untold = [r.text for r in copy.requirements if not r.understood]
        for member, field in entity.fields.items():
            wire = wire_name(member, field)
            if not field.shown or any(f"member {wire} of" in told for told in untold):
                continue
            assert wire in wires, (name, member)
            if field.type in ("integer", "boolean", "date", "datetime", "enum") and field.value is None:
                assert wires[wire].type == field.type, (name, member)


def test_the_paths_of_rows_come_back(both: tuple[Spec, Spec]) -> None:
    spec, copy = both
    first, second = openapi(spec)["paths"], openapi(copy)["paths"]
    told = " ".join(r.text for r in copy.requirements if not r.understood)
    for path, methods in first.items():
        for method in methods:
            assert method in second.get(path, {}) or f"{method.upper()} {path}" in told, (method, path)


def test_lists_are_filtered_and_sorted_as_before(both: tuple[Spec, Spec]) -> None:
    spec, copy = both
    told = " ".join(r.text for r in copy.requirements if not r.understood)
    for path, methods in openapi(spec)["paths"].items():
        if "get" not in methods or path not in openapi(copy)["paths"]:
            continue
        asked = {p["name"] for p in methods["get"].get("parameters", ()) if p["in"] == "query"}
        got = {p["name"] for p in openapi(copy)["paths"][path]["get"].get("parameters", ()) if p["in"] == "query"}
        assert {n for n in asked - got if f"GET {path} has a parameter {n}" not in told} == set(), path


def test_defaults_uniqueness_and_what_keys_name_come_back(both: tuple[Spec, Spec]) -> None:
    spec, copy = both
    for name, entity in spec.entities.items():
        for member, field in entity.fields.items():
            found = copy.entities[name].fields.get(member)
            if found is None or not field.shown or field.value is not None:
                continue
            assert (found.to, found.unique) == (field.to, field.unique), (name, member)
            if field.to:
                assert (found.inverse or copy.entities[name].plural, found.on_delete) == (
                    field.inverse or entity.plural,
                    field.on_delete,
                ), (name, member)
            if field.default in ("true", "false") or field.type == "enum" and field.default:
                assert found.default and found.default.strip("'\"") == field.default.strip("'\""), (name, member)
