"""A process that works in a fork of itself, and forks again when that one is killed: all it needs is loaded already."""

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

# What is killed so often sooner than so long after its start would be killed again: that is for others to decide about.
YOUNG_SECONDS, YOUNG_DEATHS = 2.0, 3
STOPS = (signal.SIGTERM, signal.SIGINT)
STOPPED = 128 + signal.SIGTERM
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
log = logging.getLogger("quantumlayer.successor")


def with_successors(work: Callable[[], int]) -> int:
    """The exit code of the work, which a fork does; another fork goes on when one is killed. What ends by itself has ended.

    Call it before any thread is started. SIGTERM and SIGINT reach the fork. In the fork it returns or raises as `work` does.
    """
    parent, stopping, fork, young = os.getpid(), False, 0, 0

    def pass_on(number: int, _: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if fork:
            os.kill(fork, number)

    before = {number: signal.signal(number, pass_on) for number in STOPS}
    while True:
        began = time.monotonic()
        # A signal that comes meanwhile is passed on afterwards.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        if stopping:
            return STOPPED
        fork = os.fork()
        if fork == 0:
            die_with_parent(parent)
            for number, handler in before.items():
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        if fork == 0:
            return work()
        _, status = os.waitpid(fork, 0)
        fork, code = 0, os.waitstatus_to_exitcode(status)
        young = young + 1 if time.monotonic() - began < YOUNG_SECONDS else 0
        if stopping or code >= 0 or young == YOUNG_DEATHS:
            return code if code >= 0 else 128 - code
        log.warning("ended with %s; another goes on", code)


def die_with_parent(parent: int | None = None) -> None:
    """The kernel kills this process when its parent ends. `parent` is its pid, for one that may have ended already."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)
