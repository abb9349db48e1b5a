"""Units before they reach the sandbox: a model that is down, answers that may not be tried."""

from pathlib import Path

import pytest
from gateways import Untouched, gateway

from quantumlayer.author.units import Workshop, write_units
from quantumlayer.author.values import Bounds
from quantumlayer.catalog.adapters import family
from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.errors import LlmUnavailable, UserError
from quantumlayer.files.values import tree
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.spec.yaml_form import load_spec

SPEC = load_spec((Path(__file__).parents[1] / "units" / "parcels.yaml").read_text())
PYTHON = family("languages").load("python")()


def planned(tmp_path, author="auto", stack="python/fastapi"):
    blueprints, language = known_blueprints(tmp_path), family("languages").load(stack.split("/")[0])()
    return make_plan(SPEC, blueprints.get(stack), author, language)


def test_the_plan_names_the_one_file(tmp_path):
    (unit,) = planned(tmp_path).units
    assert unit.path == "app/units/parcel_price.py" and unit.path in planned(tmp_path).files
    assert unit.signature == "def parcel_price(weight: int, zone: str) -> int:" and unit.requirements == ("R2",)


def test_who_asks_no_model_cannot_write_them(tmp_path):
    with pytest.raises(UserError, match="needs a language model"):
        planned(tmp_path, "blueprint")


async def test_a_model_that_is_down_is_told_as_itself(tmp_path):
    shop = Workshop(tree({}), None, PYTHON, Untouched(), gateway(LlmUnavailable("busy")))
    with pytest.raises(LlmUnavailable, match="busy"):
        await write_units(shop, SPEC, planned(tmp_path).units)


HOSTILE = [
    "import os\n\n\ndef parcel_price(weight: int, zone: str) -> int:\n    return os.system('id')\n",
    "def parcel_price(weight: int, zone: str) -> int:\n    return len(open('/etc/passwd').read())\n",
    "def other(weight: int, zone: str) -> int:\n    return 500\n",
]


async def test_what_may_not_be_tried_never_reaches_the_sandbox(tmp_path):
    the_gateway = gateway(*(f"```python\n{text}```" for text in HOSTILE))
    shop = Workshop(tree({}), None, PYTHON, Untouched(), the_gateway, Bounds(attempts=3))
    (written,) = await write_units(shop, SPEC, planned(tmp_path).units)
    assert written.striven.best is None and "does not define 'parcel_price'" in written.striven.broken.error
    assert "imports 'os'" in the_gateway.llm.prompts[1].text and "uses 'open'" in the_gateway.llm.prompts[2].text
