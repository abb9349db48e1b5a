"""Planted faults fit the sources as they are rendered now. Whether the judge catches them: `ql blueprint faults`."""

import pytest

from quantumlayer.conformance.blueprint.faults import Fault, faults_of
from quantumlayer.evidence.semantics import parse
from quantumlayer.files.patch import patched
from tests.typescript.test_rendering import BLUEPRINT, LANGUAGE, rendered


@pytest.mark.parametrize("fault", faults_of(BLUEPRINT), ids=lambda fault: fault.name)
def test_a_fault_fits_and_parses(fault: Fault) -> None:
    tree = rendered(fault.spec)
    changed = patched(tree, fault.patch)
    assert changed.files != tree.files and parse(changed, LANGUAGE).findings == ()
