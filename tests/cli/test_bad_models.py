"""Models that cannot be used, by the real commands: told with their mend, and before any stage where that can be known."""

import asyncio
import json
import struct

import pytest

from quantumlayer.conformance.llm.wire import Scene, serve_wire

# Each says in a process of its own what tests/llms say within one.
pytestmark = pytest.mark.matrix
TEXT = "Books have a title. The label of a book is computed by the Luhn algorithm."


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "QL_MODEL", "QL_MODEL_CODER", "QL_MODEL_ANALYST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.mark.parametrize(
    ("model", "code", "told", "mend"),
    [
        ("antropic:claude-sonnet-4-6", 2, "no provider 'antropic'", "did you mean anthropic"),
        ("claude", 2, "names no model", "PROVIDER:MODEL"),
        ("anthropic:claude-sonnet-4-6", 4, "ANTHROPIC_API_KEY is not set", "export ANTHROPIC_API_KEY"),
        ("local:small", 2, "local:small has no file", "ql model add local:small PATH.gguf"),
    ],
)
def test_what_is_known_of_a_name_is_told_before_anything_is_written(ql, model, code, told, mend):
    found = ql("generate", TEXT, "--model", model)
    assert found.returncode == code and told in found.stderr and mend in found.stderr and not ql.home.exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "there is no file"),
        (b"hello", "is no GGUF file"),
        (struct.pack("<4sIQQ", b"GGUF", 3, 5, 5) + b"\0" * 99, "cut off or damaged"),
    ],
)
def test_files_that_are_no_models_are_neither_added_nor_asked(ql, tmp_path, content, told):
    path = tmp_path / "small.gguf"
    if content is not None:
        path.write_bytes(content)
    found = ql("model", "add", "local", path)
    assert found.returncode == 2 and told in found.stderr and "hint: " in found.stderr and not ql.home.exists()
    ql.home.mkdir()
    config = f'[roles]\ncoder = "local:small"\nanalyst = "local:small"\n[models."local:small"]\npath = "{path}"\n'
    (ql.home / "models.toml").write_text(config)
    found = ql("generate", TEXT)
    assert found.returncode == 2 and told in found.stderr
    assert [path.name for path in ql.home.iterdir()] == ["models.toml"]


async def test_a_wrong_key_and_an_answer_without_structure_are_told_by_the_test(ql, monkeypatch):
    monkeypatch.setenv("WIRE_KEY", "sk-wrong-wrong-wrong")
    async with serve_wire() as wire:
        add = ("openai-compatible:wire", "--base-url", f"{wire.url}/v1", "--key-variable", "WIRE_KEY")
        assert (await asyncio.to_thread(ql, "model", "add", *add)).returncode == 0
        wire.play(Scene("wrong_key"))
        found = await asyncio.to_thread(ql, "model", "test")
        assert found.returncode == 4 and "WIRE_KEY" in found.stderr and "sk-wrong" not in found.stdout + found.stderr
        wire.play(Scene(text="The city of Rome has many inhabitants."))
        found = await asyncio.to_thread(ql, "model", "test")
        assert found.returncode == 2 and "no structured output" in found.stderr and "structured =" in found.stderr


@pytest.mark.parametrize(("scene", "code", "mend"), [("wrong_key", 4, "WIRE_KEY"), ("no_such_model", 2, "ql model add")])
async def test_what_only_the_provider_knows_ends_a_run_with_its_mend(ql, monkeypatch, scene, code, mend):
    monkeypatch.setenv("WIRE_KEY", "sk-wrong-wrong-wrong")
    async with serve_wire() as wire:
        wire.play(Scene(scene))
        add = ("openai-compatible:wire", "--base-url", f"{wire.url}/v1", "--key-variable", "WIRE_KEY")
        assert (await asyncio.to_thread(ql, "model", "add", *add)).returncode == 0
        found = await asyncio.to_thread(ql, "generate", TEXT, "--no-preview", "--json")
    assert found.returncode == code and mend in found.stderr and "sk-wrong" not in found.stdout + found.stderr, found.stderr
    assert json.loads(found.stdout)["status"] == "failed" and len(wire.requests) == 1, "it is not tried again"


def test_a_request_that_no_window_holds_is_told_with_both_numbers(ql, tmp_path):
    ql.home.mkdir()
    (tmp_path / "script.json").write_text('["never asked"]')
    small = f'[models."scripted:small"]\npath = "{tmp_path}/script.json"\ncontext_tokens = 600\n'
    (ql.home / "models.toml").write_text(f'[roles]\ncoder = "scripted:small"\n{small}')
    found = ql("generate", "Books have a title.", "--author", "model", "--no-preview", "--json")
    report = json.loads(found.stdout)
    assert found.returncode == 2 and "600" in found.stderr and "larger context window" in found.stderr, found.stderr
    assert {s["name"]: s["status"] for s in report["stages"]}["code"] == "failed" and report["cost_usd"] == 0
