"""Every adapter passes the suite, against servers that speak its provider's protocol."""

import pytest

from quantumlayer.catalog.adapters import family
from quantumlayer.conformance.llm import TRIALS, Bench, Wire, run_trial, serve_wire
from quantumlayer.gateway.config import provider_of
from quantumlayer.llms.scripted import ScriptedLlm
from quantumlayer.ports.llm import Answer
from quantumlayer.ports.llm_options import ModelOptions

OTHERS_WORDS = "the server speaks OpenAI's words for this, Mistral has its own"
# Where each provider's paths begin.
MODELS = {
    "anthropic:claude-sonnet-4-6": "",
    "google:gemini-2.5-flash": "",
    "openai-compatible:any": "/v1",
}
# The others share these protocols, so they run with `make matrix`.
MORE = {
    "openai:gpt-4o-mini": "/v1",
    "openai-chat:gpt-4o-mini": "/v1",
    "azure:gpt-4o": "/openai/v1",
    "groq:llama-3.3-70b-versatile": "",
    "mistral:mistral-large-latest": "",
    "ollama:llama3.2": "/v1",
}
DEVIATIONS = {"mistral": {"tells_no_money": OTHERS_WORDS, "tells_too_large": OTHERS_WORDS}}


def bench_of(name: str, wire: Wire) -> Bench:
    """The adapter of that provider, pointed at the server."""

    def open_model(options: ModelOptions, key: str):
        place = options.model_copy(update={"base_url": wire.url + (MODELS | MORE)[name]})
        return family("llms").load(provider_of(name))(name, place, key)

    return Bench(open_model, wire, deviations=DEVIATIONS.get(provider_of(name), {}))


@pytest.fixture
async def wire():
    async with serve_wire() as found:
        yield found


async def passes(name: str, wire: Wire, trial) -> None:
    check = await run_trial(bench_of(name, wire), trial)
    if check.status == "not_run":
        pytest.skip(check.message)
    assert check.status == "passed", check.message


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
@pytest.mark.parametrize("name", MODELS)
async def test_hosted_models(name: str, wire: Wire, trial) -> None:
    await passes(name, wire, trial)


@pytest.mark.matrix
@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
@pytest.mark.parametrize("name", MORE)
async def test_more_hosted_models(name: str, wire: Wire, trial) -> None:
    await passes(name, wire, trial)


def scripted(prompt) -> str | Answer:
    """Says what the suite expects of a model that has no server."""
    if prompt.schema is not None:
        return '{"name": "Ada", "age": 36}'
    return Answer("Once", "length", "scripted:model", 9, 5) if prompt.max_tokens == 5 else "One two three four five six."


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
async def test_the_scripted_model(trial) -> None:
    bench = Bench(lambda options, key: ScriptedLlm([scripted], endless=True), real=True)
    check = await run_trial(bench, trial)
    needs_server = check.status == "not_run"
    assert check.status == "passed" or needs_server, check.message
    assert needs_server == (trial.name not in ("answers", "follows_schema", "streams", "tells_cut", "counts_and_closes"))


async def test_a_broken_adapter_is_caught(wire: Wire) -> None:
    """The suite has teeth: an adapter that answers whatever happens fails each promise about failures."""
    bench = Bench(lambda options, key: ScriptedLlm(["fine"], endless=True), wire)
    found = {
        trial.name: (await run_trial(bench, trial)).status for trial in TRIALS if trial.name.startswith(("tells_", "says_"))
    }
    assert set(found.values()) == {"failed"}, found
