"""Signs of life between a part of the service and its parent: a byte each second, written by the part's event loop."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

# The number of the file descriptor that a part writes to.
VARIABLE = "QL_ALIVE_FD"
SIGN_SECONDS = 1.0
T = TypeVar("T")


async def alive(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns. While it goes on, the parent that asked for signs of life gets them."""
    # Taken out, so that no process started from here writes to it.
    number = os.environ.pop(VARIABLE, None)
    if number is None:
        return await work
    signing = asyncio.create_task(_sign(int(number)))
    try:
        return await work
    finally:
        signing.cancel()


async def _sign(descriptor: int) -> None:
    os.set_blocking(descriptor, False)
    while True:
        # Full when the parent is stopped, broken when it is gone: both are no concern of this process.
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(descriptor, b".")
        await asyncio.sleep(SIGN_SECONDS)


@contextlib.contextmanager
def hearing(heard: Callable[[], None]) -> Iterator[int]:
    """A file descriptor for a child; `heard` is called whenever something was written to it."""
    reader, writer = os.pipe()
    loop = asyncio.get_running_loop()

    def read() -> None:
        os.read(reader, 4096)
        heard()

    loop.add_reader(reader, read)
    try:
        yield writer
    finally:
        loop.remove_reader(reader)
        os.close(reader)
        os.close(writer)
