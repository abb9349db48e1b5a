"""Ways of saying things, each held to what its application does: through the reference model, or by the element it becomes."""

from datetime import timedelta

import pytest
from analyst_play import Play, frd_of, spec_of


def understood(text: str) -> bool:
    return all(r.understood for r in frd_of(text).requirements)


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        ("a volume between 200 and 500 ml", {"min": 200, "max": 500}),
        ("an amount of at least 5 euros", {"min": 5}),
        ("a blood type (A, B, AB, O)", {"values": ("A", "B", "AB", "O")}),
        ("a tier (blue, silver), blue by default", {"values": ("blue", "silver"), "default": "'blue'"}),
        ("prescription required yes/no", {"type": "boolean"}),
        ("drunk or not", {"type": "boolean"}),
        ("max players", {"type": "integer"}),
        ("a vintage (year)", {"type": "integer"}),
        ("how long it takes", {"type": "integer"}),
        ("a tag of 2 to 4 uppercase letters (unique)", {"unique": True, "min_length": 2, "max_length": 4}),
    ],
)
def test_an_item_of_a_list(item: str, wanted: dict) -> None:
    text = f"Things have a name, {item} and a size."
    [field] = [f for n, f in spec_of(text).entities["thing"].fields.items() if n not in ("name", "size")]
    assert {k: getattr(field, k) for k in wanted} == wanted and understood(text)


def test_a_day_that_is_some_days_after_another_and_an_end_after_a_start() -> None:
    spec = spec_of(
        "Invoices have a number, an issue date and a due date which is 30 days after the issue date. "
        "Rentals have a start date and an end date (after the start date)."
    )
    assert spec.entities["invoice"].fields["due_date"].value == "self.issue_date + days(30)"
    assert [r.check for r in spec.entities["rental"].rules.values()] == ["self.end_date > self.start_date"]


def test_records_inside_a_list_of_fields_are_records() -> None:
    spec = spec_of("Every dish has a name, a kind (meat, fish) and ingredients with an amount and a unit.")
    assert spec.entities["ingredient"].fields["dish"].to == "dish"
    assert {"name", "amount", "unit"} <= set(spec.entities["ingredient"].fields)


def test_lines_of_an_invoice_belong_to_it_by_name() -> None:
    spec = spec_of(
        "Invoices have a unique number. Invoice lines have a quantity and a unit price. "
        "The total of an invoice is the sum of quantity times unit price."
    )
    assert spec.entities["invoice_line"].fields["invoice"].to == "invoice"
    assert spec.entities["invoice"].fields["total"].value
    assert any("belongs to an invoice" in r.text for r in spec.requirements if r.assumption)


def test_once_for_each_day_and_place() -> None:
    play = Play(
        spec_of(
            "A stall has a number. Vendors have a name. Vendors reserve a stall for a market day. "
            "A stall can only be reserved once per market day."
        )
    )
    stall, vendor = play.post("/stalls", {"number": 1})["id"], play.post("/vendors", {"name": "A"})["id"]
    body = {"stall_id": stall, "vendor_id": vendor, "market_day": "2030-06-01"}
    play.post("/reservations", body)
    play.post("/reservations", body, 409)
    play.post("/reservations", {**body, "market_day": "2030-06-02"})


def test_what_follows_in_turn_and_alternatives_behind_until() -> None:
    spec = spec_of(
        "An invoice is a draft until it is sent, and is then paid. Reservations are pending until the office confirms or declines them. "
        "Issues have a title. An issue starts as open, can be moved to in progress, then to resolved and closed."
    )
    moves = {
        (e, o.transition.from_states[0], o.transition.to)
        for e, entity in spec.entities.items()
        for o in entity.operations.values()
        if o.transition
    }
    assert {("invoice", "draft", "sent"), ("invoice", "sent", "paid")} <= moves
    assert {("reservation", "pending", "confirmed"), ("reservation", "pending", "declined")} <= moves
    assert {("issue", "open", "in_progress"), ("issue", "in_progress", "resolved"), ("issue", "resolved", "closed")} <= moves


def test_an_action_asks_for_what_is_given_with_it() -> None:
    play = Play(spec_of("Leases have a tenant name. A lease can be terminated with a reason."))
    lease = play.post("/leases", {"tenant_name": "A"})["id"]
    play.post(f"/leases/{lease}/terminate", {}, 422)
    assert play.post(f"/leases/{lease}/terminate", {"reason": "moved"}, 200)["reason"] == "moved"


def test_seats_of_the_cinema_limit_the_reservations_of_its_screening() -> None:
    play = Play(
        spec_of(
            "Cinemas have a name and a number of seats. Films have a title. Screenings show a film in a cinema at a given time. "
            "Visitors have a name. Visitors can reserve seats for a screening until it is full."
        )
    )
    cinema = play.post("/cinemas", {"name": "A", "number_of_seats": 1})["id"]
    film, visitor = play.post("/films", {"title": "F"})["id"], play.post("/visitors", {"name": "V"})["id"]
    moment = (play.time + timedelta(days=1)).isoformat()
    screening = play.post("/screenings", {"cinema_id": cinema, "film_id": film, "time": moment})["id"]
    play.post("/reservations", {"screening_id": screening, "visitor_id": visitor})
    play.post("/reservations", {"screening_id": screening, "visitor_id": visitor}, 409)


def test_a_value_that_one_role_alone_may_change() -> None:
    play = Play(
        spec_of("Users sign up. A member card has a code and a tier (blue, gold), blue by default. Admins may change the tier.")
    )
    root = play.log_in("root@example.org", "root-password")
    _, user = play.sign_up("ann")
    card = play.post("/member-cards", {"code": "x", "tier": "gold"}, by=user)
    assert card["tier"] == "blue"
    play.post(f"/member-cards/{card['id']}/set-tier", {"tier": "gold"}, 403, by=user)
    assert play.post(f"/member-cards/{card['id']}/set-tier", {"tier": "gold"}, 200, by=root)["tier"] == "gold"


def test_limits_for_each_of_two_things() -> None:
    spec = spec_of(
        "Members sign up. A contest has a name. Members submit at most 3 photos per contest, each with a caption and an image URL."
    )
    [rule] = spec.entities["photo"].rules.values()
    assert "<= 3" in rule.check and "x.contest == self.contest" in rule.check
    assert spec.entities["photo"].fields["image_url"].format == "url"


def test_one_thing_against_another_of_its_kind_and_against_a_bound_elsewhere() -> None:
    spec = spec_of(
        "Teams have a name. A match has a home team (team), an away team (team) and a date. A team cannot play against itself. "
        "Rooms have a name and max players. Sessions have a room and players. Players must not exceed the room's max players."
    )
    checks = [r.check for e in spec.entities.values() for r in e.rules.values()]
    assert "self.players <= self.room.max_players" in checks


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ("Count complaints by category and by month.", "category"),
        ("Count complaints by category and by month.", "month"),
        ("At the end of the month we want to see the number of complaints per category.", "category"),
    ],
)
def test_reports_in_other_words(text: str, report: str) -> None:
    spec = spec_of(f"A complaint has a category (noise, waste) and a text. {text}")
    assert any(report in name for name in spec.reports) and all(r.understood for r in spec.requirements)


def test_who_asks_is_not_who_acts() -> None:
    spec = spec_of("A chess club keeps players with a name, a rating (integer from 0 to 3500) and a birth year.")
    assert list(spec.entities) == ["player"] and spec.entities["player"].fields["rating"].max == 3500


def test_a_record_that_is_made_up_is_marked() -> None:
    spec = spec_of("Rides have a destination. Passengers have a name. Passengers can join a ride.")
    made = next(e for n, e in spec.entities.items() if n not in ("ride", "passenger"))
    assumed = {r.id for r in spec.requirements if r.assumption}
    assert set(made.satisfies) & assumed


@pytest.mark.parametrize("word", ["package", "function", "loop"])
def test_words_that_expressions_reserve_may_name_things_and_values(word: str) -> None:
    spec = spec_of(f"A {word} has a weight. A stop has a {word} and a time. Report the number of stops per {word}.")
    assert f"{word}_record" in spec.entities and spec.entities[f"{word}_record"].plural == f"{word}s"


def test_open_loans_are_limited_without_a_word_of_returning() -> None:
    text = "Members have a name. Tools have a name. A loan has a tool and a member. A member can have at most 2 open loans."
    loan = spec_of(text).entities["loan"]
    assert [r.check for r in loan.rules.values()] == ["size(self.member.loans.filter(x, x.returned_at == null)) <= 2"]
    assert loan.operations["return"].effects[0].set == {"returned_at": "now"} and understood(text)
    assert any("open until it is returned" in r.text for r in spec_of(text).requirements if r.assumption)
    told = spec_of(text + " Returning a loan records the return date.").entities["loan"]
    assert "returned_at" not in told.fields and any("return_date == null" in r.check for r in told.rules.values())


def test_a_limit_that_is_read_in_part_restricts_nothing() -> None:
    text = "Households have a name. A parcel has a household and a date. A household may receive only one parcel per harvest."
    assert not understood(text) and not spec_of(text).entities["parcel"].rules


@pytest.mark.parametrize(
    ("item", "fields"),
    [
        ("the price I paid", {"price": "decimal"}),
        ("a renter (name and phone)", {"renter_name": "string", "renter_phone": "string"}),
        ("a limit of visitors", {"limit_of_visitors": "integer"}),
        ("an area in square metres", {"area": "number"}),
        ("inspectors (one or more)", {"inspectors": "references"}),
    ],
)
def test_an_item_that_tells_more_than_a_name(item: str, fields: dict[str, str]) -> None:
    text = f"Halls have a label, {item} and a colour."
    made = spec_of(text).entities["hall"].fields
    assert {n: f.type for n, f in made.items() if n not in ("label", "colour")} == fields and understood(text)


@pytest.mark.parametrize("item", ["only one hall per town", "closing date = opening date plus 3 years"])
def test_a_statement_in_a_list_is_no_name_of_a_value(item: str) -> None:
    text = f"halls: label, colour, {item}"
    assert set(spec_of(text).entities["hall"].fields) == {"label", "colour"} and not understood(text)


def test_who_records_what_and_of_what_it_consists() -> None:
    entry = spec_of("Lawyers record entries on a case: date, minutes, hourly rate. Cases have a title.").entities["entry"]
    assert {"date", "minutes", "hourly_rate", "case"} <= set(entry.fields) and entry.fields["case"].to == "case"


def test_an_action_may_set_a_value_or_lead_to_the_state_of_its_name() -> None:
    slot = spec_of("A slot has a label and a quantity. Refilling a slot sets its quantity to 12.").entities["slot"]
    assert slot.operations["refill"].effects[0].set == {"quantity": "12"}
    room = spec_of("Rooms have a number and a state: dirty, clean, inspected. Keepers clean dirty rooms.").entities["room"]
    move = room.operations["clean"].transition
    assert move and (move.from_states, move.to) == (("dirty",), "clean")


@pytest.mark.parametrize(
    "text",
    [
        "A loan has a title. A loan is due 14 days after borrowing. Loans are due 21 days after borrowing.",
        "A task is open, then done. A done task can never be reopened. Done tasks can be reopened.",
    ],
)
def test_what_cannot_both_hold_becomes_a_question(text: str) -> None:
    assert frd_of(text).open_questions and [r.understood for r in frd_of(text).requirements].count(False) == 1


def test_started_hours_are_whole_ones() -> None:
    text = "Boats have a rate. A rental has a boat, a start and an end. The price of a rental is the rate times the {} hours."
    prices = [spec_of(text.format(w)).entities["rental"].fields["price"].value or "" for w in ("started", "full")]
    assert "ceil(hours_between" in prices[0] and "floor(hours_between" in prices[1]


def test_things_that_have_things_with_something_are_two_kinds_of_record():
    spec = spec_of("Recipes have ingredients with amounts.")
    assert spec.entities["ingredient"].fields["recipe"].to == "recipe"
    assert "amounts" in spec.entities["ingredient"].fields
    assert "ingredients_with_amounts" not in spec.entities["recipe"].fields


@pytest.mark.parametrize("text", ["Coupons have a code with 3 letters.", "Rooms have numbers with at most 4 digits."])
def test_values_with_a_form_stay_fields(text):
    assert len(spec_of(text).entities) == 1


def test_a_number_is_no_kind_of_record():
    assert list(spec_of("Walkers have a name. Walkers get 60% of the price.").entities) == ["walker"]
