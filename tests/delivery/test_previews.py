"""The life of a preview: from opening to 410, through crashes and restarts."""

import asyncio
from datetime import timedelta

import aiohttp
import pytest
from preview_world import client, processes

from quantumlayer.delivery import keeper as keeper_module
from quantumlayer.delivery.previews import extend, list_previews, logs, open_preview, protect, revoke
from quantumlayer.delivery.values import new_id
from quantumlayer.errors import EnvironmentError_, UserError

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def life_of(world, preview):
    return (await world.get(preview, "/remember"))[2]["life"]


async def test_opening_twice_for_a_run_gives_one_preview(world):
    async with world.proxy():
        first, second = await asyncio.gather(world.open(), world.open())
        assert first.id == second.id
        assert first.state == "ready"
        assert first.url == f"http://{first.id}.preview.localhost:{first.port}/"
        assert len(await list_previews(world.registry)) == 1


async def test_ids_are_long_and_differ():
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(i) for i in ids} == {32}


async def test_the_end_of_the_ttl_leaves_410_and_no_process_or_folder(world):
    async with world.proxy():
        preview = await world.open()
        assert processes(preview)
        await world.end_in(preview, 0.5)
        await world.eventually(preview, 410)
        async with asyncio.timeout(30):
            while processes(preview) or world.home.folders():
                await asyncio.sleep(0.05)
        stored = await world.registry.get(preview.id)
        assert stored.state == "expired"
        status, headers, page = await world.get(preview, headers={"Accept": "text/html"})
        assert b"This preview is over" in page
        renewed = await world.open()
        assert renewed.id != preview.id


async def test_revoke_ends_it_at_once_and_extend_after_that_is_refused(world):
    async with world.proxy():
        preview = await world.open()
        assert processes(preview)
        await revoke(world.registry, world.home, preview.id)
        await world.eventually(preview, 410)
        async with asyncio.timeout(30):
            while processes(preview) or world.home.folders():
                await asyncio.sleep(0.05)
        with pytest.raises(UserError, match="is over"):
            await extend(world.registry, world.home, preview.id, timedelta(hours=1))
        with pytest.raises(UserError, match="no preview"):
            await revoke(world.registry, world.home, "nosuch")


@pytest.mark.parametrize("how", ["revoked", "crashed"])
async def test_an_answer_that_is_being_read_ends_with_its_application(world, how):
    async with world.proxy():
        preview = await world.open()
        async with client(preview) as session, session.get("/stream?pause=3600") as answer:
            assert await answer.content.readany() == b"data: 0\n\n"
            async with asyncio.timeout(20):
                if how == "revoked":
                    await revoke(world.registry, world.home, preview.id)
                else:
                    await world.get(preview, "/crash", "POST")
                with pytest.raises(aiohttp.ClientError):
                    await answer.content.read()


async def test_an_unused_application_stops_and_the_next_request_starts_it_again(world):
    async with world.proxy(unused_seconds=1.0):
        preview = await world.open()
        await world.get(preview, "/remember", "POST", data=b"kept")
        async with client(preview) as session, session.get("/stream?pause=0.8") as answer:
            await asyncio.sleep(2)
            assert processes(preview), "a request that is being answered is use"
            assert (await answer.read()).count(b"data") == 3
        async with asyncio.timeout(30):
            while processes(preview):
                await asyncio.sleep(0.05)
        await world.becomes(preview, "idle")
        answers = await asyncio.gather(*(world.get(preview, "/remember") for _ in range(5)))
        assert [(status, body["memory"]) for status, _, body in answers] == [(200, "kept")] * 5
        assert len({body["life"] for _, _, body in answers}) == 1
        await world.becomes(preview, "ready")


async def test_an_idle_preview_is_left_alone_by_a_new_proxy_until_it_is_asked_for(world):
    async with world.proxy():
        preview = await world.open()
    await world.registry.change(preview.id, state="idle")
    async with world.proxy():
        await asyncio.sleep(1.0)
        assert not processes(preview)
        assert (await world.get(preview, "/health"))[0] == 200


async def test_a_password_is_asked_for_before_anything_reaches_the_application(world):
    async with world.proxy():
        preview = await world.open(password="open sesame")
        status, headers, problem = await world.get(preview, "/health")
        assert (status, problem["title"]) == (401, "This preview has a password") and headers["WWW-Authenticate"]
        assert (await world.get(preview, "/health", headers={"X-Preview-Password": "open barley"}))[0] == 401
        _, _, echoed = await world.get(preview, "/x", headers={"X-Preview-Password": "open sesame", "Cookie": "a=1"})
        assert echoed["headers"]["cookie"] == "a=1" and "x-preview-password" not in echoed["headers"]
        _, _, page = await world.get(preview, '/x?"><script>', headers={"Accept": "text/html"})
        assert b"<form" in page and b"<script>" not in page
        assert (await world.registry.get(preview.id)).requests <= 1
        with pytest.raises(UserError, match="8 to 200"):
            await protect(world.registry, world.home, preview.id, "short")


async def test_the_password_form_opens_this_preview_only_and_never_leads_elsewhere(world):
    async with world.proxy():
        preview, other = [await world.open(run, password="open sesame") for run in ("run1", "run2")]
        unlock, right = "/.quantumlayer/unlock", "open sesame"
        assert (await world.get(preview, unlock, "POST", data={"password": "wrong one", "to": "/x"}))[0] == 401
        for away in ("//evil.example/", "https://evil.example/", "/\\evil.example", "/x\r\nSet-Cookie: a=1"):
            _, headers, _ = await world.get(preview, unlock, "POST", data={"password": right, "to": away})
            assert headers["Location"] == "/"
        status, headers, _ = await world.get(preview, unlock, "POST", data={"password": right, "to": "/x?y=1"})
        assert (status, headers["Location"]) == (303, "/x?y=1")
        cookie = headers["Set-Cookie"].split(";")[0]
        assert "HttpOnly" in headers["Set-Cookie"] and "Domain" not in headers["Set-Cookie"]
        _, _, echoed = await world.get(preview, "/x", headers={"Cookie": f"{cookie}; a=1"})
        assert echoed["headers"]["cookie"] == "a=1"
        assert (await world.get(other, "/x", headers={"Cookie": cookie}))[0] == 401
        await protect(world.registry, world.home, preview.id, "another one")
        async with asyncio.timeout(5):
            while (await world.get(preview, "/x", headers={"Cookie": cookie}))[0] != 401:
                await asyncio.sleep(0.05)


async def test_extend_moves_the_end(world):
    async with world.proxy():
        preview = await world.open()
        await world.end_in(preview, 1)
        await extend(world.registry, world.home, preview.id, timedelta(hours=1))
        await asyncio.sleep(1.5)
        assert (await world.get(preview, "/health"))[0] == 200


@pytest.mark.parametrize("seconds", [0, -5, 8 * 24 * 3600])
async def test_a_ttl_that_makes_no_sense_is_refused(world, seconds):
    with pytest.raises(UserError, match="cannot live for"):
        await world.open(seconds=seconds)


async def test_a_crash_is_mended_and_the_data_stays(world):
    async with world.proxy():
        preview = await world.open()
        await world.get(preview, "/remember", "POST", data="kept")
        life = await life_of(world, preview)
        status, headers, _ = await world.get(preview, "/crash", "POST")
        assert (status, headers["Retry-After"]) == (502, "1")
        await world.eventually(preview, 200)
        _, _, after = await world.get(preview, "/remember")
        assert after["memory"] == "kept"
        assert after["life"] != life


async def test_an_application_that_keeps_crashing_is_given_up_with_its_last_words(world, monkeypatch):
    monkeypatch.setattr(keeper_module, "PAUSES", (0.05, 0.1))
    async with world.proxy():
        preview = await world.open()
        for _ in range(3):
            await world.eventually(preview, 200)
            await world.get(preview, "/crash", "POST")
        await world.eventually(preview, 502)
        async with asyncio.timeout(30):
            while (await world.registry.get(preview.id)).state != "failed":
                await asyncio.sleep(0.05)
        stored = await world.registry.get(preview.id)
        assert "crashing on request" in stored.message
        assert "exit code 3" in stored.message
        _, _, page = await world.get(preview, headers={"Accept": "text/html"})
        assert b"crashing on request" in page


async def test_an_application_that_cannot_start_is_told_at_once(world):
    async with world.proxy():
        preview = await world.open(content=b"broken")
        assert preview.state == "failed"
        assert "flux capacitor" in preview.message
        assert preview.url is None
        again = await world.open(content=b"broken")
        assert (again.id, again.state) == (preview.id, "failed")


async def test_no_proxy_is_an_environment_error(world, monkeypatch):
    monkeypatch.setattr("quantumlayer.delivery.previews.PROXY_PATIENCE", 0.2)
    with pytest.raises(EnvironmentError_, match="no preview proxy"):
        await world.open()


async def test_a_missing_capsule_is_named(world):
    missing = world.folder / "gone.capsule"
    with pytest.raises(UserError, match="no capsule"):
        await open_preview(world.registry, world.home, missing, timedelta(minutes=1), "run1")


async def test_a_new_proxy_restores_what_lives_and_removes_what_does_not(world):
    async with world.proxy():
        kept, brief = await world.open("kept"), await world.open("brief")
        await world.get(kept, "/remember", "POST", data="kept")
        assert processes(kept)
    assert not processes(kept)
    assert set(world.home.folders()) == {kept.id, brief.id}
    await world.end_in(brief, 0)
    async with world.proxy():
        await world.eventually(kept, 200)
        assert (await world.get(kept, "/remember"))[2]["memory"] == "kept"
        assert (await world.get(brief))[0] == 410
        assert world.home.folders() == (kept.id,)


async def test_two_previews_do_not_see_each_other(world):
    async with world.proxy():
        one, two = await asyncio.gather(world.open("one"), world.open("two"))
        await world.get(one, "/remember", "POST", data="mine")
        assert (await world.get(two, "/remember"))[2]["memory"] is None
        await revoke(world.registry, world.home, one.id)
        await world.eventually(one, 410)
        assert (await world.get(two, "/health"))[0] == 200


async def test_the_application_gets_the_environment_of_its_preview(world):
    async with world.proxy():
        preview = await world.open(environment={"ADMIN_IDENTIFIER": "admin@example.com"})
        assert (await world.get(preview, "/remember"))[2]["admin"] == "admin@example.com"


async def test_requests_are_counted_and_the_log_is_kept(world):
    async with world.proxy():
        preview = await world.open()
        for _ in range(3):
            await world.get(preview, "/health")
        async with asyncio.timeout(30):
            while (await world.registry.get(preview.id)).requests < 3:
                await asyncio.sleep(0.1)
        stored = await world.registry.get(preview.id)
        assert stored.requests == 3
        assert stored.last_request_at >= stored.created_at
        assert "listening" in await logs(world.registry, world.home, preview.id)
