"""Scenarios say a thing once, and nothing that they said is lost."""

from quantumlayer.plan.derivation.brevity import Brevity
from quantumlayer.plan.scenario import Scenario, Step

ROW = {"id": {"$ref": "task1.id"}, "title": "Sample 0", "done": False}
CREATE = Step(method="POST", path="/tasks", body={"title": "Sample 0"}, status=201, expect=ROW, save="task1")
READ = Step(method="GET", path="/tasks/{task1.id}", expect=ROW)
LIST = Step(method="GET", path="/tasks", expect={"items": [ROW], "total": 1})


def scenario(*steps: Step) -> Scenario:
    return Scenario(id="S001", title="a title", goal="a goal", steps=steps)


def expected(brevity: Brevity, *steps: Step) -> list:
    return [step.expect for step in brevity.shortened(scenario(*steps)).steps]


def test_a_row_that_is_as_it_was_is_named():
    named = {"$ref": "task1"}
    assert expected(Brevity(), CREATE, READ, LIST) == [ROW, named, {"items": [named], "total": 1}]


def test_a_row_that_was_written_to_or_has_aged_is_spelled_out():
    change = Step(method="PATCH", path="/tasks/{task1.id}", body={"title": "Sample 0"}, expect=ROW)
    later = READ.model_copy(update={"advance": 60})
    assert expected(Brevity(), CREATE, change, READ)[1:] == [ROW, ROW]
    assert expected(Brevity(), CREATE, later)[1:] == [ROW]


def test_a_row_that_differs_is_spelled_out():
    other = READ.model_copy(update={"expect": ROW | {"done": True}})
    assert expected(Brevity(), CREATE, other)[1:] == [ROW | {"done": True}]


def test_preparations_are_checked_in_one_scenario_only():
    brevity = Brevity()
    assert expected(brevity, CREATE, READ)[0] == ROW
    assert expected(brevity, CREATE, READ) == [None, {"$ref": "task1"}]
    unlike = CREATE.model_copy(update={"expect": ROW | {"done": True}})
    assert expected(brevity, unlike, READ)[0] == ROW | {"done": True}


def test_the_last_step_is_what_the_scenario_is_about():
    brevity = Brevity()
    assert expected(brevity, CREATE) == expected(brevity, CREATE) == [ROW]


def test_a_note_stands_before_the_first_step_of_its_kind():
    noted = [LIST.model_copy(update={"note": note}) for note in ("paging", "paging", "sorting")]
    assert [s.note for s in Brevity().shortened(scenario(*noted)).steps] == ["paging", "", "sorting"]
