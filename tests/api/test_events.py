import asyncio
import json
import socket
import struct
import time

import psutil
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK, InvalidStatus

from tests.api.conftest import served

NUMBERS = list(range(1, 31))


async def finish(api, run):
    await api.office.metadata.finish_run(run.id, 1, "verified", {})


async def numbers(url, after=0):
    found = []
    async with connect(f"{url}?after={after}") as socket:
        try:
            while True:
                found.append(json.loads(await asyncio.wait_for(socket.recv(), 20))["number"])
        except ConnectionClosedOK:
            return found


async def test_a_websocket_replays_from_the_start_follows_and_closes_at_the_end(api):
    run = await api.add_run(status="running")
    await api.add_events(run, 10)
    listening = asyncio.create_task(numbers(f"{api.events_url}/api/v1/runs/{run.id}/events"))
    resuming = asyncio.create_task(numbers(f"{api.events_url}/api/v1/runs/{run.id}/events", after=7))
    await asyncio.sleep(0.3)
    assert not listening.done()
    await api.add_events(run, 20, first=11)
    await finish(api, run)
    assert await listening == NUMBERS
    assert await resuming == NUMBERS[7:]
    assert await numbers(f"{api.events_url}/api/v1/runs/{run.id}/events", after=29) == [30]
    assert api.office.feeds.listeners == 0


async def test_server_sent_events_tell_the_same_and_resume_by_last_event_id(api):
    run = await api.add_run(status="running")
    await api.add_events(run, 30)
    await finish(api, run)
    path, accept = f"/api/v1/runs/{run.id}/events", {"Accept": "text/event-stream"}
    whole = await api.http.get(path, headers=accept)
    assert whole.headers["content-type"].startswith("text/event-stream")
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in whole.text.strip().split("\n\n")]
    assert [int(e["id"]) for e in events] == NUMBERS
    assert events[0]["event"] == "log" and json.loads(events[4]["data"])["data"] == {"message": "line 5"}
    rest = await api.http.get(path, headers=accept | {"Last-Event-ID": "28"})
    assert rest.text.count("id: ") == 2
    # 204 is how a browser's EventSource is told not to come again.
    assert (await api.http.get(path, headers=accept | {"Last-Event-ID": "30"})).status_code == 204
    assert (await api.http.get(path, headers=accept | {"Last-Event-ID": "x"})).status_code == 422
    page = (await api.http.get(path, params={"after": 20, "limit": 5})).json()
    assert [e["number"] for e in page["items"]] == [21, 22, 23, 24, 25] and page["end"] is False
    assert (await api.http.get(path, params={"after": 25})).json()["end"] is True


async def test_more_events_than_the_memory_holds_come_whole_and_in_order(api):
    run = await api.add_run(status="running")
    await api.add_events(run, 700)
    listening = asyncio.create_task(numbers(f"{api.events_url}/api/v1/runs/{run.id}/events"))
    await api.add_events(run, 600, first=701)
    await finish(api, run)
    assert await listening == list(range(1, 1301))


async def test_two_hundred_listeners_hear_everything(api):
    run = await api.add_run(status="running")
    listening = [asyncio.create_task(numbers(f"{api.events_url}/api/v1/runs/{run.id}/events")) for _ in range(200)]
    while api.office.feeds.listeners < 200:
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in listening)
    await api.add_events(run, 30)
    await finish(api, run)
    assert all(heard == NUMBERS for heard in await asyncio.gather(*listening))


async def test_who_never_reads_holds_up_nobody_and_fills_no_memory(api):
    run = await api.add_run(status="running")
    deaf = [await _deaf_listener(api.url, run.id) for _ in range(5)]
    before = psutil.Process().memory_info().rss
    for number in range(1, 601):
        await api.office.metadata.add_event(run.id, f"log/{number}", "log", {"message": "x" * 20_000}, run.owner)
    began = time.monotonic()
    listening = asyncio.create_task(numbers(f"{api.events_url}/api/v1/runs/{run.id}/events", after=300))
    await finish(api, run)
    assert await listening == list(range(301, 601))
    assert time.monotonic() - began < 20
    # 12 MB of events for each of five who never read, and only the shared memory of the last 500 is kept.
    assert psutil.Process().memory_info().rss - before < 120e6
    for writer in deaf:
        writer.close()


async def _deaf_listener(url, run_id):
    host, port = url.removeprefix("http://").split(":")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, (host, int(port)))
    handshake = (
        f"GET /api/v1/runs/{run_id}/events HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await asyncio.get_running_loop().sock_sendall(raw, handshake.encode())
    return raw


async def test_listeners_go_on_where_they_were_after_the_server_was_killed(ql_server, tmp_path):
    async with served(tmp_path / "home") as api:
        run = await api.add_run(status="running")
        await api.add_events(run, 10)
        process, port = ql_server()
        url = f"ws://127.0.0.1:{port}/api/v1/runs/{run.id}/events"
        heard = []
        async with connect(url) as socket:
            heard = [json.loads(await socket.recv())["number"] for _ in range(10)]
        process.kill()
        process.wait()
        await api.add_events(run, 20, first=11)
        await finish(api, run)
        ql_server(port=port)
        assert heard + await numbers(url, after=heard[-1]) == NUMBERS


async def test_an_unknown_run_and_foreign_pages_get_no_stream(api):
    for path, headers, status in (
        ("/api/v1/runs/nope/events", {}, 404),
        ("/api/v1/nope", {}, 404),
        ("/api/v1/runs/nope/events", {"Origin": "http://evil.example"}, 403),
        ("/api/v1/runs/nope/events?after=-1", {}, 422),
    ):
        try:
            async with connect(api.events_url + path, additional_headers=headers):
                raise AssertionError("it was let in")
        except InvalidStatus as refused:
            assert refused.response.status_code in (status, 403 if status in (404, 422) else status), path


async def test_the_run_itself_is_heard_from_its_start_to_its_end(live):
    created = await live.http.post("/api/v1/runs", json={"text": "A to-do API: tasks have a title."})
    heard = []
    async with connect(f"{live.events_url}/api/v1/runs/{created.json()['id']}/events") as socket:
        try:
            while True:
                heard.append(json.loads(await asyncio.wait_for(socket.recv(), 60)))
        except ConnectionClosedOK:
            pass
    assert [e["number"] for e in heard] == list(range(1, len(heard) + 1))
    kinds = [e["kind"] for e in heard]
    assert kinds[0] == "run_started" and kinds.count("stage_started") == kinds.count("stage_finished") == 18


async def test_a_thousand_connections_are_held_and_served(api):
    host, port = api.url.removeprefix("http://").split(":")
    request = f"GET /health HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    held = [await asyncio.open_connection(host, port) for _ in range(1000)]
    for _, writer in held:
        writer.write(request)
    answers = await asyncio.gather(*(reader.readuntil(b"}}") for reader, _ in held))
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    assert (await api.http.get("/api/v1/runs")).status_code == 200
    for _, writer in held:
        writer.close()
