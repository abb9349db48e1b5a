"""What a model adds to Brief and Frd, about clauses that are open and no others."""

import json

import pytest
from gateways import gateway

from quantumlayer.answer.values import Refusal
from quantumlayer.author.documents import TRIES, complete_brief, complete_frd, unread
from quantumlayer.author.drafting import draft
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec

TEXT = "Parcels have a recipient and a weight in grams. The check digit of the code is computed by the Luhn algorithm."
BRIEF = enhance(Request(text=TEXT))
FRD = draft_frd(BRIEF)
(OPEN,) = unread(FRD)
CRITERION = {"given": "the code 7992739871", "when": "a parcel is created", "then": "its check digit is 3"}
NOTES = {"requirements": [{"id": OPEN.id, "criteria": [CRITERION]}], "glossary": [{"term": "Luhn", "meaning": "a checksum"}]}


async def test_assumptions_and_questions_join_the_brief():
    said = {"assumptions": ["The code has ten digits."], "open_questions": ["Where does the\n code come from?"]}
    brief = await complete_brief(gateway(json.dumps(said)), BRIEF, (OPEN,))
    assert brief.assumptions[-1] == "The code has ten digits. (assumed by scripted:model)"
    assert brief.open_questions == ("Where does the code come from?",) and brief.statements == BRIEF.statements
    assert draft_frd(brief).open_questions[0] == brief.open_questions[0]


async def test_criteria_join_the_open_requirement_and_reach_the_draft_of_the_spec():
    frd = await complete_frd(gateway(json.dumps(NOTES)), FRD, (OPEN,))
    found = {r.id: r for r in frd.requirements}
    assert found[OPEN.id].criteria[0].then == "its check digit is 3" and not found[OPEN.id].understood
    assert {r.id: r for r in frd.requirements if r.id != OPEN.id} == {r.id: r for r in FRD.requirements if r.id != OPEN.id}
    assert frd.glossary[-1].term == "Luhn"
    the_gateway = gateway("I do not know.", endless=True)
    await draft(the_gateway, frd, draft_spec(frd))
    assert "then its check digit is 3" in the_gateway.llm.prompts[0].text


@pytest.mark.parametrize(
    ("notes", "told"),
    [
        ({"requirements": []}, "not accounted for"),
        ({"requirements": [*NOTES["requirements"], {"id": "R1", "criteria": [CRITERION]}]}, "R1 is not open"),
        ({"requirements": NOTES["requirements"] * 2}, "twice"),
        (NOTES | {"requirements": [{"id": OPEN.id, "criteria": []}]}, "criteria"),
        (NOTES | {"spec": {}}, "spec"),
    ],
)
async def test_what_is_about_something_else_goes_back(notes, told):
    the_gateway = gateway(json.dumps(notes), endless=True)
    with pytest.raises(Refusal, match=told):
        await complete_frd(the_gateway, FRD, (OPEN,))
    assert len(the_gateway.llm.prompts) == TRIES and told in the_gateway.llm.prompts[1].text
