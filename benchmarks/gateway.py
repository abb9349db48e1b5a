"""What our layer adds to a call of a model, without the model's own time. Usage: python benchmarks/gateway.py [CALLS]

Each call goes to a real server on the loopback that answers at once: by a bare HTTP client, by the provider's adapter, and
through the gateway with an account in SQLite.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from table import median, show

from quantumlayer.account.values import Payer
from quantumlayer.catalog.gateways import open_gateway, open_pool
from quantumlayer.catalog.models import open_model
from quantumlayer.conformance.llm import Scene, serve_wire
from quantumlayer.gateway.config import ModelsConfig
from quantumlayer.ports.llm import Prompt
from quantumlayer.stores.metadata import Metadata
from quantumlayer.stores.spending import SqlBook, SqlCircuits

NAME = "openai-compatible:any"
TARGET_MS = 20
PROMPT = Prompt("You write one function.", "def area(radius):\n" * 200, max_tokens=512)
BODY = {"model": "any", "messages": [{"role": "user", "content": PROMPT.text}], "max_tokens": 512}


async def timed(call: Callable[[], Awaitable[object]], calls: int) -> float:
    """Median milliseconds of a call, after a few that are not counted."""
    times = []
    for number in range(calls + 5):
        began = time.perf_counter()
        await call()
        if number >= 5:
            times.append((time.perf_counter() - began) * 1000)
    return median(times)


async def measure(calls: int, folder: Path) -> list[tuple[str, float, str]]:
    """The rows of the table."""
    metadata = Metadata(folder / "metadata.db")
    await metadata.prepare()
    async with serve_wire() as wire, httpx.AsyncClient() as client:
        wire.play(Scene(text="def area(radius):\n    return 3.14159 * radius**2\n"))
        config = ModelsConfig.model_validate({"roles": {"coder": NAME}, "models": {NAME: {"base_url": f"{wire.url}/v1"}}})
        config = config.model_copy(update={"budget": config.budget.model_copy(update={"run_tokens": 10**9})})
        model = open_model(config, NAME)
        pool = open_pool(config, SqlCircuits(metadata.database))
        gateway = open_gateway(config, pool, SqlBook(metadata.database), Payer("run")).at("code")
        bare = await timed(lambda: client.post(f"{wire.url}/v1/chat/completions", json=BODY), calls)
        adapter = await timed(lambda: model.ask(PROMPT), calls)
        whole = await timed(lambda: gateway.ask("coder", PROMPT), calls)
        await model.close()
        await pool.close()
    await metadata.close()
    return [
        ("a bare HTTP client", bare, ""),
        ("the adapter", adapter, ""),
        ("the gateway: clean, route, budget, breaker, account", whole, ""),
        ("what our layer adds", whole - bare, f"{TARGET_MS}"),
    ]


def main() -> None:
    """Measures and prints."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measure(calls, Path(folder)))
    show(f"One call of a model that answers at once, median of {calls}", ["way", "ms", "target ms"], rows)


if __name__ == "__main__":
    main()
