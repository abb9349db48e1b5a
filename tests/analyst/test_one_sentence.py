"""What newcomers type first: one sentence, or what can be done with things."""

import pytest
from analyst_play import frd_of, spec_of

from quantumlayer.errors import UserError

BOOKS = {"book": {"title", "author"}}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A REST API for books with title and author.", BOOKS),
        ("REST API in Go for books with title, author", BOOKS),
        ("API to manage books with title and author", BOOKS),
        ("CRUD app for books with title and author, written in Go with SQLite", BOOKS),
        ("Build a CRUD API for products with name, price and stock", {"product": {"name", "price", "stock"}}),
        ("I need a backend for managing employees with name, email and salary", {"employee": {"name", "email", "salary"}}),
        ("simple crud app for customers: name, email, phone", {"customer": {"name", "email", "phone"}}),
        ("A web service that stores recipes with a title and ingredients", {"recipe": {"title", "ingredients"}}),
        ("Make me an app to track my expenses with amount, category and date", {"expense": {"amount", "category", "date"}}),
        ("Contacts app: name, phone, email", {"contact": {"name", "phone", "email"}}),
        ("Customer database with name, email and phone", {"customer": {"name", "email", "phone"}}),
        ("Task management API with CRUD operations for tasks (title, status)", {"task": {"title", "status"}}),
        ("A blog API with posts and comments", {"post": {"title"}, "comment": {"text"}}),
        ("student management system", {"student": {"name"}}),
        ("a simple notes api", {"note": {"text"}}),
    ],
)
def test_one_sentence_is_read_whole_and_makes_nothing_else(text, wanted):
    assert [r.reason for r in frd_of(text).requirements if not r.understood] == []
    assert {name: set(entity.fields) for name, entity in spec_of(text).entities.items()} == wanted


@pytest.mark.parametrize("text", ["hello world app", "weather app", "a calculator", "A chat server"])
def test_what_keeps_nothing_that_is_known_builds_nothing(text):
    with pytest.raises(UserError, match="names nothing"):
        spec_of(text)


@pytest.mark.parametrize(
    "said",
    [
        "Users can create, edit and delete tasks.",
        "You can add tasks, change them and remove them.",
        "It should be possible to create, update and delete tasks.",
        "As a user I want to create, edit and delete tasks.",
        "- Create a task\n- Edit a task\n- Delete a task",
        "POST /tasks - create a task. PATCH /tasks/{id}. DELETE /tasks/{id}",
    ],
)
def test_what_anybody_may_do_makes_no_record_of_anybody(said):
    text = f"Each task has a title.\n\n{said}"
    assert [r.reason for r in frd_of(text).requirements if not r.understood] == []
    spec = spec_of(text)
    assert list(spec.entities) == ["task"] and set(spec.entities["task"].fields) == {"title"}
    told = {n for n, o in spec.entities["task"].operations.items() if set(o.satisfies) - {"R1"} and spec.auth is None}
    assert {"create", "update", "delete"} <= told


def test_that_nobody_signs_in_is_asked_where_users_are_spoken_of():
    asked = frd_of("Each task has a title. Users can create and delete tasks.").open_questions
    assert any("sign in" in question for question in asked)


def test_what_people_with_accounts_make_is_theirs():
    spec = spec_of("Users register and log in. Users can create, edit and delete notes. A note has a text.")
    assert spec.auth is not None and spec.entities["note"].fields["owner"].default == "actor"


def test_marking_and_acting_beside_the_rest():
    spec = spec_of("Build a todo app where users can add tasks, mark them as done and delete them. Tasks have a title.")
    assert set(spec.entities) == {"task"} and "complete" in spec.entities["task"].operations
    endpoint = spec_of("Tasks have a title and a done flag. POST /tasks/{id}/complete - mark a task as done.")
    assert endpoint.entities["task"].operations["complete"].effects


@pytest.mark.parametrize(
    ("text", "stack"),
    [
        ("A todo API in Go. Tasks have a title.", "go/chi"),
        ("Notes app using Litestar. Each note has a text. Write it in Python.", "python/litestar"),
        ("Track walks on the go: walks have a length.", "python/fastapi"),
        ("Tech stack: TypeScript, Fastify, PostgreSQL\n\nEach note has a text.", "typescript/fastify"),
    ],
)
def test_what_it_is_to_be_made_of_is_a_choice_and_no_record(text, stack):
    frd = frd_of(text)
    assert frd.stack == stack and all(r.understood for r in frd.requirements)


def test_a_technology_that_the_stack_is_not_made_of_is_unmet():
    frd = frd_of("Tech stack: FastAPI, MongoDB\n\nEach note has a text.")
    assert [r.reason for r in frd.requirements if not r.understood] == ["the application is made with python/fastapi"]
