"""What passes through the proxy, and what never does."""

import asyncio
import base64
import hashlib
import json
import re
import socket
import time
from collections import Counter

import aiohttp
import psutil
import pytest
import pytest_asyncio
from preview_world import client, raw

from quantumlayer.delivery import proxy as proxy_module
from quantumlayer.delivery.proxy import HEALTH, READY
from quantumlayer.delivery.values import new_id
from quantumlayer.errors import EnvironmentError_

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def preview(served):
    yield await served.open()


async def test_requests_reach_the_application_as_they_were_sent(preview):
    head = (
        f"POST /a/../b/%2e%2e//c;d?x=%41&x=%C3&= HTTP/1.1\nHost: {preview.id}.preview.localhost\nContent-Length: 3\n"
        "X-Own: yes\nX-Forwarded-For: 6.6.6.6\nConnection: close, X-Hop\nX-Hop: no\nTE: trailers\n\n"
    )
    answer = await raw(preview.port, head, b"abc")
    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert seen["method"] == "POST"
    assert seen["target"] == "/a/../b/%2e%2e//c;d?x=%41&x=%C3&="
    assert seen["size"] == 3
    assert seen["headers"]["host"] == f"{preview.id}.preview.localhost"
    assert seen["headers"]["x-own"] == "yes"
    assert seen["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert not {"x-hop", "te", "transfer-encoding"} & seen["headers"].keys()


async def test_upload_and_download_of_20_mb(served, preview):
    body = bytes(range(256)) * (20 * 4096)
    status, _, seen = await served.get(preview, "/up", "PUT", data=body, expect100=True)
    assert (status, seen["size"], seen["sha256"]) == (200, len(body), hashlib.sha256(body).hexdigest())
    _, _, chunked = await served.get(preview, "/up", "POST", data=_pieces(body))
    assert chunked["sha256"] == seen["sha256"]
    _, _, downloaded = await served.get(preview, "/big?mib=20")
    assert len(downloaded) == 20 * 1024 * 1024


async def _pieces(body):
    for start in range(0, len(body), 100_000):
        yield body[start : start + 100_000]


async def test_events_arrive_while_the_application_still_sends(preview):
    async with client(preview) as session, session.get("/stream?n=3&pause=0.4") as answer:
        times = [time.monotonic() async for _ in answer.content.iter_any()]
    assert len(times) == 3
    assert times[1] - times[0] > 0.3


async def test_a_client_that_leaves_ends_the_stream_of_the_application(served, preview):
    async with client(preview) as session, session.get("/stream?n=1000&pause=0.01") as answer:
        await answer.content.readany()
    status, _, _ = await served.get(preview, "/health")
    assert status == 200


async def test_websocket_with_subprotocol_binary_ping_and_close_code(preview):
    async with client(preview) as session, session.ws_connect("/chat", protocols=("chat.v1", "chat.v2")) as ws:
        assert ws.protocol == "chat.v2"
        await ws.send_str("hé")
        assert (await ws.receive_str()) == "chat.v2:hé"
        await ws.send_bytes(b"\0" * 100_000)
        assert len(await ws.receive_bytes()) == 100_000
        await ws.ping(b"still there?")
        await ws.send_str("bye")
        assert (await ws.receive()).type == aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 4001


async def test_refused_websocket_keeps_its_status(preview):
    async with client(preview) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect("/remember/no")
    assert refused.value.status == 502


async def test_head_keeps_the_length_and_sends_no_body(served, preview):
    status, headers, body = await served.get(preview, "/health", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "16", None)


@pytest.mark.parametrize("target", ["http://127.0.0.1:22/", "http://169.254.169.254/latest", "127.0.0.1:80", "*", "/\x00"])
async def test_absolute_and_odd_targets_are_refused(preview, target):
    answer = await raw(preview.port, f"GET {target} HTTP/1.1\nHost: {preview.id}.preview.localhost\nConnection: close\n\n")
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "preview.localhost",
        "127.0.0.1",
        "x.preview.localhost",
        "{id}.preview.localhost.evil.com",
        "{id}",
        "",
        "{id}.preview.localhost@127.0.0.1",
        "a.{id}.preview.localhost",
        "../{id}.preview.localhost",
    ],
)
async def test_other_hosts_reach_nothing(served, preview, host):
    name = host.replace("{id}", preview.id)
    answer = await raw(preview.port, f"GET /health HTTP/1.1\nHost: {name}\nConnection: close\n\n")
    assert answer.split(b" ")[1] in (b"404", b"400")
    assert b'"ok"' not in answer


async def test_the_proxy_tells_its_own_condition_under_its_own_name_only(served, preview):
    async with aiohttp.ClientSession(f"http://127.0.0.1:{preview.port}") as session:
        for path in (HEALTH, READY):
            async with session.get(path) as answer:
                assert answer.status == 200 and await answer.json() == {"status": "ok", "applications": 1}
    assert (await served.get(preview, HEALTH))[2]["target"] == HEALTH


async def test_two_host_headers_reach_nothing(served, preview):
    host = f"{preview.id}.preview.localhost"
    answer = await raw(preview.port, f"GET /health HTTP/1.1\nHost: {host}\nHost: other\nConnection: close\n\n")
    assert answer.split(b" ")[1] in (b"404", b"400")


async def test_smuggled_second_request_is_refused(served, preview):
    host = f"{preview.id}.preview.localhost"
    head = f"POST /a HTTP/1.1\nHost: {host}\nContent-Length: 4\nTransfer-Encoding: chunked\n\n"
    answer = await raw(preview.port, head, b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.split(b" ")[1] == b"400"


async def test_redirects_are_handed_to_the_client_and_never_followed(served, preview):
    status, headers, _ = await served.get(preview, "/away?to=http://127.0.0.1:1/internal")
    assert (status, headers["Location"]) == (302, "http://127.0.0.1:1/internal")


async def test_cookies_stay_with_their_preview_and_the_address_with_its_site(served, preview):
    _, headers, _ = await served.get(preview, "/cookie")
    assert "domain" not in headers["Set-Cookie"].lower()
    assert headers["Referrer-Policy"] == "same-origin"
    assert "X-Secret" not in headers


async def test_too_large_headers_are_refused(served, preview):
    status, _, _ = await served.get(preview, "/health", headers={"X-Big": "x" * 100_000})
    assert status == 400
    status, _, _ = await served.get(preview, "/health", headers={f"X-{i}": "x" for i in range(500)})
    assert status == 400
    assert (await served.get(preview, "/health"))[0] == 200


async def test_clients_that_never_finish_their_request_are_hung_up_on(world, monkeypatch):
    monkeypatch.setattr(proxy_module, "IDLE_SECONDS", 0.5)
    async with world.proxy() as port:
        assert await raw(port, f"GET /health HTTP/1.1\nHost: {new_id()}.preview.localhost\nX-Slow: ") == b""


async def test_people_get_a_page_and_programs_problem_details(served, preview):
    unknown = preview.model_copy(update={"id": new_id()})
    status, headers, problem = await served.get(unknown)
    assert (status, headers["Content-Type"], problem["status"]) == (404, "application/problem+json", 404)
    status, headers, page = await served.get(unknown, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (status, headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert b"There is no such preview" in page


async def test_people_find_a_page_where_the_application_has_none(served, preview):
    browser = {"Accept": "text/html,application/xhtml+xml"}
    status, headers, page = await served.get(preview, "/", headers=browser)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    script = page.partition(b"<script>")[2].partition(b"</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in headers["Content-Security-Policy"]
    assert (await served.get(preview, "/"))[0] == 404
    assert (await served.get(preview, "/", "HEAD", headers=browser))[0] == 404
    assert (await served.get(preview, "/other", headers=browser))[2]["target"] == "/other"


async def test_many_clients_at_once(served, preview):
    answers = await asyncio.gather(*(served.get(preview, f"/n/{i}") for i in range(100)))
    assert [(status, seen["target"]) for status, _, seen in answers] == [(200, f"/n/{i}") for i in range(100)]


async def test_a_thousand_connections_are_held_and_served(served, preview):
    head = f"GET /n HTTP/1.1\r\nHost: {preview.id}.preview.localhost\r\n\r\n".encode()
    held = [await asyncio.open_connection("127.0.0.1", preview.port) for _ in range(1000)]
    for _, writer in held:
        writer.write(head)
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(reader.readuntil(b"\r\n\r\n") for reader, _ in held))
    assert Counter(answer.partition(b"\r\n")[0] for answer in answers) == {b"HTTP/1.1 200 OK": 1000}
    assert (await served.get(preview, "/health"))[0] == 200
    for _, writer in held:
        writer.close()


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
async def test_who_never_reads_fills_no_memory_and_holds_up_nobody(served, preview, connection):
    """Both ways through the proxy: a request that closes its connection is not plain."""
    before, deaf = psutil.Process().memory_info().rss, []
    for _ in range(4):
        client_socket = socket.create_connection(("127.0.0.1", preview.port))
        head = f"GET /big?mib=100 HTTP/1.1\r\nHost: {preview.id}.preview.localhost\r\nConnection: {connection}\r\n\r\n"
        client_socket.sendall(head.encode())
        deaf.append(client_socket)
    for number in range(50):
        assert (await served.get(preview, f"/n/{number}"))[0] == 200
    assert psutil.Process().memory_info().rss - before < 100e6
    for client_socket in deaf:
        client_socket.close()


async def test_requests_sent_one_after_the_other_without_waiting_are_all_answered_in_order(preview):
    host = f"{preview.id}.preview.localhost"
    heads = [f"GET /n/{number} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() for number in range(20)]
    last = f"GET /last HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", preview.port)
    writer.write(heads[0])
    await reader.readuntil(b"/n/0")
    for start in range(1, 20, 3):
        writer.write(b"".join(heads[start : start + 3]))
        await asyncio.sleep(0)
    writer.write(last)
    async with asyncio.timeout(20):
        rest = await reader.read()
    assert re.findall(rb'"target": "(/[^"]*)"', rest) == [*(b"/n/%d" % number for number in range(1, 20)), b"/last"]
    writer.close()


async def test_the_proxy_takes_the_next_free_port_and_returns_to_its_own(world):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with world.proxy(port=port) as bound:
            assert port < bound < port + 100
            assert world.home.port() == bound
    async with world.proxy(port=port) as again:
        assert again == bound


async def test_a_second_proxy_for_the_same_home_is_refused(world):
    async with world.proxy():
        with pytest.raises(EnvironmentError_, match="another preview proxy"):
            async with world.proxy():
                pass
