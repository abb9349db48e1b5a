"""Everyday phrasings that were once misread, held to what the application does."""

import pytest
from analyst_play import Play, frd_of, spec_of

from quantumlayer.request.values import SourceFile


def unread(text: str) -> list[str]:
    return [r.reason for r in frd_of(text).requirements if not r.understood]


def test_who_confirms_in_the_passive_is_a_role_and_not_who_made_the_row() -> None:
    text = (
        "Halls have a name. Rentals of a hall have a renter name. Rentals are requested, confirmed by the priest and then paid."
    )
    play = Play(spec_of(text))
    _, anna = play.sign_up("anna")
    _, priest = play.sign_up("paul", "priest")
    hall = play.post("/halls", {"name": "Old hall"}, by=anna)
    rental = play.post("/rentals", {"renter_name": "Anna", "hall_id": hall["id"]}, by=anna)
    play.post(f"/rentals/{rental['id']}/confirm", status=403, by=anna)
    assert play.post(f"/rentals/{rental['id']}/confirm", status=200, by=priest)["status"] == "confirmed"
    play.post(f"/rentals/{rental['id']}/confirm", status=409, by=priest)
    assert play.post(f"/rentals/{rental['id']}/pay", status=200, by=anna)["status"] == "paid"


def test_who_acts_in_an_application_without_accounts_is_told_as_not_understood() -> None:
    assert unread("Tasks have a title. Tasks can be closed by the customer.") == ["understood except for «by customer»"]


def test_a_list_with_parts_has_both() -> None:
    play = Play(spec_of("A to-do list with subtasks. A to-do can only be ticked off when all its subtasks are done."))
    todo = play.post("/to-dos", {"name": "Move"})
    part = play.post("/subtasks", {"name": "Pack", "to_do_id": todo["id"], "done": False})
    play.post(f"/to-dos/{todo['id']}/complete", status=409)
    play.call("PATCH", f"/subtasks/{part['id']}", {"done": True})
    assert play.post(f"/to-dos/{todo['id']}/complete", status=200)["status"] == "completed"


@pytest.mark.parametrize("said", ["can be sold only once", "can only be sold once", "cannot be sold twice"])
def test_once_over_a_relation(said: str) -> None:
    play = Play(spec_of(f"Artworks have a title. A sale has an artwork and a buyer name. An artwork {said}."))
    art = play.post("/artworks", {"title": "Sea"})
    sale = {"artwork_id": art["id"], "buyer_name": "Bea"}
    play.post("/sales", sale)
    play.post("/sales", sale, 409)


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        ("a severity rated 1-5", {"type": "integer", "min": 1, "max": 5}),
        ("rating from 1 to 5", {"min": 1, "max": 5}),
        ("a rollout percentage 0..100", {"min": 0, "max": 100}),
        ("a length of 30, 60 or 90 minutes", {"min": 30, "max": 90, "step": 30}),
        ("rarity common/rare/mythic", {"type": "enum", "values": ("common", "rare", "mythic")}),
        ("a shirt size (S/M/L/XL)", {"values": ("S", "M", "L", "XL")}),
        ("a severity (sev1-sev3)", {"values": ("sev1", "sev2", "sev3")}),
        ("a code which is 3 letters and 5 digits", {"pattern": "^[A-Za-z]{3}[0-9]{5}$"}),
        ("an inventory number", {"type": "string"}),
        ("an expiry date (optional, old ones have none)", {"type": "date", "required": False}),
        ("sold?", {"type": "boolean"}),
        ("a quantity which cannot be negative and is at most 12", {"min": 0, "max": 12}),
    ],
)
def test_values_as_people_write_them(item: str, wanted: dict) -> None:
    [field] = [f for n, f in spec_of(f"Things have a name, {item}.").entities["thing"].fields.items() if n != "name"]
    assert {k: getattr(field, k) for k in wanted} == wanted


def test_readings_only_rise_and_people_have_an_age() -> None:
    spec = spec_of(
        "Meters have a serial number. Readings: meter, value, read on. A reading can't be lower than the previous reading of the "
        "same meter. Students have a name and a date of birth. Students have to be at least 17."
    )
    play = Play(spec)
    meter = play.post("/meters", {"serial_number": "m"})["id"]
    for day, value, status in (("2030-01-01", 10, 201), ("2030-02-01", 9, 409), ("2030-02-01", 12, 201)):
        play.post("/readings", {"meter_id": meter, "value": value, "read_on": day}, status)
    play.post("/students", {"name": "Kim", "date_of_birth": "2020-01-01"}, 422)
    play.post("/students", {"name": "Lee", "date_of_birth": "2000-01-01"})
    assert any("17 years" in r.text for r in spec.requirements if r.assumption)


def test_a_table_seats_no_more_guests_than_it_has_seats() -> None:
    text = "Tables have a name and a number of seats. Guests have a name and a table. Never seat more guests at a table than it has seats."
    play = Play(spec_of(text))
    table = play.post("/tables", {"name": "one", "number_of_seats": 1})["id"]
    play.post("/guests", {"name": "Ada", "table_id": table})
    play.post("/guests", {"name": "Bo", "table_id": table}, 409)


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("Which film has the most showings?", [("B", 2), ("A", 1)]),
        ("How many showings does each film have?", [("A", 1), ("B", 2)]),
        ("Showings per film.", [("A", 1), ("B", 2)]),
        ("Show films with their number of showings.", [("A", 1), ("B", 2)]),
    ],
)
def test_questions_are_reports(question: str, rows: list[tuple[str, int]]) -> None:
    spec = spec_of(f"Films have a title. Showings have a film and a start. {question}")
    play, [report] = Play(spec), spec.reports
    first, second = (play.post("/films", {"title": t})["id"] for t in "AB")
    for film in (first, second, second):
        play.post("/showings", {"film_id": film, "start": "2030-06-01T10:00:00Z"})
    assert [(r["title"], r["count"]) for r in play.get(f"/reports/{report.replace('_', '-')}")["items"]] == rows


@pytest.mark.parametrize(
    "text",
    [
        "A stable. Horses have a name and a height in cm. Costs per owner per month.",
        "Contests have a theme, a deadline and voting ends after submission.",
        "Exams have a date. Exams with a grade of 4.0 or better are passed.",
        "A surf school wants: instructors with a name and languages.",
    ],
)
def test_nothing_is_invented_of_words_that_are_not_understood(text: str) -> None:
    spec = spec_of(text)
    names = {n for e in spec.entities.values() for n in e.fields}
    assert not spec.reports and not names & {"voting_ends_after_submission", "grade_of_4_0", "instructors_with_name"}
    assert not set(spec.entities) & {"surf_school_want"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Notes have a title. Everyone can see all notes. Users see only their own notes.", "private, and everyone sees them"),
        ("Tasks have an optional title. The title is required.", "optional and required"),
    ],
)
def test_contradictions_become_questions(text: str, told: str) -> None:
    frd = frd_of(text)
    assert any(told in r for r in unread(text)) and any(told in q for q in frd.open_questions)


def test_pictures_in_a_text_are_bullets_or_nothing() -> None:
    spec = spec_of("🚀 My tasks app\n✅ tasks have a title 😀 and a due date\n✅ list tasks newest first")
    assert set(spec.entities["task"].fields) == {"title", "due_date"}


def test_a_word_without_end_is_not_read() -> None:
    assert any("not read" in r for r in unread(f"Tasks have a title. Tasks have {'a' * 5000}."))


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (SourceFile(name="a.csv", text="name\n" + "x" * 200_000 + "\n"), "a.csv:2: the line cannot be read"),
        (
            SourceFile(name="a.sql", text="create table a (id int);\ncreate table a (x int);"),
            "a.sql:2: the table a is declared twice",
        ),
        (SourceFile(name="a.json", text='{"openapi":"3.0.0","paths":' + "[" * 50_000, kind="openapi"), "a.json"),
    ],
)
def test_files_that_cannot_be_read_are_told_with_their_place(file: SourceFile, told: str) -> None:
    with pytest.raises(Exception, match=told):
        spec_of("", file)


def test_what_a_diagram_includes_is_unmet() -> None:
    file = SourceFile(name="a.puml", text="@startuml\n!include /etc/passwd\nclass Task {\n title: String\n}\n@enduml")
    assert any("/etc/passwd, which is not read" in r.text for r in spec_of("", file).requirements if not r.understood)


_SHOP = (
    "Invoices have a number, a total, a due date and a status (open, paid). Customers have a name. Sales have a customer, a price and a "
    "date. Teachers have a name. Lessons have a teacher, a title, a start and an end. Contests have a theme and a deadline. "
    "Entries of a contest have a title. "
)


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ("Which invoices are unpaid?", "entities.invoice.operations.unpaid"),
        ("How many invoices are overdue?", "entities.invoice.operations.overdue"),
        ("Monthly number of sales", "reports"),
        ("Daily report of sales per customer", "reports"),
        ("How many sales each customer made", "reports"),
        ("How much each customer spent", "reports"),
        ("It should let users search customers by name", "entities.customer.operations.list.search"),
        ("Teachers cannot have overlapping lessons", "entities.lesson.rules.no_overlap"),
        ("No teacher can have overlapping lessons", "entities.lesson.rules.no_overlap"),
        ("A teacher cannot give two lessons at once", "entities.lesson.rules.no_overlap"),
        ("A teacher cannot have two lessons at the same time", "entities.lesson.rules.no_overlap"),
        ("The end cannot be before the start", "entities.lesson.rules"),
        ("The start cannot be after the end", "entities.lesson.rules"),
        ("Only one lesson at a time per teacher", "entities.lesson.rules"),
        ("Customers are registered for lessons", "entities.registration.fields.lesson"),
        ("No more entries may be made after the deadline", "entities.entry.operations.create.guards"),
    ],
)
def test_a_way_to_say_it_makes_what_it_says(said: str, made: str) -> None:
    text = f"{_SHOP}{said}."
    assert not unread(text)
    found = spec_of(text).model_dump(exclude_defaults=True)
    for step in made.split("."):
        found = found[step]
    assert found


def test_what_may_overlap_is_not_forbidden() -> None:
    assert not spec_of(f"{_SHOP}A teacher can have two lessons at the same time.").entities["lesson"].rules


_PLACES = (
    "Movies have a title and a length in minutes. Halls have a name. Teams have a name. Owners have a name. Pets have a name and an owner. "
    "Treatments have a pet and a cost. Tasks have a title and a deadline. Orders go from new to packed to shipped. Readings have a pulse. "
    "Tanks have a name. Tests have a date and a value. "
)


@pytest.mark.parametrize(
    ("said", "made", "value"),
    [
        ("List tasks. Oldest first", "task.operations.list.default_sort", ("created_at",)),
        ("A task is urgent or not urgent", "task.fields.urgent.type", "boolean"),
        ("Unshipped orders can be cancelled", "order.operations.cancel.transition.from_states", ("new", "packed")),
        ("Tasks without a deadline are allowed", "task.fields.deadline.required", False),
        ("Screenings: a movie in a hall at a start time", "screening.fields.start_time.type", "datetime"),
        ("Flag readings with a pulse over 140 as high", "reading.fields.high.value", "self.pulse > 140"),
        ("Show the latest test for each tank", "test.fields.tank.type", "reference"),
    ],
)
def test_short_sentences_are_read(said: str, made: str, value: object) -> None:
    assert not unread(f"{_PLACES}{said}.")
    found = spec_of(f"{_PLACES}{said}.").model_dump()["entities"]
    for step in made.split("."):
        found = found[step]
    assert found == value


def test_a_total_reaches_over_two_steps_and_is_ordered() -> None:
    text = f"{_PLACES}Sum of cost per owner, highest first."
    assert not unread(text)
    play = Play(spec_of(text))
    for name, costs in (("Ada", (1, 2)), ("Bo", (7,))):
        owner = play.post("/owners", {"name": name})["id"]
        pet = play.post("/pets", {"name": f"{name}s", "owner_id": owner})["id"]
        for cost in costs:
            play.post("/treatments", {"pet_id": pet, "cost": cost})
    [report] = spec_of(text).reports
    assert [float(r["total_cost"]) for r in play.get(f"/reports/{report.replace('_', '-')}")["items"]] == [7.0, 3.0]


def test_screenings_last_as_long_as_their_movie() -> None:
    play = Play(
        spec_of(f"{_PLACES}Screenings: a movie in a hall at a start time. Screenings in the same hall must not overlap.")
    )
    movie, hall = play.post("/movies", {"title": "Sea", "length": 90})["id"], play.post("/halls", {"name": "1"})["id"]
    for at, status in (("10:00", 201), ("11:00", 409), ("11:30", 201)):
        play.post("/screenings", {"movie_id": movie, "hall_id": hall, "start_time": f"2030-06-01T{at}:00Z"}, status)


def test_whoever_is_asked_accepts_or_declines_what_was_booked() -> None:
    text = "Customers have a name. Sitters have a name. Customers book a sitter for a date. A sitter can accept or decline."
    assert not unread(text)
    operations = spec_of(text).entities["booking"].operations
    assert {"accept", "decline"} <= set(operations) and not {"accept"} & set(spec_of(text).entities["sitter"].operations)


def test_a_quote_is_sent_then_accepted_or_declined_by_the_client() -> None:
    spec = spec_of("Clients log in. Quotes have a title. A quote is sent, then accepted or declined by the client.")
    moves = {n: o.transition.to for n, o in spec.entities["quote"].operations.items() if o.transition}
    assert moves == {"accept": "accepted", "decline": "declined"}
