"""docs/http-contract.md, line by line: representation, order of checks, authentication."""

import json
from pathlib import Path
from typing import Any

import pytest
from model_calls import ADMIN, Client, start

from quantumlayer.spec.yaml_form import load_spec

EVERYTHING = load_spec((Path(__file__).parent / "everything.yaml").read_bytes(), "everything")
BOX: dict[str, Any] = {"label": "a", "maybe": "", "tags": []}


@pytest.fixture
def admin() -> Client:
    return start(EVERYTHING).logged_in(*ADMIN)


@pytest.fixture
def guest(admin: Client) -> Client:
    return Client(admin.model, admin.clock)


def test_defaults_empty_values_and_representation(guest: Client) -> None:
    box = guest.ok(
        "POST /boxes", {**BOX, "at": "2026-01-01T00:30:00.1234567+01:00", "price": 2, "big": True, "id": 77, "hidden": 1}
    )
    assert box == {
        "id": 1, "label": "a", "note": None, "maybe": "", "count": 3, "ratio": None, "price": 2, "on": None,
        "at": "2025-12-31T23:30:00.123456Z", "clock": None, "flag": None, "tags": [], "extra": [], "size": "small",
        "code": None, "hidden": 6, "inside_id": None, "status": "open", "big": False,
        "created_at": "2026-11-22T12:30:15Z", "updated_at": "2026-11-22T12:30:15Z",
    }  # fmt: skip
    assert guest("POST /boxes", BOX).headers["location"] == "/boxes/2"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("label", ""), ("label", "  \t"), ("label", "abcdef"), ("label", None), ("label", 1), ("label", "a\0"),
        ("label", "\ud800"),
        ("note", "x" * 256), ("count", 1.0), ("count", "1"), ("count", True), ("count", -1), ("count", 10), ("count", None),
        ("count", 2**53), ("ratio", 0.75), ("ratio", "0.5"), ("price", 1.0005), ("price", 1e12), ("price", None),
        ("on", "2026-02-29"),
        ("on", "2026-1-1"), ("on", 0), ("on", "2026-01-01T00:00:00Z"), ("at", "2026-01-01"), ("at", "2026-01-01T24:00:00Z"),
        ("at", 5),
        ("clock", "24:00"), ("clock", "9:00"), ("flag", 0), ("flag", "true"), ("tags", None), ("tags", "x"), ("tags", [""]),
        ("tags", [1]), ("extra", ["a", "b", "c"]), ("size", "tiny"), ("size", None), ("code", "ab1"), ("code", "ab\n"),
        ("inside_id", 99), ("inside_id", "1"), ("inside_id", 0), ("label", ["a"]),
    ],
)  # fmt: skip
def test_values_that_are_not_valid_are_422_and_named(guest: Client, member: str, value: Any) -> None:
    assert guest.refused("POST /boxes", {**BOX, member: value}) == (422, f"validation:{member}")
    assert guest.ok("GET /boxes")["total"] == 0


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("label", "äöü€😀"), ("note", ""), ("note", None), ("count", 9), ("ratio", 1.5), ("ratio", 2), ("price", 0.125),
        ("on", "2028-02-29"), ("at", "2026-01-01T00:00Z"), ("at", "2026-01-01T00:00:00"), ("clock", "23:59"), ("flag", False),
        ("extra", None), ("extra", ["a", "a"]), ("code", "123"), ("inside_id", None), ("unknown", {"a": 1}), ("maybe", "  "),
    ],
)  # fmt: skip
def test_values_that_are_valid_are_kept(guest: Client, member: str, value: Any) -> None:
    box = guest.ok("POST /boxes", {**BOX, member: value})
    if member in ("label", "note", "count", "ratio", "price", "on", "clock", "flag", "code", "maybe"):
        assert box[member] == value
    assert guest.ok("GET /boxes/1") == box


def test_all_errors_of_a_body_come_together(guest: Client) -> None:
    answer = guest("POST /boxes", {"count": "x", "maybe": "", "price": "y"})
    assert [e["field"] for e in answer.body["errors"]] == ["label", "count", "price", "tags"]


@pytest.mark.parametrize("raw", [b"{", b"[]", b"1", b"null", b'"x"', b"\xff", b'{"a": NaN}', b"[" * 100_000, b"", b"  "])
def test_bodies_that_are_not_objects_are_400(guest: Client, raw: bytes) -> None:
    assert guest.refused("POST /boxes", raw=raw) == (400, "malformed")


def test_a_missing_body_counts_as_empty_where_nothing_is_needed(guest: Client) -> None:
    guest.ok("POST /boxes", BOX)
    assert guest("POST /boxes/1/shut", raw=b"").body["count"] == 4
    assert guest("POST /boxes/1/count-up", raw=b"{{{").status == 200, "an action without input does not look at its body"


def test_the_order_of_the_checks(admin: Client, guest: Client) -> None:
    assert guest.refused("GET /nothing", raw=b"{") == (404, "not_found")
    assert guest.refused("PUT /boxes", raw=b"{") == (405, "method")
    bad = guest.with_token("nope")
    assert bad.refused("POST /boxes", raw=b"{") == (400, "malformed")
    assert bad.refused("POST /boxes", {}) == (401, "auth"), "a bad token is refused even where access is open"
    assert guest.refused("POST /users", {}) == (401, "auth")
    user = guest.registered(email="u@example.com", name="U" * 20, level=3)
    assert user.refused("POST /users", {}) == (403, "access:user.create"), "the role comes before the values"
    assert user.refused("PATCH /boxes/x", {"count": "x"}) == (404, "not_found")
    assert user.refused("PATCH /boxes/1", {"count": "x"}) == (422, "validation:count")
    assert user.refused("PATCH /boxes/1", {"count": 1}) == (404, "not_found")
    guest.ok("POST /boxes", {**BOX, "label": "mine"})
    assert user.refused("PATCH /boxes/1", {"count": 7}) == (403, "access:box.update"), "before the rules"
    guest.ok("POST /boxes/1/shut", {"by": 1})
    assert guest.refused("POST /boxes/1/shut", {"by": 0}) == (422, "validation:by")
    assert guest.refused("POST /boxes/1/shut", {"by": 6}) == (409, "state:box.shut"), "the state comes before the guards"


@pytest.mark.parametrize("path", ["0", "01", "+1", "-1", "1.0", "x", "%31x", "99999999999999999999", "1%00", "²"])
def test_ids_that_no_row_can_have_are_404(guest: Client, path: str) -> None:
    guest.ok("POST /boxes", BOX)
    assert guest.refused(f"GET /boxes/{path}") == (404, "not_found")


def test_updates_change_only_what_is_sent_and_rules_see_the_result(admin: Client) -> None:
    admin.ok("POST /boxes", {**BOX, "code": "abc", "note": "n"})
    admin.clock.advance(5)
    box = admin.ok("PATCH /boxes/1", {"label": "bad", "code": "xyz", "hidden": 0})
    assert (box["label"], box["code"], box["hidden"], box["note"]) == ("bad", "abc", 6, "n"), (
        "rules on create do not look at updates"
    )
    assert (box["created_at"], box["updated_at"]) == ("2026-11-22T12:30:15Z", "2026-11-22T12:30:20Z")
    assert admin.refused("PATCH /boxes/1", {"count": 7}) == (403, "rule:box.not_seven")
    assert admin.refused("PATCH /boxes/1", {"label": None}) == (422, "validation:label")
    assert admin.ok("PATCH /boxes/1", {"note": None})["note"] is None
    assert admin.ok("PATCH /boxes/1")["count"] == 3
    assert admin.refused("POST /boxes", {**BOX, "label": "bad"}) == (422, "rule:box.label_free")


def test_effects_run_in_order_and_computed_values_keep_their_bounds(guest: Client) -> None:
    guest.ok("POST /boxes", {**BOX, "count": 4})
    assert guest.ok("POST /boxes/1/count-up")["count"] == 6
    assert guest.ok("POST /boxes/1/count-up")["count"] == 8
    assert guest.refused("POST /boxes/1/count-up") == (409, "validation:count")
    assert guest.ok("GET /boxes/1")["count"] == 8
    assert guest("POST /boxes/spread", {"label": "new"}).status == 204
    assert guest.ok("GET /boxes/2")["tags"] == ["x"]
    assert guest.refused("POST /boxes/spread", {"label": "toolong"}) == (409, "validation:label")
    assert guest("POST /boxes/2/take").status == 204 and guest.refused("GET /boxes/2")[0] == 404


def test_deleting_clears_references_that_may_be_null(guest: Client) -> None:
    guest.ok("POST /boxes", BOX)
    guest.ok("POST /boxes", {**BOX, "inside_id": 1})
    assert guest.ok("GET /boxes", inside_id=1)["total"] == 1
    assert guest("DELETE /boxes/1").status == 204
    assert guest.ok("GET /boxes/2")["inside_id"] is None


def test_lists_filter_sort_and_refuse_unknown_orders(guest: Client) -> None:
    for label, day, extra in (("b", "2026-01-02", ["x"]), ("a", None, ["x", "y"]), ("c", "2026-01-01", [])):
        guest.ok("POST /boxes", {**BOX, "label": label, "on": day, "extra": extra, "note": f"100%_{label}"})

    def labels(**query: Any) -> str:
        return "".join(box["label"] for box in guest.ok("GET /boxes", **query)["items"])

    assert (labels(), labels(sort="label"), labels(sort="-label")) == ("bac", "abc", "cba")
    assert (labels(sort="on"), labels(sort="-on")) == ("cba", "bca"), "nulls last, whichever the direction"
    assert (labels(sort="size"), labels(sort="-size")) == ("bac", "cab"), "ties follow the first key"
    assert labels(on_from="2026-01-02") == "b" and labels(on_to="2026-01-01") == "c"
    assert labels(extra="x") == "ba" and labels(q="%_A") == "a" and labels(q="") == "bac" and labels(count_min="4") == ""
    wrong = {"sort": ("count", "-", ""), "limit": (0, 101, "x", "1.0"), "offset": (-1,), "on_from": ("x",), "flag": ("True",)}
    wrong |= {"size": ("tiny",), "inside_id": ("x",), "q": ("\0",)}
    for name, value in [(name, value) for name, values in wrong.items() for value in values]:
        assert guest.refused("GET /boxes", **{name: value}) == (422, f"validation:{name}")
    assert labels(nonsense="x", inside_id="5") == "" and labels(limit=1, offset=2) == "c" and labels(offset=9) == ""


def test_accounts_tokens_and_their_end(admin: Client, guest: Client) -> None:
    assert admin.ok("GET /auth/me") | {"created_at": 0, "updated_at": 0} == {
        "id": 1, "email": "root@example.com", "name": "Administrator_______", "level": 3, "roles": ["admin"],
        "created_at": 0, "updated_at": 0,
    }  # fmt: skip
    account = {"email": "Ann@Example.COM", "name": "A" * 20, "level": 4, "roles": ["admin"]}
    assert guest.refused("POST /auth/register", {**account, "password": "1234567"}) == (422, "validation:password")
    assert guest.refused("POST /auth/register", account) == (422, "validation:password")
    made = guest("POST /auth/register", {**account, "password": "12345678"})
    assert made.status == 201 and made.body["roles"] == [] and made.body["email"] == "ann@example.com"
    assert "password" not in json.dumps(made.body)
    assert guest.refused("POST /auth/register", {**account, "password": "12345678"}) == (409, "unique:user.email")
    wrong = guest("POST /auth/login", {"email": "ann@example.com", "password": "12345679"})
    unknown = guest("POST /auth/login", {"email": "nobody", "password": "12345679"})
    assert wrong.status == 401 and wrong.body == unknown.body
    assert guest.refused("POST /auth/login", {"email": "ann@example.com"}) == (422, "validation:password")
    login = guest.ok("POST /auth/login", {"email": "ANN@example.com", "password": "12345678"})
    assert (login["token_type"], login["expires_in"]) == ("bearer", 7200)
    ann = guest.with_token(login["access_token"])
    assert ann.ok("GET /auth/me")["id"] == 2
    assert ann("POST /auth/logout").status == 204 and ann.refused("GET /auth/me") == (401, "auth")
    again = guest.logged_in("ann@example.com", "12345678")
    guest.clock.advance(7199)
    assert again.ok("GET /auth/me")["id"] == 2
    guest.clock.advance(1)
    assert again.refused("GET /auth/me") == (401, "auth")
    admin = guest.logged_in(*ADMIN)
    made = admin.ok("POST /users", {**account, "email": "bo@example.com", "password": "87654321"})
    bo = guest.logged_in("bo@example.com", "87654321")
    assert admin(f"DELETE /users/{made['id']}").status == 204 and bo.refused("GET /auth/me") == (401, "auth")


def test_a_division_by_zero_is_an_error_that_changes_nothing() -> None:
    fields = "{n: integer, m: {type: integer, value: 1 / self.n}}"
    model = start(f"name: x\nentities:\n  a: {{plural: as1, fields: {fields}, operations: [create, list]}}")
    assert model("POST /as1", {"n": 0}).status == 500
    assert model.ok("GET /as1")["total"] == 0 and model.ok("POST /as1", {"n": -2})["m"] == 0


def test_uniqueness_comes_before_rules() -> None:
    fields = "{code: {type: string, unique: true}, start: integer, end: integer}"
    rules = "{ends: {check: self.end > self.start, message: It ends before it begins, status: 422}}"
    model = start(f"name: x\nentities:\n  a: {{plural: as1, fields: {fields}, rules: {rules}, operations: [create]}}")
    model.ok("POST /as1", {"code": "x", "start": 1, "end": 2})
    assert model.refused("POST /as1", {"code": "x", "start": 2, "end": 1}) == (409, "unique:a.code")
    assert model.refused("POST /as1", {"code": "y", "start": 2, "end": 1})[0] == 422
