"""The mock over real HTTP, its OpenAPI document, and its graceful end."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from model_calls import ADMIN, SPECS, named_spec
from openapi_spec_validator import OpenAPIV31SpecValidator

from quantumlayer.errors import EnvironmentError_
from quantumlayer.spec.model.server import serve
from quantumlayer.spec.openapi import openapi
from quantumlayer.spec.routes import routes
from quantumlayer.spec.yaml_form import load_spec

ALL = [*SPECS.glob("*.yaml"), Path(__file__).parent / "everything.yaml"]


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_the_openapi_document_is_valid_and_complete(path: Path) -> None:
    spec = load_spec(path.read_bytes())
    document = openapi(spec)
    OpenAPIV31SpecValidator(document).validate()
    operations = [(route.method, route.path) for route in routes(spec)]
    assert sorted((m.upper(), p) for p, methods in document["paths"].items() for m in methods) == sorted(operations)
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(ids)) == len(ids)


def test_the_openapi_document_carries_requirements_security_and_bounds() -> None:
    document = openapi(named_spec("expenses"))
    approve = document["paths"]["/expenses/{id}/approve"]["post"]
    assert approve["x-requirements"] == ["R2", "R3"] and approve["security"] == [{"bearer": []}]
    assert {"200", "401", "403", "404", "409"} <= set(approve["responses"])
    amount = document["components"]["schemas"]["ExpenseCreate"]["properties"]["amount"]
    assert (amount["exclusiveMinimum"], amount["multipleOf"]) == (0, 0.01)
    assert (
        document["paths"]["/auth/register"]["post"]["requestBody"]["content"]["application/json"]["schema"]["required"][-1]
        == "password"
    )


async def _served(use: Any, name: str = "todo", **options: Any) -> None:
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.create_task(serve(named_spec(name), port=0, ready=ready.set_result, stop=stop, **options))
    try:
        async with httpx.AsyncClient(base_url=await asyncio.wait_for(ready, 10)) as client:
            await use(client)
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


async def test_the_mock_answers_over_http() -> None:
    async def use(client: httpx.AsyncClient) -> None:
        task = {"title": "é😀", "due_date": "2026-12-01", "priority": "low"}
        made = await client.post("/tasks", json=task)
        assert made.status_code == 201 and made.headers["location"] == "/tasks/1" and made.json()["title"] == "é😀"
        assert (await client.get("/tasks", params={"priority": "low", "done": "false"})).json()["total"] == 1
        refused = await client.post("/tasks", content=b"{")
        assert refused.status_code == 400 and refused.headers["content-type"] == "application/problem+json"
        assert (await client.request("PATCH", "/tasks")).headers["allow"] == "GET, POST"
        assert (await client.post("/tasks", content=b'"' + b"x" * 1_100_000)).status_code == 413
        assert (await client.delete("/tasks/1")).content == b""
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert (await client.get("/openapi.json")).json()["info"]["title"] == "To-do"
        assert 'http_requests_total{method="POST",status="201"} 1' in (await client.get("/metrics")).text

    await _served(use)


async def test_the_mock_has_an_administrator_and_another_time() -> None:
    async def use(client: httpx.AsyncClient) -> None:
        login = await client.post("/auth/login", json={"email": ADMIN[0], "password": ADMIN[1]})
        me = await client.get("/auth/me", headers={"authorization": f"Bearer {login.json()['access_token']}"})
        assert me.json()["roles"] == ["admin"] and me.json()["created_at"] > "2100"

    await _served(use, "expenses", admin=ADMIN, clock_offset=100 * 366 * 86_400)


async def test_a_taken_port_is_named_with_its_mend() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentError_, match=str(port)) as caught:
            await serve(named_spec("todo"), port=port)
    assert "--port" in caught.value.hint


async def test_sigterm_stops_the_mock_with_exit_code_0(tmp_path: Path) -> None:
    program = tmp_path / "mock.py"
    program.write_text(
        "import asyncio, sys\n"
        "from quantumlayer.spec.model.server import serve\n"
        "from quantumlayer.spec.yaml_form import load_spec\n"
        "spec = load_spec(open(sys.argv[1]).read())\n"
        "asyncio.run(serve(spec, port=0, ready=lambda url: print(url, flush=True)))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), str(SPECS / "todo.yaml"), stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdout is not None
    url = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/health")).status_code == 200
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0
