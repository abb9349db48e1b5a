"""What an OpenAPI file says is carried, or told: nothing of it is lost in silence."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from quantumlayer.evidence.judge.run import Budget, judge
from quantumlayer.evidence.judge.served_model import served
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
from quantumlayer.spec.check import checked
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.model import ManualClock, model_of
from quantumlayer.spec.values import Spec

BILLING = (Path(__file__).parent / "files" / "billing.yaml").read_text("utf-8")


def read(text: str, sentence: str = "") -> Spec:
    file = SourceFile(name="api.yaml", text=text)
    return checked(draft_spec(draft_frd(enhance(Request(text=sentence, files=(file,))))))


@pytest.fixture(scope="module")
def spec() -> Spec:
    return read(BILLING)


def test_what_nothing_carries_is_told(spec: Spec) -> None:
    told = [r.text for r in spec.requirements if not r.understood]
    wanted = (
        "header Idempotency-Key", "header Location", "402", "cursor", "links.next", "uniqueItems", "enum of the items",
        "format hostname", "plan_code of subscriptions names", "fills the balance", "with mood",
    )  # fmt: skip
    assert len(told) == len(wanted) and all(any(w in t for t in told) for w in wanted), told


def test_an_action_keeps_what_fields_of_its_name_are_for(spec: Spec) -> None:
    cancel = spec.entities["subscription"].operations["cancel"]
    assert cancel.transition and cancel.transition.from_states == ("trialing", "active"), "by its description"
    assert cancel.effects[0].set == {"cancelled_at": "now", "cancellation_reason": "input.reason"}
    started = spec.entities["subscription"].fields["started_at"]
    assert (started.default, started.required) == ("now", True)


def test_defaults_orders_and_what_is_only_written(spec: Spec) -> None:
    subscription = spec.entities["subscription"]
    assert subscription.operations["list"].default_sort == ("-started_at",)
    assert [(f.field, f.op) for f in subscription.operations["list"].filters] == [("created_at", "gte")]
    model = model_of(spec, ManualClock(datetime(2030, 1, 1, tzinfo=UTC)))
    made = model.handle(HttpRequest("POST", "/v2/subscriptions", {}, {}, b'{"plan_code": "a", "pin": "1234"}'))
    assert made.status == 201 and isinstance(made.body, dict)
    assert made.body["quantity"] == 1 and "pin" not in made.body


LIBRARY = (Path(__file__).parent / "files" / "library.yaml").read_text("utf-8")


def test_a_post_under_a_verb_makes_a_row_of_what_it_answers() -> None:
    rules = (
        "A loan is due 14 days after borrowing. Borrowing lowers the copies. A blocked member can't borrow. "
        "A member has at most 1 open loans."
    )
    spec = read(LIBRARY, rules)
    assert all(r.understood for r in spec.requirements), [r.reason for r in spec.requirements]
    clock = datetime(2030, 1, 1, tzinfo=UTC)
    model = model_of(spec, ManualClock(clock))

    def post(path: str, body: bytes, status: int) -> dict:
        answer = model.handle(HttpRequest("POST", path, {}, {}, body))
        assert answer.status == status, answer
        assert isinstance(answer.body, dict)
        return answer.body

    for isbn in ("a", "b"):
        post("/books", b'{"isbn": "%s", "title": "Dune"}' % isbn.encode(), 201)
    post("/members", b'{"name": "Ann"}', 201)
    post("/members", b'{"name": "Bob", "status": "BLOCKED"}', 201)
    loan = post("/books/a/borrow", b'{"memberId": 1}', 201)
    assert (loan["isbn"], loan["dueAt"], loan["returnedAt"]) == ("a", "2030-01-15", None)
    post("/books/b/borrow", b'{"memberId": 1}', 409)
    post("/books/b/borrow", b'{"memberId": 2}', 409)
    post("/books/a/borrow", b'{"memberId": 1}', 409)
    assert post(f"/loans/{loan['id']}/return", b"{}", 200)["returnedAt"] is not None
    post(f"/loans/{loan['id']}/return", b"{}", 409)
    post("/books/b/borrow", b'{"memberId": 1}', 201)


ADOPTION = (Path(__file__).parent / "files" / "adoption.yaml").read_text("utf-8")


def test_rows_beneath_a_row_belong_to_it_and_to_whoever_makes_them() -> None:
    spec = read(ADOPTION)
    adoption = spec.entities["adoption"]
    animal, user = adoption.fields["animal"], adoption.fields["user"]
    assert (animal.writable, animal.required) == ("create", True)
    assert (user.writable, user.default) == ("never", "actor")
    assert adoption.operations["list"].where == "self.user == actor"
    approve = adoption.operations["approve"].transition
    assert approve and approve.from_states == ("requested",), "what was declined is not approved"
    assert [e.set for e in adoption.operations["archive"].effects] == [{"archived": "true"}]
    told = " ".join(r.text for r in spec.requirements if not r.understood)
    assert "decided by of adoptions" in told and "form of passwords" in told


async def test_the_judge_holds_rows_beneath_a_row_that_name_it() -> None:
    spec = read(ADOPTION)
    async with served(spec) as app:
        evidence = await judge(spec, app, budget=Budget(random=0.3))
    failed = [(check.title, check.message) for check in evidence.checks if check.status == "failed"]
    assert failed == [] and sum(check.status == "passed" for check in evidence.checks) > 20


def test_who_refuses_to_delete_what_has_parts_keeps_it_and_lists_of_values_are_told() -> None:
    thing = (
        "{type: object, required: [id, name], properties: {id: {type: integer}, name: {type: string}, kind: {type: string}}}"
    )
    key = "{name: boxId, in: path, required: true, schema: {type: integer}}"
    rows = f"{{description: ok, content: {{application/json: {{schema: {{type: array, items: {thing}}}}}}}}}"
    text = f"""openapi: 3.0.3
info: {{title: Boxes, version: '1'}}
components: {{securitySchemes: {{basic: {{type: http, scheme: basic}}}}}}
paths:
  /boxes:
    post:
      security: [{{basic: []}}]
      requestBody: {{content: {{application/json: {{schema: {thing}}}}}}}
      responses: {{'201': {{description: ok, content: {{application/json: {{schema: {thing}}}}}}}}}
  /boxes/{{boxId}}:
    delete: {{parameters: [{key}], responses: {{'204': {{description: gone}}, '409': {{description: it has parts}}}}}}
  /boxes/{{boxId}}/parts:
    get:
      parameters: [{key}, {{name: kind, in: query, schema: {{type: array, items: {{type: string}}}}}}]
      responses: {{'200': {rows}}}
    post:
      parameters: [{key}]
      requestBody: {{content: {{application/json: {{schema: {thing}}}}}}}
      responses: {{'201': {{description: ok, content: {{application/json: {{schema: {thing}}}}}}}}}
"""
    spec = read(text)
    assert spec.entities["part"].fields["box"].on_delete == "restrict"
    told = " ".join(r.text for r in spec.requirements if not r.understood)
    assert "takes one kind at a time" in told and "not with basic" in told


def test_what_a_conflict_says_narrows_an_action_and_codes_are_not_made_of_titles() -> None:
    parcel = (
        "{type: object, required: [recipient], properties: {tracking: {type: string, readOnly: true}, "
        "recipient: {type: string}, "
        "status: {type: string, readOnly: true, enum: [accepted, on_road, delivered]}}}"
    )
    answer = f"{{description: ok, content: {{application/json: {{schema: {parcel}}}}}}}"
    key = "parameters: [{name: tracking, in: path, required: true, schema: {type: string}}]"
    depot = "{type: array, items: {type: object, properties: {code: {type: string}, city: {type: string}}}}"
    text = f"""openapi: 3.0.3
info: {{title: Parcels, version: '1'}}
paths:
  /parcels:
    post:
      requestBody: {{content: {{application/json: {{schema: {parcel}}}}}}}
      responses: {{'201': {answer}}}
  /parcels/{{tracking}}:
    get: {{{key}, responses: {{'200': {answer}}}}}
  /parcels/{{tracking}}/deliver:
    post:
      {key}
      responses:
        '200': {answer}
        '409': {{description: Only parcels on the road can be delivered}}
  /depots:
    get: {{responses: {{'200': {{description: ok, content: {{application/json: {{schema: {depot}}}}}}}}}}}
"""
    spec = read(text)
    move = spec.entities["parcel"].operations["deliver"].transition
    assert move and move.from_states == ("on_road",)
    assert spec.entities["parcel"].fields["tracking"].default == "random_code(10)"
    assert set(spec.entities["depot"].fields) == {"code", "city"}
    told = " ".join(r.text for r in spec.requirements if not r.understood)
    assert "tracking of parcels is made is not said" in told
