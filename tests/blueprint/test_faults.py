"""Planted faults of every stack fit the rendered sources. Whether the judge catches them: `ql blueprint faults`."""

from functools import cache
from pathlib import Path

import pytest

from quantumlayer.blueprint.load import load_blueprints
from quantumlayer.catalog.adapters import family
from quantumlayer.conformance.blueprint.faults import Fault, faults_of
from quantumlayer.conformance.blueprint.place import Place
from quantumlayer.conformance.blueprint.suite import FEWEST_FAULTS
from quantumlayer.evidence.semantics import parse
from quantumlayer.files.patch import patched
from quantumlayer.files.values import FileTree

STACKS = load_blueprints().by_id
FAULTS = [pytest.param(stack, fault, id=f"{stack}-{fault.name}") for stack in STACKS for fault in faults_of(STACKS[stack])]


@cache
def place(stack: str) -> Place:
    blueprint = STACKS[stack]
    language = family("languages").load(blueprint.value.language)()
    return Place(blueprint, language, family("sandboxes").load("bubblewrap")(), Path("unused"))


@cache
def sources(stack: str, spec: str) -> FileTree:
    found = place(stack)
    return found.rendered(found.spec(spec), found.planned(found.spec(spec)))["source"]


@pytest.mark.parametrize("stack", STACKS)
def test_there_are_enough(stack: str) -> None:
    assert len(faults_of(STACKS[stack])) >= FEWEST_FAULTS


@pytest.mark.parametrize(("stack", "fault"), FAULTS)
def test_a_fault_fits_and_parses(stack: str, fault: Fault) -> None:
    tree = sources(stack, fault.spec)
    changed = patched(tree, fault.patch)
    touched = FileTree({path: content for path, content in changed.files.items() if tree.files[path] != content})
    assert touched.files and parse(touched, place(stack).language).findings == ()
