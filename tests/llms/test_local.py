"""Models in our own process: a tiny real one in every run, a useful one where `QL_TEST_MODEL` names its file."""

import asyncio
import contextlib
import json
import os
import time
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_model import CONTEXT, write_tiny_model

from quantumlayer.catalog.models import open_model, parse_models
from quantumlayer.conformance.llm import TRIALS, Bench, run_trial
from quantumlayer.errors import EnvironmentError_, UserError
from quantumlayer.llms.gguf import check_gguf
from quantumlayer.llms.local import open_local
from quantumlayer.ports.llm import Prompt
from quantumlayer.ports.llm_options import ModelOptions

WITHOUT_SERVER = {"answers", "follows_schema", "streams", "tells_cut", "counts_and_closes"}
YES_OR_NO = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}
NONSENSE = {"follows_schema": "random weights fill a string until the answer is cut"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.gguf")


def bench_of(path: Path, context_tokens: int, **facts) -> Bench:
    def open_it(options: ModelOptions, key: str):
        return open_local("local:x", options.model_copy(update={"path": path, "context_tokens": context_tokens}), None)

    return Bench(open_it, real=True, **facts)


async def test_a_tiny_model_keeps_the_promises(tiny):
    bench = bench_of(tiny, CONTEXT, deviations=NONSENSE)
    found = {trial.name: await run_trial(bench, trial) for trial in TRIALS}
    assert {name for name, check in found.items() if check.status == "passed"} == WITHOUT_SERVER - set(NONSENSE)
    assert not [check.message for check in found.values() if check.status in ("failed", "errored")]


async def test_its_answers_follow_a_schema_its_tokens_are_counted_and_nobody_else_is_let_in(tiny):
    model = open_local("local:tiny", ModelOptions(path=tiny, context_tokens=CONTEXT), None)
    guessed = model.tokens(Prompt("", "word " * 20))
    answer = await model.ask(Prompt("", "Yes or no?", schema=YES_OR_NO, max_tokens=400))
    assert json.loads(answer.text)["ok"] in (True, False)
    assert answer.cost_usd == 0 and model.price(10**6, 10**6) == 0
    assert model.tokens(Prompt("", "word " * 20)) >= 100 > guessed, "this tokenizer has a token a byte"
    address = model._server.listening_address
    assert address.startswith("http://127.0.0.1:")
    refused = httpx.post(f"{address}/v1/chat/completions", json={"messages": [{"role": "user", "content": "hi"}]})
    assert refused.status_code == 401
    await model.close()


async def test_cancelling_stops_the_work(tiny):
    model = open_local("local:tiny", ModelOptions(path=tiny, context_tokens=CONTEXT), None)
    await model.ask(Prompt("", "hi", max_tokens=1))
    seen: list[str] = []

    async def cancel(text: str) -> None:
        seen.append(text)
        call.cancel()

    call = asyncio.create_task(model.ask(Prompt("", "hi", max_tokens=400), cancel))
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(seen) == 1
    assert (await asyncio.wait_for(model.ask(Prompt("", "hi", max_tokens=2)), 30)).output_tokens == 2
    await model.close()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no GGUF"),
        (b"GGUF", "damaged"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 16, "damaged"),
        (b"PK\x03\x04 a zip file", "no GGUF"),
        (b"\0" * 4096, "no GGUF"),
    ],
)
def test_a_file_that_is_no_model_is_known_before(tmp_path, content, told):
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(UserError, match=told):
        check_gguf(path)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_file_that_is_cut_off_or_scrambled_is_known_before_it_is_loaded(tiny, data):
    """Wherever the download broke off before the last tensor; whatever stands in the head, it is refused or taken, no more."""
    whole, path = tiny.read_bytes(), tiny.with_name("harmed.gguf")
    check_gguf(tiny)
    path.write_bytes(whole[: data.draw(st.integers(4, len(whole) // 2))])
    with pytest.raises(UserError, match="damaged") as cut:
        check_gguf(path)
    assert cut.value.exit_code == 2 and "SHA-256" in cut.value.hint
    at, noise = data.draw(st.integers(4, 9000)), data.draw(st.binary(min_size=1, max_size=64))
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    with contextlib.suppress(UserError):
        check_gguf(path)


def test_a_folder_and_a_missing_file_are_no_models(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        check_gguf(tmp_path)
    with pytest.raises(UserError, match="there is no file"):
        open_model(parse_models(f'[models."local:x"]\npath = "{tmp_path}/../../nowhere.gguf"', "x"), "local:x")


@pytest.mark.parametrize("harm", ["cut", "scrambled"])
async def test_a_damaged_model_ends_as_an_error_and_not_with_the_process(tiny, tmp_path, harm):
    whole = tiny.read_bytes()
    path = tmp_path / "damaged.gguf"
    path.write_bytes(whole[:-8] if harm == "cut" else whole.replace(b"llama", b"nobod"))
    model = open_local("local:x", ModelOptions(path=path), None)
    with pytest.raises(EnvironmentError_, match="llama.cpp cannot load") as told:
        await model.ask(Prompt("", "hi"))
    assert told.value.exit_code == 4 and "SHA-256" in told.value.hint
    await model.close()


@pytest.mark.matrix
@pytest.mark.skipif("QL_TEST_MODEL" not in os.environ, reason="QL_TEST_MODEL names no GGUF file")
@pytest.mark.parametrize("trial", [trial for trial in TRIALS if trial.name in WITHOUT_SERVER], ids=lambda trial: trial.name)
async def test_a_real_model_keeps_the_promises(trial):
    check = await run_trial(bench_of(Path(os.environ["QL_TEST_MODEL"]), 2048), trial)
    assert check.status == "passed", check.message


@pytest.mark.matrix
@pytest.mark.skipif("QL_TEST_MODEL" not in os.environ, reason="QL_TEST_MODEL names no GGUF file")
async def test_a_real_model_stops_at_once_when_it_is_cancelled():
    model = open_local("local:x", ModelOptions(path=Path(os.environ["QL_TEST_MODEL"]), context_tokens=2048), None)
    await model.ask(Prompt("", "hi", max_tokens=1))
    call = asyncio.create_task(model.ask(Prompt("", "Tell a very long story.", max_tokens=1500)))
    await asyncio.sleep(1)
    call.cancel()
    began = time.monotonic()
    await model.ask(Prompt("", "Say hi.", max_tokens=2))
    assert time.monotonic() - began < 30, "the story went on"
    await model.close()
