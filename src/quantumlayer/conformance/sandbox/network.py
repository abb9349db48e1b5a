"""Attempts to talk to anybody: services of the host, the outside, name servers, other kinds of sockets."""

import contextlib
import secrets
import socket
from collections.abc import Iterator

from quantumlayer.conformance.sandbox.lab import Lab, expect
from quantumlayer.conformance.trials import Trial

UNROUTABLE = "192.0.2.1"  # RFC 5737: belongs to nobody, so a sandbox that leaks harms nobody


async def reach_loopback(lab: Lab) -> None:
    """Real listeners of the host on IPv4, IPv6, UDP; the host's own addresses too."""
    with _listeners() as listeners:
        addresses = [(s.family, s.type, s.getsockname()[:2]) for s in listeners]
        targets = [(int(f), int(t), host, port) for f, t, (host, port) in addresses]
        with contextlib.suppress(OSError):
            own = socket.gethostbyname(socket.gethostname())
            targets += [(int(socket.AF_INET), int(t), own, port) for f, t, (_, port) in addresses if f == socket.AF_INET]
        await lab.attack(f"""
for family, kind, host, port in {targets!r}:
    def knock():
        s = socket.socket(family, kind)
        s.settimeout(1)
        s.connect((host, port))
        s.send(b"hello")
        if kind == socket.SOCK_DGRAM:
            s.recv(1)
    attempt(f"reach {{host}}:{{port}}", knock)
""")
        for listener in listeners:
            with contextlib.suppress(BlockingIOError):
                listener.accept() if listener.type == socket.SOCK_STREAM else listener.recv(1)
                expect(False, f"something arrived at the host's {listener.getsockname()}")


async def reach_unix_sockets(lab: Lab) -> None:
    """Abstract sockets, which have no path to hide, and the path of a socket of the host."""
    name = f"ql-{secrets.token_hex(8)}"
    path = str(lab.folder / "s")
    with socket.socket(socket.AF_UNIX) as abstract, socket.socket(socket.AF_UNIX) as named:
        abstract.bind(f"\0{name}")
        abstract.listen()
        named.bind(path)
        named.listen()
        await lab.attack(f"""
for address in ("\\0" + {name!r}, {path!r}, "/run/dbus/system_bus_socket", "/run/docker.sock", "/var/run/docker.sock"):
    attempt("reach " + repr(address), lambda: socket.socket(socket.AF_UNIX).connect(address))
""")


async def reach_outside(lab: Lab) -> None:
    """No interface but the loopback, no route, no names."""
    await lab.attack(f"""
others = [name for _, name in socket.if_nameindex() if name != "lo"]
if [n for n in others if "state UP" in n]:
    escaped(others)
for family, host in ((socket.AF_INET, "{UNROUTABLE}"), (socket.AF_INET6, "2001:db8::1")):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(family, kind)
        s.settimeout(1)
        try:
            s.connect((host, 53))
            escaped(f"a route to {{host}}")
        except TimeoutError:
            escaped(f"packets leave for {{host}}")
        except OSError:
            pass
attempt("resolve a name", lambda: socket.getaddrinfo("example.com", 80))
""")


async def open_strange_sockets(lab: Lab) -> None:
    """Raw packets, and families that lead past the network namespace."""
    await lab.attack("""
for name, family, kind in (
    ("raw", socket.AF_INET, socket.SOCK_RAW), ("packet", 17, socket.SOCK_RAW), ("vsock", 40, socket.SOCK_STREAM),
    ("kernel crypto", 38, 5), ("bluetooth", 31, socket.SOCK_RAW), ("xdp", 44, socket.SOCK_RAW), ("tipc", 30, 5), ("can", 29, 3),
):
    attempt("socket " + name, lambda: socket.socket(family, kind))
""")


@contextlib.contextmanager
def _listeners() -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        listeners = []
        for family, host, kind in (
            (socket.AF_INET, "127.0.0.1", socket.SOCK_STREAM),
            (socket.AF_INET6, "::1", socket.SOCK_STREAM),
            (socket.AF_INET, "127.0.0.1", socket.SOCK_DGRAM),
        ):
            with contextlib.suppress(OSError):  # a host without IPv6
                listener = stack.enter_context(socket.socket(family, kind))
                listener.bind((host, 0))
                if kind == socket.SOCK_STREAM:
                    listener.listen()
                listener.setblocking(False)
                listeners.append(listener)
        yield listeners


TRIALS = (
    Trial("loopback", "reach services on the host's loopback", reach_loopback),
    Trial("unix-sockets", "reach Unix sockets of the host, abstract ones too", reach_unix_sockets),
    Trial("outside", "reach the network by IPv4, IPv6 or DNS", reach_outside),
    Trial("strange-sockets", "open raw, packet, vsock or kernel sockets", open_strange_sockets),
)
