"""GraphQL schemas as servers publish them: connections, inputs, directives, enumerations in capitals, mutations."""

from pathlib import Path

import pytest

from quantumlayer.errors import UserError
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
from quantumlayer.spec.check import checked
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.values import Spec

EVENTS = (Path(__file__).parent / "files" / "events.graphql").read_text("utf-8")


def read(text: str, sentence: str = "") -> Spec:
    file = SourceFile(name="events.graphql", text=text)
    return checked(draft_spec(draft_frd(enhance(Request(text=sentence, files=(file,))))))


@pytest.fixture(scope="module")
def spec() -> Spec:
    return read(EVENTS)


def test_rows_are_told_from_what_wraps_them(spec: Spec) -> None:
    assert set(spec.entities) == {"user", "event", "ticket"}
    event = spec.entities["event"]
    assert event.description == "What happens" and event.fields["title"].description == "as it is announced"
    assert event.fields["title"].max_length == 120 and event.fields["address_city"].type == "string"


def test_inputs_say_what_clients_give(spec: Spec) -> None:
    event, ticket = spec.entities["event"].fields, spec.entities["ticket"].fields
    assert (event["capacity"].default, event["price"].default, event["price"].min) == ("50", "0.0", 0)
    assert (event["organiser"].writable, event["organiser"].default) == ("never", "actor")
    assert ticket["code"].writable == event["tickets_sold"].writable == "never"


def test_mutations_move_rows_between_listed_values(spec: Spec) -> None:
    event = spec.entities["event"]
    moves = {n: o.transition for n, o in event.operations.items() if o.transition}
    assert event.state and event.state.states == ("draft", "published", "cancelled") and event.state.initial == "draft"
    assert {n: (m.from_states, m.to) for n, m in moves.items() if m} == {
        "publish": (("draft",), "published"),
        "cancel": (("draft", "published"), "cancelled"),
    }
    assert event.operations["create"].access.roles == ("organiser",)
    assert spec.auth and spec.auth.entity == "user" and "role" not in spec.entities["user"].fields


def test_queries_filter_lists(spec: Spec) -> None:
    filters = [(f.field, f.op) for f in spec.entities["event"].operations["list"].filters]
    assert filters == [("status", "eq"), ("starts_at", "gte"), ("starts_at", "lte")]


def test_what_it_does_not_say_is_told(spec: Spec) -> None:
    told = [r.text for r in spec.requirements if not r.understood]
    wanted = (
        "meta",
        "address street",
        "address city",
        "tickets sold",
        "code of tickets",
        "with city",
        "with reason",
        "checkIn",
        "ticketSold",
    )
    assert len(told) == len(wanted) and all(any(w in t for t in told) for w in wanted), told


def test_a_sentence_tells_what_a_mutation_does() -> None:
    text = (
        "type Task { id: ID! title: String! archived: Boolean! points: Int! }\n"
        "type Mutation { archiveTask(id: ID!): Task! upvoteTask(id: ID!): Task! }"
    )
    assert [r.text for r in read(text).requirements if not r.understood] == ["What the mutation upvoteTask changes is not said"]
    spec = read(text, "Upvoting a task raises its points by 1.")
    task = spec.entities["task"]
    assert [e.set for e in task.operations["archive"].effects] == [{"archived": "true"}]
    assert task.operations["upvote"].effects and all(r.understood for r in spec.requirements)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("type A {\n  id: ID!\n  x y z!!\n}", r"events\.graphql:3"),
        ("type A { id: ID!\n", r"events\.graphql:"),
        ("type A {\n  x: Int\n  x: Int\n}", r"events\.graphql:3: A has two fields x"),
        ("scalar X", "no object type"),
    ],
)
def test_mistakes_name_their_line(text: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as caught:
        read(text)
    assert caught.value.hint


def test_who_takes_a_password_signs_in_and_what_nobody_gives_is_told() -> None:
    text = (
        "type User { id: ID! email: String! }\ntype Auth { token: String! user: User! }\n"
        "type Note { id: ID! text: String! author: User! rating: Int }\n"
        "type Mutation { signUp(email: String!, password: String!): User! createNote(text: String!): Note! }"
    )
    spec = read(text)
    assert spec.auth and (spec.auth.entity, spec.auth.identifier) == ("user", "email")
    assert spec.entities["note"].fields["author"].default == "actor"
    assert "The application fills the rating of notes" in [r.text for r in spec.requirements if not r.understood]


def test_answers_that_are_no_rows_are_none() -> None:
    text = (
        "type Book { id: ID! title: String! }\ntype NotFound { message: String! }\nunion Result = Book | NotFound\n"
        "type Query { book(id: ID!): Result }\nenum Level { LOW HIGH }\n"
        "type Shelf { id: ID! open: Boolean! @default(value: false) level: Level! @default(value: LOW) }"
    )
    spec = read(text)
    assert set(spec.entities) == {"book", "shelf"}
    assert {n: f.default for n, f in spec.entities["shelf"].fields.items()} == {"open": "false", "level": "'LOW'"}


def test_inputs_say_when_a_field_is_given() -> None:
    text = (
        "type User { id: ID! email: String! }\ntype Event { id: ID! title: String! open: Boolean! guests: [User!]! }\n"
        "type Query { me: User }\ntype Mutation { createEvent(title: String!, open: Boolean!): Event! "
        "updateEvent(id: ID!, title: String): Event! }"
    )
    spec = read(text)
    event = spec.entities["event"].fields
    assert {n: f.writable for n, f in event.items()} == {"title": "always", "open": "create", "guests": "never"}
    assert "The application fills the guests of events" in [r.text for r in spec.requirements if not r.understood]
