"""Whatever the application does, the judge ends with failed checks that say why."""

import socket
import time

import pytest
from builders import failures, raw_server, spec_named

from quantumlayer.evidence.judge import App, Budget, judge
from quantumlayer.evidence.judge.transport import Call, Connection

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def garbage(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"\x00\xff\xfe garbage \r\n\r\n" * 3)


def drop(connection: socket.socket) -> None:
    connection.recv(65536)


def broken_json(connection: socket.socket) -> None:
    while connection.recv(65536):
        connection.sendall(HEAD + b'Content-Length: 5\r\n\r\n{"a":')


def huge(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(HEAD + b"Content-Length: 10000000\r\n\r\n" + b"[" * 10_000_000)


def half(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(HEAD + b"Content-Length: 500\r\n\r\n{}")


def deep(connection: socket.socket) -> None:
    while connection.recv(65536):
        connection.sendall(HEAD + b"Content-Length: 200000\r\n\r\n" + b"[" * 200_000)


def redirect(connection: socket.socket) -> None:
    while connection.recv(65536):
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/stolen\r\nContent-Length: 0\r\n\r\n")


def error(connection: socket.socket) -> None:
    while connection.recv(65536):
        connection.sendall(b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\noops")


@pytest.mark.parametrize("talk", [garbage, drop, broken_json, huge, half, deep, redirect, error])
async def test_a_misbehaving_application_fails(talk) -> None:
    with raw_server(talk) as url:
        evidence = await judge(spec_named("todo"), App(url=url), budget=Budget(random=0.2, shrink=0, failures=2))
    assert failures(evidence)
    assert all(check.message for check in failures(evidence))
    assert not [c for c in evidence.checks if c.status == "passed"]


async def test_an_application_that_is_not_there_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    evidence = await judge(spec_named("todo"), App(url=f"http://127.0.0.1:{port}"))
    assert [c.status for c in evidence.checks] == ["failed"]
    assert "not running" in evidence.checks[0].message


def test_a_dripping_answer_is_cut_off() -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HEAD)
        while True:
            connection.sendall(b"X-Drip: 1\r\n")
            time.sleep(0.05)

    with raw_server(drip) as url:
        started = time.monotonic()
        answer = Connection(url, deadline=0.6).send(Call("GET", "/"))
        assert time.monotonic() - started < 3
    assert "no complete answer within 0.6 s" in answer.broken
