"""Traffic of a real server (llama.cpp with a 1.5B model), recorded at the wire in three protocols, is read as it was meant."""

import json
from pathlib import Path

import pytest
from aiohttp import web

from quantumlayer.catalog.adapters import family
from quantumlayer.gateway.config import provider_of
from quantumlayer.ports.llm import Prompt
from quantumlayer.ports.llm_options import ModelOptions

RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())
PROMPT = Prompt("You answer briefly.", "Name a colour.", max_tokens=12)
PERSON = Prompt("", "Describe a person.", schema={"type": "object"}, max_tokens=40)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("name", "recording", "prompt"),
    [
        ("openai-compatible:m", "chat", PROMPT),
        ("openai-compatible:m", "chat-schema", PERSON),
        ("openai:gpt-4o-mini", "responses", PROMPT),
        ("anthropic:claude-sonnet-4-6", "anthropic", PROMPT),
    ],
)
async def test_recorded_traffic_is_read(name, recording, prompt, streamed, replayed):
    found = RECORDED[recording + ("-stream" if streamed else "")]
    base = await replayed(found)
    options = ModelOptions(base_url=base if name.startswith("anthropic") else f"{base}/v1")
    model = family("llms").load(provider_of(name))(name, options, "sk-recorded")
    heard: list[str] = []

    async def hear(text: str) -> None:
        heard.append(text)

    answer = await model.ask(prompt, hear if streamed else None)
    await model.close()
    assert answer.finish == "stop" and answer.output_tokens > 0 and answer.input_tokens > 0
    assert json.loads(answer.text)["name"] if prompt is PERSON else "Blue" in answer.text
    assert not streamed or "".join(heard) == answer.text


@pytest.fixture
async def replayed():
    runners = []

    async def serve(found) -> str:
        async def handle(request: web.Request) -> web.Response:
            assert request.path == found["path"]
            kind, _, charset = found["content_type"].partition("; charset=")
            return web.Response(text=found["body"], status=found["status"], content_type=kind, charset=charset or None)

        app = web.Application()
        app.router.add_post("/{path:.*}", handle)
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runners[-1].addresses[0][1]}"

    yield serve
    for runner in runners:
        await runner.cleanup()
