"""What a clause says must show in what it made: numbers, prohibitions and odd names end as not understood, never as something else."""

import pytest
from analyst_play import frd_of, spec_of


def unmet(text: str) -> list[str]:
    return [r.reason for r in frd_of(text).requirements if not r.understood]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Each question has a text and four options.", "four"),
        (
            "A run has a name. A run can be released by a supervisor, and the person who started it may not release it.",
            "may not",
        ),
        ("Participants sign up with a nickname and an email and form teams of 1 to 4 people.", "form teams"),
        (
            "A case has a summary, two parties with name and phone number, and a district.",
            "two parties with name and phone number",
        ),
        ("Alerts have a text. Alerts come in with severity low|high, get acknowledged, then resolved.", "get acknowledged"),
    ],
)
def test_what_no_element_carries_is_named(text: str, named: str) -> None:
    assert any(named in reason for reason in unmet(text)), unmet(text)


@pytest.mark.parametrize(
    "text",
    [
        "A walk has a date and a duration of 30, 60 or 90 minutes.",
        "No two talks in the same room may overlap. A talk has a title, a room, a start and an end.",
        "A loan has a name. A loan is due 2 weeks after it is created.",
        "Parcels have a number. Parcels that are not picked up within 5 days are overdue.",
        "Vouchers have a code. Vouchers cannot be deleted.",
        "Bookings have a start. Bookings can be cancelled until 24 hours before they start.",
    ],
)
def test_what_an_element_carries_in_another_form_is_not(text: str) -> None:
    assert unmet(text) == []


def test_a_list_holds_no_statements() -> None:
    text = "Participants sign up with a nickname and an email and form teams of 1 to 4 people."
    assert set(spec_of(text).entities["participant"].fields) == {"email", "nickname"}
    text = "A case has a summary, two parties with name and phone number, and a district."
    assert set(spec_of(text).entities["case"].fields) == {"summary", "district"}
    shift = spec_of("Teams and crews have a name. A shift belongs to a team and a crew, has start/end timestamps.").entities[
        "shift"
    ]
    assert set(shift.fields) == {"team", "crew", "start_timestamp", "end_timestamp"}


@pytest.mark.parametrize(
    "text",
    [
        "Graves have a section and a row. The cemetery office wants to digitise its register.",
        "Newspapers have a title and a price. My profit is copies sold times the difference of the prices.",
    ],
)
def test_nobody_signs_in_because_of_words_that_were_not_understood(text: str) -> None:
    spec = spec_of(text)
    assert spec.auth is None and len(spec.entities) == 1


@pytest.mark.parametrize(
    "text", ["Notes have a text. Users log in and do odd things.", "Notes have a text. Only admins frobnicate notes."]
)
def test_people_sign_in_where_the_request_says_so_even_if_the_rest_is_not_understood(text: str) -> None:
    assert spec_of(text).auth is not None


def test_whoever_opens_a_case_makes_it() -> None:
    case = spec_of("A case has a summary. A case is opened by a coordinator.").entities["case"]
    assert case.state is None and case.operations["create"].access.roles == ("coordinator",)


def test_all_is_no_part_of_a_name() -> None:
    spec = spec_of("Frames have a model. Show all orders that have been ready for more than 14 days.")
    assert set(spec.entities) <= {"frame", "order"}


@pytest.mark.parametrize(
    "text",
    [
        "Clubs have a name. A student can join clubs and a teacher gives points.",
        "Films have a title. Jurors can review films.",
        "Problems have a text. A cupboard opens problems.",
    ],
)
def test_what_leaves_no_mark_is_no_state(text: str) -> None:
    assert all(e.state is None for e in spec_of(text).entities.values())


def test_whoever_teaches_a_class_is_its_trainer() -> None:
    spec = spec_of("Trainers teach classes. A class has a name.")
    assert spec.entities["class"].fields["trainer"].to == "trainer" and spec.entities["class"].state is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cost per seat", "decimal"),
        ("year planted", "integer"),
        ("battery level at landing", "integer"),
        ("date of return", "date"),
    ],
)
def test_the_head_of_a_name_tells_its_type(name: str, kind: str) -> None:
    assert next(iter(spec_of(f"Things have a {name} and a label.").entities["thing"].fields.values())).type == kind


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("Each key has a code and opens one or more doors. Doors have a number.", "key.opens_one_or_more_doors"),
        ("Meetings have a date, a theme and roles such as timer and evaluator.", "meeting.evaluator"),
        (
            "Speeches have a title. Every speech gets exactly one evaluation by another member.",
            "speech.evaluation_by_another_member",
        ),
        ("Ideas have a title. The board decides: accepted, rejected or postponed.", "board_decide"),
        ("Volunteers log calls anonymously with a start time and a duration in minutes.", "calls_anonymously"),
        (
            "Interpreters have a city. Requests have a date. Interpreters see the requests in their languages.",
            "interpreter.request",
        ),
        ("Interpreters have a city. Interpreters are booked by the courts.", "interpreter.state"),
    ],
)
def test_a_statement_makes_no_odd_element(text: str, never: str) -> None:
    spec = spec_of(text)
    name, _, member = never.partition(".")
    entity = spec.entities.get(name)
    assert entity is None if not member else entity and member not in entity.fields and not (member == "state" and entity.state)


def test_subtitles_consist_of_lines_that_do_not_overlap() -> None:
    text = (
        "Subtitles have a language. A subtitle consists of lines with a start second, an end second and a text; "
        "the end must be greater than the start and lines must not overlap."
    )
    assert unmet(text) == []
    line = spec_of(text).entities["line"]
    assert {n: f.type for n, f in line.fields.items()} == {
        "start_second": "integer",
        "end_second": "integer",
        "text": "text",
        "subtitle": "reference",
    }
    assert len(line.rules) == 2


def test_a_story_of_people_with_an_odd_plural() -> None:
    spec = spec_of(
        "User stories: As a secretary, I can upload letters with a title and a date. As a secretary I archive letters."
    )
    assert set(spec.entities) <= {"letter", "secretary", "user"} and "archive" in spec.entities["letter"].operations


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("The gym has lockers. Every locker has a number.", {"locker"}),
        ("Clinic stores vaccines: name, expiry date, doses left.", {"vaccine"}),
        ("Hardware assets: asset tag (unique), price. An asset is in stock, assigned or retired.", {"hardware_asset"}),
        ("Recipes have a name. Customers rate recipes 1-5 after delivery.", {"recipe", "customer", "rating"}),
        ("Flats have a number, persons have a name. Persons live in flats.", {"flat", "person"}),
    ],
)
def test_only_what_is_kept_is_a_record(text: str, entities: set[str]) -> None:
    assert set(spec_of(text).entities) == entities


@pytest.mark.parametrize(
    ("text", "entity", "fields"),
    [
        ("Recipes have a name and a cooking time in min.", "recipe", {"name": "string", "cooking_time": "integer"}),
        ("Vaccines: name, doses left.", "vaccine", {"name": "string", "doses_left": "integer"}),
        ("Pieces have a title. A concert has a date and a programme of pieces in order.", "concert", {"date": "date"}),
        ("Teams have a name. The team with more points wins.", "team", {"name": "string"}),
        ("Speakers have a name. Judges give each speaker between 60 and 80 points.", "speaker", {"name": "string"}),
    ],
)
def test_fields_are_what_is_said_of_the_thing(text: str, entity: str, fields: dict[str, str]) -> None:
    assert {n: f.type for n, f in spec_of(text).entities[entity].fields.items()} == fields


def test_skates_have_a_state_of_three() -> None:
    skate = spec_of("Skates have a number, a size between 25 and 50 and a state: free, out or in repair.").entities["skate"]
    assert skate.state and skate.state.states == ("free", "out", "in_repair")


def test_visitors_are_not_rows_of_a_session_because_it_takes_200() -> None:
    text = "Visitors get skates. Skates have a number. Every session has a start, an end and a maximum of 200 visitors."
    assert any("200 visitors" in reason for reason in unmet(text))


def test_one_submission_for_each_assignment() -> None:
    text = (
        "Students log in. Assignments have a title. Students hand in one submission per assignment (text + link). "
        "Students see only their own submissions."
    )
    assert unmet(text) == []
    submission = spec_of(text).entities["submission"]
    assert set(submission.fields) == {"text", "link", "student", "assignment"} and submission.visible
    assert {frozenset(u.fields) for u in submission.unique} == {frozenset({"student", "assignment"})}


def test_one_or_more_stays_one_piece_behind_a_phone() -> None:
    owner = spec_of("Dogs have a breed. Owners have name, phone and one or more dogs.").entities["owner"]
    assert set(owner.fields) == {"name", "phone", "dogs"} and owner.fields["dogs"].min_items == 1


def test_what_is_only_counted_is_no_record() -> None:
    text = "Seeds: plant name, variety, number of packets, harvest year. Other members request packets."
    assert "packet" not in spec_of(text).entities


def test_the_status_of_nothing_named_is_not_the_customer_s() -> None:
    text = "Customers have a name. Customers choose paper. Status: received, printing, done, picked up."
    assert spec_of(text).entities["customer"].state is None and unmet(text)


def test_everyone_is_no_part_of_a_name() -> None:
    spec = spec_of("Trips have a place. Everyone fills in name, birthday, passport number and instrument.")
    assert not any(n.startswith("everyone") for e in spec.entities.values() for n in e.fields)


def test_a_list_to_print_is_no_context() -> None:
    assert frd_of("Halls have a name. Print a list of all events this month.").context == ()


def test_who_needs_an_application_is_no_record() -> None:
    assert set(spec_of("Dog school needs course booking. Courses have a name.").entities) == {"course"}
