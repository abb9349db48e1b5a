"""What a trial works with: a store under test, other processes that use it too, and a hand that reaches into it."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from quantumlayer.ports.store import Blobs

WRITER = """
import asyncio, importlib, json, sys

async def main():
    module, name, place, contents = json.loads(sys.argv[1])
    store = getattr(importlib.import_module(module), name)(place)
    print("READY", flush=True)
    sys.stdin.readline()
    for seed, size in contents:
        print(await store.put(seed.encode() * (size // len(seed))), flush=True)

asyncio.run(main())
"""


@dataclass
class Bench:
    """An adapter's class and the place to open it at.

    `tamper` replaces the stored bytes of a digest behind the adapter's back; `plant` adds what is no drop under a name.
    `full` gives a store of the kind without any space left, None where there is none such.
    """

    adapter: Callable[[str], Blobs]
    place: str
    tamper: Callable[[str, bytes], Awaitable[None]]
    plant: Callable[[str, bytes], Awaitable[None]]
    full: Callable[[], contextlib.AbstractAsyncContextManager[Blobs]] | None = None
    no_full: str = field(default="this store has no disk of ours")

    def open(self) -> Blobs:
        """The store as one more process would open it."""
        return self.adapter(self.place)

    @contextlib.contextmanager
    def writer(self, *contents: tuple[str, int]) -> Iterator[subprocess.Popen[bytes]]:
        """Another process that stores each text repeated to that many bytes, once a line comes in; killed afterwards."""
        what = json.dumps([self.adapter.__module__, getattr(self.adapter, "__qualname__", ""), self.place, contents])
        process = subprocess.Popen([sys.executable, "-c", WRITER, what], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            if process.stdout.readline() != b"READY\n":
                raise RuntimeError("the writing process did not start")
            yield process
        finally:
            process.kill()
            process.communicate()
