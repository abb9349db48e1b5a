"""Which parts of the suite are chosen, and when what passed is still known."""

from pathlib import Path

import pytest

from quantumlayer.catalog.blueprints import known_blueprints
from quantumlayer.catalog.places import place_of
from quantumlayer.conformance.blueprint.place import Place
from quantumlayer.conformance.blueprint.suite import Suite, units_of
from quantumlayer.conformance.blueprint.workbench import Workbench
from quantumlayer.errors import UserError


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_of(known_blueprints(tmp_path), "python/fastapi", tmp_path)


def test_parts_are_chosen_by_their_beginning_or_a_pattern(place: Place) -> None:
    everything = units_of(place)
    assert len({unit.name for unit in everything}) == len(everything)
    assert {unit.name for unit in units_of(place, ("todo/",))} == {
        f"todo/{kind}" for kind in ("render", "own", "sqlite", "postgresql")
    }
    assert {unit.kind for unit in units_of(place, ("*/sqlite", "fault/wrong"))} == {"sqlite", "fault"}
    with pytest.raises(UserError, match="nothing is called"):
        units_of(place, ("tudo",))


async def test_what_passed_is_known_to_the_next_call_and_a_line_cut_off_by_a_kill_is_not(place: Place) -> None:
    units = units_of(place, ("faults",))
    async with Workbench(place) as bench:
        first = [outcome async for outcome in Suite.at(bench).outcomes(units)]
        again = [outcome async for outcome in Suite.at(bench).outcomes(units)]
        assert [(o.status, o.remembered) for o in (*first, *again)] == [("passed", False), ("passed", True)]
        memory = Suite.at(bench).memory
        memory.write_bytes(memory.read_bytes()[:-20])
        assert not await Suite.at(bench).passed(units[0])
        assert [o.remembered async for o in Suite.at(bench, fresh=True).outcomes(units)] == [False]


def test_no_stack_is_asked_for_what_it_does_not_provide(tmp_path: Path) -> None:
    known = known_blueprints(tmp_path)
    by_stack = {s: {u.name for u in units_of(place_of(known, s, tmp_path))} for s in ("python/fastapi", "python/litestar")}
    assert "keys/own" in by_stack["python/fastapi"] and "keys/own" not in by_stack["python/litestar"]
    assert "hostile/locals/own" in by_stack["python/litestar"]
