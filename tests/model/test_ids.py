"""Rows that are named by texts or given numbers, and new passwords: docs/http-contract.md, Ids."""

from typing import Any

import pytest
from model_calls import Client, start

from quantumlayer.spec.ids import is_made
from quantumlayer.spec.openapi import openapi
from quantumlayer.spec.problems import SpecError
from quantumlayer.spec.yaml_form import load_spec

SHOP = b"""
version: 1
name: Shop
auth: {entity: clerk}
entities:
  clerk:
    plural: clerks
    id: {type: string, format: uuid, writable: never}
    fields: {email: {type: string, format: email, unique: true}}
    operations: {read: {}, update: {password: true, access: {allow: self == actor}}}
  currency:
    plural: currencies
    id: {type: string, pattern: "[A-Z]{3}"}
    fields: {name: string}
    operations: {create: {}, read: {}, list: {}, update: {}, delete: {}}
  label:
    plural: labels
    id: {type: string, required: false}
    fields: {color: string?}
    operations: {create: {}, list: {}}
  invoice:
    plural: invoices
    id: integer
    fields:
      currency: {type: reference, to: currency}
      labels: {type: references, to: label, required: false}
      code: {type: string, value: self.currency.id}
    operations: {create: {}, read: {}, list: {filters: [currency, labels]}}
"""


@pytest.fixture
def shop() -> Client:
    return start(load_spec(SHOP, "shop"))


def test_clients_name_rows_and_refer_to_them_by_that(shop: Client) -> None:
    assert shop("POST /currencies", {"id": "EUR", "name": "Euro"}).headers["location"] == "/currencies/EUR"
    made = shop.ok("POST /invoices", {"id": 7, "currency_id": "EUR"})
    assert (made["id"], made["currency_id"], made["code"], made["label_ids"]) == (7, "EUR", "EUR", [])
    assert [shop.ok("GET /invoices", currency_id=one)["total"] for one in ("EUR", "USD")] == [1, 0]
    assert shop.ok("PATCH /currencies/EUR", {"id": "USD", "name": "euro"})["id"] == "EUR"
    assert shop.refused("GET /currencies/eur")[0] == 404 and shop.refused("GET /invoices/07")[0] == 404


@pytest.mark.parametrize("value", [None, 7, "EURO", "eu"])
def test_a_given_id_is_held_to_its_form(shop: Client, value: Any) -> None:
    assert shop.refused("POST /currencies", {"id": value, "name": "Euro"}) == (422, "validation:id")


def test_an_id_is_given_once_and_a_refusal_takes_none(shop: Client) -> None:
    shop.ok("POST /currencies", {"id": "EUR", "name": "Euro"})
    assert shop.refused("POST /currencies", {"id": "EUR", "name": "Again"}) == (409, "unique:currency.id")
    assert shop.refused("POST /invoices", {"id": 1, "currency_id": "XXX"})[0] == 422
    assert shop.ok("GET /currencies/EUR")["name"] == "Euro"
    shop.ok("DELETE /currencies/EUR")
    assert shop.ok("POST /currencies", {"id": "EUR", "name": "Back"})["name"] == "Back"


def test_ids_that_the_application_makes_sort_as_they_were_made(shop: Client) -> None:
    made = [shop.ok("POST /labels", body)["id"] for body in ({}, {"id": None}, {})]
    assert made == sorted(made) and len(set(made)) == 3 and all(is_made(one) for one in made)
    assert shop.ok("POST /labels", {"id": "zebra crossing"})["id"] == "zebra crossing"
    assert [row["id"] for row in shop.ok("GET /labels")["items"]] == [*made, "zebra crossing"]
    for wrong in ("", "a/b", "..", "a\nb"):
        assert shop.refused("POST /labels", {"id": wrong}) == (422, "validation:id"), wrong
    shop.ok("POST /currencies", {"id": "EUR", "name": "Euro"})
    body = {"id": 1, "currency_id": "EUR", "label_ids": ["zebra crossing", made[0], made[0]]}
    assert shop.ok("POST /invoices", body)["label_ids"] == [made[0], "zebra crossing"]


def test_a_new_password_logs_in_and_the_old_one_does_not(shop: Client) -> None:
    ada = {"email": "ada@example.com", "password": "Passw0rd-ada"}
    clerk = shop.ok("POST /auth/register", {**ada, "id": "ignored"})
    assert is_made(clerk["id"])
    signed_in = shop.logged_in(*ada.values())
    path = f"PATCH /clerks/{clerk['id']}"
    for wrong in ("short", None, 12345678):
        assert signed_in.refused(path, {"password": wrong}) == (422, "validation:password")
    assert signed_in.refused(path, {"email": "no address", "password": "Another-Passw0rd"})[0] == 422
    shop.logged_in(*ada.values())
    assert "password" not in signed_in.ok(path, {"password": "Another-Passw0rd"})
    assert shop.refused("POST /auth/login", ada)[0] == 401
    shop.logged_in("ada@example.com", "Another-Passw0rd")
    assert signed_in.ok("GET /auth/me")["id"] == clerk["id"]


def test_the_document_tells_the_forms_of_ids() -> None:
    schemas = openapi(load_spec(SHOP, "shop"))["components"]["schemas"]
    assert schemas["Clerk"]["properties"]["id"] == {"type": "string", "format": "uuid"}
    assert "id" not in schemas["ClerkCreate"]["properties"]
    assert schemas["CurrencyCreate"]["required"] == ["id", "name"] and "id" not in schemas["LabelCreate"].get("required", [])
    assert schemas["Invoice"]["properties"]["currency_id"]["pattern"] == "^(?:[A-Z]{3})$"
    assert schemas["Invoice"]["properties"]["label_ids"]["items"]["type"] == "string"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("{type: date}", "cannot be date"),
        ("{type: integer, writable: never}", "need no declaration"),
        ("{type: string, writable: never, max_length: 8}", "makes UUIDs"),
        ("{type: string, required: false, pattern: '[a-z]+'}", "makes UUIDs"),
        ("{type: string, default: '\"x\"'}", "does not fit an id"),
    ],
)
def test_ids_that_cannot_be_are_told(key: str, told: str) -> None:
    text = f"version: 1\nname: A\nentities:\n  a:\n    plural: as\n    id: {key}\n    operations: {{create: {{}}}}\n"
    with pytest.raises(SpecError, match=told):
        load_spec(text.encode(), "a")
