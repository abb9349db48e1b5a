"""What an OpenAPI file says is carried, or told: nothing of it is lost in silence."""

from datetime import UTC, datetime

import pytest

from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
from quantumlayer.spec.check import checked
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.model import ManualClock, model_of
from quantumlayer.spec.values import Spec

BILLING = """
openapi: 3.1.0
info: {title: Billing, version: '1'}
servers: [{url: https://api.example.com/v2}]
paths:
  /plans:
    post:
      parameters: [{name: Idempotency-Key, in: header, required: true, schema: {type: string}}]
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Plan'}}}}
      responses:
        '201': {description: made, headers: {Location: {schema: {type: string}}}, content: {application/json: {schema: {$ref: '#/components/schemas/Plan'}}}}
        '402': {description: pay first}
  /subscriptions:
    get:
      parameters:
        - {name: cursor, in: query, schema: {type: string}}
        - {name: created_after, in: query, schema: {type: string, format: date-time}}
        - {name: sort, in: query, schema: {type: string, enum: [started_at, -started_at], default: -started_at}}
      responses:
        '200':
          description: ok
          content:
            application/json:
              schema:
                type: object
                properties:
                  data: {type: array, items: {$ref: '#/components/schemas/Subscription'}}
                  links: {type: object, properties: {next: {type: [string, 'null'], format: uri}}}
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [plan_code]
              properties: {plan_code: {type: string}, quantity: {type: integer, default: 1}, pin: {type: string, writeOnly: true}}
      responses:
        '201': {description: made, content: {application/json: {schema: {$ref: '#/components/schemas/Subscription'}}}}
  /subscriptions/{id}/cancel:
    post:
      description: Only an active or trialing subscription can be cancelled.
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      requestBody: {content: {application/json: {schema: {type: object, properties: {reason: {type: string}, mood: {type: string}}}}}}
      responses: {'200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Subscription'}}}}}
components:
  schemas:
    Plan:
      type: object
      required: [code]
      properties:
        code: {type: string}
        features: {type: array, uniqueItems: true, items: {type: string, enum: [a, b]}}
        hosts: {type: string, format: hostname}
    Subscription:
      type: object
      required: [id, plan_code, status, started_at]
      properties:
        id: {type: integer, readOnly: true}
        plan_code: {type: string}
        quantity: {type: integer}
        pin: {type: string, writeOnly: true}
        status: {type: string, enum: [trialing, active, past_due, cancelled]}
        started_at: {type: string, format: date-time, readOnly: true}
        cancelled_at: {type: [string, 'null'], format: date-time, readOnly: true}
        cancellation_reason: {type: [string, 'null'], readOnly: true}
        balance: {type: number, readOnly: true}
"""


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


LIBRARY = """
openapi: 3.0.2
info: {title: Library, version: '1'}
paths:
  /books:
    post:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Book'}}}}
      responses: {'201': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Book'}}}}}
  /books/{isbn}:
    get:
      parameters: [{name: isbn, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Book'}}}}}
  /books/{isbn}/borrow:
    post:
      parameters: [{name: isbn, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {type: object, required: [memberId], properties: {memberId: {type: integer}}}}}}
      responses: {'201': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Loan'}}}}}
  /loans:
    get: {responses: {'200': {description: ok, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Loan'}}}}}}}
  /loans/{id}/return:
    post:
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses: {'200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Loan'}}}}}
  /members:
    post:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Member'}}}}
      responses: {'201': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Member'}}}}}
components:
  schemas:
    Book: {type: object, required: [isbn, title], properties: {isbn: {type: string}, title: {type: string}, copies: {type: integer, default: 1, minimum: 0}}}
    Member: {type: object, required: [name], properties: {id: {type: integer, readOnly: true}, name: {type: string}, status: {type: string, enum: [ACTIVE, BLOCKED], default: ACTIVE}}}
    Loan:
      type: object
      required: [id, isbn, memberId, borrowedAt, dueAt]
      properties:
        id: {type: integer}
        isbn: {type: string}
        memberId: {type: integer}
        borrowedAt: {type: string, format: date-time}
        dueAt: {type: string, format: date}
        returnedAt: {type: string, format: date-time, nullable: true}
"""


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
