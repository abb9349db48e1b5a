"""What is taken is not taken twice, for nights, periods and slots; what it then costs. The reference model is asked."""

import pytest
from analyst_play import Play, frd_of, spec_of


def understood(text: str) -> bool:
    return all(r.understood for r in frd_of(text).requirements)


HOTEL = (
    "Guests reserve rooms. A room cannot be reserved twice for the same night. "
    "The total is the number of nights times the room's price per night."
)


def test_a_room_is_not_reserved_twice_for_a_night() -> None:
    assert understood(HOTEL)
    play = Play(spec_of(HOTEL))
    room, guest = play.post("/rooms", {"price_per_night": 80}), play.post("/guests", {"name": "Ada"})
    stay = {"room_id": room["id"], "guest_id": guest["id"], "start_date": "2030-06-01", "end_date": "2030-06-04"}
    assert play.post("/reservations", stay)["total"] == 240
    play.post("/reservations", {**stay, "start_date": "2030-06-03", "end_date": "2030-06-05"}, 409)
    play.post("/reservations", {**stay, "start_date": "2030-06-04", "end_date": "2030-06-05"})
    play.post("/reservations", {**stay, "start_date": "2030-06-09", "end_date": "2030-06-08"}, 422)


def test_a_rented_car_is_not_rented_again_in_that_period() -> None:
    text = (
        "A car has a license plate and a daily rate. A customer with a driving licence number rents a car from a start date to an end "
        "date. A car which is already rented in that period can't be rented again. The price is the number of days times the daily rate."
    )
    assert understood(text)
    play = Play(spec_of(text))
    car = play.post("/cars", {"license_plate": "AB 123", "daily_rate": 30})
    customer = play.post("/customers", {"driving_licence_number": "X1"})
    rental = {"car_id": car["id"], "customer_id": customer["id"], "start_date": "2030-06-01", "end_date": "2030-06-04"}
    assert play.post("/rentals", rental)["price"] == 90
    play.post("/rentals", {**rental, "start_date": "2030-06-02"}, 409)


def test_a_session_with_an_artist_is_the_booking() -> None:
    text = (
        "Clients book a session with an artist: date, start time, the body part and a short description. Every booking needs a deposit "
        "of at least 50 euros. An artist can't be booked twice at the same time, obviously."
    )
    assert understood(text)
    spec = spec_of(text)
    assert set(spec.entities) == {"session", "artist", "client"}
    session = spec.entities["session"]
    assert set(session.fields) == {"date", "start_time", "body_part", "description", "deposit", "client", "artist"}
    assert [u.fields for u in session.unique] == [("artist", "date", "start_time")]


@pytest.mark.parametrize(
    "text",
    [
        "Each laptop has a serial number. Each laptop is assigned to one employee at a time.",
        "A copy has a number. A copy can only be with one pupil at a time.",
    ],
)
def test_a_thing_is_with_one_at_a_time(text: str) -> None:
    assert understood(text)
    thing = next(e for n, e in spec_of(text).entities.items() if n in ("laptop", "copy"))
    assert [(f.type, f.required) for f in thing.fields.values() if f.to] == [("reference", False)]


def test_a_barber_has_one_appointment_at_a_time_not_one_ever() -> None:
    text = (
        "Barbers have a name. An appointment has a barber, a start time and a duration in minutes. "
        "A barber can only have one appointment at a time."
    )
    assert understood(text)
    play = Play(spec_of(text))
    barber = play.post("/barbers", {"name": "Ada"})["id"]
    made = {"barber_id": barber, "start_time": "2030-06-01T10:00:00Z", "duration": 30}
    play.post("/appointments", made)
    play.post("/appointments", {**made, "start_time": "2030-06-01T10:20:00Z"}, 409)
    play.post("/appointments", {**made, "start_time": "2030-06-01T10:30:00Z"})


def test_patients_lie_in_beds_one_in_each() -> None:
    text = "Patients lie in beds, each bed is in a room, and a bed can only hold one patient at a time."
    assert understood(text)
    play = Play(spec_of(text))
    bed = play.post("/beds", {"name": "1", "room_id": play.post("/rooms", {"name": "A"})["id"]})["id"]
    play.post("/patients", {"name": "Ada", "bed_id": bed})
    play.post("/patients", {"name": "Bob", "bed_id": bed}, 409)


def test_what_is_noted_for_every_patient_is_theirs() -> None:
    text = "For every patient we note vitals several times per shift: pulse, temperature and oxygen saturation in percent."
    assert understood(text)
    vital = spec_of(text).entities["vital"]
    assert {n: f.type for n, f in vital.fields.items()} == {
        "pulse": "integer",
        "temperature": "number",
        "oxygen_saturation": "number",
        "patient": "reference",
    }


def test_members_rate_once_each() -> None:
    text = "A recipe has a title. Members rate a recipe from 1 to 5 stars, once each."
    assert understood(text)
    play = Play(spec_of(text))
    recipe, member = play.post("/recipes", {"title": "Pie"})["id"], play.post("/members", {"name": "Ada"})["id"]
    play.post("/ratings", {"recipe_id": recipe, "member_id": member, "rating": 6}, 422)
    play.post("/ratings", {"recipe_id": recipe, "member_id": member, "rating": 5})
    play.post("/ratings", {"recipe_id": recipe, "member_id": member, "rating": 4}, 409)


def test_tracks_with_a_title_and_a_length_have_two_values() -> None:
    spec = spec_of("Albums have a title, tracks with a title and a length.")
    assert {n: set(e.fields) for n, e in spec.entities.items()} == {"album": {"title"}, "track": {"title", "length", "album"}}


def test_donations_have_an_amount_and_what_they_are_for() -> None:
    text = "Donors make donations of at least 5 euros to a campaign."
    assert understood(text)
    donation = spec_of(text).entities["donation"]
    assert (donation.fields["amount"].type, donation.fields["amount"].min, donation.fields["campaign"].to) == (
        "decimal",
        5,
        "campaign",
    )


def test_tools_are_borrowed() -> None:
    text = "Members borrow tools for up to 7 days."
    assert understood(text) and set(spec_of(text).entities) == {"member", "tool", "loan"}
