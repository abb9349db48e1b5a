"""Values that travel: what is taken, what it becomes, and what is refused instead of being guessed."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app import wire

UTC = dt.UTC


@pytest.mark.parametrize(
    ("type_", "given", "taken"),
    [
        (wire.Text, "a", "a"),
        (wire.Integer, 7, 7),
        (wire.Number, 1.5, 1.5),
        (wire.Exactly, 0.1, Decimal("0.1")),
        (wire.Flag, True, True),
        (wire.Day, "2026-01-31", dt.date(2026, 1, 31)),
        (wire.TimeOfDay, "09:30", "09:30"),
        (wire.Moment, "2026-01-31T09:30:00Z", dt.datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        (wire.Moment, "2026-01-31T09:30+02:00", dt.datetime(2026, 1, 31, 7, 30, tzinfo=UTC)),
        (wire.RowKeys, [2, 1, 2], [1, 2]),
        (wire.QueryInteger, "-7", -7),
        (wire.QueryNumber, "1.5e2", 150.0),
        (wire.QueryExactly, "0.10", Decimal("0.10")),
        (wire.QueryFlag, "false", False),
        (wire.PathKey, "12", 12),
    ],
)
def test_what_is_taken(type_: Any, given: object, taken: object) -> None:
    assert TypeAdapter(type_).validate_python(given) == taken


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        (wire.Text, 7),
        (wire.Text, "a\0b"),
        (wire.Text, "\ud800"),
        (wire.Integer, "7"),
        (wire.Integer, 2**53),
        (wire.Number, True),
        (wire.Exactly, "1"),
        (wire.Exactly, True),
        (wire.Exactly, 1e12),
        (wire.Flag, "true"),
        (wire.Day, "2026-02-30"),
        (wire.Day, "20260131"),
        (wire.TimeOfDay, "24:00"),
        (wire.Moment, "2026-01-31"),
        (wire.Moment, "0001-01-01T00:00:00+05:00"),
        (wire.QueryInteger, "7.0"),
        (wire.QueryNumber, "one"),
        (wire.QueryExactly, "one"),
        (wire.QueryFlag, "yes"),
        (wire.PathKey, "01"),
        (wire.Never, "any"),
    ],
)
def test_what_is_refused(type_: Any, given: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(type_).validate_python(given)


def test_places_steps_and_patterns_are_exact() -> None:
    assert wire.Places(2)(Decimal("1.25")) == Decimal("1.25")
    assert wire.Step("0.25")(Decimal("1.75")) == Decimal("1.75")
    assert wire.Pattern("[A-Z]{3}")("ABC") == "ABC"
    with pytest.raises(ValueError, match="decimal places"):
        wire.Places(2)(Decimal("1.255"))
    with pytest.raises(ValueError, match="multiple"):
        wire.Step("0.25")(Decimal("1.7"))
    with pytest.raises(ValueError, match="form"):
        wire.Pattern("[A-Z]{3}")("ABCD")


def test_halves_are_rounded_away_from_zero() -> None:
    assert wire.rounded(Decimal("0.125"), 2) == Decimal("0.13")
    assert wire.rounded(-2.5, 0) == Decimal("-3")
    assert wire.rounded(None, 2) is None
