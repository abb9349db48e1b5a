"""What a model drafts where the analyst stops: refused until it holds, at most three calls, disagreements asked."""

import json

import pytest
from gateways import gateway

from quantumlayer.author.completing import completed
from quantumlayer.author.drafting import CALLS, draft
from quantumlayer.errors import BudgetExceeded, UserError
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec

TEXT = "Parcels have a recipient and a weight in grams. The check digit of the code is computed by the Luhn algorithm."
FRD = draft_frd(enhance(Request(text=TEXT)))
KNOWN = draft_spec(FRD)


def drafted(**changes):
    """A whole draft as JSON: the analyst's spec with the missing clause as a unit."""
    spec = json.loads(KNOWN.model_dump_json(by_alias=True, exclude_defaults=True))
    lost = [r["id"] for r in spec["requirements"] if r.get("understood") is False]
    for requirement in spec["requirements"]:
        requirement.pop("understood", None)
        requirement.pop("reason", None)
    quotient = {"type": "integer", "writable": "never", "default": "quotient(self.weight)", "satisfies": lost}
    spec["entities"]["parcel"]["fields"]["quotient"] = quotient
    example = {"given": {"weight": 2}, "answer": 4}
    spec["units"] = {
        "quotient": {
            "description": "The quotient of a weight.", "input": {"weight": "number"}, "returns": "integer",
            "examples": [example], "satisfies": lost,
        }
    }  # fmt: skip
    return json.dumps(spec | changes)


def test_the_analyst_does_not_understand_it():
    assert [r.text for r in KNOWN.requirements if not r.understood]


async def test_a_valid_draft_takes_one_call_and_asks_for_its_examples():
    the_gateway = gateway(drafted())
    found = await draft(the_gateway, FRD, KNOWN)
    assert found.calls == 1 and found.spec.units["quotient"].returns == "integer"
    assert all(r.understood for r in found.spec.requirements)
    assert any("examples of quotient" in q for q in found.questions)
    assert "Luhn" in the_gateway.llm.prompts[0].text and the_gateway.llm.prompts[0].schema


async def test_mistakes_go_back_to_the_model():
    broken = drafted().replace("quotient(self.weight)", "quotient(self.wait)")
    unaccounted = json.loads(drafted())
    unaccounted["requirements"] = unaccounted["requirements"][:1]
    the_gateway = gateway(broken, json.dumps(unaccounted), drafted())
    found = await draft(the_gateway, FRD, KNOWN)
    assert found.calls == 3
    assert "undefined field 'wait'" in the_gateway.llm.prompts[1].text
    assert "there is no requirement R2" in the_gateway.llm.prompts[2].text


async def test_a_claim_without_an_element_is_refused():
    idle = json.loads(KNOWN.model_dump_json(by_alias=True, exclude_defaults=True))
    for requirement in idle["requirements"]:
        requirement.pop("understood", None)
    the_gateway = gateway(json.dumps(idle), endless=True)
    found = await draft(the_gateway, FRD, KNOWN)
    assert found.spec == KNOWN and found.calls == CALLS and "no element satisfies" in found.problem


async def test_disagreements_become_questions():
    other = json.loads(drafted())
    other["entities"]["parcel"]["fields"]["weight"] = {"type": "integer", "required": False, "satisfies": ["R1"]}
    other["entities"]["parcel"]["fields"]["quotient"]["default"] = "0"
    other["entities"]["parcel"]["fields"]["quotient"].pop("writable")
    del other["entities"]["parcel"]["fields"]["recipient"], other["units"]
    found = await draft(gateway(json.dumps(other)), FRD, KNOWN)
    assert any("«recipient»" in q for q in found.questions) and any("parcel.weight" in q for q in found.questions)
    fields = found.spec.entities["parcel"].fields
    assert {name: field for name, field in fields.items() if name != "quotient"} == KNOWN.entities["parcel"].fields
    assert fields["quotient"].default == "0"


async def test_what_was_understood_is_neither_forgotten_nor_restricted():
    """A weak model leaves half away, renames, and makes up rules for what was clear."""
    other = json.loads(drafted())
    parcel = other["entities"]["parcel"]
    parcel["plural"], parcel["visible"] = "packages", "false"
    parcel["rules"] = {
        "heavy": {"check": "self.weight > 1.5", "message": "a heavy one", "satisfies": ["R1"]},
        "odd": {"check": 'self.recipient != "nobody"', "message": "an odd one", "satisfies": ["R2"]},
    }
    del parcel["operations"]["delete"], parcel["operations"]["list"]
    other["entities"]["stamp"] = {"plural": "stamps", "fields": {"colour": {"type": "string"}}, "operations": {"create": {}}}
    found = await draft(gateway(json.dumps(other)), FRD, KNOWN)
    built = found.spec.entities["parcel"]
    assert found.calls == 1 and set(found.spec.entities) == {"parcel"} and set(built.rules) == {"odd"}
    assert built.model_copy(update={"rules": {}, "fields": {}}) == KNOWN.entities["parcel"].model_copy(update={"fields": {}})
    assert set(built.fields) == {*KNOWN.entities["parcel"].fields, "quotient"}


async def test_what_an_open_clause_changes_is_changed_and_asked():
    other = json.loads(drafted())
    weight = other["entities"]["parcel"]["fields"]["weight"]
    weight |= {"max": 30, "satisfies": [*weight.get("satisfies", ()), "R2"]}
    found = await draft(gateway(json.dumps(other)), FRD, KNOWN)
    assert found.spec.entities["parcel"].fields["weight"].max == 30
    assert any("parcel.weight: the analyst read max None, the model max 30" in q for q in found.questions)


async def test_an_operation_for_an_open_clause_may_have_another_input():
    other = json.loads(drafted())
    create = other["entities"]["parcel"]["operations"]["create"]
    create |= {"input": {"note": {"type": "string", "required": False}}, "satisfies": [*create["satisfies"], "R2"]}
    other["entities"]["parcel"]["operations"]["update"]["input"] = {"why": {"type": "string"}}
    built = (await draft(gateway(json.dumps(other)), FRD, KNOWN)).spec.entities["parcel"].operations
    assert set(built["create"].input) == {"note"} and built["update"] == KNOWN.entities["parcel"].operations["update"]


async def test_a_draft_that_does_not_go_with_what_was_understood_goes_back():
    other = json.loads(drafted())
    other["entities"]["parcel"]["fields"]["weight"] = {"type": "string", "satisfies": ["R1"]}
    other["entities"]["parcel"]["fields"]["quotient"]["default"] = "size(self.weight)"
    del other["units"]
    the_gateway = gateway(json.dumps(other), drafted())
    found = await draft(the_gateway, FRD, KNOWN)
    assert found.calls == 2 and "with what was understood kept" in the_gateway.llm.prompts[1].text


@pytest.mark.parametrize("whole", [KNOWN, draft_spec(draft_frd(enhance(Request(text="Users log in. Books have a title."))))])
def test_a_reading_completed_by_itself_is_itself(whole):
    assert completed(whole, whole) == whole


async def test_what_is_understood_asks_no_model():
    frd = draft_frd(enhance(Request(text="Tasks have a title and a due date.")))
    known = draft_spec(frd)
    assert (await draft(gateway(), frd, known)).calls == 0


async def test_neither_reading_nor_draft_is_an_error():
    with pytest.raises(UserError, match="neither"):
        await draft(gateway("I do not know.", endless=True), FRD, None)


async def test_a_used_up_budget_leaves_the_analysts_reading():
    found = await draft(gateway("Well.", BudgetExceeded("the run has used 9 of 10 tokens")), FRD, KNOWN)
    assert found.spec == KNOWN and found.calls == 1 and "9 of 10 tokens" in found.problem
    with pytest.raises(BudgetExceeded):
        await draft(gateway(BudgetExceeded("used up")), FRD, None)
