"""The gateway: who is asked, how often, for how much, and what is told when nobody answers."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantumlayer.account.memory import MemoryBook
from quantumlayer.account.values import Payer, cost
from quantumlayer.catalog.models import open_model
from quantumlayer.conformance.llm import Scene, serve_wire
from quantumlayer.errors import BudgetExceeded, EnvironmentError_, LlmUnavailable, UserError
from quantumlayer.gateway.breakers import MemoryCircuits
from quantumlayer.gateway.config import ModelsConfig
from quantumlayer.gateway.gateway import ModelGateway
from quantumlayer.gateway.hygiene import REMOVED, Cleaner, cleaner_of
from quantumlayer.gateway.pool import Pool
from quantumlayer.llms.scripted import ScriptedLlm
from quantumlayer.ports.llm import Answer, Gateway, NoModel, Prompt, PromptTooLarge, Turn
from quantumlayer.ports.llm_options import ModelOptions

BUSY = LlmUnavailable("busy")
HELLO = Prompt("be brief", "hello", max_tokens=100)
PRICED = ModelOptions(usd_per_million_input=1.0, usd_per_million_output=2.0)


class Office:
    """A gateway before scripted models `s:a`, `s:b`, …, with its book."""

    def __init__(self, scripts, *, roles=None, cleaner=Cleaner(), **settings) -> None:
        self.models = {
            f"s:{name}": script if isinstance(script, ScriptedLlm) else ScriptedLlm(script, name=f"s:{name}")
            for name, script in scripts.items()
        }
        settings["transport"] = {"first_wait_seconds": 0.001} | settings.get("transport", {})
        self.config = ModelsConfig.model_validate({"roles": roles or {"coder": list(self.models)}, **settings})
        self.book, self.circuits, self.heard = MemoryBook(), MemoryCircuits(), []
        self.pool = Pool(self.models.__getitem__, self.config.transport, self.circuits)
        self.gateway: Gateway = ModelGateway(self.config, self.pool, self.book, Payer("run"), "code", self._hear, cleaner)

    async def _hear(self, call) -> None:
        self.heard.append(call)

    async def outcomes(self):
        return [(call.model, call.outcome) for call in await self.book.calls("run")]


async def test_a_busy_model_is_asked_again():
    office = Office({"a": [BUSY, BUSY, "done"]})
    answer = await office.gateway.ask("coder", HELLO)
    assert (answer.text, answer.model) == ("done", "s:a")
    assert await office.outcomes() == [("s:a", "failed"), ("s:a", "failed"), ("s:a", "answered")]
    assert [call.reason for call in office.heard] == ["busy", "busy", ""]


async def test_the_next_alternative_answers_and_is_written_down():
    office = Office({"a": ScriptedLlm([BUSY], endless=True, name="s:a"), "b": ["from b"]})
    answer = await office.gateway.at("repair").ask("coder", HELLO, language="go")
    assert answer.model == "s:b"
    last = office.heard[-1]
    assert (last.stage, last.role, last.language, last.model) == ("repair", "coder", "go", "s:b")


async def test_routes_go_before_roles_and_a_named_model_before_both():
    settings = {"roles": {"coder": "s:a"}, "routes": {"go": {"coder": "s:b"}}, "last_attempt": {"coder": "s:c"}}
    office = Office({"a": ["a"], "b": ["b"], "c": ["c"]}, **settings)
    assert (await office.gateway.ask("coder", HELLO)).text == "a"
    assert (await office.gateway.ask("coder", HELLO, language="go")).text == "b"
    assert (await office.gateway.ask("coder", HELLO, language="go", model=office.gateway.stronger("coder"))).text == "c"
    with pytest.raises(NoModel) as told:
        await office.gateway.ask("vision", HELLO)
    assert told.value.exit_code == 2 and "--role vision" in told.value.hint


async def test_retry_after_is_honoured_and_too_long_a_wait_is_spent_elsewhere():
    office = Office({"a": [LlmUnavailable("wait", retry_after=0.3), "done"]})
    began = time.monotonic()
    assert (await office.gateway.ask("coder", HELLO)).text == "done"
    assert time.monotonic() - began >= 0.3
    office = Office({"a": [LlmUnavailable("wait", retry_after=3600), "never"], "b": ["b"]})
    began = time.monotonic()
    assert (await office.gateway.ask("coder", HELLO)).text == "b"
    assert time.monotonic() - began < 60


async def test_when_nobody_answers_all_reasons_are_told():
    office = Office({"a": ScriptedLlm([BUSY], endless=True, name="s:a"), "b": [UserError("no such model", hint="mend it")]})
    with pytest.raises(LlmUnavailable) as told:
        await office.gateway.ask("coder", HELLO)
    assert "s:a: busy" in told.value.message and "s:b: no such model" in told.value.message
    office = Office({"a": [EnvironmentError_("key missing", hint="export KEY")], "b": [UserError("second")]})
    with pytest.raises(EnvironmentError_, match="key missing"):
        await office.gateway.ask("coder", HELLO)


async def test_a_breaker_opens_is_seen_and_closes_again():
    transport = {"attempts": 2, "breaker_failures": 2, "breaker_seconds": 0.2}
    office = Office({"a": [BUSY, BUSY, "well again", "and still"]}, transport=transport)
    with pytest.raises(LlmUnavailable, match="busy"):
        await office.gateway.ask("coder", HELLO)
    assert [(c.model, c.state) for c in await office.circuits.all()] == [("s:a", "opened")]
    asked = len(office.models["s:a"].prompts)
    with pytest.raises(LlmUnavailable, match="left alone"):
        await office.gateway.ask("coder", HELLO)
    assert len(office.models["s:a"].prompts) == asked
    another = Pool(office.models.__getitem__, office.config.transport, office.circuits)
    with pytest.raises(LlmUnavailable, match="left alone"):
        await ModelGateway(office.config, another, office.book, Payer("run")).ask("coder", HELLO)
    await asyncio.sleep(0.25)
    assert (await office.gateway.ask("coder", HELLO)).text == "well again"
    assert [c.state for c in await office.circuits.all()] == ["closed"]


async def test_our_mistakes_and_cancelled_calls_open_no_breaker():
    never = asyncio.Event()

    class Slow(ScriptedLlm):
        async def ask(self, prompt, on_text=None):
            await never.wait()
            raise AssertionError

    office = Office({"a": Slow([], name="s:a"), "b": [UserError("bad")] * 3}, transport={"breaker_failures": 1})
    for _ in range(3):
        with pytest.raises(UserError):
            await office.gateway.ask("coder", HELLO, model="s:b")
        call = asyncio.create_task(office.gateway.ask("coder", HELLO, model="s:a"))
        await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert all(circuit.state == "closed" for circuit in await office.circuits.all())
    assert ("s:a", "cancelled") in await office.outcomes()
    assert cost(await office.book.calls("run")) == 0


async def test_the_budget_is_checked_before_the_call():
    model = ScriptedLlm(["x" * 400] * 9, name="s:a", options=PRICED)
    office = Office({"a": model}, budget={"run_tokens": 250})
    await office.gateway.ask("coder", HELLO)
    with pytest.raises(BudgetExceeded) as told:
        await office.gateway.ask("coder", HELLO)
        await office.gateway.ask("coder", HELLO)
    assert told.value.exit_code == 3 and told.value.data["limit"] == "run tokens"
    answered = await office.outcomes()
    assert len(model.prompts) == len(answered)
    spent = sum(call.input_tokens + call.output_tokens for call in await office.book.calls("run"))
    assert spent <= 250


async def test_money_is_checked_and_an_unknown_price_fails_closed():
    office = Office({"a": ScriptedLlm(["x"], name="s:a", options=PRICED)}, budget={"run_usd": 0.0001})
    with pytest.raises(BudgetExceeded, match="the run has used"):
        await office.gateway.ask("coder", HELLO)
    office = Office({"a": ScriptedLlm(["x"], name="s:a", options=ModelOptions())}, budget={"run_usd": 100})
    with pytest.raises(UserError, match="price"):
        await office.gateway.ask("coder", HELLO)
    assert office.models["s:a"].prompts == []


async def test_a_prompt_that_does_not_fit_is_known_before_and_goes_to_a_larger_model():
    long = Prompt("", "word " * 5000, max_tokens=4000)
    small = ScriptedLlm(["small"], name="s:a", context_tokens=2000)
    office = Office({"a": small, "b": ScriptedLlm([lambda p: str(p.max_tokens)], name="s:b", context_tokens=8000)})
    answer = await office.gateway.ask("coder", long)
    assert answer.model == "s:b" and small.prompts == []
    assert 256 <= int(answer.text) < 2000, "the answer gets what room is left"
    with pytest.raises(PromptTooLarge) as told:
        await office.gateway.ask("coder", long, model="s:a")
    assert told.value.exit_code == 2 and told.value.data["context_tokens"] == 2000


async def test_calls_to_one_provider_wait_for_their_turn():
    under_way, most = 0, 0

    class Busy(ScriptedLlm):
        async def ask(self, prompt, on_text=None):
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.01)
            under_way -= 1
            return Answer("x", "stop", self.name, 1, 1, 0.0)

    office = Office({"a": Busy([], name="s:a")}, transport={"concurrency": {"s": 3}})
    await asyncio.gather(*(office.gateway.ask("coder", HELLO) for _ in range(12)))
    assert most == 3


@asynccontextmanager
async def wired(**transport):
    """A gateway before a real server that speaks OpenAI's protocol."""
    async with serve_wire() as wire:
        name = "openai-compatible:any"
        settings = {
            "roles": {"coder": name},
            "models": {name: {"base_url": f"{wire.url}/v1", "timeout_seconds": 5}},
            "transport": {"first_wait_seconds": 0.001, **transport},
        }
        config = ModelsConfig.model_validate(settings)
        pool = Pool(lambda found: open_model(config, found), config.transport, MemoryCircuits())
        yield wire, ModelGateway(config, pool, MemoryBook(), Payer("run"))
        await pool.close()


async def test_one_layer_of_retries_on_the_wire():
    async with wired(attempts=3) as (wire, gateway):
        wire.play(Scene("broken"), Scene("busy", retry_after=0.1), Scene(text="third time"))
        assert (await gateway.ask("coder", HELLO)).text == "third time"
        assert len(wire.requests) == 3
        wire.play(Scene("overloaded"))
        with pytest.raises(LlmUnavailable):
            await gateway.ask("coder", HELLO)
        assert len(wire.requests) == 3


async def test_text_is_heard_while_it_comes_and_a_retry_starts_anew():
    async with wired() as (wire, gateway):
        wire.play(Scene("cut", text="never whole"), Scene(text="one two three"))
        heard = []

        async def hear(text):
            heard.append(text)

        assert (await gateway.ask("coder", HELLO, on_text=hear)).text == "one two three"
        assert "".join(heard).endswith("one two three")


async def test_cancelling_closes_the_connection_and_frees_the_place():
    async with wired(concurrency={"openai-compatible": 1}) as (wire, gateway):
        wire.play(Scene("hang"), Scene(text="free"))
        call = asyncio.create_task(gateway.ask("coder", HELLO))
        while not wire.arrived():
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await asyncio.wait_for(gateway.ask("coder", HELLO), 5)).text == "free"
        assert wire.left()


async def test_what_a_model_says_is_told_live_in_handfuls(monkeypatch):
    monkeypatch.setattr("quantumlayer.gateway.live.MOST", 64)
    text = "0123456789" * 20
    office = Office({"a": [text]})
    told, heard = [], []

    async def said(model, piece):
        told.append((model, piece))

    async def hear(piece):
        heard.append(piece)

    answer = await replace(office.gateway, said=said).ask("coder", HELLO, on_text=hear)
    assert "".join(heard) == answer.text == text, "whoever asked gets the answer as it is"
    assert {model for model, _ in told} == {"s:a"} and len(told) < len(heard)
    assert "".join(piece for _, piece in told) == text


SECRET = "s3cr3t-value-of-this-machine"


async def test_secrets_of_the_machine_never_reach_a_prompt_or_the_account():
    cleaner = cleaner_of(
        {"MY_API_KEY": SECRET, "HOME": "/home/ada", "MAX_TOKENS": "1000000000", "APP_TOKEN_KIND": "production"}
    )
    model = ScriptedLlm([LlmUnavailable(f"refused {SECRET}"), "done"], name="s:a")
    office = Office({"a": model}, cleaner=cleaner)
    leaky = Prompt(
        f"system {SECRET}",
        f"key {SECRET}; postgresql://bob:hunter22@db/x; AKIAABCDEFGHIJKLMNOP; 1000000000; production; /home/ada",
        earlier=(Turn("user", SECRET),),
    )
    await office.gateway.ask("coder", leaky)
    for sent in model.prompts:
        whole = sent.system + sent.text + sent.earlier[0].text
        assert SECRET not in whole and "hunter22" not in whole and "AKIAABCDEFGHIJKLMNOP" not in whole
        assert "postgresql://bob:" in whole and REMOVED in whole
        assert "1000000000; production; /home/ada" in whole, "what only looks a little like a secret stays"
    assert SECRET not in str(office.heard) and SECRET not in str(await office.book.calls("run"))


@settings(deadline=None)
@given(st.text(max_size=200))
def test_texts_without_secrets_are_left_as_they_are(text):
    if "-----BEGIN" not in text and "://" not in text:
        assert Cleaner(("no-such-secret-here",)).text(text) == text
