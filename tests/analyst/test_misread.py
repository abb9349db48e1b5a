"""Classes of phrases that were read as something else than they say, held to what the application does."""

from datetime import date, timedelta

import pytest
from analyst_play import Play, frd_of, spec_of
from corpus_score import load, score


def unread(text: str) -> list[str]:
    return [r.reason for r in frd_of(text).requirements if not r.understood]


@pytest.mark.parametrize(
    ("fields", "rate", "row", "price"),
    [
        ("a start and a duration in minutes", "The price of a walk is 0.50 per minute", {"duration": 45}, 22.5),
        ("a start and a number of minutes", "A walk costs 0.50 per minute", {"number_of_minutes": 45}, 22.5),
        ("a date and a duration in minutes", "The price is 12 euros per hour", {"duration": 45}, 9.0),
        ("a start and hours", "We charge 12 per hour", {"hours": 1.5}, 18.0),
        ("a distance in km", "The price of a walk is 3 plus 1.20 per km", {"distance": 5.0}, 9.0),
        ("a start and an end", "The price of a walk is 0.50 per minute", {"end": "2030-06-01T10:45:00Z"}, 22.5),
    ],
)
def test_a_rate_is_multiplied_by_what_is_measured_in_its_unit(fields: str, rate: str, row: dict, price: float) -> None:
    text = f"Walks have a dog name, {fields}. {rate}."
    assert not unread(text)
    spec = spec_of(text)
    body = {"dog_name": "Rex", **row}
    body |= {"start": "2030-06-01T10:00:00Z"} if "start" in spec.entities["walk"].fields else {}
    body |= {"date": "2030-06-01"} if "date" in spec.entities["walk"].fields else {}
    made = Play(spec).post("/walks", body)
    assert [float(v) for k, v in made.items() if k in ("price", "cost", "fee", "charge")] == [price]


def test_a_product_binds_tighter_than_a_sum() -> None:
    spec = spec_of(
        "Rides have a distance in km and a tip. The price of a ride is 3 plus 1.20 times the distance minus the tip."
    )
    assert spec.entities["ride"].fields["price"].value == "3.0 + 1.2 * self.distance - self.tip"


def test_a_rate_in_a_unit_that_nothing_is_measured_in_is_not_understood() -> None:
    assert unread("Walks have a dog name and a start. The price of a walk is 0.50 per minute.")


@pytest.mark.parametrize(
    "said",
    [
        "An application goes from draft to submitted to accepted, or rejected at any point",
        "Applications go from draft to submitted to accepted and can be rejected at any time",
        "An application goes from draft to submitted to accepted. It can be rejected at any stage",
        "Applications: draft -> submitted -> accepted, or rejected at any time",
    ],
)
def test_at_any_point_is_from_every_state_that_is_not_final(said: str) -> None:
    text = f"Applications have a title. {said}."
    assert not unread(text)
    operation = spec_of(text).entities["application"].operations["reject"]
    assert operation.transition is not None
    assert set(operation.transition.from_states) == {"draft", "submitted"} and operation.transition.to == "rejected"


@pytest.mark.parametrize(
    "said",
    [
        "Members borrow tools for up to 7 days",
        "Members borrow tools. Loans last at most 7 days",
        "Members can borrow a tool for max 7 days",
    ],
)
def test_up_to_some_days_is_a_bound_and_no_date(said: str) -> None:
    text = f"Tools have a name. Members have a name. {said}."
    assert not unread(text)
    play = Play(spec_of(text))
    tool, member = play.post("/tools", {"name": "Saw"})["id"], play.post("/members", {"name": "Kim"})["id"]
    loan, today = {"tool_id": tool, "member_id": member}, date(2030, 5, 6)
    assert play.post("/loans", loan)["due_date"] == str(today + timedelta(days=7))
    assert play.post("/loans", {**loan, "due_date": str(today + timedelta(days=3))})["due_date"] == "2030-05-09"
    play.post("/loans", {**loan, "due_date": str(today + timedelta(days=8))}, 422)
    play.post("/loans", {**loan, "due_date": str(today - timedelta(days=1))}, 422)


def test_for_some_days_is_a_date() -> None:
    field = spec_of("Tools have a name. Members borrow tools for 7 days.").entities["loan"].fields["due_date"]
    assert field.writable == "never" and field.default == "today + days(7)"


@pytest.mark.parametrize(
    "said", ["Projects have bugs", "A project has bugs", "Each project has a name and bugs", "Projects contain bugs"]
)
def test_what_a_thing_has_belongs_to_one(said: str) -> None:
    spec = spec_of(f"Projects have a name. Bugs have a title. {said}.")
    assert (spec.entities["bug"].fields["project"].type, "bugs" in spec.entities["project"].fields) == ("reference", False)


def test_one_to_many_gives_way_to_what_is_said() -> None:
    spec = spec_of("Projects have a name. Bugs have a title. Projects have bugs. A bug can be in several projects.")
    assert {n: f.type for n, f in spec.entities["bug"].fields.items()} == {"title": "string", "projects": "references"}


@pytest.mark.parametrize(
    "said",
    [
        "A book has one or more authors",
        "Books have authors. Authors have books",
        "A playlist has books",
    ],
)
def test_what_is_gathered_or_said_of_both_sides_is_many_to_many(said: str) -> None:
    text = f"Books have a title. Authors have a name. Clubs have a name. Playlists have a name. {said}."
    assert [f.to for e in spec_of(text).entities.values() for f in e.fields.values() if f.type == "references"]


@pytest.mark.parametrize(
    "said",
    ["A lesson lasts at most 90 minutes", "Lessons of the same teacher may not overlap", "Lessons may not start in the past"],
)
@pytest.mark.parametrize("length", ["minutes", "a duration in minutes", "a length of 30, 60 or 90 minutes"])
def test_a_start_and_a_length_need_no_end(length: str, said: str) -> None:
    text = f"Teachers have a name. Lessons have a teacher, a start and {length}. {said}."
    assert not unread(text)
    assert not {"end", "ends_at", "end_time"} & set(spec_of(text).entities["lesson"].fields)


def test_rows_with_a_start_and_a_length_overlap_as_those_with_an_end_do() -> None:
    text = "Courts have a name. Bookings have a court, a start and a duration in minutes. Bookings of the same court may not overlap."
    play = Play(spec_of(text))
    court = play.post("/courts", {"name": "1"})["id"]
    for at, status in (("10:00", 201), ("10:30", 409), ("11:00", 201), ("09:30", 409), ("09:00", 201)):
        play.post("/bookings", {"court_id": court, "start": f"2030-06-01T{at}:00Z", "duration": 60}, status)


@pytest.mark.parametrize("part", ["held_out_10", "held_out_11", "held_out_12"])
def test_misreadings_that_were_seen_do_not_come_back(part: str) -> None:
    assert not score(load(part)).wrong


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("Neighbours share tools. Tools have a name.", {"tool.status", "tool.state"}),
        ("Students submit print jobs with a title. Jobs are queued, printing or done.", {"job"}),
        ("School bus registration. Buses have a number.", {"registration", "parent", "user"}),
        ("A cinema with several halls (name, rows).", {"several_hall"}),
        ("Readings have a systolic and a pulse. Flag readings with a pulse over 140 as high.", {"flag_reading"}),
        (
            "Teams have a name. Each team gets 0 to 10 points a round. Ranking = total points per team.",
            {"ranking", "team.points_a_round"},
        ),
        ("Units have a code. A tenant rents a unit. One unit has one tenant at a time.", {"unit.tenant_at"}),
        ("Clubs have a name and a level beginner to advanced.", {"club.level_beginner_to_advanced"}),
        ("Orders have a note. An order closes at 11:00.", {"order.closes_at_11"}),
        ("Owners with name phone and email.", {"owner.name_phone"}),
        ("Tanks have a name and if its fresh or salt water.", {"tank.salt_water"}),
    ],
)
def test_nothing_is_made_of_words_that_name_no_value_and_no_record(text: str, absent: set[str]) -> None:
    spec = spec_of(text)
    made = set(spec.entities) | {f"{n}.{m}" for n, e in spec.entities.items() for m in e.fields}
    made |= {f"{n}.{e.state.field}" for n, e in spec.entities.items() if e.state}
    assert not absent & made


def test_an_order_with_products_and_quantities_has_lines() -> None:
    play = Play(spec_of("Products have a name. An order has a customer name and one or more products and quantities."))
    product, order = play.post("/products", {"name": "Jam"})["id"], play.post("/orders", {"customer_name": "Bo"})["id"]
    line = play.post("/order-items", {"order_id": order, "product_id": product, "quantity": 3})
    assert line["quantity"] == 3
    play.post("/order-items", {"order_id": order, "product_id": product, "quantity": 0}, 422)


def test_what_goes_wrong_is_the_other_way_out() -> None:
    spec = spec_of("Jobs have a title. Jobs are queued, printing, done or failed. Only staff can start a job.")
    moves = {
        n: (set(o.transition.from_states), o.transition.to) for n, o in spec.entities["job"].operations.items() if o.transition
    }
    assert moves == {"start": ({"queued"}, "printing"), "complete": ({"printing"}, "done"), "fail": ({"printing"}, "failed")}
    assert spec.entities["job"].operations["start"].access.roles == ("staff",)


def test_the_assignee_is_who_was_chosen_and_not_who_made_the_row() -> None:
    spec = spec_of("Tasks have a title, an assignee and a status todo/doing/done. Only the assignee may mark a task as done.")
    assignee = spec.entities["task"].fields["assignee"]
    assert (assignee.to, assignee.writable, assignee.default) == ("user", "always", None)


def test_a_tool_that_is_back_can_be_lent_again() -> None:
    text = "Members borrow tools. Tools have a name. A tool that's lent out can't be borrowed again until it's back."
    play = Play(spec_of(text))
    tool, member = play.post("/tools", {"name": "Saw"})["id"], play.post("/members", {"name": "Kim"})["id"]
    loan = play.post("/loans", {"tool_id": tool, "member_id": member})["id"]
    play.post("/loans", {"tool_id": tool, "member_id": member}, 409)
    play.post(f"/loans/{loan}/return", status=200)
    play.post("/loans", {"tool_id": tool, "member_id": member})


def test_sales_are_of_what_was_sold_when_it_was_sold() -> None:
    text = "Items have a name and a price. When an item is sold we note the date and the price we actually got. Total sales per month."
    assert not unread(text)
    play = Play(spec_of(text))
    first, _ = (play.post("/items", {"name": n, "price": 20})["id"] for n in "AB")
    play.later(days=40)
    play.post(f"/items/{first}/sell", {"sold_price": 15}, 200)
    assert [(r["month"], float(r["revenue"])) for r in play.get("/reports/revenue-by-month")["items"]] == [("2030-06", 15.0)]


@pytest.mark.parametrize(
    "said",
    [
        "Employees see only their own expenses. Managers see all expenses",
        "Managers can view every expense. Employees see their own expenses",
        "Employees see only their own expenses. Managers list expenses",
        "Managers see all expenses",
    ],
)
def test_who_sees_all_sees_all_and_everybody_else_their_own(said: str) -> None:
    text = f"Employees submit expenses with an amount. {said}."
    assert not unread(text)
    app = Play(spec_of(text))
    people = {name: app.sign_up(name, *roles, plural="employees")[1] for name, roles in PEOPLE_OF_EXPENSES.items()}
    made = app.post("/expenses", {"amount": 12.5}, by=people["ann"])
    seen = {name: len(app.get("/expenses", by=by)["items"]) for name, by in people.items()}
    assert seen == {"ann": 1, "bob": 0, "boss": 1}
    for name, status in {"ann": 200, "bob": 404, "boss": 200}.items():
        app.get(f"/expenses/{made['id']}", status, by=people[name])


PEOPLE_OF_EXPENSES = {"ann": (), "bob": (), "boss": ("manager",)}


def test_what_is_nobodys_own_is_not_hidden_by_whoever_sees_all_of_it() -> None:
    spec = spec_of("Members borrow books. Librarians see all books.")
    assert spec.entities["book"].visible is None


def test_a_role_that_lists_some_of_the_rows_has_a_list_of_them_and_the_rest_stays_as_it_is() -> None:
    text = "Members borrow books. A loan is due two weeks after borrowing. Librarians can list overdue loans."
    assert not unread(text)
    loan = spec_of(text).entities["loan"]
    assert loan.operations["overdue"].kind == "list"
    assert loan.operations["overdue"].access.roles == ("librarian",)
    assert not loan.operations["read"].guards
    assert not loan.operations["read"].access.roles


def test_numbers_count_rows_and_a_loan_counts_when_it_is_made() -> None:
    made = "Employees submit expenses with an amount and a category. Loans are due 14 days after they are created."
    spec = spec_of(f"{made} Show the number of expenses per category. Show the number of loans per month.")
    measures = {tuple(r.measures.values()) for r in spec.reports.values()}
    assert measures == {("size(rows)",)}
    assert {g for r in spec.reports.values() for g in r.group_by.values()} == {"self.category", "month(self.created_at)"}


@pytest.mark.parametrize(
    ("said", "roles"),
    [("Managers see the number of expenses per category", ("manager",)), ("Show the total amount per category", ())],
)
def test_reports_are_for_whoever_asks_for_them_and_never_for_strangers(said: str, roles: tuple[str, ...]) -> None:
    spec = spec_of(f"Users log in. Employees submit expenses with an amount and a category. {said}.")
    (access,) = (report.access for report in spec.reports.values())
    assert access.roles == roles
    assert not access.anonymous


LENDING = (
    "A library lends books to members. A member can borrow at most two books at a time, for two weeks."
    " A book can be borrowed when a copy is free. Librarians see what is overdue."
)


def test_lending_in_a_few_plain_sentences() -> None:
    assert not unread(LENDING)
    app = Play(spec_of(LENDING))
    _, member = app.sign_up("ann", plural="members")
    _, librarian = app.sign_up("lib", "librarian", plural="members")
    books = [app.post("/books", {"number_of_copies": copies}, by=librarian)["id"] for copies in (1, 5, 5, 0)]
    taken = app.post("/borrowings", {"book_id": books[0]}, by=member)
    assert taken["due_date"] == "2030-05-20"
    app.post("/borrowings", {"book_id": books[0]}, 409, by=librarian)
    app.post("/borrowings", {"book_id": books[3]}, 409, by=member)
    app.post("/borrowings", {"book_id": books[1]}, by=member)
    app.post("/borrowings", {"book_id": books[2]}, 409, by=member)
    app.post(f"/borrowings/{taken['id']}/return", {}, 200, by=member)
    assert app.get(f"/books/{books[0]}", by=member)["number_of_copies"] == 1
    app.post("/borrowings", {"book_id": books[2]}, by=member)
    app.later(days=15)
    member, librarian = (app.log_in(f"{name}@example.org", "correct-horse") for name in ("ann", "lib"))
    assert len(app.get("/borrowings/overdue", by=librarian)["items"]) == 2
    app.get("/borrowings/overdue", 403, by=member)


def test_returning_gives_back_what_borrowing_took() -> None:
    spec = spec_of("Members borrow books. Books have copies. Borrowing lowers the copies. Returning raises the copies.")
    borrowing = spec.entities["borrowing"]
    assert [e.set for e in borrowing.operations["create"].effects] == [{"copies": "self.book.copies - 1"}]
    assert {"copies": "self.book.copies + 1"} in [e.set for e in borrowing.operations["return"].effects]


def test_a_number_before_a_noun_is_no_part_of_its_name() -> None:
    spec = spec_of("Members borrow books. A member can borrow up to 3 books at the same time. Loans last two weeks.")
    assert set(spec.entities) == {"member", "book", "loan"}


def test_revenue_counts_every_piece() -> None:
    text = (
        "Products have a name and a price. Orders have a customer name. "
        "Order lines have an order, a product and a quantity. Report the revenue per month."
    )
    play = Play(spec_of(text))
    product = play.post("/products", {"name": "Pen", "price": 2.5})["id"]
    order = play.post("/orders", {"customer_name": "Ada"})["id"]
    play.post("/order-lines", {"order_id": order, "product_id": product, "quantity": 4})
    rows = play.get("/reports/revenue-by-month")["items"]
    assert [float(row["revenue"]) for row in rows] == [10.0]
    assert "order_line" in spec_of(text.replace("Report", "Products are sold. Report")).reports["revenue_by_month"].entity


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("Delivery drivers log in and see only their own trips. Trips have a destination.", "driver"),
        ("Shop owners sign in and see only their own products. Products have a name.", "owner"),
    ],
)
def test_people_are_told_by_what_they_work_with(text: str, account: str) -> None:
    spec = spec_of(text)
    assert spec.auth and spec.auth.entity == account
    assert all(r.understood for r in frd_of(text).requirements)


def test_a_role_with_its_workplace_is_a_role() -> None:
    text = "Users log in and submit discounts with a percentage. Only sales managers may approve discounts."
    assert spec_of(text).entities["discount"].operations["approve"].access.roles == ("manager",)


def test_managers_of_two_kinds_stay_two() -> None:
    text = "Users log in. Discounts have a percentage. Shop managers create discounts. Area managers approve discounts."
    discount = spec_of(text).entities.get("discount")
    found = {n: o.access.roles for n, o in discount.operations.items()} if discount else {}
    assert ("manager",) not in (found.get("create"), found.get("approve"))


def test_what_took_place_keeps_its_slot() -> None:
    text = (
        "Customers book a slot with a date. Slots have a name. A slot can only be booked once. "
        "Staff mark bookings as done. Bookings can be cancelled."
    )
    booking = spec_of(text).entities["booking"]
    assert [u.where for u in booking.unique] == ["self.status != 'cancelled'"]
    assert "complete" in booking.operations and "do" not in booking.operations


def test_a_list_with_one_and_is_the_outer_one() -> None:
    spec = spec_of("Recipes have a title, ingredients with amounts, preparation time in minutes and a difficulty from 1 to 5.")
    assert set(spec.entities["recipe"].fields) == {"title", "preparation_time", "difficulty"}
    assert set(spec.entities["ingredient"].fields) == {"name", "amount", "recipe"}
    order = spec_of("Orders have a date and items with a name, a price and a quantity.")
    assert set(order.entities["item"].fields) == {"name", "price", "quantity", "order"}


def test_the_request_is_what_was_requested() -> None:
    spec = spec_of("Employees request leave with a start date and an end date. Managers approve or reject requests.")
    assert set(spec.entities) == {"leave", "employee"}
    assert spec.entities["leave"].operations["reject"].access.roles == ("manager",)


def test_many_of_something_with_values_are_records_and_go_with_what_they_belong_to() -> None:
    text = (
        "I need a simple CRM. Contacts have a first name and a last name. Each contact can have many notes with a text and a date. "
        "I want to search contacts by name. Deleting a contact deletes its notes."
    )
    spec = spec_of(text)
    assert all(r.understood for r in frd_of(text).requirements)
    assert set(spec.entities["contact"].fields) == {"first_name", "last_name"}
    assert spec.entities["note"].fields["contact"].on_delete == "cascade"
    assert spec.entities["contact"].operations["list"].search == ("first_name", "last_name")


def test_whose_manager_somebody_is_is_told_as_not_kept() -> None:
    text = "Employees submit expenses with an amount. Their manager approves the expense."
    assert spec_of(text).entities["expense"].operations["approve"].access.roles == ("manager",)
    unmet = [r for r in frd_of(text).requirements if not r.understood]
    assert len(unmet) == 1 and "who is set above whom" in unmet[0].reason
