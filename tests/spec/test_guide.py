"""The guide docs/spec.md says what the code does."""

import re
from pathlib import Path

from quantumlayer.spec.formats import FORMATS
from quantumlayer.spec.functions import OVERLOADS
from quantumlayer.spec.yaml_form import load_spec
from quantumlayer.spec.yaml_nodes import MAX_BYTES

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "spec.md").read_text()


def test_the_worked_example_is_the_library_and_passes_the_check() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert example == (ROOT / "tests" / "specs" / "library.yaml").read_text()
    loans = load_spec(example, "docs/spec.md").entities["loan"]
    assert {"max_open", "book_available"} <= set(loans.rules)
    assert "return" in loans.operations and loans.fields["fine"].value is not None


def test_the_guide_names_every_function_and_format_and_the_size_limit() -> None:
    names = {overload.name for overload in OVERLOADS} | set(FORMATS)
    assert {name for name in names if not re.search(rf"\b{name}\b", GUIDE)} == set()
    assert f"{MAX_BYTES:,}" in GUIDE
