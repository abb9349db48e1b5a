"""What the suite of every port is made of: trials of promises, each of which becomes a check."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from quantumlayer.evidence.values import Check, Level

S = TypeVar("S")


class Broken(AssertionError):
    """The adapter did not keep a promise."""


class NotTried(Exception):
    """The trial makes no sense for this adapter; its text says why."""


@dataclass(frozen=True)
class Trial(Generic[S]):
    """One promise. `run` gets what is to be tried and raises `Broken` when the promise is not kept."""

    name: str
    title: str
    run: Callable[[S], Awaitable[None]]


def expect(kept: bool, message: str) -> None:
    """Raises `Broken` with the message unless the promise was kept."""
    if not kept:
        raise Broken(message)


async def tried(
    attempt: Awaitable[None], *, id: str, title: str, level: Level = "unit", broken: type[AssertionError] = Broken
) -> Check:
    """The check of one attempt: "failed" where a promise was `broken`, "not_run" with the reason, "errored" if we failed."""
    began = time.monotonic()
    status, message = "passed", ""
    try:
        await attempt
    except broken as failure:
        status, message = "failed", str(failure)
    except NotTried as reason:
        status, message = "not_run", str(reason)
    except Exception as error:  # whatever it is, this trial proved nothing
        status, message = "errored", f"{type(error).__name__}: {error}"
    return Check(id=id, title=title, level=level, status=status, message=message, seconds=time.monotonic() - began)
