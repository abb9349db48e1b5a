"""The translation between the described surface and the application, on a small table of its own."""

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from app import surface

USER = {"id": 7, "email": "ann@example.com"}


def operation(method: str, path: str, kind: str, inner: str, **changes: Any) -> dict[str, Any]:
    """One operation as `surface.json` writes it."""
    behind = {"kind": kind, "method": {"login": "POST", "register": "POST", "create": "POST"}.get(kind, "GET"), "path": inner}
    found = {"method": method, "path": path, "inner": behind, "status": 200, "open": True, "caller": False}
    paging = {"pages": None, "usual": 20}
    return found | paging | {"read": None, "bind": {}, "query": {}, "accepts": None, "answers": None} | changes


TABLE = {
    "base": "/api",
    "scheme": "Token",
    "me": "/auth/me",
    "login": {"path": "/auth/login", "members": ["email", "password"]},
    "document": {"openapi": "3.1.0"},
    "refusals": {
        "404": {"status": 410, "body": None},
        "422": {"status": 400, "body": {"errors": "$messages", "code": ["$status"], "kind": "bad"}},
    },
    "operations": [
        operation(
            "POST",
            "/users",
            "register",
            "/users",
            status=201,
            accepts={"user": {"mail": "email", "secret": "password"}},
            answers={"user": {"mail": "email", "token": "$token"}},
        ),
        operation(
            "POST", "/session", "login", "/auth/login", accepts={"mail": "email"}, answers={"mail": "email", "t": "$token"}
        ),
        operation("GET", "/me", "read", "/users/{key}", open=False, caller=True, answers={"mail": "email"}),
        operation(
            "GET", "/users", "list", "/users", query={"size": "limit"}, answers={"users": [{"no": "id"}], "all": "$total"}
        ),
        operation(
            "GET",
            "/pages",
            "list",
            "/pages",
            query={"size": "limit"},
            pages={"page": "page", "first": 1},
            answers={"users": [{"no": "id"}], "meta": {"page": "$page", "of": "$pages", "more": "$more", "back": "$previous"}},
        ),
        operation("GET", "/go", "action", "/go"),
        operation(
            "DELETE", "/users/{name}", "delete", "/users/{key}", status=204, bind={"name": {"read": None, "member": None}}
        ),
        operation(
            "GET",
            "/teams/{team}/users/{no}",
            "read",
            "/users/{key}",
            read="/users/{key}",
            answers="id",
            bind={"team": {"read": "/teams/{key}", "member": "team_id"}, "no": {"read": None, "member": None}},
        ),
    ],
}


async def behind(scope: Scope, receive: Receive, send: Send) -> None:
    """Stands for the application: answers a few requests in the conventional form."""
    request = Request(scope, receive)
    body = json.loads(await request.body() or b"null")
    await _answer(request, body)(scope, receive, send)


def _answer(request: Request, body: Any) -> Response:
    match request.method, request.url.path:
        case "POST", "/users" if "@" not in str(body.get("email")):
            errors = [{"field": "email", "message": "is no address"}]
            return JSONResponse({"detail": "Some fields are not valid.", "errors": errors}, 422)
        case "POST", "/users":
            return JSONResponse(USER, 201)
        case "POST", "/auth/login":
            return JSONResponse({"access_token": "t1"})
        case "GET", "/auth/me" if request.headers.get("authorization") == "Bearer t1":
            return JSONResponse(USER)
        case "GET", "/auth/me":
            return JSONResponse({"detail": "Sign in first."}, 401, {"www-authenticate": "Bearer"})
        case "GET", "/users":
            return JSONResponse({"items": [USER], "total": int(request.query_params.get("limit", "9"))})
        case "GET", "/pages" if not request.query_params.get("offset", "0").isdigit():
            return JSONResponse({"detail": "No.", "errors": [{"field": "offset", "message": "is wrong"}]}, 422)
        case "GET", "/pages":
            return JSONResponse({"items": [{"id": request.query_params["offset"]}], "total": 9})
        case "GET", "/users/7":
            return JSONResponse({**USER, "team_id": 1})
        case "GET", "/teams/1" | "/teams/2":
            return JSONResponse({"id": int(request.url.path[-1])})
        case "GET", "/go":
            return RedirectResponse("https://example.com/")
        case "DELETE", "/users/7":
            return Response(status_code=204)
    return JSONResponse({"detail": "There is no such resource."}, 404)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Calls the surface with the table above in front of `behind`."""
    monkeypatch.setattr(surface, "TABLE", TABLE)
    return TestClient(surface.Surface(behind), follow_redirects=False)


def test_names_and_nesting_are_translated_both_ways(client: TestClient) -> None:
    made = client.post("/api/users", json={"user": {"mail": "ann@example.com", "secret": "open sesame"}})
    assert (made.status_code, made.json()) == (201, {"user": {"mail": "ann@example.com", "token": "t1"}})
    listed = client.get("/api/users?size=3&other=1")
    assert listed.json() == {"users": [{"no": 7}], "all": 3}


def test_pages_are_read_by_their_number(client: TestClient) -> None:
    second = client.get("/api/pages?size=4&page=2").json()
    assert second == {"users": [{"no": "4"}], "meta": {"page": 2, "of": 3, "more": True, "back": 1}}
    assert client.get("/api/pages?page=1").json()["meta"] == {"page": 1, "of": 1, "more": False, "back": None}
    for wrong in ("0", "-1", "two", ""):
        refused = client.get(f"/api/pages?page={wrong}")
        assert (refused.status_code, refused.json()["errors"]) == (400, ["page must be a whole number from 1"])


def test_credentials_go_by_the_scheme_of_the_description(client: TestClient) -> None:
    assert client.post("/api/session", json={"mail": "ann@example.com"}).json() == {"mail": "ann@example.com", "t": "t1"}
    assert client.get("/api/me").status_code == 401
    assert client.get("/api/me", headers={"Authorization": "Bearer t1"}).status_code == 401
    assert client.get("/api/me", headers={"Authorization": "Token t1"}).json() == {"mail": "ann@example.com"}


def test_refusals_take_the_described_form(client: TestClient) -> None:
    wrong = client.post("/api/users", json={"user": {"mail": "nobody"}})
    assert (wrong.status_code, wrong.json()) == (400, {"errors": ["mail is no address"], "code": [400], "kind": "bad"})
    assert client.post("/api/users", json={"user": 7}).json()["errors"] == ["user must be an object"]
    assert client.delete("/api/users/8").status_code == 410
    assert client.get("/elsewhere").status_code == 410
    other = client.put("/api/users", json={})
    assert (other.status_code, other.headers["allow"]) == (405, "GET, POST")
    large = client.post("/api/users", content=b" " * (surface.MAX_BODY + 1))
    assert (large.status_code, large.headers["content-type"]) == (413, "application/problem+json")


def test_rows_are_found_below_those_they_belong_to(client: TestClient) -> None:
    assert client.get("/api/teams/1/users/7").json() == 7
    assert client.get("/api/teams/2/users/7").status_code == 410
    assert client.get("/api/teams/3/users/7").status_code == 410


def test_answers_without_a_body_stay_so(client: TestClient) -> None:
    assert client.delete("/api/users/7").status_code == 204
    sent = client.get("/api/go")
    assert (sent.status_code, sent.headers["location"]) == (307, "https://example.com/")
    assert client.get("/openapi.json").json() == TABLE["document"]
