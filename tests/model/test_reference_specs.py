"""The reference model on the specs of tests/specs: what a user of each application would try."""

from typing import Any

from model_calls import ADMIN, Client, start


def test_todo_defaults_filters_and_newest_first() -> None:
    todo = start("todo")
    for number, priority in enumerate(["low", "high", "medium", "high"]):
        task = todo.ok("POST /tasks", {"title": f"T{number}", "due_date": "2026-12-01", "priority": priority})
        assert task["done"] is False and task["notes"] is None
        todo.clock.advance(1)
    assert [t["title"] for t in todo.ok("GET /tasks")["items"]] == ["T3", "T2", "T1", "T0"]
    assert [t["title"] for t in todo.ok("GET /tasks", priority="high", limit=1)["items"]] == ["T3"]
    assert todo.ok("GET /tasks", priority="high", limit=1)["total"] == 2
    assert [t["priority"] for t in todo.ok("GET /tasks", sort="priority")["items"]] == ["low", "medium", "high", "high"]
    todo.ok("PATCH /tasks/1", {"done": True})
    assert [t["id"] for t in todo.ok("GET /tasks", done="true")["items"]] == [1]
    assert todo.refused("GET /tasks", done="yes") == (422, "validation:done")
    assert todo("DELETE /tasks/1").status == 204
    assert todo.refused("GET /tasks/1") == (404, "not_found")


def _library() -> Client:
    library = start("library")
    library.ok("POST /members", {"name": "Ann", "email": "ann@example.com"})
    library.ok("POST /authors", {"name": "Bo"})
    for number in range(7):
        isbn = f"978-000000000{number}"
        library.ok("POST /books", {"title": f"B{number}", "isbn": isbn, "year": 2000 + number, "author_ids": [1]})
    return library


def test_library_limits_loans_returns_and_fines() -> None:
    library = _library()
    for book in range(1, 6):
        loan = library.ok("POST /loans", {"member_id": 1, "book_id": book})
        assert loan["due_on"] == "2026-12-06" and loan["returned_on"] is None
    assert library.refused("POST /loans", {"member_id": 1, "book_id": 6}) == (409, "rule:loan.max_open")
    library.clock.advance(86_400 * 17)
    returned = library.ok("POST /loans/1/return")
    assert returned["returned_on"] == "2026-12-09" and returned["fine"] == 0.75
    assert library.refused("POST /loans/1/return") == (409, "guard:loan.return.not_returned")
    assert library.refused("POST /loans", {"member_id": 1, "book_id": 2}) == (409, "rule:loan.book_available")
    assert library.ok("GET /loans/overdue")["total"] == 4
    assert library.ok("GET /members/1")["open_loans"] == 4
    assert library.refused("DELETE /members/1") == (409, "restrict:member")
    assert (
        library.refused("POST /books", {"title": "x", "isbn": "0000000000", "year": 2000, "author_ids": []})[1]
        == "validation:author_ids"
    )


def test_booking_overlap_order_and_cancelling_in_time() -> None:
    rooms = start("booking")
    rooms.ok("POST /rooms", {"name": "Blue", "capacity": 4})
    day = {"room_id": 1, "organizer": "Ann"}
    rooms.ok("POST /bookings", {**day, "starts_at": "2026-11-24T10:00:00Z", "ends_at": "2026-11-24T12:00:00Z"})
    overlap = {**day, "starts_at": "2026-11-24T12:59:00+01:00", "ends_at": "2026-11-24T13:00:00Z"}
    assert rooms.refused("POST /bookings", overlap) == (409, "rule:booking.no_overlap")
    assert rooms.ok("POST /bookings", {**overlap, "starts_at": "2026-11-24T12:00:00"})["hours"] == 1
    backwards = {**day, "starts_at": "2026-11-24T15:00:00Z", "ends_at": "2026-11-24T15:00:00Z"}
    assert rooms.refused("POST /bookings", backwards) == (422, "rule:booking.ends_after_start")
    rooms.clock.advance(21.6 * 3600)
    assert rooms.refused("POST /bookings/1/cancel") == (409, "guard:booking.cancel.in_time")
    assert rooms.ok("POST /bookings/2/cancel")["status"] == "cancelled"
    assert rooms.refused("POST /bookings/2/cancel") == (409, "state:booking.cancel")
    assert rooms.ok("POST /bookings", {**overlap, "starts_at": "2026-11-24T12:00:00Z"})["id"] == 3


def test_expenses_roles_own_approval_and_finance() -> None:
    anonymous = start("expenses")
    ann = anonymous.registered(email="Ann@Example.com", name="Ann")
    boss = anonymous.registered(email="boss@example.com", name="Boss")
    admin = anonymous.logged_in(*ADMIN)
    assert ann.ok("GET /auth/me") == ann.ok("GET /employees/2") and ann.ok("GET /auth/me")["email"] == "ann@example.com"
    assert ann.refused("PUT /employees/2/roles", {"roles": ["manager"]}) == (403, "access:auth.set_roles")
    assert admin.refused("PUT /employees/3/roles", {"roles": ["king"]}) == (422, "validation:roles")
    assert admin.ok("PUT /employees/3/roles", {"roles": ["manager"]})["roles"] == ["manager"]
    bill: dict[str, Any] = {"amount": 1000.01, "currency": "EUR", "category": "travel", "receipt_url": "https://example.com/1"}
    assert anonymous.refused("POST /expenses", bill) == (401, "auth")
    ann.ok("POST /expenses", bill)
    assert boss.refused("POST /expenses/1/approve") == (409, "state:expense.approve")
    assert boss.refused("POST /expenses/1/submit") == (403, "access:expense.submit")
    ann.ok("POST /expenses/1/submit")
    assert ann.refused("POST /expenses/1/approve") == (403, "access:expense.approve")
    assert boss.refused("POST /expenses/1/approve") == (403, "guard:expense.approve.finance_above_1000")
    admin.ok("PUT /employees/3/roles", {"roles": ["manager", "finance", "manager"]})
    assert boss.ok("POST /expenses/1/approve")["decided_by_id"] == 3
    boss.ok("POST /expenses", {**bill, "amount": 5})
    boss.ok("POST /expenses/2/submit")
    assert boss.refused("POST /expenses/2/approve") == (403, "guard:expense.approve.not_own")
    assert ann.refused("GET /expenses/2") == (404, "not_found") and ann.ok("GET /expenses")["total"] == 1
    assert boss.refused("POST /expenses/1/reject", {}) == (422, "validation:reason")
    assert boss.ok("GET /reports/by-category")["items"] == [
        {"category": "travel", "currency": "EUR", "expenses": 1, "total": 1000.01, "mean": 1000.01}
    ]
    for amount in (0, -1, 1.001, 10**12, "5", True):
        assert ann.refused("POST /expenses", {**bill, "amount": amount}) == (422, "validation:amount")


def test_blog_drafts_are_hidden_and_comments_belong_to_their_author() -> None:
    reader = start("blog")
    ann, bob = reader.registered(username="ann1"), reader.registered(username="bob1")
    assert reader.refused("POST /auth/register", {"username": "ann1", "password": "12345678"}) == (409, "unique:user.username")
    ann.ok("POST /posts", {"title": "Hi", "slug": "hi", "body": "…", "tags": ["a", "b"]})
    assert bob.refused("GET /posts/1") == (404, "not_found") and reader.ok("GET /posts")["total"] == 0
    assert bob.refused("PATCH /posts/1", {"title": "x"}) == (404, "not_found")
    assert bob.refused("POST /comments", {"post_id": 1, "text": "?"}) == (422, "validation:post_id")
    assert ann.refused("POST /comments", {"post_id": 1, "text": "!"}) == (409, "guard:comment.create.published")
    ann.ok("POST /posts/1/publish")
    assert reader.ok("GET /posts/by-slug/hi")["id"] == 1 and reader.ok("GET /posts", tag="b")["total"] == 1
    bob.ok("POST /comments", {"post_id": 1, "text": "Nice"})
    assert ann.refused("DELETE /comments/1") == (403, "access:comment.delete")
    assert reader.ok("GET /posts/1")["comment_count"] == 1
    assert bob("DELETE /comments/1").status == 204
    bob.ok("POST /comments", {"post_id": 1, "text": "Again"})
    assert bob("DELETE /users/3").status == 204, "the account goes, and its comments with it"
    assert reader.ok("GET /comments")["total"] == 0
    assert bob.refused("GET /posts") == (401, "auth"), "a dead token is refused even where access is open"


def test_ledger_moves_money_and_states_the_balance() -> None:
    bank = start("ledger")
    bank.ok("POST /accounts", {"owner": "A", "currency": "EUR", "opening_balance": 100.10})
    bank.ok("POST /accounts", {"owner": "B", "currency": "EUR"})
    bank.ok("POST /accounts", {"owner": "C", "currency": "USD"})
    assert bank.refused("POST /transfers", {"source_id": 1, "target_id": 2, "amount": 100.11}) == (409, "rule:transfer.funds")
    bank.ok("POST /transfers", {"source_id": 1, "target_id": 2, "amount": 100.10})
    bank.ok("POST /transfers", {"source_id": 2, "target_id": 1, "amount": 0.3})
    assert [a["balance"] for a in bank.ok("GET /accounts")["items"]] == [0.3, 99.8, 0]
    assert bank.refused("POST /transfers", {"source_id": 1, "target_id": 3, "amount": 0.1}) == (
        422,
        "rule:transfer.same_currency",
    )
    assert bank.refused("POST /transfers", {"source_id": 1, "target_id": 1, "amount": 0.1}) == (
        422,
        "rule:transfer.two_accounts",
    )
    statement = bank.ok("GET /reports/statement", account_id=1)["items"]
    assert [(line["change"], line["balance"]) for line in statement] == [(-100.1, 0), (0.3, 0.3)]
    assert bank.refused("GET /reports/statement") == (422, "validation:account_id")
    assert bank.refused("GET /reports/statement", account_id=9) == (422, "validation:account_id")
    assert bank.ok("GET /reports/totals")["items"] == [{"accounts": 3, "largest": 99.8}]
    assert [a["owner"] for a in bank.ok("GET /accounts", balance_min="0.3", sort="-balance")["items"]] == ["B", "A"]


def test_a_report_without_groups_has_one_item_even_over_nothing() -> None:
    assert start("ledger").ok("GET /reports/totals") == {"items": [{"accounts": 0, "largest": None}], "total": 1}


def test_shortener_generates_codes_redirects_and_counts() -> None:
    links = start("shortener")
    link = links.ok("POST /links", {"target_url": "https://example.com/a"})
    assert len(link["code"]) == 6 and link["code"].isalnum()
    visit = links(f"GET /{link['code']}")
    assert (visit.status, visit.headers["location"], visit.body) == (307, "https://example.com/a", None)
    assert links.ok("GET /links/1")["clicks"] == 1
    links.ok("POST /links", {"target_url": "https://example.com/b", "code": "abcd", "expires_at": "2026-11-22T12:30:16Z"})
    assert links("GET /abcd").status == 307
    links.clock.advance(1)
    assert links.refused("GET /abcd") == (409, "guard:link.visit.alive")
    assert links.ok("GET /links/2")["clicks"] == 1, "a refused visit does not count"
    assert links.ok("GET /links", expired="true")["total"] == 1
    assert links.refused("POST /links", {"target_url": "https://example.com/c", "code": "abcd"}) == (409, "unique:link.code")
    assert links.refused("GET /nope") == (404, "not_found") and links("GET /health").status == 200
    assert links.refused("PUT /links/1", {}) == (405, "method")


def test_devices_authenticate_by_key_and_report() -> None:
    anonymous = start("devices")
    one = anonymous.ok("POST /devices", {"name": "one"})
    assert "api_key" not in anonymous.ok("GET /devices/1")
    device = anonymous.with_key(one["api_key"])
    other = anonymous.with_key(anonymous.ok("POST /devices", {"name": "two"})["api_key"])
    assert anonymous.refused("POST /readings", {"temperature": 1, "humidity": 2}) == (401, "auth")
    assert anonymous.with_key("x").refused("GET /readings") == (401, "auth")
    for minute, degrees in ((0, 10), (30, 20), (59, 33)):
        device.ok("POST /readings", {"temperature": degrees, "humidity": 50.5, "measured_at": f"2026-11-22T11:{minute:02}:00Z"})
    other.ok("POST /readings", {"temperature": -3.5, "humidity": 0})
    assert device.ok("GET /auth/me")["name"] == "one"
    future = {"temperature": 1, "humidity": 2, "measured_at": "2026-11-22T12:30:16Z"}
    assert device.refused("POST /readings", future) == (422, "rule:reading.not_future")
    twice = {"temperature": 1, "humidity": 2, "measured_at": "2026-11-22T12:00:00+01:00"}
    assert device.refused("POST /readings", twice) == (409, "unique:reading.device+measured_at")
    assert [(i["device"], i["temperature"]) for i in anonymous.ok("GET /reports/latest")["items"]] == [
        ("one", 33),
        ("two", -3.5),
    ]
    hourly = anonymous.ok("GET /reports/hourly", day="2026-11-22")["items"]
    assert [(i["device"], i["hour"], i["temperature"], i["readings"]) for i in hourly] == [
        ("one", "2026-11-22T11:00:00Z", 21, 3),
        ("two", "2026-11-22T12:00:00Z", -3.5, 1),
    ]
    assert anonymous.ok("GET /reports/hourly", day="2026-11-21") == {"items": [], "total": 0}


def test_inventory_effects_move_stock_or_nothing() -> None:
    shop = start("inventory")
    shop.ok("POST /products", {"sku": "A", "name": "Apple", "price": 0.35, "reorder_level": 5})
    for name in ("north", "south"):
        shop.ok("POST /warehouses", {"name": name})
    for warehouse in (1, 2):
        shop.ok("POST /stocks", {"product_id": 1, "warehouse_id": warehouse, "quantity": 99})
    assert [s["quantity"] for s in shop.ok("GET /stocks")["items"]] == [0, 0], "quantity is never written directly"
    shop.ok("POST /movements", {"kind": "in", "stock_id": 1, "quantity": 10})
    shop.ok("POST /movements", {"kind": "transfer", "stock_id": 1, "target_id": 2, "quantity": 4})
    assert [s["quantity"] for s in shop.ok("GET /stocks")["items"]] == [6, 4]
    assert shop.refused("POST /movements", {"kind": "out", "stock_id": 1, "quantity": 7}) == (
        409,
        "guard:movement.create.enough",
    )
    no_target = {"kind": "transfer", "stock_id": 1, "quantity": 1}
    assert shop.refused("POST /movements", no_target) == (422, "guard:movement.create.target_given")
    assert shop.ok("GET /movements")["total"] == 2
    assert shop.ok("GET /products/1")["stock_value"] == 3.5
    shop.ok("POST /movements", {"kind": "out", "stock_id": 1, "quantity": 6})
    assert shop.ok("GET /reports/below-reorder-level")["items"] == [{"sku": "A", "name": "Apple", "quantity": 4, "missing": 1}]
    assert shop.refused("POST /stocks", {"product_id": 1, "warehouse_id": 1}) == (409, "unique:stock.product+warehouse")
    assert shop("DELETE /products/1").status == 204
    assert shop.ok("GET /stocks")["total"] == 0 and shop.ok("GET /movements")["total"] == 0


def test_notes_are_private_until_shared() -> None:
    anonymous = start("notes")
    ann = anonymous.registered(email="ann@example.com", name="Ann")
    bob = anonymous.registered(email="bob@example.com", name="Bob")
    ann.ok("POST /notes", {"title": "Secret", "text": "the 100% plan"})
    assert bob.refused("GET /notes/1") == (404, "not_found") and bob.ok("GET /notes")["total"] == 0
    ann.ok("POST /notes/1/share", {"user_id": 2})
    assert bob.ok("GET /notes/1")["reader_ids"] == [2]
    assert bob.refused("PATCH /notes/1", {"text": "x"}) == (403, "access:note.update")
    shared = ann.ok("POST /notes/1/share", {"user_id": 2, "editable": True})
    assert (shared["reader_ids"], shared["editor_ids"]) == ([], [2])
    assert bob.ok("PATCH /notes/1", {"pinned": True})["pinned"] is True
    assert [bob.ok("GET /notes", q=text)["total"] for text in ("0% PL", "_", "%")] == [1, 0, 1]
    assert bob.refused("POST /notes/1/share", {"user_id": 1}) == (403, "access:note.share")
    assert ann.refused("POST /notes/1/share", {"user_id": 1}) == (422, "guard:note.share.not_self")
    assert bob.ok("POST /notes/1/unshare", {"user_id": 2})["editor_ids"] == [], "the answer shows what he no longer sees"
    assert bob.refused("GET /notes/1") == (404, "not_found")
    ann.ok("POST /notes/1/share", {"user_id": 2})
    assert bob("DELETE /users/2").status == 204 and ann.ok("GET /notes/1")["reader_ids"] == []
