"""Contradictions, choices, slips, what cannot be built, what asks for nothing: each is shown, none is swallowed."""

import json
import re

import pytest
from analyst_play import TWELVE, Play, frd_of, spec_of
from corpus_score import load

from quantumlayer.errors import UserError
from quantumlayer.spec.analyst.lost import words_in
from quantumlayer.spec.analyst.words import LEXICON
from quantumlayer.spec.frd import Frd


def unmet(frd: Frd) -> dict[str, str]:
    return {r.text: r.reason for r in frd.requirements if not r.understood}


@pytest.mark.parametrize(
    ("text", "loser", "asked"),
    [
        ("Tasks are private. Tasks have a title. Everyone sees all tasks.", "Everyone sees all tasks", "private"),
        ("Posts have a title. Posts cannot be deleted. Only admins can delete posts.", "Posts cannot be deleted", "deleted"),
        (
            "Tasks have a priority from 1 to 5. The priority must be between 6 and 10.",
            "The priority must",
            "1 to 5 and 6 to 10",
        ),
        (
            "Members borrow books. Books have a title. A member can have at most 3 loans. A member can have at most 5 loans.",
            "A member can have at most 5 loans",
            "at most 3 and at most 5 loans",
        ),
    ],
)
def test_contradictions_are_questions_and_the_loser_is_unmet(text: str, loser: str, asked: str) -> None:
    frd = frd_of(text)
    (lost,) = unmet(frd).items()
    assert lost[0].startswith(loser) and "contradicts" in lost[1]
    assert any(asked in q and "contradict" in q for q in frd.open_questions)


def test_narrowing_is_no_contradiction() -> None:
    spec = spec_of("Tasks have a title and a percentage. The percentage must be between 10 and 90.")
    assert all(r.understood for r in spec.requirements)
    made = spec.entities["task"].fields["percentage"]
    assert (made.min, made.max) == (10, 90)


def test_a_choice_is_built_openly_and_asked() -> None:
    frd = frd_of("Contacts have a name and an email or phone.")
    assert any("email or phone" in q for q in frd.open_questions)
    app = Play(spec_of("Contacts have a name and an email or phone."))
    app.post("/contacts", {"name": "a"}, 422)
    app.post("/contacts", {"name": "a", "phone": "+4912345678"})
    app.post("/contacts", {"name": "a", "email": "a@example.org"})


@pytest.mark.parametrize(
    ("clause", "reason"),
    [
        ("The app predicts the stock market with certainty", "foresee"),
        ("It never fails", "promise"),
        ("Send users an email when a task is due", "messages"),
        ("Users pay with Stripe", "payment"),
        ("Recommend tasks using machine learning", "models"),
        ("Export tasks to Excel", "files"),
        ("Users log in with their Google account", "other services"),
        ("Show tasks on a map in real time", "live connections"),
        ("It has a beautiful dashboard with dark mode", "screens"),
    ],
)
def test_what_is_beyond_a_generated_application_is_unmet_and_leaves_no_trace(clause: str, reason: str) -> None:
    text = "Tasks have a title and a due date."
    frd = frd_of(f"{text} {clause}.")
    (lost,) = unmet(frd).items()
    assert reason in lost[1]
    spec = spec_of(f"{text} {clause}.")
    assert set(spec.entities) <= {"task", "user"} and set(spec.entities["task"].fields) <= {"title", "due_date", "owner"}


@pytest.mark.parametrize(
    "text",
    [
        "make me an app",
        "An app that predicts the stock market with certainty.",
        "Build a note app with no database but store everything forever.",
        "build a twitter clone",
        "It should have users, roles, permissions.",
    ],
)
def test_where_nothing_can_be_built_the_user_is_told_what_to_say(text: str) -> None:
    with pytest.raises(UserError) as caught:
        spec_of(text)
    assert caught.value.exit_code == 2 and "for example" in str(caught.value.hint)


@pytest.mark.parametrize("example", sorted(set(LEXICON["examples"].values())))
def test_the_examples_that_are_offered_are_understood(example: str) -> None:
    assert not unmet(frd_of(example)) and spec_of(example).entities


def test_slips_are_read_as_what_they_mean_and_noted() -> None:
    frd = frd_of("Members have a nmae and an emial (unqiue). Lsit memebers by nmae.")
    spec = spec_of("Members have a nmae and an emial (unqiue).")
    assert set(spec.entities["member"].fields) == {"name", "email"} and spec.entities["member"].fields["email"].unique
    assert not unmet(frd) and any("«nmae»" in a and "«name»" in a for a in frd.assumptions)


@pytest.mark.parametrize("text", list(TWELVE.values()))
def test_a_well_spelt_request_has_no_slips(text: str) -> None:
    assert not any("slip" in a for a in frd_of(text).assumptions)


def test_titles_greetings_and_background_are_context_and_no_requirement() -> None:
    frd = frd_of(
        "Hi team,\n\nWe run a small gym. We need an app for it.\n\nMembers have a name.\n\nThanks!\nBest regards, Dana"
    )
    assert [r.text for r in frd.requirements if not r.assumption] == ["Members have a name"]
    assert [r.id for r in frd.requirements][:1] == ["R1"] and len(frd.context) >= 3


CLAUSES = sorted({r.text for part in ("open", "held_out") for request in load(part).values() for r in frd_of(request["text"]).requirements if r.understood and not r.assumption})  # fmt: skip
_SAMPLE = CLAUSES[::5]


@pytest.mark.parametrize(
    "addition", ["under gribbled flumoxing", "and zorbles the quandrix", "unless the vexilator is snarfed"]
)
def test_unknown_words_never_vanish(addition: str) -> None:
    """Each word that nobody knows is either in the spec, where a person sees it, or in what is not understood."""
    for clause in _SAMPLE:
        text = f"Tasks have a title. {clause.rstrip('.')} {addition}."
        try:
            frd, spec = frd_of(text), spec_of(text)
        except UserError:
            continue
        shown = words_in(spec.model_dump_json(exclude={"requirements"}))
        told = words_in(json.dumps([(r.text, r.reason) for r in frd.requirements if not r.understood]))
        for word in re.findall(r"[a-z]{7,}", addition):
            assert words_in(word) & (shown | told), (text, word)


def test_every_understood_requirement_is_carried_by_an_element() -> None:
    for part in ("held_out_5", "held_out_6", "held_out_7", "held_out_8"):
        for name, request in load(part).items():
            try:
                spec = spec_of(request["text"])
            except UserError:
                continue
            carried = spec.model_dump_json(exclude={"requirements"})
            for r in spec.requirements:
                assert not r.understood or f'"{r.id}"' in carried, (name, r.id, r.text)
