"""A process that works in a fork of itself, and forks again when that one is killed: all it needs is loaded already."""

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable

# What is killed so often sooner than so long after its start would be killed again: that is for others to decide about.
YOUNG_SECONDS, YOUNG_DEATHS = 2.0, 3
STOPS = (signal.SIGTERM, signal.SIGINT)
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
log = logging.getLogger("quantumlayer.successor")


def with_successors(work: Callable[[], int]) -> int:
    """The exit code of the work, which a fork does; another fork goes on when one is killed. What ends by itself has ended.

    Call it before any thread is started. SIGTERM and SIGINT reach the fork. In the fork it returns or raises as `work` does.
    """
    parent, young = os.getpid(), 0
    # A signal that comes before it is waited for waits itself: a handler would run only after the fork's end.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*STOPS, signal.SIGCHLD})
    while True:
        began = time.monotonic()
        fork = os.fork()
        if fork == 0:
            die_with_parent(parent)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            return work()
        code, stopping = _end_of(fork)
        young = young + 1 if time.monotonic() - began < YOUNG_SECONDS else 0
        if stopping or code >= 0 or young == YOUNG_DEATHS:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            return code if code >= 0 else 128 - code
        log.warning("ended with %s; another goes on", code)


def _end_of(fork: int) -> tuple[int, bool]:
    """The exit code of a fork, to which signals that stop are passed on, and whether there were any."""
    stopping = False
    while True:
        number = signal.sigwait({*STOPS, signal.SIGCHLD})
        if number in STOPS:
            stopping = True
            os.kill(fork, number)
            continue
        ended, status = os.waitpid(fork, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), stopping


def die_with_parent(parent: int | None = None) -> None:
    """The kernel kills this process when its parent ends. `parent` is its pid, for one that may have ended already."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)
