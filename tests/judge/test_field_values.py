"""Values derived from constraints are what they claim: the reference model takes the valid ones and refuses the others."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from quantumlayer.errors import UserError
from quantumlayer.plan.field_values import accepted, refused, valid
from quantumlayer.spec.check import checked
from quantumlayer.spec.formats import FORMATS
from quantumlayer.spec.http import HttpRequest
from quantumlayer.spec.model import ReferenceModel
from quantumlayer.spec.values import Entity, Field, Operation, Spec

NUMBERS = ("integer", "number", "decimal")


@st.composite
def fields(draw: st.DrawFn) -> Field:
    type_ = draw(st.sampled_from(["string", "text", *NUMBERS, "boolean", "date", "time", "datetime", "enum", "strings"]))
    data: dict[str, Any] = {"type": type_, "required": draw(st.booleans())}
    if type_ in NUMBERS:
        low = draw(st.none() | st.integers(-50, 50))
        data |= {"min": low, "max": None if low is None or draw(st.booleans()) else low + draw(st.integers(10, 60))}
    if type_ in ("string", "text"):
        low = draw(st.none() | st.integers(1, 8))
        data |= {"min_length": low, "max_length": None if draw(st.booleans()) else (low or 1) + draw(st.integers(12, 60))}
        if type_ == "string" and low is None and draw(st.booleans()):
            data |= {"format": draw(st.sampled_from(sorted(FORMATS))), "max_length": None}
    if type_ == "enum":
        data["values"] = ("low", "medium", "high")
    if type_ == "decimal":
        data["places"] = draw(st.none() | st.integers(0, 3))
    return Field(**data)


def answered(field: Field, value: Any) -> int:
    entity = Entity(plural="things", fields={"it": field}, operations={"create": Operation()})
    try:
        spec = checked(Spec(name="t", entities={"thing": entity}))
    except UserError:
        assume(False)
    model = ReferenceModel(spec, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    return model.handle(HttpRequest("POST", "/things", body=json.dumps({"it": value}).encode())).status


@given(fields(), st.integers(0, 5000))
def test_valid_values_are_taken(field: Field, n: int) -> None:
    assert answered(field, valid(field, n)) == 201
    for sample in accepted(field, n):
        assert answered(field, sample.value) == 201, sample


@given(fields(), st.integers(0, 50))
def test_refused_values_are_refused(field: Field, n: int) -> None:
    for sample in refused(field, n):
        assert answered(field, sample.value) == 422, sample


@given(st.integers(0, 900), st.integers(0, 900))
def test_different_numbers_give_different_texts(one: int, other: int) -> None:
    assume(one != other)
    for format_ in FORMATS:
        field = Field(type="string", format=format_, unique=True)
        assert valid(field, one) != valid(field, other), format_
    assert valid(Field(type="string", pattern="^[A-Z]{3}-[0-9]{4}$"), one) != valid(
        Field(type="string", pattern="^[A-Z]{3}-[0-9]{4}$"), other
    )
