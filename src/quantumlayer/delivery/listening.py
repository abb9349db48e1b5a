"""Sockets that servers of ours listen on."""

import resource
import socket
from collections.abc import Iterable

from quantumlayer.errors import EnvironmentError_

LOOPBACK = "127.0.0.1"
PORTS_TRIED = 100
BACKLOG = 2048


def bind(host: str, ports: Iterable[int]) -> socket.socket:
    """A listening socket on the first of the ports that is free. Raises `EnvironmentError_` when none is."""
    reason, tried = "no port was named", ""
    for port in ports:
        try:
            return listen(host, port)
        except OSError as error:
            reason, tried = error.strerror or str(error), f":{port}"
    raise EnvironmentError_(f"cannot listen on {host}{tried}: {reason}", hint="choose another port or address of this machine")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket there. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    # asyncio sets this only on sockets that it makes itself. Without it an answer in two writes waits 40 ms for the client.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def ports_from(first: int) -> range:
    """That port and the next ones."""
    return range(first, min(first + PORTS_TRIED, 65536))


def allow_many_connections(files: int) -> None:
    """Raises the limit of open files of this process as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
