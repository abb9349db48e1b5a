import asyncio
import json

import pytest

from quantumlayer.errors import UserError
from quantumlayer.server.api.settings import Settings
from quantumlayer.stores.values import Owner
from tests.api.conftest import served

JSON = {"content-type": "application/json"}


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status and body["title"] and body["detail"] and body["type"] == "about:blank"
    return body


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("GET", "/nope", {}, b"", 404),
        ("GET", "/api/v1/runs/", {}, b"", 404),
        ("GET", "/api/v1/runs/nope", {}, b"", 404),
        ("GET", "/api/v1/runs/%00", {}, b"", 404),
        ("GET", "/api/v1/runs/..%2f..%2fetc", {}, b"", 404),
        ("GET", "/api/v1/previews/nope", {}, b"", 404),
        ("GET", "/api/v1/previews/nope/logs", {}, b"", 404),
        ("DELETE", "/api/v1/previews/nope", {}, b"", 404),
        ("POST", "/api/v1/previews/nope/extend", JSON, b'{"ttl": 5}', 404),
        ("PUT", "/api/v1/runs", {}, b"", 405),
        ("DELETE", "/api/v1/stacks", {}, b"", 405),
        ("POST", "/api/v1/runs", JSON, b"{", 400),
        ("POST", "/api/v1/runs", JSON, b"\xff\xfe", 400),
        ("POST", "/api/v1/runs", JSON, b"[" * 100_000, 400),
        ("POST", "/api/v1/runs", JSON, b"[]", 422),
        ("POST", "/api/v1/runs", JSON, b"null", 422),
        ("POST", "/api/v1/runs", JSON, b"{}", 422),
        ("POST", "/api/v1/runs", JSON, b'{"text": 5}', 422),
        ("POST", "/api/v1/runs", JSON, b'{"text": "\\ud800"}', 422),
        ("POST", "/api/v1/runs", JSON, b'{"text": "A to-do API", "colour": "red"}', 422),
        ("POST", "/api/v1/runs", JSON, b'{"text": "A to-do API", "ttl": 0}', 422),
        ("POST", "/api/v1/runs", JSON, b'{"text": "A to-do API", "author": "model"}', 422),
        ("POST", "/api/v1/runs", JSON, b'{"text": "A to-do API", "stack": "cobol/cics"}', 422),
        ("POST", "/api/v1/runs", {}, b"text", 415),
        ("POST", "/api/v1/runs", {"content-type": "text/plain"}, b"text", 415),
        ("POST", "/api/v1/runs", {"content-type": "multipart/form-data"}, b"x", 400),
        ("POST", "/api/v1/runs", {"content-type": "multipart/form-data; boundary=x"}, b"--y\r\n", 400),
        ("POST", "/api/v1/runs/nope/cancel", {}, b"", 404),
        ("POST", "/api/v1/runs/nope/rollback", JSON, b'{"drop": "x"}', 422),
        ("POST", "/api/v1/previews", JSON, b"{", 400),
        ("POST", "/api/v1/previews", JSON, b'{"run": 5}', 422),
        ("POST", "/api/v1/previews", {"content-type": "text/plain"}, b'{"run": "x"}', 415),
        ("POST", "/api/v1/spec/check", {"content-type": "image/png"}, b"x", 415),
        ("POST", "/api/v1/spec/check", {"content-type": "application/yaml"}, b"a: [", 422),
        ("POST", "/api/v1/spec/check", {"content-type": "application/yaml"}, b"\xff\x00", 422),
        ("GET", "/api/v1/runs?limit=0", {}, b"", 422),
        ("GET", "/api/v1/runs?limit=x", {}, b"", 422),
        ("GET", "/api/v1/runs?status=nice", {}, b"", 422),
        ("GET", "/api/v1/runs?cursor=nonsense", {}, b"", 422),
        ("GET", "/api/v1/runs?text=%00", {}, b"", 422),
        ("GET", "/api/v1/runs?since=yesterday", {}, b"", 422),
        ("GET", "/api/v1/runs?since=0001-01-01T00:00:00%2B23:00", {}, b"", 422),
    ],
)
async def test_every_refusal_is_a_problem(api, method, path, headers, body, status):
    answer = await api.http.request(method, path, headers=headers, content=body)
    problem(answer, status)
    if status == 405:
        assert answer.headers["allow"]
    assert (await api.http.get("/api/v1/runs")).json()["total"] == 0


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(("path", "size"), [("/api/v1/previews", 2_000_001), ("/api/v1/runs", 25_000_001)])
async def test_bodies_are_limited_whether_they_say_their_length_or_not(api, declared, path, size):
    async def stream():
        for _ in range(size // 100_000 + 1):
            yield b" " * 100_000

    body = b" " * size if declared else stream()
    found = problem(await api.http.post(path, content=body, headers=JSON), 413)
    assert "large" in found["detail"]


async def test_a_file_that_is_no_text_is_refused(api):
    answer = await api.http.post("/api/v1/runs", files=[("file", ("a.bin", b"\0\1\2"))])
    assert "binary" in problem(answer, 422)["detail"]
    answer = await api.http.post("/api/v1/runs", files=[("poem", ("a.txt", b"x"))])
    assert "poem" in problem(answer, 422)["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:8080"}, 421),
        ({"Host": "abc.preview.localhost:8088"}, 421),
        ({"Host": "[::1"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"X-Forwarded-For": "8.8.8.8"}, 401),
        ({"Forwarded": "for=8.8.8.8"}, 401),
        ({"Authorization": "Bearer ql_wrong"}, 401),
    ],
)
async def test_without_a_token_only_this_machines_own_programs_are_served(api, headers, status):
    problem(await api.http.get("/api/v1/runs", headers=headers), status)
    problem(await api.http.post("/api/v1/runs", headers=headers, json={"text": "A to-do API: tasks have a title."}), status)
    assert (await api.http.get("/api/v1/runs")).json()["total"] == 0


async def test_the_server_answers_to_its_own_names_and_its_own_pages(tmp_path):
    async with served(tmp_path / "home", names=frozenset({"ql.example"})) as api:
        port = api.url.rsplit(":", 1)[1]
        for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "ql.example", "QL.example:443"):
            same = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
            assert (await api.http.get("/api/v1/runs", headers=same)).status_code == 200, host


async def test_beyond_loopback_every_call_needs_a_token_of_its_project(tmp_path):
    async with served(tmp_path / "home", host="0.0.0.0") as api:
        answer = await api.http.get("/api/v1/runs")
        problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        for path in ("/health", "/version", "/api/v1/openapi.json"):
            assert (await api.http.get(path)).status_code == 200
        problem(await api.http.get("/metrics"), 401)
        reader, reads = await api.office.access.create("reader", ("read",), Owner())
        _, theirs = await api.office.access.create("them", ("read", "write"), Owner(organisation="them"))
        await api.add_run("mine")
        mine, other = ({"Authorization": f"Bearer {secret}"} for secret in (reads, theirs))
        assert (await api.http.get("/api/v1/runs", headers=mine)).json()["total"] == 1
        assert (await api.http.get("/api/v1/runs", headers=other)).json()["total"] == 0
        problem(await api.http.get("/api/v1/runs/mine", headers=other), 404)
        problem(await api.http.post("/api/v1/runs", headers=mine, json={"text": "A to-do API"}), 403)
        judged = {"spec": "name: x", "url": "http://127.0.0.1:1"}
        problem(await api.http.post("/api/v1/judgements", headers=other, json=judged), 403)
        created = await api.http.post("/api/v1/runs", headers=other, json={"text": "A to-do API: tasks have a title."})
        run = await api.office.metadata.run(created.json()["id"])
        assert (run.owner.organisation, run.owner.creator) == ("them", "local")
        await api.office.access.revoke("reader")
        await asyncio.sleep(1.1)
        problem(await api.http.get("/api/v1/runs", headers=mine), 401)
        assert reads not in (tmp_path / "home" / "metadata.db").read_bytes().decode("latin-1")
        assert reader.id


async def test_limits_count_each_caller_and_say_when_to_come_again(tmp_path):
    async with served(tmp_path / "home", requests="5/day", creations="1/day") as api:
        _, secret = await api.office.access.create("other", ("read",), Owner())
        answers = [await api.http.get("/api/v1/runs") for _ in range(6)]
        assert [a.status_code for a in answers] == [200] * 5 + [429]
        assert answers[0].headers["ratelimit-policy"] == '"requests";q=5;w=86400'
        assert problem(answers[-1], 429) and 0 < int(answers[-1].headers["retry-after"]) <= 86400
        assert (await api.http.get("/api/v1/runs", headers={"Authorization": f"Bearer {secret}"})).status_code == 200
        assert (await api.http.get("/health")).status_code == 200
        made = [await api.http.post("/api/v1/runs", json={"text": "A to-do API: tasks have a title."}) for _ in range(2)]
        assert [a.status_code for a in made] == [201, 429]


async def test_a_slow_client_is_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr("quantumlayer.server.api.serve.HEADER_SECONDS", 0.3)
    monkeypatch.setattr("quantumlayer.server.api.guard.RECEIVE_SECONDS", 0.3)
    async with served(tmp_path / "home") as api:
        host, port = api.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: local")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        reader, writer = await asyncio.open_connection(host, port)
        head = f"POST /api/v1/runs HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        head += "Content-Length: 100\r\n\r\n"
        writer.write(head.encode() + b"{")
        answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
        assert answer.startswith(b"HTTP/1.1 408") and json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 408
        writer.close()


def test_a_limit_that_cannot_be_read_is_refused():
    with pytest.raises(UserError, match="no rate limit"):
        Settings(requests="many")
