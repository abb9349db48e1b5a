import asyncio
import socket

import pytest

from quantumlayer.delivery.listening import bind, ports_from
from quantumlayer.errors import EnvironmentError_


async def test_connections_do_not_wait_for_acknowledgements():
    options = []

    async def serve(_reader, writer):
        options.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = bind("127.0.0.1", [0])
    async with await asyncio.start_server(serve, sock=listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        await reader.read()
        writer.close()
    assert options and all(options)


def test_the_next_free_port_is_taken_and_none_is_an_error():
    with bind("127.0.0.1", [0]) as taken:
        port = taken.getsockname()[1]
        with bind("127.0.0.1", ports_from(port)) as other:
            assert port < other.getsockname()[1]
        with pytest.raises(EnvironmentError_, match=f"cannot listen on 127.0.0.1:{port}"):
            bind("127.0.0.1", [port])
    with pytest.raises(EnvironmentError_, match="cannot listen"):
        bind("192.0.2.1", [0])
