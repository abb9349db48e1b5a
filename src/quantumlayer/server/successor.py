"""A process that works in a fork of itself, and forks again when that one is killed: all it needs is loaded already."""

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

# What ends sooner than so long after its start would end again: that is for others to decide about.
YOUNG_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
log = logging.getLogger("quantumlayer.successor")


def with_successors(work: Callable[[], int], done: frozenset[int] = frozenset({0})) -> int:
    """The exit code of the work, which a fork does; another fork goes on when one ends otherwise than as `done`.

    Call it before any thread is started. SIGTERM and SIGINT reach the fork. In the fork it returns as `work` does.
    """
    parent, stopping, fork = os.getpid(), False, 0

    def pass_on(number: int, _: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if fork:
            os.kill(fork, number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    while True:
        began = time.monotonic()
        fork = os.fork()
        if fork == 0:
            for number, handler in before.items():
                signal.signal(number, handler)
            die_with_parent(parent)
            return work()
        _, status = os.waitpid(fork, 0)
        fork, code = 0, os.waitstatus_to_exitcode(status)
        if stopping or code in done or time.monotonic() - began < YOUNG_SECONDS:
            return code if code >= 0 else 128 - code
        log.warning("ended with %s; another goes on", code)


def die_with_parent(parent: int | None = None) -> None:
    """The kernel kills this process when its parent ends. `parent` is its pid, for one that may have ended already."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)
