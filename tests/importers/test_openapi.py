"""An OpenAPI file keeps its own form: its paths, members, statuses and refusals, before the reference model and the judge."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.blueprint.load import load_blueprints
from quantumlayer.errors import UserError
from quantumlayer.evidence.judge.run import Budget, judge
from quantumlayer.evidence.judge.served_model import served
from quantumlayer.languages.python.adapter import Python
from quantumlayer.plan.clients import client_table
from quantumlayer.plan.make_plan import make_plan
from quantumlayer.plan.surface_client import Inexpressible, page_of, page_wrong, put, unfilled
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.importers.openapi import import_openapi
from quantumlayer.spec.importers.tables import ImportError_
from quantumlayer.spec.model import ManualClock, model_of
from quantumlayer.spec.surface import fill, take
from quantumlayer.spec.values import Spec
from quantumlayer.spec.yaml_form import dump_spec, load_spec

CLUB = Path(__file__).with_name("club.yaml")
START = datetime(2026, 11, 22, 10, tzinfo=UTC)
MEMBER = {"email": "ann@example.com", "password": "correct horse", "nickname": "Ann"}


def spec_of(text: str, name: str = "api.yaml", request: str = "") -> Spec:
    return draft_spec(draft_frd(enhance(Request(text=request, files=(SourceFile(name=name, text=text),)))))


@pytest.fixture(scope="module")
def club() -> Spec:
    return spec_of(CLUB.read_text(), "club.yaml", "The tags of a room are kept in alphabetical order.")


class Client:
    """Speaks to the model of a spec as clients do."""

    def __init__(self, spec: Spec) -> None:
        self.model, self.token = model_of(spec, ManualClock(START)), ""

    def call(self, method: str, target: str, body: Any = None) -> tuple[int, Any]:
        path, _, query = target.partition("?")
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        asked = dict(part.split("=") for part in query.split("&")) if query else {}
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.model.handle(HttpRequest(method, path, asked, headers, raw))
        return answer.status, answer.body

    def sign_in(self, **changes: str) -> "Client":
        assert self.call("POST", "/v2/sign-up", MEMBER | changes)[0] == 201
        status, body = self.call("POST", "/v2/sessions", {k: (MEMBER | changes)[k] for k in ("email", "password")})
        assert status == 200 and list(body) == ["token"]
        self.token = body["token"]
        return self


def test_a_client_of_the_file_meets_its_paths_shapes_and_statuses(club: Spec) -> None:
    client = Client(club).sign_in()
    room = {"title": "Blue Room", "capacity": 8, "tagNames": ["sea", "art"], "place": {"street": "Quay 1", "city": "Bonn"}}
    status, body = client.call("POST", "/v2/rooms", {"room": room})
    made = body["room"]
    assert (
        status == 201 and made["code"] == "blue-room" and made["tagNames"] == ["art", "sea"] and made["place"] == room["place"]
    )
    assert (made["liked"], made["likesCount"]) == (False, 0)
    assert client.call("POST", "/v2/rooms/blue-room/like")[1]["room"]["liked"] is True
    assert client.call("POST", "/v2/rooms/blue-room/like")[1]["room"]["likesCount"] == 1
    client.token = ""
    status, body = client.call("GET", "/v2/rooms?minCapacity=8&limit=20")
    assert status == 200 and body["roomsCount"] == 1 and body["rooms"][0]["liked"] is False
    assert client.call("GET", "/v2/tags") == (200, {"tags": ["art", "sea"]})


def test_refusals_have_the_form_and_the_statuses_of_the_file(club: Spec) -> None:
    client = Client(club).sign_in()
    status, body = client.call("POST", "/v2/rooms", {"room": {"title": "Hall", "capacity": 0}})
    assert status == 400 and body["code"] == 400 and "capacity" in body["message"]
    assert client.call("POST", "/v2/rooms", {"room": 5})[0] == 400
    assert client.call("GET", "/v2/rooms/none") == (404, {"code": 404, "message": "There is no such row."})
    assert client.call("GET", "/rooms")[0] == 404 and client.call("PUT", "/v2/rooms")[0] == 405
    client.token = "wrong"
    assert client.call("GET", "/v2/me")[0] == 401


def test_rows_beneath_a_row_are_reached_through_it_only(club: Spec) -> None:
    client = Client(club).sign_in()
    for title in ("One", "Two"):
        client.call("POST", "/v2/rooms", {"room": {"title": title, "capacity": 2}})
    status, booking = client.call("POST", "/v2/rooms/one/bookings", {"day": "2026-12-01"})
    assert status == 201 and booking["status"] == "pending"
    assert client.call("POST", "/v2/rooms/none/bookings", {"day": "2026-12-01"})[0] == 404
    assert [b["id"] for b in client.call("GET", "/v2/rooms/one/bookings")[1]] == [booking["id"]]
    assert client.call("GET", "/v2/rooms/two/bookings")[1] == []
    assert client.call("DELETE", f"/v2/rooms/two/bookings/{booking['id']}")[0] == 404
    assert client.call("POST", f"/v2/bookings/{booking['id']}/cancel")[1]["status"] == "cancelled"
    assert client.call("DELETE", f"/v2/rooms/one/bookings/{booking['id']}") == (204, None)


def test_an_operation_whose_behaviour_nothing_tells_is_unmet_and_absent(club: Spec) -> None:
    unmet = [r.text for r in club.requirements if not r.understood]
    assert any("remind" in text for text in unmet) and not any("cancel" in text for text in unmet)
    assert Client(club).sign_in().call("POST", "/v2/bookings/1/remind")[0] == 404


async def test_the_judge_speaks_the_surface_and_catches_what_leaves_it(club: Spec) -> None:
    async with served(club) as app:
        evidence = await judge(club, app, budget=Budget(random=0.3))
    statuses = [check.status for check in evidence.checks]
    assert "failed" not in statuses and statuses.count("passed") > 20, [c for c in evidence.checks if c.status == "failed"]
    assert club.surface
    exposures = [e.model_copy(update={"status": 200}) if e.does == "room.create" else e for e in club.surface.exposures]
    other = club.model_copy(update={"surface": club.surface.model_copy(update={"exposures": tuple(exposures)})})
    async with served(other) as app:
        evidence = await judge(club, app, budget=Budget(random=0.1, failures=1))
    assert any(check.status == "failed" and "201" in check.message for check in evidence.checks)


def test_a_surface_survives_the_form_in_which_specs_are_written(club: Spec) -> None:
    assert load_spec(dump_spec(club), "club.yaml").surface == club.surface


def test_a_stack_without_surfaces_refuses(club: Spec) -> None:
    found = load_blueprints().get("python/fastapi")
    less = found.value.model_copy(update={"provides": ("http",)})
    bare = type(found).__new__(type(found))
    bare.__dict__.update({**found.__dict__, "value": less})
    with pytest.raises(UserError, match="python/fastapi"):
        make_plan(club, bare, "blueprint", Python())


LEAVES = st.sampled_from([f"m{n}" for n in range(40)])
TEMPLATES = st.recursive(
    LEAVES, lambda inner: st.dictionaries(st.sampled_from("abcdef"), inner, min_size=1, max_size=3), max_leaves=8
)


@given(st.dictionaries(st.sampled_from("uvwxyz"), TEMPLATES, min_size=1, max_size=4), st.integers())
def test_what_a_template_fills_it_also_reads(template: dict[str, Any], value: int) -> None:
    members = {f"m{n}": value + n for n in range(40)}
    told = unfilled(template, fill(template, members))
    assert all(members[name] == found for name, found in told.items())
    assert take(template, put(template, told)) == told


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("swagger: '2.0'\npaths: {}\n", "a.yaml:1", "Swagger 2.0"),
        (
            "openapi: 3.0.0\npaths:\n  /a: {get: {responses: {'200': {$ref: '#/components/responses/X'}}}}\n",
            "a.yaml:3",
            "no target",
        ),
        ("openapi: 3.0.0\npaths:\n  /a: {$ref: 'other.yaml#/a'}\n", "a.yaml:3", "outside the file"),
        (
            "openapi: 3.0.0\npaths: {/a: {get: {responses: {}}}}\ncomponents:\n  schemas:\n"
            "    A: {$ref: '#/components/schemas/B'}\n"
            "    B: {$ref: '#/components/schemas/A'}\n",
            "a.yaml:",
            "leads back to itself",
        ),
        ("openapi: 4.0.0\npaths: {}\n", "a.yaml:1", "4.0.0"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_mend(text: str, place: str, said: str) -> None:
    with pytest.raises(ImportError_) as caught:
        import_openapi("a.yaml", text)
    assert place in caught.value.message and said in caught.value.message and caught.value.hint


PAGED = """
openapi: 3.0.3
info: {title: Depot, version: "1"}
paths:
  /parts:
    get:
      parameters:
        - {name: pageNumber, in: query, description: "Zero-based.", schema: {type: integer, default: 0}}
        - {name: pageSize, in: query, schema: {type: integer, maximum: 50, default: 2}}
      responses:
        "200":
          description: ok
          content:
            application/json:
              schema:
                type: object
                properties:
                  content: {type: array, items: {$ref: "#/components/schemas/Part"}}
                  meta:
                    type: object
                    properties:
                      totalElements: {type: integer}
                      totalPages: {type: integer}
                      number: {type: integer}
                      last: {type: boolean}
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Part"}}}}
      responses: {"201": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Part"}}}}}
  /parts/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Part"}}}}}
  /orders:
    get:
      description: Twenty orders, 20 per page.
      parameters: [{name: page, in: query, schema: {type: integer, minimum: 1}}]
      responses:
        "200":
          description: ok
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Order"}}}}
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
      responses: {"201": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}}
  /orders/{orderId}:
    get:
      parameters: [{name: orderId, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}}
components:
  schemas:
    Part: {type: object, required: [id, title], properties: {id: {type: string, pattern: "^[A-Z]{2}$"}, title: {type: string}}}
    Order:
      type: object
      required: [partId]
      properties:
        orderId: {type: string, format: uuid, readOnly: true}
        partId: {type: string}
        spareIds: {type: array, items: {type: string}}
        partIds: {type: array, items: {type: string}}
"""


def test_ids_and_pages_are_those_of_the_file() -> None:
    spec = spec_of(PAGED)
    assert [r.text for r in spec.requirements if not r.understood] == []
    client = Client(spec)
    for one in ("AB", "CD", "EF"):
        assert client.call("POST", "/parts", {"id": one, "title": one})[1] == {"id": one, "title": one}
    assert client.call("POST", "/parts", {"id": "AB", "title": "again"})[0] == 409
    assert client.call("GET", "/parts/CD")[1]["title"] == "CD" and client.call("GET", "/parts/XX")[0] == 404
    status, page = client.call("GET", "/parts?pageNumber=1")
    assert [row["id"] for row in page["content"]] == ["EF"]
    assert page["meta"] == {"totalElements": 3, "totalPages": 2, "number": 1, "last": True} and status == 200
    status, refused = client.call("GET", "/parts?pageNumber=-1")
    assert status == 422 and refused["errors"] == [{"field": "pageNumber", "message": "must be a whole number from 0"}]
    status, order = client.call("POST", "/orders", {"partId": "CD", "partIds": ["EF", "AB"], "orderId": "mine"})
    assert status == 201 and order["partId"] == "CD" and order["partIds"] == ["AB", "EF"] and order["orderId"] != "mine"
    assert client.call("GET", f"/orders/{order['orderId']}")[1] == order
    assert client.call("POST", "/orders", {"partId": "XX"})[0] == 422
    assert client.call("GET", "/orders?page=2") == (200, []) and len(client.call("GET", "/orders?page=1")[1]) == 1


async def test_the_judge_reads_pages_by_their_number_and_holds_what_they_tell() -> None:
    spec = spec_of(PAGED)
    async with served(spec) as app:
        evidence = await judge(spec, app, budget=Budget(random=0.2))
    assert [c.message for c in evidence.checks if c.status == "failed"] == []
    table = client_table(spec)
    told = next(op for op in table["operations"] if op["path"] == "/parts" and op["method"] == "GET") if table else {}
    assert page_wrong(told, {"pageNumber": "1"}, {"total": 3, "$page": 1, "$pages": 2, "$last": True}) == ""
    assert "pages" in page_wrong(told, {"pageNumber": "1"}, {"total": 3, "$pages": 3})
    assert page_of(told, {"offset": 4, "limit": 2}, {}) == {"pageNumber": 2}
    with pytest.raises(Inexpressible):
        page_of(told, {"offset": 3, "limit": 2}, {})


def test_the_password_of_the_callers_account_changes_with_it() -> None:
    account = "type: object, properties: {email: {type: string}, password: {type: string}, name: {type: string}}"
    shown = "{type: object, properties: {email: {type: string}, name: {type: string}}}"
    answer = f'{{"200": {{description: ok, content: {{application/json: {{schema: {shown}}}}}}}}}'
    body = f"requestBody: {{content: {{application/json: {{schema: {{{account}}}}}}}}}"
    login = "{type: object, required: [email, password], properties: {email: {type: string}, password: {type: string}}}"
    token = (
        '{"200": {description: ok, content: {application/json: {schema: {type: object, properties: {token: {type: string}}}}}}}'
    )
    text = f"""
openapi: 3.0.3
info: {{title: People, version: "1"}}
paths:
  /users:
    post: {{{body}, responses: {answer.replace("200", "201")}}}
  /login:
    post: {{requestBody: {{content: {{application/json: {{schema: {login}}}}}}}, responses: {token}}}
  /me:
    put: {{security: [{{bearer: []}}], {body}, responses: {answer}}}
components: {{securitySchemes: {{bearer: {{type: http, scheme: bearer}}}}}}
"""
    spec = spec_of(text)
    assert spec.entities["user"].operations["update"].password
    client, ada = Client(spec), {"email": "ada@example.com", "password": "Passw0rd-ada"}
    assert client.call("POST", "/users", {**ada, "name": "Ada"})[0] == 201
    client.token = client.call("POST", "/login", ada)[1]["token"]
    assert client.call("PUT", "/me", {"password": "Another-Passw0rd"}) == (200, {"email": "ada@example.com", "name": "Ada"})
    assert client.call("POST", "/login", ada)[0] == 401
    assert client.call("POST", "/login", {**ada, "password": "Another-Passw0rd"})[0] == 200
