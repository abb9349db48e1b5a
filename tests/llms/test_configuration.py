"""models.toml, the environment over it, keys, and the commands that change them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keyring
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from typer.testing import CliRunner

from quantumlayer.account.memory import MemoryBook
from quantumlayer.account.values import Payer
from quantumlayer.catalog.gateways import open_gateway, open_pool
from quantumlayer.catalog.model_file import change, with_model, without_model
from quantumlayer.catalog.models import (
    FILE,
    load_models,
    open_model,
    parse_models,
    preflight,
    problem_of,
)
from quantumlayer.cli.model import model_app
from quantumlayer.errors import EnvironmentError_, QuantumLayerError, UserError
from quantumlayer.gateway.breakers import Circuit, MemoryCircuits
from quantumlayer.llms.keys import find_key, need_key
from quantumlayer.ports.llm import NoModel, Prompt
from quantumlayer.ports.llm_options import ModelOptions
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.spending import SqlCircuits

WHOLE = """
# ours
[roles]
analyst = ["anthropic:claude-sonnet-4-6", "local:small"]
coder = "openai:gpt-4o"
[routes.go]
coder = "scripted:go"
[last_attempt]
coder = "anthropic:claude-opus-4-6"
[models."local:small"]
path = "/models/small.gguf"
context_tokens = 4096
[transport]
attempts = 2
[transport.concurrency]
openai = 8
[budget]
run_tokens = 100000
run_usd = 2.5
"""


def test_the_whole_file():
    config = parse_models(WHOLE, FILE)
    assert config.names("analyst") == ("anthropic:claude-sonnet-4-6", "local:small")
    assert config.names("coder", "go") == ("scripted:go",) and config.names("coder", "rust") == ("openai:gpt-4o",)
    assert config.names("vision") == ()
    assert config.budget.budget.tokens == 100_000 and config.transport.limit("openai") == 8
    assert config.transport.limit("local") == 1
    assert set(config.all_names) >= {"anthropic:claude-opus-4-6", "scripted:go", "local:small"}
    named = config.with_model(("mistral:large",))
    assert named.names("coder", "go") == ("mistral:large",) == named.names("analyst")


def test_the_environment_goes_before_the_file(tmp_path):
    (tmp_path / FILE).write_text(WHOLE)
    assert load_models(tmp_path, {"QL_MODEL": "groq:x, ollama:y"}).names("coder", "go") == ("groq:x", "ollama:y")
    chosen = load_models(tmp_path, {"QL_MODEL": "groq:x", "QL_MODEL_VISION": "google:gemini"})
    assert chosen.names("vision") == ("google:gemini",) and chosen.names("reviewer") == ("groq:x",)
    assert load_models(tmp_path / "empty", {}).all_names == ()
    with pytest.raises(UserError, match="no provider 'grok'"):
        load_models(tmp_path, {"QL_MODEL": "grok:x"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[roles", "no TOML"),
        ('[roles]\nsinger = "a:b"', "singer"),
        ('[roles]\ncoder = "no colon"', "coder"),
        ('[roles]\ncoder = ["a:b", 3]', "coder"),
        ("[transport]\nattempts = 0", "attempts"),
        ("[budget]\nrun_usd = -1", "run_usd"),
        ('[models."a:b"]\nkey = "sk-secret-in-a-file"', "key"),
        ("colour = 1", "colour"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(text, told):
    with pytest.raises(UserError, match=told) as error:
        parse_models(text, FILE)
    assert error.value.hint and "sk-secret" not in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[" * 100_000, b"a = 1\n" * 2])
def test_a_hostile_file_is_refused_and_left_as_it_is(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UserError):
        change(tmp_path, lambda text: with_model(text, "a:b", ModelOptions(), ["coder"]))
    assert (tmp_path / FILE).read_bytes() == content


def test_edits_keep_comments_and_order(tmp_path):
    (tmp_path / FILE).write_text(WHOLE)
    change(tmp_path, lambda text: with_model(text, "groq:x", ModelOptions(context_tokens=999), ["coder"], first=True))
    change(tmp_path, lambda text: with_model(text, "groq:x", ModelOptions(), ["analyst"]))
    change(tmp_path, lambda text: with_model(text, "ollama:y", ModelOptions(), ["coder"], language="go"))
    config = load_models(tmp_path, {})
    assert config.names("coder") == ("groq:x", "openai:gpt-4o")
    assert config.names("analyst")[-1] == "groq:x" and config.options("groq:x").context_tokens == 999
    assert config.names("coder", "go") == ("scripted:go", "ollama:y")
    assert "# ours" in (tmp_path / FILE).read_text()
    for name in config.all_names:
        change(tmp_path, lambda text, name=name: without_model(text, name))
    assert load_models(tmp_path, {}).all_names == ()
    assert not list(tmp_path.glob(".models-*"))


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}:[!-~]{1,20}", fullmatch=True)


@settings(deadline=None)
@given(st.lists(names, min_size=1, max_size=5, unique=True))
def test_what_was_added_can_be_removed_whatever_its_name(chosen):
    text = ""
    for name in chosen:
        text = with_model(text, name, ModelOptions(context_tokens=512), ["coder", "analyst"])
    assert parse_models(text, FILE).names("coder") == tuple(chosen)
    for name in chosen:
        text = without_model(text, name)
    assert parse_models(text, FILE).all_names == ()


class Ring(KeyringBackend):
    """A keyring of one key."""

    priority = 1  # type: ignore[assignment]

    def get_password(self, service, username):
        return "from-the-ring" if (service, username) == ("quantumlayer", "GROQ_API_KEY") else None

    def set_password(self, service, username, password):
        raise NotImplementedError

    def delete_password(self, service, username):
        raise NotImplementedError


@pytest.fixture
def no_keys(monkeypatch):
    for name in [name for name in os.environ if name.endswith(("_API_KEY", "_BEARER_TOKEN_BEDROCK"))]:
        monkeypatch.delenv(name)
    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    yield
    keyring.set_keyring(before)


def test_keys_come_from_the_environment_else_the_keyring(no_keys, monkeypatch):
    assert find_key("groq") == "from-the-ring"
    monkeypatch.setenv("GROQ_API_KEY", "from-the-environment")
    assert need_key("groq") == "from-the-environment"
    assert need_key("ollama") is None and need_key("bedrock") is None
    with pytest.raises(EnvironmentError_, match="OPENAI_API_KEY is not set"):
        need_key("openai")
    with pytest.raises(EnvironmentError_, match="OURS is not set"):
        need_key("openai", "OURS")


def test_what_can_be_known_before_any_stage_is_told(no_keys, tmp_path, monkeypatch):
    config = parse_models('[roles]\ncoder = ["openai:x", "local:y"]\n[models."local:y"]\npath = "/nowhere/y.gguf"', FILE)
    with pytest.raises(NoModel) as told:
        preflight(config, ["vision"])
    assert told.value.exit_code == 2
    with pytest.raises(EnvironmentError_, match="OPENAI_API_KEY"):
        preflight(config, ["coder"])
    problem = problem_of(config, "local:y")
    assert isinstance(problem, UserError) and "/nowhere/y.gguf" in problem.message
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert preflight(config, ["coder"]) == ("openai:x",)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("openai-compatible:x", {}),
        ("local:x", {}),
        ("scripted:x", {}),
        ("scripted:x", {"path": "/nowhere.json"}),
        ("openai:x", {"region": "eu"}),
        ("cohere:x", {"base_url": "http://127.0.0.1:1"}),
        ("azure:x", {}),
    ],
)
def test_models_that_cannot_be_opened_say_why(name, options, monkeypatch):
    for variable in ("OPENAI_API_KEY", "CO_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.setenv(variable, "sk-never-shown")
    monkeypatch.delenv("AZURE_OPENAI_ENDPOINT", raising=False)
    config = parse_models("", FILE).model_copy(update={"models": {name: ModelOptions.model_validate(options)}})
    with pytest.raises(QuantumLayerError) as told:
        open_model(config, name)
    assert told.value.exit_code in (2, 4) and told.value.hint and "sk-never-shown" not in str(told.value)


@pytest.mark.parametrize("name", ["bedrock:anthropic.claude-sonnet-4-6", "openrouter:openai/gpt-4o", "cohere:command-r"])
def test_the_other_providers_open(name, monkeypatch):
    for variable in ("AWS_BEARER_TOKEN_BEDROCK", "OPENROUTER_API_KEY", "CO_API_KEY"):
        monkeypatch.setenv(variable, "sk-test")
    options = ModelOptions(region="eu-central-1") if name.startswith("bedrock") else ModelOptions()
    model = open_model(parse_models("", FILE).model_copy(update={"models": {name: options}}), name)
    assert model.name == name and (model.price(1000, 1000) or 1) > 0


async def test_a_scripted_model_is_configured_like_any_other(tmp_path):
    script = tmp_path / "script.json"
    script.write_text(json.dumps(["first", {"second": 2}]))
    config = parse_models(f'[roles]\ncoder = "scripted:x"\n[models."scripted:x"]\npath = "{script}"', FILE)
    gateway = open_gateway(config, open_pool(config, MemoryCircuits()), MemoryBook(), Payer("r"))
    assert (await gateway.ask("coder", Prompt("", "a"))).text == "first"
    assert (await gateway.ask("coder", Prompt("", "b"))).text == '{"second": 2}'
    with pytest.raises(EnvironmentError_, match="has 2 lines"):
        await gateway.ask("coder", Prompt("", "c"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QL_HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("QL_MODEL") or name == "QL_DATABASE_URL"]:
        monkeypatch.delenv(name)
    return tmp_path


def ql(*arguments: str, fails: type[QuantumLayerError] | None = None) -> str:
    result = CliRunner().invoke(model_app, list(arguments))
    assert (type(result.exception) if fails else result.exception) == fails, result.output
    return result.stdout


def test_the_commands_add_list_and_remove(home, no_keys):
    ql("add", "groq:llama", "--role", "coder", "--context-tokens", "8192")
    ql("add", "openai:gpt-4o", "--role", "coder", "--role", "analyst", "--language", "go")
    ql("add", "opnai:gpt-4o", fails=UserError)
    ql("add", "groq:llama", "/some/file.gguf", fails=UserError)
    ql("add", "local", fails=UserError)
    listed = {entry["model"]: entry for entry in json.loads(ql("list", "--json"))}
    assert listed["groq:llama"]["ready"] == "yes" and listed["groq:llama"]["roles"] == ["coder"]
    assert listed["openai:gpt-4o"]["ready"] == "no" and "OPENAI_API_KEY" in listed["openai:gpt-4o"]["hint"]
    assert listed["openai:gpt-4o"]["roles"] == ["go:analyst", "go:coder"]
    assert "from-the-ring" not in ql("list") + ql("list", "--json") + (home / FILE).read_text()
    ql("remove", "groq:llama")
    ql("remove", "groq:llama", fails=UserError)
    assert [entry["model"] for entry in json.loads(ql("list", "--json"))] == ["openai:gpt-4o"]


async def _open_circuit(home: Path) -> None:
    metadata = Metadata(home / "metadata.db")
    await metadata.prepare()
    await SqlCircuits(metadata.database).keep(Circuit("groq:llama", "opened", 5, 1.0))
    await metadata.close()


async def test_the_list_shows_breakers_of_other_processes(home):
    await _open_circuit(home)
    (home / FILE).write_text('[roles]\ncoder = "groq:llama"')
    listed = subprocess.run(
        [sys.executable, "-m", "quantumlayer.cli.main", "model", "list", "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(listed.stdout)[0]["breaker"] == {"state": "opened", "failures": 5, "opened_at": 1.0}


def test_test_tells_a_model_without_structured_output(home, tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(["Hello.", {"city": "Kyoto", "inhabitants": 1_400_000}, "Hello."]))
    bad.write_text(json.dumps(["Hello.", "Kyoto has many people.", "Hello."]))
    places = "".join(f'[models."scripted:{path.stem}"]\npath = "{path}"\n' for path in (good, bad))
    (home / FILE).write_text(places)
    found = json.loads(ql("test", "scripted:good", "--json"))
    assert [f["what"] for f in found if f["status"] == "passed"] == ["answers", "follows a schema", "streams"]
    result = CliRunner().invoke(model_app, ["test", "scripted:bad"])
    assert result.exit_code == 2 and "no structured output" in result.output and "structured =" in result.output


def test_budgets_of_organisations(home):
    ql("budget", "--tokens", "1,000", "--usd", "2.5", "--organisation", "ada")
    ql("budget", "--usd", "none", "--organisation", "ada")
    found = json.loads(ql("budget", "--organisation", "ada", "--json"))
    assert found == {"organisation": "ada", "budget": {"tokens": 1000, "usd": None}, "spent": {"tokens": 0, "usd": 0.0}}
    for wrong in ("-1", "many", "inf"):
        ql("budget", "--usd", wrong, fails=UserError)
