"""Runs inside a sandbox beside a server, in any Python 3.9+, standard library only.

Usage: relay.py CONTROL_FD PORT -- COMMAND. Starts the command and hands the host connected sockets: sockets stay in the
network namespace they were made in, so no byte is copied here. One-byte messages on the control socket: from the host
b"c" (connect) and b"t" (terminate), to the host b"k" with the socket attached or b"n" (nobody listens).
"""

import os
import selectors
import signal
import socket
import subprocess
import sys


def connect(port):
    """A socket connected (or connecting) to the server, or None where nobody listens."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            peer = socket.socket(family, socket.SOCK_STREAM)
        except OSError:
            continue
        peer.setblocking(False)
        try:
            peer.connect((host, port))
        except BlockingIOError:
            pass
        except OSError:
            peer.close()
            continue
        if peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            return peer
        peer.close()
    return None


def serve(control, port, child):
    """Answers the host until the command ends or the host is gone."""
    watched = os.pidfd_open(child.pid)
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(watched, selectors.EVENT_READ)
        while child.poll() is None:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    continue
                messages = control.recv(64)
                for message in messages:
                    if message == ord("c"):
                        answer(control, port)
                    elif message == ord("t"):
                        terminate(child)
                if not messages:
                    return


def answer(control, port):
    """Sends a connected socket, or that there is none."""
    peer = connect(port)
    if peer is None:
        control.send(b"n")
    else:
        socket.send_fds(control, [b"k"], [peer.fileno()])
        peer.close()


def terminate(child):
    """Asks the command's whole process group to stop."""
    try:
        os.killpg(child.pid, signal.SIGTERM)
    except ProcessLookupError:
        child.terminate()


def main():
    """Starts the command, serves, and ends with its exit code (128 + signal where one ended it)."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    try:
        child = subprocess.Popen(sys.argv[4:], start_new_session=True)
    except OSError as error:
        print(f"cannot start {sys.argv[4]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)
    serve(control, int(sys.argv[2]), child)
    code = child.poll()
    sys.stdout.flush()
    os._exit(137 if code is None else code if code >= 0 else 128 - code)


main()
