"""Builders: a request's spec, and the reference model of it as a small client with a clock that can be moved."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
from quantumlayer.spec.check import checked
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.frd import Frd
from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.model.reference import ReferenceModel
from quantumlayer.spec.values import Spec

TWELVE = {
    "todo": "A to-do API: tasks have a title, optional notes, a due date, a priority (low, medium, high) and a done flag. List tasks filtered by done and priority, newest first.",
    "library": "A public library: members borrow books. Each book has a title, a unique ISBN, a publication year and one or more authors. A loan is due 14 days after borrowing. A member can have at most 5 open loans, and a book that is on loan cannot be borrowed. Returning a loan records the return date. Overdue loans incur a fine of 0.25 per day.",
    "blog": "A blog where users register and log in. Authors write posts with a title, a unique slug, a body and tags. A post is a draft until its author publishes it; drafts are visible only to their author. Readers comment on published posts. Only the author of a comment or an admin can delete it.",
    "inventory": "Inventory: products with a unique SKU, name, price and reorder level, stored in warehouses. Stock movements (in, out, transfer) change the quantity; stock can never become negative. Report products below their reorder level.",
    "booking": "Room booking: rooms have a name and a capacity. A booking has a room, an organizer, a start and an end; it must end after it starts and may not overlap another booking of the same room. Bookings can be cancelled until 24 hours before they start.",
    "expenses": "Expense approval: employees submit expenses with an amount, a currency (EUR, USD, GBP), a category and a receipt URL. An expense goes from draft to submitted to approved or rejected. Only managers approve, nobody approves their own, and amounts above 1000 need the finance role.",
    "shortener": "A URL shortener: short links with a target URL and a unique code of 4 to 12 letters or digits, generated if missing. Visiting a code redirects and counts the click; links may expire.",
    "ticketing": "Event ticketing: events with a venue, a date, a price and a capacity. Customers buy tickets until the event is sold out; a ticket can be refunded until 7 days before the event. Report tickets sold and revenue per event.",
    "notes": "Private notes: users sign up and see only their own notes; a note can be shared with other users as read-only or editable; search notes by text.",
    "desk": "A support desk: customers open tickets with a subject, a description and a priority (low, normal, urgent). Agents assign, comment on and close tickets. Urgent tickets are due in 4 hours, others in 2 days. Show the number of open tickets by priority and the overdue ones.",
    "ledger": "A ledger: accounts with an owner and a currency; a transfer moves an amount between two accounts of the same currency, atomically, and is refused when funds are insufficient. An account's statement lists its transfers with the running balance.",
    "devices": "Device readings: devices authenticate with an API key and send readings (temperature, humidity, measured at). Show the latest reading of each device and the average per hour over a day.",
}


def frd_of(text: str, *files: SourceFile) -> Frd:
    return draft_frd(enhance(Request(text=text, files=files)))


def spec_of(text: str, *files: SourceFile) -> Spec:
    return checked(draft_spec(frd_of(text, *files)))


class Play:
    """Calls on the reference model of a spec. `at` moves the clock; answers are decoded bodies, statuses are asserted."""

    def __init__(self, spec: Spec) -> None:
        self.time = datetime(2030, 5, 6, 12, 0, tzinfo=UTC)
        self.model = ReferenceModel(spec, clock=lambda: self.time, admin=("root@example.org", "root-password"))
        self.header: dict[str, str] = {}

    def later(self, **span: float) -> None:
        self.time += timedelta(**span)

    def call(self, method: str, path: str, body: Any = None, status: int = 200, *, by: dict[str, str] | None = None) -> Any:
        path, _, query = path.partition("?")
        pairs = dict(p.split("=", 1) for p in query.split("&") if p)
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.model.handle(HttpRequest(method, path, pairs, self.header if by is None else by, raw))
        assert answer.status == status, (method, path, body, answer)
        return answer.body

    def post(self, path: str, body: Any = None, status: int = 201, *, by: dict[str, str] | None = None) -> Any:
        return self.call("POST", path, body if body is not None else {}, status, by=by)

    def get(self, path: str, status: int = 200, *, by: dict[str, str] | None = None) -> Any:
        return self.call("GET", path, None, status, by=by)

    def sign_up(self, name: str, *roles: str, plural: str = "users", **fields: Any) -> tuple[int, dict[str, str]]:
        """A new account's id and its header."""
        account = self.post("/auth/register", {"email": f"{name}@example.org", "password": "correct-horse", **fields}, by={})
        if roles:
            root = self.log_in("root@example.org", "root-password")
            self.call("PUT", f"/{plural}/{account['id']}/roles", {"roles": list(roles)}, by=root)
        return account["id"], self.log_in(f"{name}@example.org", "correct-horse")

    def log_in(self, email: str, password: str) -> dict[str, str]:
        token = self.post("/auth/login", {"email": email, "password": password}, 200, by={})["access_token"]
        return {"authorization": f"Bearer {token}"}
