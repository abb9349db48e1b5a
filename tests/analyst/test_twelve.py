"""The twelve requests mean what a careful reader expects: each is played through the reference model."""

import pytest
from analyst_play import TWELVE, Play, frd_of, spec_of


def play(name: str) -> Play:
    return Play(spec_of(TWELVE[name]))


@pytest.mark.parametrize("name", TWELVE)
def test_every_clause_is_understood_and_traced(name: str) -> None:
    spec = spec_of(TWELVE[name])
    assert all(r.understood for r in spec.requirements)
    traced = set(_satisfied(spec.model_dump()))
    assert {r.id for r in spec.requirements if not r.assumption} <= traced
    assert spec == spec_of(TWELVE[name])
    assert [r.id for r in frd_of(TWELVE[name]).requirements] == [r.id for r in spec.requirements]


def _satisfied(value: object) -> list[str]:
    if isinstance(value, dict):
        return [r for k, v in value.items() for r in (v if k == "satisfies" else _satisfied(v))]
    return [r for v in value for r in _satisfied(v)] if isinstance(value, list | tuple) else []


def test_todo() -> None:
    app = play("todo")
    task = {"title": "a", "due_date": "2030-06-01", "priority": "low"}
    first = app.post("/tasks", task)
    assert first["done"] is False and first["notes"] is None
    app.later(seconds=1)
    app.post("/tasks", task | {"priority": "high"})
    app.post("/tasks", task | {"priority": "urgent"}, 422)
    assert [t["priority"] for t in app.get("/tasks")["items"]] == ["high", "low"]
    app.call("PATCH", f"/tasks/{first['id']}", {"done": True})
    assert app.get("/tasks?done=true&priority=low")["total"] == 1
    assert app.get("/tasks?done=false&priority=low")["total"] == 0


def test_library() -> None:
    app = play("library")
    author = app.post("/authors", {"name": "Le Guin"})["id"]
    member, other = (app.post("/members", {"name": n})["id"] for n in ("a", "b"))
    isbns = [
        "9780306406157",
        "9783161484100",
        "9780131103627",
        "9780201633610",
        "9780262033848",
        "9780596007973",
        "9780134685991",
    ]
    books = [
        app.post("/books", {"title": "t", "isbn": i, "publication_year": 1974, "author_ids": [author]})["id"] for i in isbns
    ]
    app.post("/books", {"title": "t", "isbn": isbns[0], "publication_year": 1974, "author_ids": [author]}, 409)
    app.post("/books", {"title": "t", "isbn": "9780321125217", "publication_year": 1974, "author_ids": []}, 422)
    loans = [app.post("/loans", {"book_id": b, "member_id": member}) for b in books[:5]]
    assert loans[0]["due_date"] == "2030-05-20" and loans[0]["fine"] == 0
    app.post("/loans", {"book_id": books[5], "member_id": member}, 409)
    app.post("/loans", {"book_id": books[0], "member_id": other}, 409)
    app.later(days=17)
    assert app.get(f"/loans/{loans[0]['id']}")["fine"] == 0.75
    returned = app.post(f"/loans/{loans[0]['id']}/return", status=200)
    assert returned["return_date"] == "2030-05-23" and returned["fine"] == 0.75
    app.post(f"/loans/{loans[0]['id']}/return", status=409)
    app.later(days=10)
    assert app.get(f"/loans/{loans[0]['id']}")["fine"] == 0.75
    app.post("/loans", {"book_id": books[0], "member_id": other})
    app.post("/loans", {"book_id": books[5], "member_id": member})
    app.call("PATCH", f"/loans/{loans[1]['id']}", {"return_date": "2030-05-06"}, 405)
    app.call("DELETE", f"/loans/{loans[1]['id']}", None, 405)


def test_blog() -> None:
    app = play("blog")
    (_, ann), (_, bob), (_, eve) = app.sign_up("ann"), app.sign_up("bob"), app.sign_up("eve", "admin")
    text = {"title": "t", "slug": "a-b", "body": "b", "tags": ["x"]}
    app.post("/posts", text, 401, by={})
    post = app.post("/posts", text, by=ann)
    assert post["status"] == "draft"
    app.post("/posts", text, 409, by=bob)
    for reader in (bob, {}):
        app.get(f"/posts/{post['id']}", 404, by=reader)
    app.post("/comments", {"post_id": post["id"], "body": "hi"}, 409, by=ann)
    app.post(f"/posts/{post['id']}/publish", status=404, by=bob)
    app.post(f"/posts/{post['id']}/publish", status=200, by=ann)
    assert app.get("/posts", by={})["total"] == 1
    app.post(f"/posts/{post['id']}/publish", status=409, by=ann)
    one, two = (app.post("/comments", {"post_id": post["id"], "body": "hi"}, by=bob)["id"] for _ in range(2))
    app.call("DELETE", f"/comments/{one}", None, 403, by=ann)
    app.call("DELETE", f"/comments/{one}", None, 204, by=bob)
    app.call("DELETE", f"/comments/{two}", None, 204, by=eve)


def test_inventory() -> None:
    app = play("inventory")
    product = app.post("/products", {"sku": "A", "name": "n", "price": 1, "reorder_level": 5})["id"]
    app.post("/products", {"sku": "A", "name": "n", "price": 1, "reorder_level": 5}, 409)
    here, there = (app.post("/warehouses", {"name": n})["id"] for n in "ab")

    def move(kind: str, quantity: int, status: int = 201, **more: int) -> None:
        app.post(
            "/stock-movements", {"product_id": product, "type": kind, "quantity": quantity, "warehouse_id": here} | more, status
        )

    move("out", 1, 409)
    move("in", 6)
    assert app.get("/reports/products-below-reorder-level")["total"] == 0
    move("transfer", 4, 422)
    move("transfer", 4, to_warehouse_id=there)
    move("out", 3, 409)
    move("out", 3, warehouse_id=there)
    assert app.get(f"/products/{product}")["quantity"] == 3
    move("in", 1, 422, to_warehouse_id=there)
    move("in", 0, 422)
    assert app.get("/reports/products-below-reorder-level")["items"][0]["quantity"] == 3


def test_booking() -> None:
    app = play("booking")
    room, other = (app.post("/rooms", {"name": n, "capacity": 4})["id"] for n in "ab")

    def book(start: str, end: str, status: int = 201, where: int = room) -> dict:
        return app.post(
            "/bookings",
            {"room_id": where, "organizer": "o", "start": f"2030-05-{start}:00Z", "end": f"2030-05-{end}:00Z"},
            status,
        )

    first = book("08T10:00", "08T12:00")
    book("08T12:00", "08T11:00", 422)
    book("08T11:00", "08T13:00", 409)
    book("08T12:00", "08T13:00")
    book("08T10:00", "08T12:00", where=other)
    assert app.post(f"/bookings/{first['id']}/cancel", status=200)["status"] == "cancelled"
    again = book("08T10:00", "08T12:00")
    app.later(hours=22)
    late = book("08T09:00", "08T10:00")
    app.later(hours=1)
    app.post(f"/bookings/{late['id']}/cancel", status=409)
    app.call("PATCH", f"/bookings/{late['id']}", {"start": "2030-05-20T09:00:00Z", "end": "2030-05-20T10:00:00Z"}, 409)
    app.call("DELETE", f"/bookings/{late['id']}", None, 405)
    app.post(f"/bookings/{again['id']}/cancel", status=409)


def test_expenses() -> None:
    app = play("expenses")
    (_, ann), (_, boss), (_, chief) = (
        app.sign_up("ann", plural="employees"),
        app.sign_up("boss", "manager", plural="employees"),
        app.sign_up("chief", "manager", "finance", plural="employees"),
    )

    def submitted(who: dict[str, str], amount: float) -> int:
        body = {"amount": amount, "currency": "EUR", "category": "travel", "receipt_url": "https://example.org/r"}
        expense = app.post("/expenses", body, by=who)
        app.post(f"/expenses/{expense['id']}/approve", status=409, by=boss)
        app.post(f"/expenses/{expense['id']}/submit", status=200, by=who)
        return expense["id"]

    small, large, own = submitted(ann, 1000), submitted(ann, 1000.01), submitted(boss, 5)
    app.post(f"/expenses/{small}/approve", status=403, by=ann)
    app.post(f"/expenses/{small}/approve", status=200, by=boss)
    app.post(f"/expenses/{own}/approve", status=403, by=boss)
    app.post(f"/expenses/{large}/approve", status=403, by=boss)
    app.post(f"/expenses/{large}/approve", status=200, by=chief)
    app.post(f"/expenses/{large}/reject", status=409, by=chief)
    app.call("PATCH", f"/expenses/{small}", {"amount": 9}, 409, by=ann)
    app.post(f"/expenses/{own}/submit", status=403, by=ann)
    app.post("/expenses", {"amount": 0, "currency": "EUR", "category": "t", "receipt_url": "https://example.org"}, 422, by=ann)
    app.post("/expenses", {"amount": 1, "currency": "CHF", "category": "t", "receipt_url": "https://example.org"}, 422, by=ann)


def test_shortener() -> None:
    app = play("shortener")
    made = app.post("/short-links", {"target_url": "https://example.org/a"})
    assert 4 <= len(made["code"]) <= 12 and made["clicks"] == 0
    app.post("/short-links", {"target_url": "https://example.org/a", "code": "ab!d"}, 422)
    app.post("/short-links", {"target_url": "https://example.org/a", "code": "abc"}, 422)
    app.post("/short-links", {"target_url": "https://example.org/a", "code": made["code"]}, 409)
    app.get(f"/{made['code']}", 307)
    assert app.get(f"/short-links/{made['id']}")["clicks"] == 1
    app.post("/short-links", {"target_url": "https://example.org/a", "code": "soon", "expires_at": "2030-05-07T00:00:00Z"})
    app.get("/soon", 307)
    app.later(days=1)
    app.get("/soon", 410)


def test_ticketing() -> None:
    app = play("ticketing")
    event = app.post("/events", {"venue": "v", "date": "2030-05-20", "price": 12.5, "capacity": 2})["id"]
    someone = app.post("/customers", {"name": "c"})["id"]
    bought = [app.post("/tickets", {"event_id": event, "customer_id": someone})["id"] for _ in range(2)]
    app.post("/tickets", {"event_id": event, "customer_id": someone}, 409)
    app.post(f"/tickets/{bought[0]}/refund", status=200)
    app.post("/tickets", {"event_id": event, "customer_id": someone})
    app.later(days=8)
    app.post(f"/tickets/{bought[1]}/refund", status=409)
    app.call("PATCH", f"/events/{event}", {"price": 99})
    (row,) = app.get("/reports/tickets-sold-and-revenue-per-event")["items"]
    assert (row["tickets_sold"], row["revenue"]) == (2, 25)


def test_notes() -> None:
    app = play("notes")
    (_, ann), (bob_id, bob), (eve_id, eve) = app.sign_up("ann"), app.sign_up("bob"), app.sign_up("eve")
    note = app.post("/notes", {"text": "Milk and honey"}, by=ann)["id"]
    app.get(f"/notes/{note}", 404, by=bob)
    app.post("/note-shares", {"note_id": note, "user_id": bob_id, "permission": "read_only"}, by=ann)
    app.post("/note-shares", {"note_id": note, "user_id": eve_id, "permission": "editable"}, by=ann)
    app.get(f"/notes/{note}", by=bob)
    app.call("PATCH", f"/notes/{note}", {"text": "x"}, 403, by=bob)
    app.call("PATCH", f"/notes/{note}", {"text": "Bread, honey"}, by=eve)
    app.call("DELETE", f"/notes/{note}", None, 403, by=eve)
    assert [app.get("/notes?q=HONEY", by=who)["total"] for who in (ann, bob)] == [1, 1]
    assert app.get("/notes?q=milk", by=ann)["total"] == 0
    app.get("/notes", 401, by={})


def test_desk() -> None:
    app = play("desk")
    (_, customer), (agent_id, agent) = app.sign_up("c"), app.sign_up("a", "agent")
    made = [
        app.post("/tickets", {"subject": "s", "description": "d", "priority": p}, by=customer) for p in ("urgent", "low", "low")
    ]
    assert made[0]["due_at"].startswith("2030-05-06T16:00") and made[1]["due_at"].startswith("2030-05-08T12:00")
    app.post(f"/tickets/{made[0]['id']}/close", status=403, by=customer)
    app.post(f"/tickets/{made[1]['id']}/assign", {"agent_id": agent_id}, 200, by=agent)
    app.post("/comments", {"ticket_id": made[0]["id"], "body": "b"}, by=agent)
    app.post("/comments", {"ticket_id": made[0]["id"], "body": "b"}, 403, by=customer)
    app.post(f"/tickets/{made[1]['id']}/close", status=200, by=agent)
    app.later(hours=5)
    assert app.get("/reports/open-tickets-by-priority", by=agent)["items"] == [
        {"priority": "low", "count": 1},
        {"priority": "urgent", "count": 1},
    ]
    assert [t["id"] for t in app.get("/tickets/overdue", by=agent)["items"]] == [made[0]["id"]]


def test_ledger() -> None:
    app = play("ledger")
    one, two = (app.post("/accounts", {"owner": o, "currency": "EUR", "opening_balance": 100})["id"] for o in "ab")
    other = app.post("/accounts", {"owner": "c", "currency": "USD"})["id"]

    def move(source: int, target: int, amount: float, status: int = 201) -> None:
        app.post("/transfers", {"from_account_id": source, "to_account_id": target, "amount": amount}, status)

    move(one, two, 60)
    move(one, two, 40.01, 409)
    move(one, other, 1, 409)
    move(one, one, 1, 422)
    move(one, two, 0, 422)
    move(two, one, 10.5)
    assert [app.get(f"/accounts/{a}")["balance"] for a in (one, two)] == [50.5, 149.5]
    lines = app.get(f"/reports/statement?account_id={one}")["items"]
    assert [(line["amount"], line["balance"]) for line in lines] == [(-60, 40), (10.5, 50.5)]


def test_devices() -> None:
    app = play("devices")
    keys = [{"x-api-key": app.post("/devices", {"name": n})["api_key"]} for n in "ab"]
    app.post("/readings", {"temperature": 1, "humidity": 1, "measured_at": "2030-05-06T10:00:00Z"}, 401)
    for minute, degrees in ((0, 10.0), (30, 20.0)):
        app.post(
            "/readings", {"temperature": degrees, "humidity": 50, "measured_at": f"2030-05-06T10:{minute:02}:00Z"}, by=keys[0]
        )
    app.post("/readings", {"temperature": 5, "humidity": 101, "measured_at": "2030-05-06T10:00:00Z"}, 422, by=keys[1])
    assert [r["temperature"] for r in app.get("/reports/latest-readings", by=keys[0])["items"]] == [20]
    (hour,) = app.get("/reports/average-readings-per-hour?day=2030-05-06", by=keys[0])["items"]
    assert (hour["average_temperature"], hour["hour"]) == (15, "2030-05-06T10:00:00Z")
