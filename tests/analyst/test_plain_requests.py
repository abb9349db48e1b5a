"""Ordinary requests that were once read as something else than they say, held to what the application does."""

import pytest
from analyst_play import Play, frd_of, spec_of

from quantumlayer.errors import UserError


def unread(text: str) -> list[str]:
    return [r.text for r in frd_of(text).requirements if not r.understood]


@pytest.mark.parametrize("verb", ["approve", "reject", "delete"])
def test_who_acts_on_rows_of_others_sees_them(verb: str) -> None:
    text = f"Employees submit expenses with an amount. Employees see only their own expenses. Managers {verb} expenses."
    assert not unread(text)
    app = Play(spec_of(text))
    people = {
        name: app.sign_up(name, *roles, plural="employees")[1]
        for name, roles in (("ann", ()), ("bo", ()), ("boss", ("manager",)))
    }
    path = f"/expenses/{app.post('/expenses', {'amount': 12.5}, by=people['ann'])['id']}"
    app.get(path, 404, by=people["bo"])
    app.get(path, by=people["boss"])
    if verb == "delete":
        app.call("DELETE", path, None, 204, by=people["boss"])
    else:
        assert app.post(f"{path}/{verb}", {}, 200, by=people["boss"])["status"].startswith(verb)


def test_whoever_makes_a_row_for_another_says_whose_it_is() -> None:
    text = "Dentists have a phone. Receptionists create and cancel appointments with a start time; dentists can only see their own appointments."
    app = Play(spec_of(text))
    kim, as_kim = app.sign_up("kim", plural="dentists", phone="+49 30 123451")
    _, as_lee = app.sign_up("lee", plural="dentists", phone="+49 30 123452")
    _, desk = app.sign_up("desk", "receptionist", plural="dentists", phone="+49 30 123453")
    made = app.post("/appointments", {"dentist_id": kim, "start_time": "2030-06-01T10:00:00Z"}, by=desk)
    assert made["dentist_id"] == kim
    seen = {by["authorization"]: len(app.get("/appointments", by=by)["items"]) for by in (as_kim, as_lee, desk)}
    assert list(seen.values()) == [1, 0, 1]
    app.post("/appointments", {"dentist_id": kim, "start_time": "2030-06-01T10:00:00Z"}, 403, by=as_kim)


def test_whose_own_it_is_signs_in_whatever_other_people_are_kept() -> None:
    spec = spec_of(
        "Patients have a name and a phone number. Receptionists create visits. Doctors can only see their own visits."
    )
    assert spec.auth is not None
    assert spec.auth.entity == "user"
    assert spec.entities["visit"].visible


def test_visitors_search_what_agents_keep_to_themselves_to_change() -> None:
    text = "A property has an address and a price. Agents manage only their own properties. Visitors can search properties by price range."
    assert not unread(text)
    app = Play(spec_of(text))
    (_, ann), (_, bo) = (app.sign_up(name) for name in ("ann", "bo"))
    made = app.post("/properties", {"address": "Quay 1", "price": 100}, by=ann)
    assert len(app.get("/properties?price_lte=100", by={})["items"]) == 1
    app.call("PATCH", f"/properties/{made['id']}", {"price": 90}, 403, by=bo)


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("We run a dental clinic with three dentists. Patients have a name.", {"dental_clinic"}),
        ("A bike repair shop needs to track repair orders. Orders have a price.", {"bike_repair_shop"}),
        ("Catering company needs order management. Events have a date.", {"catering_company"}),
        ("HR wants a tool for vacation requests. A request has a first day.", {"hr"}),
        ("Our choir has about 60 singers. Each singer has a voice and an email.", {"choir"}),
        ("We need a visitor guide backend for our museum. Exhibits have a title.", {"visitor_guide"}),
        ("Track our warehouse stock. Items have a name.", {"warehouse_stock"}),
        ("Every donation has a donor name and an amount. Donors may stay anonymous.", {"donor"}),
        ("Campaigns have a goal. Show how much of the goal each campaign has reached as a percentage.", {"goal_campaign"}),
        ("Machines have a daily price. When it is late we charge the daily price for each extra day.", {"extra_day"}),
        ("Pupils have a name. Parents report their child absent with a date and a reason.", {"child_absent"}),
        ("Absences have a date. Teachers see the absences of their own class.", {"absences_class"}),
        ("Problems have a title and a category such as hardware, software or network.", {"problem.category_such_as_hardware"}),
        ("Items have a number. Workers book goods in and out.", {"good", "booking"}),
        ("Tutors teach lessons. Lessons have a subject. A coordinator assigns a tutor.", {"tutor.coordinator"}),
    ],
)
def test_what_the_words_do_not_name_is_not_made(text: str, absent: set[str]) -> None:
    spec = spec_of(text)
    assert not absent & (set(spec.entities) | {f"{n}.{m}" for n, e in spec.entities.items() for m in e.fields})


def test_it_is_never_a_person() -> None:
    text = "Mechanics have a name. The mechanic gives an estimate, and the customer must approve it before work begins."
    assert len(unread(text)) == 2
    assert spec_of(text).entities["mechanic"].state is None


def test_what_nothing_was_read_of_is_not_built() -> None:
    with pytest.raises(UserError, match="names nothing that could be built"):
        spec_of("A small box costs 15 euros, a medium one 22 and a large one 30. Customers can pause it for up to four weeks.")


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ("Shifts have a date, a start and end time", {"date": "date", "start_time": "time", "end_time": "time"}),
        ("Shifts have a start and end mileage", {"start_mileage": "integer", "end_mileage": "integer"}),
        ("Shifts have a place and date found", {"place": "string", "date_found": "date"}),
        ("Shifts have a category such as day, late or night", {"category": "enum"}),
    ],
)
def test_values_that_share_a_word(said: str, fields: dict[str, str]) -> None:
    assert not unread(f"{said}.")
    assert {n: f.type for n, f in spec_of(f"{said}.").entities["shift"].fields.items()} == fields


@pytest.mark.parametrize("verb", ["request", "suggest", "register their", "publish"])
def test_who_makes_a_row_is_kept_with_it(verb: str) -> None:
    spec = spec_of(f"Clients have a name. Clients {verb} events with a date and a location.")
    assert spec.entities["event"].fields["client"].to == "client"


def test_people_who_are_only_values_are_no_accounts() -> None:
    spec = spec_of(
        "Each class has a name, a trainer and a room. Members register and log in. Members see only their own bookings."
    )
    assert spec.entities["class"].fields["trainer"].type == "string"
    spec = spec_of("Members log in. Members suggest books with title, author and year.")
    assert {n: f.type for n, f in spec.entities["book"].fields.items() if n in ("author", "member")} == {
        "author": "string",
        "member": "reference",
    }


def test_pupils_do_not_sign_in_as_their_tutors() -> None:
    spec = spec_of(
        "A tutor has an hourly rate. Pupils request lessons with a subject. Tutors log in. Coordinators approve lessons."
    )
    assert spec.auth is not None
    assert spec.entities["lesson"].fields.get("tutor") is None or spec.auth.entity == "tutor"
    spec = spec_of("A tutor has an hourly rate. Pupils request lessons with a subject. Coordinators approve lessons.")
    assert spec.auth is not None
    assert spec.auth.entity == "user"


def test_a_list_of_stages_is_passed_in_its_order() -> None:
    text = "Applications have a name. Applications move through new, screening, interview and hired, and they can be rejected from any stage."
    assert not unread(text)
    moves = {
        n: (set(o.transition.from_states), o.transition.to)
        for n, o in spec_of(text).entities["application"].operations.items()
        if o.transition
    }
    assert moves["hire"] == ({"interview"}, "hired")
    assert moves["reject"][0] == {"new", "screening", "interview"}


def test_what_is_reserved_for_an_hour_is_not_due_in_an_hour() -> None:
    text = "Courts have a number. Members reserve a court for one hour. Courts can be reserved at most 7 days in advance."
    spec = spec_of(text)
    assert "due_at" not in spec.entities["reservation"].fields
    assert spec.entities["court"].state is None
    assert len(unread(text)) == 2


@pytest.mark.parametrize(
    ("said", "field", "values"),
    [
        ("Donors have a blood type (A, B, AB, 0)", "blood_type", ("A", "B", "AB", "0")),
        ("Donors have a size (S, M, L, XL)", "size", ("S", "M", "L", "XL")),
        ("Donors have a plan (free, pro, team)", "plan", ("free", "pro", "team")),
    ],
)
def test_codes_keep_their_letters(said: str, field: str, values: tuple[str, ...]) -> None:
    assert spec_of(f"{said}.").entities["donor"].fields[field].values == values


def test_a_state_has_no_article() -> None:
    spec = spec_of("Issues have a subject. An issue is a draft, scheduled or sent. Sent issues can't be edited any more.")
    assert spec.entities["issue"].state is not None
    assert spec.entities["issue"].state.states == ("draft", "scheduled", "sent")


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("Teams have a name and five players.", "team.five_players"),
        ("Customers buy passes with a name and 5 or 10 entries.", "pass.n_5"),
        ("Machines have a name and requires a training.", "machine.requires_a_training"),
    ],
)
def test_what_is_no_value_is_told_as_not_understood(text: str, lost: str) -> None:
    entity, _, field = lost.partition(".")
    assert unread(text)
    assert field not in spec_of(text).entities[entity].fields


def test_who_borrows_is_kept_whatever_role_lets_them() -> None:
    text = "Gear has a name and a quantity. Leaders borrow gear. Only leaders can delete gear."
    app = Play(spec_of(text))
    gear = app.post("/gears", {"name": "Tent", "quantity": 2}, by=app.sign_up("x", "leader")[1])["id"]
    who, leader = app.sign_up("ann", "leader")
    assert app.post("/loans", {"gear_id": gear}, by=leader)["owner_id"] == who


def test_editors_sign_in_where_subscribers_are_only_kept() -> None:
    spec = spec_of(
        "Subscribers have an email and a name. Editors write issues with a subject. Only admins can delete subscribers."
    )
    assert spec.auth is not None
    assert spec.auth.entity == "user"


def test_whatever_signs_up_is_the_account() -> None:
    text = "Households sign up with an address. Drivers have a name. A collection has a weight. Households can see their collections."
    assert not unread(text)
    app = Play(spec_of(text))
    (_, ann), (_, bo) = (app.sign_up(name, address=f"{name} street") for name in ("ann", "bo"))
    app.post("/collections", {"weight": 3}, by=ann)
    assert [len(app.get("/collections", by=by)["items"]) for by in (ann, bo)] == [1, 0]


def test_their_rows_are_not_everybodys() -> None:
    text = "Owners have a name. Visits have a date. Owners can see their visits."
    assert unread(text) == ["Owners can see their visits"]


def test_a_key_of_a_sensor_is_no_value_of_it() -> None:
    spec = spec_of("Sensors have a name and a location and authenticate with an API key. Readings have a value and a sensor.")
    assert spec.auth is not None
    assert (spec.auth.entity, set(spec.entities["sensor"].fields)) == ("sensor", {"name", "location"})


def test_what_is_given_by_people_is_made_by_them() -> None:
    spec = spec_of("Users log in. Items have a title. Items are donated by members. Admins can remove items.")
    assert spec.entities["item"].state is None


def test_services_may_be_kept() -> None:
    text = "Barbers have a name. A service has a name, a duration in minutes and a price. Customers book an appointment with a barber for a service at a start time."
    assert not unread(text)
    assert {"barber", "service", "start_time"} <= set(spec_of(text).entities["appointment"].fields)


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("I want a report of revenue by month and orders by customer name", {"revenue_by_month", "count_by_customer_name"}),
        (
            "Show the number of orders per customer name and the total amount per month",
            {"count_by_customer_name", "total_amount_by_month"},
        ),
        ("Show monthly revenue and the number of orders per customer name", {"revenue_by_month", "count_by_customer_name"}),
    ],
)
def test_two_reports_in_one_sentence(said: str, names: set[str]) -> None:
    text = f"Orders have an amount and a customer name. {said}."
    assert not unread(text)
    assert set(spec_of(text).reports) == names


def test_lines_hold_what_an_order_is_of() -> None:
    text = "Customers order breads. An order has one or more breads and quantities. Breads have a name and a maximum per day."
    spec = spec_of(text)
    assert "quantity" not in spec.entities
    assert "bread" not in spec.entities["order"].fields
    assert spec.entities["bread"].fields["maximum_per_day"].type == "integer"


def test_a_bound_of_a_change_is_none_of_the_first_vote() -> None:
    text = "Members vote on motions. A motion has a title and a deadline. Members can change their vote until the deadline."
    operations = spec_of(text).entities["vote"].operations
    assert (list(operations["update"].guards), list(operations["create"].guards)) == (["in_time"], [])


def test_values_beside_each_other_stay_two() -> None:
    spec = spec_of("Customers book a pickup with address, date and time window (morning, afternoon, evening).")
    assert {"date": "date", "time_window": "enum"}.items() <= {
        n: f.type for n, f in spec.entities["pickup"].fields.items()
    }.items()


def test_what_a_thing_does_is_no_value_of_it() -> None:
    spec = spec_of(
        "Plants have a name and a peak power in kW. Inverters belong to a plant and send readings with a timestamp and the power in watts."
    )
    assert set(spec.entities["inverter"].fields) == {"plant"} | ({"name"} & set(spec.entities["inverter"].fields))
    assert spec.entities["plant"].fields["peak_power"].type == "number"
    assert {"timestamp", "power"} <= set(spec.entities["reading"].fields)


HOTEL = "A room has a number and a price per night. A reservation has a room, a check-in date and a check-out date. "


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ("Total price = nights × price per night.", "days_between"),
        ("No double bookings of rooms.", "no_overlap"),
        ("A room can't be double-booked for overlapping dates.", "no_overlap"),
        ("Cancelling is only possible before check-in.", "today < self.check_in_date"),
    ],
)
def test_how_hotels_say_it(said, held):
    assert [r.reason for r in frd_of(HOTEL + said).requirements if not r.understood] == []
    assert held in spec_of(HOTEL + said).entities["reservation"].model_dump_json()


def test_two_roles_that_see_all_are_two_roles():
    spec = spec_of(
        "Users log in. Tickets have a subject. Users see only their own tickets. Agents and admins can see all tickets."
    )
    assert {"agent", "admin"} <= set(spec.roles)
    assert "'agent' in actor.roles" in str(spec.entities["ticket"].visible)


@pytest.mark.parametrize("verb", ["cancel", "delete", "close"])
@pytest.mark.parametrize("own", ["can {} their own orders", "can {} own orders", "{} only their own orders"])
def test_whose_it_is_may_do_it_and_nobody_else(verb, own):
    text = f"Customers sign up and place orders. An order has a total. Customers {own.format(verb)}."
    assert [r.reason for r in frd_of(text).requirements if not r.understood] == []
    assert spec_of(text).entities["order"].operations[verb].access.allow == "self.customer == actor"
