"""What the fast way through the proxy takes, what it leaves to others, and what it makes of an application's answers."""

import asyncio
import contextlib

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumlayer.delivery.express import Express
from quantumlayer.delivery.lane import Lane
from quantumlayer.delivery.plain import plain_request

HOST = b"Host: a.preview.localhost\r\n"
GET = b"GET /tasks?limit=10 HTTP/1.1\r\n" + HOST + b"Accept: */*\r\n\r\n"
POST = b"POST /tasks HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{}"


def read(sent):
    """The one request that another parser finds in the bytes; it refuses what is not HTTP, and a second one."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(sent)
    request, body = server.next_event(), b""
    while isinstance(event := server.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage) and not server.trailing_data[0]
    return request, body


@pytest.mark.parametrize("received", [GET, POST, GET.replace(b"GET", b"DELETE")])
def test_what_is_plain_is_passed_on_as_it_was_with_who_asked(received):
    plain = plain_request(received.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: keep-alive\r\n\r\n"))
    request, body = read(plain.written(b"127.0.0.1"))
    before, wanted = read(received)
    assert (request.method, request.target, body) == (before.method, before.target, wanted)
    told = [(b"x-forwarded-for", b"127.0.0.1"), (b"x-forwarded-host", b"a.preview.localhost"), (b"x-forwarded-proto", b"http")]
    assert list(request.headers) == [*before.headers, *told]


@pytest.mark.parametrize(
    "received",
    [
        b"",
        b"\x16\x03\x01",
        GET[:-2],
        POST[:-1],
        POST + b"x",
        GET + GET,
        GET.replace(b"1.1", b"1.0"),
        GET.replace(b"GET", b"HEAD"),
        GET.replace(b"GET", b"CONNECT"),
        GET.replace(b"/tasks", b"http://127.0.0.1/tasks"),
        GET.replace(b"/tasks", b"/t\xc3\xa4"),
        GET.replace(HOST, b""),
        GET.replace(HOST, HOST + b"Host: b\r\n"),
        GET.replace(b"*/*", b"a\r\n folded"),
        GET.replace(b"*/*", b"a\r\n\tfolded"),
        GET.replace(b"*/*", b"a\nX-B: c"),
        GET.replace(b"*/*", b"a\rX-B: c"),
        GET.replace(b"*/*", b"a\0"),
        GET.replace(b"Accept: ", b"Accept : "),
        GET.replace(b"Accept: */*", b"X: " + b"x" * 17_000),
        GET.replace(b"Accept: */*", b"\r\n".join([b"X: x"] * 101)),
        *(
            GET.replace(b"Accept: */*", header)
            for header in (
                b"Connection: close",
                b"Connection: keep-alive, Host",
                b"Upgrade: websocket\r\nConnection: Upgrade",
                b"Expect: 100-continue",
                b"TE: trailers",
                b"Trailer: X",
                b"X-QuantumLayer-Hop: k",
                b"x-preview-password: p",
                b"Cookie: a=b; ql_preview=c",
            )
        ),
        GET.replace(b"/tasks?limit=10", b"/").replace(b"*/*", b"text/html"),
        POST.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked").replace(b"{}", b"0\r\n\r\n"),
        POST.replace(b"Content-Length: 2", b"Content-Length: 2\r\nTransfer-Encoding: chunked"),
        POST.replace(b"Content-Length: 2", b"Content-Length: 2\r\nContent-Length: 3"),
        POST.replace(b"Content-Length: 2", b"Content-Length: +2"),
    ],
)
def test_what_is_not_plain_is_left_to_others(received):
    assert plain_request(received) is None


PIECES = st.sampled_from(
    [b"GET", b"POST", b" ", b"/", b"/a?b", b"HTTP/1.1", b"\r\n", b"\r", b"\n", b"\0", b"\t", b":", b"Host: h", b"X: y", HOST]
    + [b"Content-Length: 1", b"Transfer-Encoding: chunked", b"0\r\n\r\n", b"x", b"\xff", GET, POST, b"\r\n\r\n"]
)


@given(st.lists(PIECES, max_size=12).map(b"".join))
def test_whatever_is_taken_for_plain_is_one_request_to_every_parser(received):
    plain = plain_request(received)
    if plain is not None:
        request, body = read(plain.written(b"::1"))
        assert (request.method, request.target, body) == (plain.method, plain.target, plain.body)


class Asker:
    """Hears of one answer."""

    def __init__(self):
        self.heard, self.end = b"", asyncio.get_running_loop().create_future()

    def take(self, data):
        self.heard += data

    def answered(self):
        self.end.set_result(True)

    def unanswered(self):
        self.end.set_result(False)


@contextlib.asynccontextmanager
async def application(folder, *answers):
    """A lane to an application that gives each connection's requests those answers in turn; None closes."""
    connections = []

    async def serve(reader, writer):
        connections.append(writer)
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            if answer is None:
                break
            writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(serve, folder / "app")
    lane = Lane(folder / "app")

    async def ask():
        asker = Asker()
        lane.ask(plain_request(GET).written(b"::1"), asker)
        async with asyncio.timeout(10):
            return await asker.end, asker.heard

    try:
        yield ask, lane, connections
    finally:
        await lane.end(0)
        server.close()


SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (SIZED + b"ok", b"Content-Length: 2\r\nReferrer-Policy: same-origin\r\n\r\nok"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED + b"ok", b"Content-Length: 2\r\nReferrer-Policy: same-origin\r\n\r\nok"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nConnection: close, X-A\r\nX-A: b\r\n\r\nok",
            b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ),
        (
            b"HTTP/1.1 204 No Content\r\nReferrer-Policy: origin\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\nReferrer-Policy: origin\r\n\r\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Domain=preview.localhost; Path=/\r\nContent-Length: 0\r\n\r\n",
            b"same-origin\r\n\r\n",
        ),
    ],
)
async def test_answers_are_framed_anew(tmp_path, answer, end):
    async with application(tmp_path, answer) as (ask, _, _):
        whole, heard = await ask()
    assert whole and heard.endswith(end)
    assert heard.count(b"HTTP/1.1 ") == 1 and b"X-A" not in heard and b"Domain" not in heard


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"SSH-2.0-OpenSSH\r\n",
        SIZED + b"o",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    ],
)
async def test_an_answer_that_is_none_is_never_told_as_whole(tmp_path, answer):
    async with application(tmp_path, answer) as (ask, lane, _):
        whole, _ = await ask()
        assert not whole and not lane.busy


async def test_connections_are_used_again(tmp_path):
    async with application(tmp_path, SIZED + b"ok", SIZED + b"no") as (ask, _, connections):
        assert [(await ask())[1][-2:] for _ in range(2)] == [b"ok", b"no"]
    assert len(connections) == 1


async def test_what_nobody_asked_for_answers_nobody(tmp_path):
    async with application(tmp_path, SIZED + b"ok" + SIZED + b"for another") as (ask, _, connections):
        first = await ask()
        assert (await ask()) != first or len(connections) == 2
    assert len(connections) == 2


async def test_a_change_that_was_not_answered_is_not_asked_again_but_told():
    received = asyncio.get_running_loop().create_future()

    class Transport:
        def get_extra_info(self, name):
            return ("127.0.0.1", 1)

        def write(self, data):
            received.set_result(data)

    connection = Express({}, None, set(), 30)
    connection.connection_made(Transport())
    connection._received = POST
    connection.unanswered()
    head, _, body = (await received).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 502 ") and b"Content-Length: %d" % len(body) in head and b'"status": 502' in body
    connection.connection_lost(None)
