"""Lists told by a phrase, windows of time, states in their order, who only looks: asked of the reference model."""

import pytest
from analyst_play import Play, frd_of, spec_of


def understood(text: str) -> bool:
    return all(r.understood for r in frd_of(text).requirements)


def test_what_expires_soon_is_listed() -> None:
    text = (
        "Certificates have a name, an issue date and an expiry date. The expiry date must be after the issue date. "
        "List the certificates that expire within the next 30 days."
    )
    assert understood(text)
    play = Play(spec_of(text))
    for name, day in (("old", "2030-05-01"), ("soon", "2030-06-05"), ("late", "2030-06-06")):
        play.post("/certificates", {"name": name, "issue_date": "2030-01-01", "expiry_date": day})
    play.post("/certificates", {"name": "odd", "issue_date": "2030-01-01", "expiry_date": "2030-01-01"}, 422)
    assert [c["name"] for c in play.get("/certificates/expire-30-days")["items"]] == ["soon"]


def test_what_is_in_a_state_for_long_is_listed() -> None:
    text = "Orders have a number. An order goes from ordered to ready to collected. Show all orders that have been ready for more than 14 days."
    assert understood(text)
    play = Play(spec_of(text))
    first, second = (play.post("/orders", {"number": n})["id"] for n in (1, 2))
    play.call("POST", f"/orders/{first}/make-ready")
    play.later(days=15)
    play.call("POST", f"/orders/{second}/make-ready")
    assert [o["number"] for o in play.get("/orders/ready-more-14-days")["items"]] == [1]


def test_parts_below_their_minimum_are_listed() -> None:
    text = "Parts have a name, a stock and a minimum stock. Show parts whose stock is below the minimum stock."
    assert understood(text)
    play = Play(spec_of(text))
    for name, stock in (("bolt", 2), ("nut", 5)):
        play.post("/parts", {"name": name, "stock": stock, "minimum_stock": 5})
    assert [p["name"] for p in play.get("/parts/stock-below-minimum-stock")["items"]] == ["bolt"]


def test_a_window_of_what_has_no_such_day_is_not_understood() -> None:
    text = "Devices have a name and a next maintenance date. Show the devices that expire within 14 days."
    spec = spec_of(text)
    assert not understood(text) and set(spec.entities["device"].operations) == {"create", "read", "list", "update", "delete"}


def test_states_told_one_by_one() -> None:
    text = "Orders have a budget. Orders start as an inquiry, then become a quote, then are confirmed, and finally delivered."
    assert understood(text)
    state = spec_of(text).entities["order"].state
    assert state and (state.initial, state.states) == ("inquiry", ("inquiry", "quote", "confirmed", "delivered"))
    text = "Orders have a frame. Orders go through ordered, in workshop, ready, picked up."
    state = spec_of(text).entities["order"].state
    assert state and state.states == ("ordered", "in_workshop", "ready", "picked_up")


def test_the_total_is_the_sum_of_the_lines() -> None:
    text = (
        "Orders have a budget. An order consists of several arrangements, each with a quantity and a unit price. "
        "The total of the order is the sum of all its arrangements."
    )
    assert understood(text)
    play = Play(spec_of(text))
    order = play.post("/orders", {"budget": 100})["id"]
    for quantity, price in ((2, 10), (1, 5)):
        play.post("/arrangements", {"order_id": order, "quantity": quantity, "unit_price": price})
    assert play.get(f"/orders/{order}")["total"] == 25


def test_a_prescription_is_valid_for_two_years() -> None:
    text = "Prescriptions have a name and an exam date. A prescription is valid for 2 years."
    assert understood(text)
    made = Play(spec_of(text)).post("/prescriptions", {"name": "left", "exam_date": "2030-01-01"})
    assert made["valid_until"] == "2032-01-01"


def test_members_of_age_tell_their_birth() -> None:
    text = "Clients have a name. Clients have to be 18 or older."
    assert understood(text)
    play = Play(spec_of(text))
    play.post("/clients", {"name": "Ada", "date_of_birth": "2013-01-01"}, 422)
    play.post("/clients", {"name": "Ada", "date_of_birth": "2003-01-01"})


def test_everybody_else_can_just_look() -> None:
    text = "Certificates have a name. Only admins can add or delete certificates, everybody else can just look."
    assert understood(text)
    certificate = spec_of(text).entities["certificate"]
    assert {certificate.operations[n].access.roles for n in ("create", "update", "delete")} == {("admin",)}
    assert not certificate.operations["list"].access.roles


@pytest.mark.parametrize(
    "text",
    [
        "Can you make me an app for our toy lending at the family centre?",
        "As an IT manager I need to keep an eye on our SSL certificates.",
        "The town's cemetery office wants to digitise its register.",
        "The system is used by the staff of a boarding school.",
        "Dear team, we urgently need something to replace our Excel sheet for spare parts.",
    ],
)
def test_who_wants_what_is_context(text: str) -> None:
    frd = frd_of(f"{text} Toys have a name and an age.")
    assert all(r.understood for r in frd.requirements) and len(frd.context) == 1
    assert set(spec_of(f"{text} Toys have a name and an age.").entities) == {"toy"}


@pytest.mark.parametrize(
    "text",
    [
        "We need something to track the hours per project.",
        "Our office wants to replace all keys that are lost.",
        "We need a tool to manage bookings with a limit of 5 per day.",
    ],
)
def test_a_wish_with_a_rule_is_no_context(text: str) -> None:
    assert not understood(f"Toys have a name and an age. {text}")


@pytest.mark.parametrize(
    ("text", "entity", "fields"),
    [
        ("Toys got a name, an age (from 0 to 12) and a condition (new, worn).", "toy", {"name", "age", "condition"}),
        (
            "For each trip, a destination, a departure time and an arrival time are stored.",
            "trip",
            {"destination", "departure_time", "arrival_time"},
        ),
    ],
)
def test_fields_told_another_way(text: str, entity: str, fields: set[str]) -> None:
    assert understood(text) and set(spec_of(text).entities[entity].fields) == fields


def test_a_fever_is_flagged() -> None:
    text = (
        "Patients have a name. For every patient we note vitals: pulse and temperature. "
        "Temperatures above 38.5 should be flagged as fever."
    )
    assert understood(text)
    play = Play(spec_of(text))
    patient = play.post("/patients", {"name": "Ada"})["id"]
    made = [play.post("/vitals", {"patient_id": patient, "pulse": 70, "temperature": t}) for t in (38.5, 38.6)]
    assert [v["fever"] for v in made] == [False, True]


def test_two_values_together_are_unique() -> None:
    text = "Stamps: country, year, catalogue number. Catalogue number plus country is unique."
    assert understood(text)
    assert [set(u.fields) for u in spec_of(text).entities["stamp"].unique] == [{"country", "catalogue_number"}]
