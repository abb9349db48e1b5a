"""The promises of a store, each tried on a real one."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

from quantumlayer.conformance.store.bench import Bench
from quantumlayer.conformance.trials import NotTried, Trial, expect
from quantumlayer.errors import EnvironmentError_, QuantumLayerError, UserError
from quantumlayer.ports.store import Blobs

HUGE = 48 * 1024 * 1024
NO_DIGESTS = ("", ".", "..", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 65, "0" * 62 + "/x", "a" * 63 + "\n", "é" * 64)


async def contents_come_back(bench: Bench) -> None:
    """Under the SHA-256 of the bytes, whatever they are."""
    store, chance = bench.open(), random.Random(1)
    for content in (b"", b"\x00", b"hello", bytes(range(256)) * 9, chance.randbytes(70_000), b"\r\n" * 500):
        digest = await store.put(content)
        expect(digest == _name(content), f"{content[:20]!r} was named {digest}")
        expect(await bench.open().get(digest) == content, f"{content[:20]!r} came back as something else")


async def huge_comes_back(bench: Bench) -> None:
    """48 MiB in one piece."""
    content = random.Random(2).randbytes(HUGE)
    digest = await bench.open().put(content)
    expect(await bench.open().get(digest) == content, "a huge drop came back as something else")
    expect([s.size async for s in bench.open().stored()] == [HUGE], "a huge drop is listed with another size")


async def same_bytes_once(bench: Bench) -> None:
    """Stored by many at once, in this process and in others, they are there once and whole."""
    size = 1_000_000
    content = b"same" * (size // 4)
    with bench.writer(("same", size)) as one, bench.writer(("same", size)) as two:
        for process in (one, two):
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.flush()
        names = await asyncio.gather(*(store.put(content) for store in (bench.open(), bench.open()) for _ in range(5)))
        told = await asyncio.gather(*(asyncio.to_thread(process.communicate) for process in (one, two)))
    expect({*names, *(out.decode().strip() for out, _ in told)} == {_name(content)}, "the writers do not agree on the name")
    expect(await _listed(bench.open()) == {_name(content): size}, "the same bytes are there more than once, or not whole")
    expect(await bench.open().get(_name(content)) == content, "the bytes came back as something else")


async def unknown_is_told(bench: Bench) -> None:
    """Bytes that nobody stored are the caller's mistake, and deleting them is none."""
    await _refused(bench.open().get("0" * 64), UserError, "an unknown drop")
    await bench.open().delete("0" * 64)


async def only_digests(bench: Bench) -> None:
    """Nothing but a digest is looked up or deleted."""
    digest = await bench.open().put(b"a neighbour")
    for name in NO_DIGESTS:
        await _refused(bench.open().get(name), UserError, f"reading {name!r}")
        await _refused(bench.open().delete(name), UserError, f"deleting {name!r}")
    expect(await bench.open().get(digest) == b"a neighbour", "a neighbour was harmed")


async def damage_is_noticed(bench: Bench) -> None:
    """Changed, cut off, emptied or swapped bytes are never handed out, and storing the right ones mends them."""
    content, other = b"right " * 1000, await bench.open().put(b"another")
    digest = await bench.open().put(content)
    for wrong in (b"wrong " * 1000, content[:-1], b"", content + b"more", b"another"):
        await bench.tamper(digest, wrong)
        await _refused(bench.open().get(digest), EnvironmentError_, f"bytes that became {wrong[:12]!r}…")
        expect(await bench.open().get(other) == b"another", "another drop was harmed")
        expect(await bench.open().put(content) == digest, "mending gave another name")
        expect(await bench.open().get(digest) == content, "storing the right bytes did not mend them")


async def killed_writers(bench: Bench) -> None:
    """A writer that is killed at any moment leaves its drop whole or not at all, and listed only if whole."""
    chance, size = random.Random(3), 24_000_000
    for attempt in range(4):
        seed = f"kill{attempt}"
        digest = _name(seed.encode() * (size // len(seed)))
        with bench.writer((seed, size)) as process:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.flush()
            await asyncio.sleep(chance.uniform(0.0, 0.12))
            process.kill()
            await asyncio.to_thread(process.wait)
        listed = (await _listed(bench.open())).get(digest)
        try:
            got = await bench.open().get(digest)
        except UserError:
            expect(listed is None, "half a drop is listed")
        else:
            expect(_name(got) == digest and listed == len(got), "half a drop was handed out or listed")
    await bench.open().tidy(datetime.now(UTC) + timedelta(seconds=5))
    digest = await bench.open().put(b"after the killing")
    expect(await bench.open().get(digest) == b"after the killing", "the store does not work after a writer was killed")


async def deleted_is_gone(bench: Bench) -> None:
    """Deleting takes one drop, may be repeated, and the bytes can be stored again."""
    store = bench.open()
    digest, other = await store.put(b"to go"), await store.put(b"to stay")
    for _ in range(2):
        await store.delete(digest)
    await _refused(store.get(digest), UserError, "a deleted drop")
    expect(set(await _listed(store)) == {other}, "the list is not what is left")
    expect(await store.put(b"to go") == digest and await store.get(digest) == b"to go", "a deleted drop cannot be stored again")


async def lists_drops_alone(bench: Bench) -> None:
    """The list has every drop with its size and when it came, and nothing that is no drop."""
    store, before = bench.open(), datetime.now(UTC) - timedelta(seconds=5)
    for name in ("README", "ab/short", "ab/" + "g" * 62, "abc/" + "0" * 61):
        await bench.plant(name, b"not ours")
    wanted = {await store.put(b"x" * size): size for size in range(1, 40)}
    expect(await _listed(store) == wanted, "the list is not what was stored")
    times = [stored.stored_at async for stored in store.stored()]
    expect(before <= min(times) and max(times) <= before + timedelta(minutes=5), "the list tells wrong times")


async def full_is_told(bench: Bench) -> None:
    """Without space, storing fails with a mend, leaves nothing half-written, and reading goes on."""
    if bench.full is None:
        raise NotTried(bench.no_full)
    async with bench.full() as store:
        digest = await store.put(b"fits")
        try:
            await store.put(random.Random(4).randbytes(HUGE))
        except EnvironmentError_ as error:
            expect("free" in error.hint, f"the hint names no mend: {error.hint!r}")
        else:
            expect(False, "more was stored than there was space for")
        expect(await store.get(digest) == b"fits", "what was stored before cannot be read")
        expect(set(await _listed(store)) == {digest}, "half a drop is listed")
        expect(await store.tidy(datetime.now(UTC) + timedelta(seconds=5)) == 0, "half a drop was left behind")


async def _listed(store: Blobs) -> dict[str, int]:
    listed = [stored async for stored in store.stored()]
    expect(len({s.id for s in listed}) == len(listed), "the list names a drop twice")
    return {stored.id: stored.size for stored in listed}


async def _refused(work: Awaitable[object], kind: type[QuantumLayerError], what: str) -> None:
    try:
        await work
    except kind as error:
        expect(bool(error.hint), f"{what}: the error names no mend")
    else:
        expect(False, f"{what}: not refused")


def _name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


TRIALS = tuple(
    Trial(run.__name__, (run.__doc__ or "").split("\n")[0], run)
    for run in (
        contents_come_back,
        huge_comes_back,
        same_bytes_once,
        unknown_is_told,
        only_digests,
        damage_is_noticed,
        killed_writers,
        deleted_is_gone,
        lists_drops_alone,
        full_is_told,
    )
)
