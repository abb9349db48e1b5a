"""Accounts of calls: in memory, in SQLite and in PostgreSQL they keep the same promises."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.account.memory import MemoryBook
from quantumlayer.account.values import Budget, Call, Payer, Spent, check, cost, used
from quantumlayer.errors import BudgetExceeded, UserError
from quantumlayer.gateway.breakers import Circuit
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.spending import SqlBook, SqlCircuits
from quantumlayer.stores.values import Owner

ADA = Payer("run-1", organisation="ada")
NOTHING = Budget()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def book(request, tmp_path, postgresql):
    if request.param == "memory":
        yield MemoryBook()
        return
    place = tmp_path / "m.db" if request.param == "sqlite" else postgresql
    metadata = Metadata(place)
    await metadata.prepare()
    yield SqlBook(metadata.database)
    await metadata.close()


def call(tokens_in=10, tokens_out=5, usd: float | None = 0.5, **facts) -> Call:
    facts = {"run": "run-1", "stage": "code", "role": "coder", "model": "m:a", "outcome": "answered"} | facts
    return Call(**facts, input_tokens=tokens_in, output_tokens=tokens_out, cost_usd=usd, at=datetime.now(UTC))


async def test_what_was_really_taken_replaces_what_was_reserved(book):
    first = await book.reserve(ADA, Spent(tokens=90, usd=0.9), Budget(tokens=100), 60)
    with pytest.raises(BudgetExceeded) as told:
        await book.reserve(ADA, Spent(tokens=20), Budget(tokens=100), 60)
    assert told.value.data == {"limit": "run tokens", "allowed": 100, "spent": 90, "wanted": 20}
    assert told.value.exit_code == 3 and told.value.hint
    await book.settle(first, ADA, call(10, 5))
    await book.reserve(ADA, Spent(tokens=85), Budget(tokens=100), 60)
    assert [(c.input_tokens, c.output_tokens, c.cost_usd) for c in await book.calls("run-1")] == [(10, 5, 0.5)]


async def test_a_failed_call_costs_nothing_and_another_run_has_its_own_budget(book):
    one = await book.reserve(ADA, Spent(tokens=100), Budget(tokens=100), 60)
    await book.settle(one, ADA, call(0, 0, 0.0, outcome="failed", reason="busy"))
    await book.reserve(ADA, Spent(tokens=100), Budget(tokens=100), 60)
    await book.reserve(Payer("run-2", organisation="ada"), Spent(tokens=100), Budget(tokens=100), 60)


async def test_what_a_killed_process_reserved_lapses(book):
    await book.reserve(ADA, Spent(tokens=100), Budget(tokens=100), 0.05)
    await asyncio.sleep(0.1)
    await book.reserve(ADA, Spent(tokens=100), Budget(tokens=100), 60)


async def test_callers_at_once_never_overdraw(book):
    async def attempt() -> bool:
        try:
            await book.reserve(ADA, Spent(tokens=10), Budget(tokens=35), 60)
        except BudgetExceeded:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt() for _ in range(12)))) == 3


async def test_an_organisation_has_a_budget_over_all_its_runs(book):
    if isinstance(book, MemoryBook):
        book.organisation = Budget(usd=1.0)
    else:
        await book.limit("ada", Budget(usd=1.0), Owner(organisation="ada"))
    one = await book.reserve(ADA, Spent(tokens=1, usd=0.6), NOTHING, 60)
    await book.settle(one, ADA, call(usd=0.6))
    with pytest.raises(BudgetExceeded, match="organisation"):
        await book.reserve(Payer("run-2", organisation="ada"), Spent(tokens=1, usd=0.6), NOTHING, 60)
    with pytest.raises(UserError, match="price of the model is not known"):
        await book.reserve(ADA, Spent(tokens=1, usd=None), NOTHING, 60)
    await book.reserve(Payer("run-3", organisation="grace"), Spent(tokens=1, usd=0.4), NOTHING, 60)


async def test_budgets_and_circuits_outlive_their_process(tmp_path):
    metadata = Metadata(tmp_path / "m.db")
    await metadata.prepare()
    book, circuits = SqlBook(metadata.database), SqlCircuits(metadata.database)
    await book.limit("ada", Budget(tokens=7), Owner())
    await book.limit("ada", Budget(usd=2.5), Owner())
    assert await book.budget("ada") == Budget(usd=2.5)
    await book.limit("ada", Budget(), Owner())
    assert await book.budget("ada") == Budget()
    await book.settle("lapsed-long-ago", ADA, call())
    assert (await book.spent("ada")) == Spent(tokens=15, usd=0.5)
    assert await circuits.load("m:a") is None
    opened = Circuit("m:a", "opened", 5, 1234.5)
    await circuits.keep(Circuit("m:a", "closed", 1))
    await circuits.keep(opened)
    assert await circuits.load("m:a") == opened and list(await circuits.all()) == [opened]
    await metadata.close()


numbers = st.integers(0, 1000)


@given(allowed=numbers, spent=numbers, wanted=numbers)
def test_a_budget_is_never_exceeded_and_never_refused_without_need(allowed, spent, wanted):
    try:
        check("run", Budget(tokens=allowed), Spent(tokens=spent), Spent(tokens=wanted))
        fits = True
    except BudgetExceeded:
        fits = False
    assert fits == (spent + wanted <= allowed)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), numbers, numbers, st.none() | st.floats(0, 9))))
def test_the_account_of_a_run_loses_nothing(rows):
    calls = [call(i, o, usd, stage=stage, model=model) for stage, model, i, o, usd in rows]
    lines = used(calls)
    assert len({(line.stage, line.model) for line in lines}) == len(lines)
    assert sum(line.calls for line in lines) == len(calls)
    assert sum(line.input_tokens for line in lines) == sum(c.input_tokens for c in calls)
    assert sum(line.output_tokens for line in lines) == sum(c.output_tokens for c in calls)
    assert (cost(calls) is None) == any(c.cost_usd is None for c in calls)
