"""Two proxies with homes of their own share one registry: each application runs once, and every proxy leads to it."""

import asyncio
import contextlib

import aiohttp
import pytest
from preview_world import World, client, launch, processes
from sqlalchemy.ext.asyncio import create_async_engine

from quantumlayer.delivery import keeper as keeper_module
from quantumlayer.delivery.home import PreviewHome
from quantumlayer.delivery.previews import protect, revoke
from quantumlayer.delivery.proxy import running_proxy
from quantumlayer.delivery.registry import open_registry
from quantumlayer.delivery.values import Lease


@pytest.fixture(params=["database", "redis"])
async def worlds(request, tmp_path):
    """Two homes; what they share is the database or Redis, never both."""
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            redis_url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
            database = tmp_path / (f"{name}.db" if redis_url else "shared.db")
            engine = create_async_engine(f"sqlite+aiosqlite:///{database}")
            stack.push_async_callback(engine.dispose)
            registry = open_registry(engine, redis_url)
            stack.push_async_callback(registry.close)
            await registry.prepare()
            made.append(World(folder, registry, PreviewHome(folder)))
        yield made


@contextlib.asynccontextmanager
async def proxied(world, port=8088):
    async with running_proxy(world.registry, world.home, launch, port=port) as bound:
        yield bound


async def test_one_runs_the_application_and_both_lead_to_it(worlds):
    one, two = worlds
    async with proxied(one), proxied(two, 8200) as second:
        preview = await one.open()
        away = preview.model_copy(update={"port": second if preview.port != second else one.home.port()})
        assert preview.port != away.port
        await one.get(preview, "/remember", "POST", data="kept")
        assert (await one.get(away, "/remember"))[2]["memory"] == "kept"
        assert processes(preview)
        assert sorted(bool(world.home.folders()) for world in worlds) == [False, True]
        status, _, seen = await one.get(away, "/x?y=1", "PUT", data=b"12345", headers={"X-Own": "yes"})
        assert (status, seen["target"], seen["size"], seen["headers"]["x-own"]) == (200, "/x?y=1", 5, "yes")
        assert seen["headers"]["x-forwarded-for"] == "127.0.0.1"
        assert seen["headers"]["x-forwarded-host"] == f"{preview.id}.preview.localhost:{away.port}"
        assert not [name for name in seen["headers"] if "quantumlayer" in name]
        async with client(away) as session, session.ws_connect("/chat", protocols=("chat.v2",)) as ws:
            await ws.send_str("hello")
            assert await ws.receive_str() == "chat.v2:hello"
        await revoke(one.registry, one.home, preview.id)
        await one.eventually(away, 410)
        await one.eventually(preview, 410)
        async with asyncio.timeout(30):
            while processes(preview) or one.home.folders() or two.home.folders():
                await asyncio.sleep(0.05)


async def test_a_password_is_asked_for_on_both_ways_and_the_application_sees_it_on_neither(worlds):
    one, two = worlds
    async with proxied(one), proxied(two, 8200) as second:
        preview = await one.open()
        await protect(one.registry, one.home, preview.id, "open sesame")
        away = preview.model_copy(update={"port": second if preview.port != second else one.home.port()})
        await one.eventually(away, 401)
        status, _, seen = await one.get(away, "/x", headers={"X-Preview-Password": "open sesame"})
        assert status == 200 and "x-preview-password" not in seen["headers"]


async def test_another_takes_over_what_a_silent_one_ran(worlds, monkeypatch):
    monkeypatch.setattr(keeper_module, "LEASE_SECONDS", 1.5)
    monkeypatch.setattr(keeper_module, "CLAIM_SECONDS", 0.3)
    one, two = worlds
    async with contextlib.AsyncExitStack() as first:
        await first.enter_async_context(proxied(one))
        preview = await one.open()
        async with proxied(two, 8200) as second:
            away = preview.model_copy(update={"port": second})
            assert (await one.get(away, "/health"))[0] == 200
            await first.aclose()
            assert (await one.get(away, "/health"))[0] in (502, 503)
            await one.eventually(away, 200)
            assert (await one.registry.lease(preview.id)).holder == two.home.holder()
            assert (await one.registry.get(preview.id)).port == second


async def test_a_proxy_that_comes_back_in_time_keeps_its_rows(worlds):
    one, two = worlds
    async with proxied(one):
        preview = await one.open()
        await one.get(preview, "/remember", "POST", data="kept")
    async with proxied(two, 8200) as second, proxied(one):
        await one.eventually(preview.model_copy(update={"port": second}), 200)
        assert (await one.get(preview, "/remember"))[2]["memory"] == "kept"
        assert not two.home.folders()


async def test_a_request_is_handed_on_once_and_only_a_proxy_is_believed(worlds, monkeypatch):
    monkeypatch.setattr(keeper_module, "LEASE_SECONDS", 1.5)
    monkeypatch.setattr(keeper_module, "CLAIM_SECONDS", 0.3)
    one, _ = worlds
    async with proxied(one) as port:
        preview = await one.open()
        stranger = preview.model_copy(update={"port": port})
        await one.get(stranger, "/health")
        lease = await one.registry.lease(preview.id)
        for key in (lease.key, "guessed"):
            headers = {"X-QuantumLayer-Hop": key, "X-Forwarded-For": "6.6.6.6"}
            _, _, seen = await one.get(stranger, "/x", headers=headers)
            assert seen["headers"]["x-forwarded-for"] == ("6.6.6.6" if key == lease.key else "127.0.0.1")
    unreachable = Lease(holder="gone", address="127.0.0.1:1", key="k")
    async with asyncio.timeout(40):
        while preview.id not in await one.registry.claim([preview.id], unreachable, 60):
            await asyncio.sleep(0.5)
    async with proxied(one):
        status, headers, problem = await one.get(stranger, "/health")
        assert (status, headers["Retry-After"]) == (502, "1"), problem
        headers = {"X-QuantumLayer-Hop": "whatever"}
        assert (await one.get(stranger, "/health", headers=headers))[0] == 502
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with client(stranger) as session:
                await session.ws_connect("/chat")
