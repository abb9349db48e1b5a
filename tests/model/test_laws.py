"""Laws that hold for any history: paging partitions lists, filters agree with brute force, refusals change nothing."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from model_calls import Client, named_spec, start

from quantumlayer.spec.http import HttpRequest

LEDGER, TODO, LIBRARY = named_spec("ledger"), named_spec("todo"), named_spec("library")
_tasks = st.lists(
    st.fixed_dictionaries(
        {
            "title": st.text("abAB", min_size=1, max_size=3),
            "due_date": st.dates().map(str),
            "priority": st.sampled_from(["low", "medium", "high"]),
            "done": st.booleans(),
        }
    ),
    max_size=12,
)


def everything(client: Client) -> str:
    """All that can be read, without the times."""
    answers = {}
    for entity in client.model.spec.entities.values():
        if "list" in entity.operations:
            answers[entity.plural] = client.ok(f"GET /{entity.plural}", limit=100)
    return json.dumps(answers, sort_keys=True)


@settings(max_examples=25, deadline=None)
@given(_tasks, st.integers(1, 5), st.sampled_from(["title", "-title", "due_date", "-due_date", "priority", "-priority", None]))
def test_pages_partition_the_list(tasks: list[dict[str, Any]], limit: int, sort: str | None) -> None:
    todo = start(TODO)
    for task in tasks:
        todo.ok("POST /tasks", task)
    order = {"sort": sort} if sort else {}
    whole = todo.ok("GET /tasks", limit=100, **order)
    paged: list[Any] = []
    for offset in range(0, len(tasks) + limit, limit):
        page = todo.ok("GET /tasks", limit=limit, offset=offset, **order)
        assert page["total"] == len(tasks) and len(page["items"]) <= limit
        paged += page["items"]
    assert paged == whole["items"] and len({task["id"] for task in paged}) == len(tasks)
    if sort:
        key, down = sort.lstrip("-"), sort[0] == "-"
        by_id = sorted(paged, key=lambda t: t["id"], reverse=down)
        ranks = ["low", "medium", "high"]
        assert paged == sorted(by_id, key=lambda t: ranks.index(t[key]) if key == "priority" else t[key], reverse=down)


@settings(max_examples=25, deadline=None)
@given(_tasks, st.booleans(), st.sampled_from(["low", "medium", "high", None]))
def test_filters_agree_with_brute_force(tasks: list[dict[str, Any]], done: bool, priority: str | None) -> None:
    todo = start(TODO)
    rows = [todo.ok("POST /tasks", task) for task in tasks]
    query = {"done": str(done).lower(), **({"priority": priority} if priority else {})}
    wanted = {row["id"] for row in rows if row["done"] is done and priority in (None, row["priority"])}
    found = todo.ok("GET /tasks", **query)
    assert {row["id"] for row in found["items"]} == wanted and found["total"] == len(wanted)


_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 8), st.floats(allow_nan=False), st.text(max_size=3), st.just("EUR")
)
_bodies = st.dictionaries(
    st.sampled_from(["owner", "currency", "opening_balance", "source_id", "target_id", "amount", "note"]), _scalars, max_size=5
)
_good_transfer = st.fixed_dictionaries(
    {"source_id": st.integers(1, 3), "target_id": st.integers(1, 3), "amount": st.integers(1, 9000).map(lambda n: n / 100)}
)
_good_account = st.fixed_dictionaries(
    {"owner": st.just("o"), "currency": st.sampled_from(["EUR", "USD"]), "opening_balance": st.just(50)}
)
_lines = st.sampled_from(
    ["POST /accounts", "POST /transfers", "PATCH /accounts/1", "DELETE /accounts/1", "DELETE /accounts/2", "PATCH /transfers/1",
     "GET /accounts", "GET /reports/statement", "POST /nowhere"]
)  # fmt: skip
_calls = st.lists(
    st.one_of(
        st.tuples(_lines, _bodies),
        st.tuples(st.just("POST /transfers"), _good_transfer),
        st.tuples(st.just("POST /accounts"), _good_account),
    ),
    max_size=12,
)


@settings(max_examples=20, deadline=None)
@given(_calls)
def test_refused_requests_change_nothing_and_copies_are_independent(calls: list[tuple[str, Any]]) -> None:
    bank = start(LEDGER)
    for line, body in calls:
        before, twin = everything(bank), bank.model.copy()
        answer = bank(line, body)
        after = everything(bank)
        assert answer.status in (200, 201, 204, 400, 404, 405, 409, 422)
        if answer.status >= 400 or line.startswith("GET"):
            assert after == before and answer.cause or answer.status < 400
        method, path = line.split()
        assert everything(Client(twin, bank.clock)) == before, "the copy did not move"
        again = twin.handle(HttpRequest(method, path, body=json.dumps(body).encode()))
        assert (again.status, again.body, again.cause) == (answer.status, answer.body, answer.cause)
        assert everything(Client(twin, bank.clock)) == after, "the copy can do the same"


@settings(max_examples=20, deadline=None)
@given(st.lists(_good_transfer, max_size=15))
def test_money_is_neither_made_nor_lost(transfers: list[dict[str, Any]]) -> None:
    bank = start(LEDGER)
    for currency in ("EUR", "EUR", "USD"):
        bank.ok("POST /accounts", {"owner": "o", "currency": currency, "opening_balance": 50})
    for transfer in transfers:
        bank("POST /transfers", transfer)
        accounts = bank.ok("GET /accounts")["items"]
        assert round(sum(account["balance"] for account in accounts), 2) == 150 and all(a["balance"] >= 0 for a in accounts)
        for account in accounts:
            lines = bank.ok("GET /reports/statement", account_id=account["id"], limit=100)["items"]
            assert not lines or lines[-1]["balance"] == account["balance"]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["borrow", "return", "wait"]), st.integers(1, 8)), max_size=30))
def test_nobody_ever_has_more_than_five_open_loans(moves: list[tuple[str, int]]) -> None:
    library = start(LIBRARY)
    library.ok("POST /members", {"name": "Ann", "email": "a@example.com"})
    library.ok("POST /authors", {"name": "Bo"})
    for number in range(8):
        library.ok("POST /books", {"title": "T", "isbn": f"000000000{number}", "year": 2000, "author_ids": [1]})
    out: dict[int, int] = {}
    for move, book in moves:
        if move == "borrow":
            answer = library("POST /loans", {"member_id": 1, "book_id": book})
            assert (answer.status == 201) == (book not in out and len(out) < 5)
            if answer.status == 201:
                out[book] = answer.body["id"]
        elif move == "return":
            assert library(f"POST /loans/{out.pop(book, 999)}/return").status in (200, 404)
        else:
            library.clock.advance(86_400)
        assert library.ok("GET /members/1")["open_loans"] == len(out)
