"""Attempts to take more than allowed: memory, processes, time, disk, output; and to stay when the time is over."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from quantumlayer.conformance.sandbox.lab import LIMITS, Lab, expect, overpowered
from quantumlayer.conformance.trials import Trial
from quantumlayer.ports.sandbox import MIB, Completed

SMALL = replace(LIMITS, memory=192 * MIB, tmp_size=1024 * MIB)
HEARTBEAT = """
def beat(name):
    with open("/work/" + name, "ab", buffering=0) as file:
        while True:
            file.write(b".")
            time.sleep(0.02)

def daemon(name):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            for descriptor in (0, 1, 2):
                os.close(descriptor)
            beat(name)
        os._exit(0)

def wait_for(name):
    while not os.path.exists("/work/" + name):
        time.sleep(0.01)
"""


async def fork_bomb(lab: Lab) -> None:
    """As many processes as it can get, and threads."""
    limits = replace(LIMITS, processes=32)
    completed = await lab.sandbox.run(
        lab.command(
            """
count = 0
try:
    while count < 200:
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
        count += 1
    escaped(f"{count} processes")
except OSError:
    print("children", count)
""",
            limits,
        )
    )
    overpowered(completed, "out_of_memory", "timed_out")
    expect(completed.seconds < 15, f"the processes that were left kept it for {completed.seconds:.1f} s")


async def memory_bomb(lab: Lab) -> None:
    """One process with four times the memory."""
    await _take(lab, "hoard = [bytearray(b'x' * 16 * 2**20) for _ in range(48)]")


async def memory_bomb_of_many(lab: Lab) -> None:
    """Many processes, each below the limit, together far above it."""
    await _take(
        lab,
        """
for _ in range(12):
    if os.fork() == 0:
        hoard = bytearray(b"x" * 64 * 2**20)
        time.sleep(8)
        os._exit(0)
time.sleep(3)
alive = 12
while True:
    pid, status = os.waitpid(-1, os.WNOHANG)
    if pid == 0: break
    alive -= 1
if alive < 12: sys.exit(9)
""",
    )


async def memory_bomb_unmapped(lab: Lab) -> None:
    """Anonymous files are in nobody's address space."""
    await _take(
        lab,
        """
descriptor = os.memfd_create("hoard")
for _ in range(48):
    os.write(descriptor, b"x" * 16 * 2**20)
""",
    )


async def memory_bomb_in_shared_memory(lab: Lab) -> None:
    """Files in /dev/shm and /tmp are memory too."""
    for folder in ("/dev/shm", "/tmp"):
        await _take(lab, f"with open('{folder}/hoard', 'wb') as f:\n    for _ in range(48): f.write(b'x' * 16 * 2**20)")


async def _take(lab: Lab, code: str) -> None:
    """`code` takes 768 MiB where 192 are allowed; an exception or being killed is how it should end."""
    completed = await lab.sandbox.run(
        lab.command(f"try:\n{_indented(code)}\n    escaped('768 MiB')\nexcept (OSError, MemoryError):\n    pass", SMALL)
    )
    output = completed.stdout.decode(errors="replace")
    expect("ESCAPED" not in output, output)
    tame = completed.outcome == "out_of_memory" or (completed.outcome == "exited" and ("DONE" in output or completed.exit_code))
    expect(tame, f"ended as {completed.outcome} {completed.exit_code}: {completed.stderr!r:.300}")


async def fill_tmp(lab: Lab) -> None:
    """Each writable place that is not ours to clean has its size; all others cannot be written at all."""
    limits = replace(LIMITS, memory=512 * MIB, tmp_size=16 * MIB)
    completed = await lab.sandbox.run(
        lab.command(
            """
for folder in ("/tmp", "/dev/shm", "/dev", "/", "/run", "/var/tmp", "/dev/pts", "/dev/mqueue"):
    written = 0
    try:
        with open(folder + "/big", "wb") as file:
            while written < 64 * 2**20:
                written += file.write(b"x" * 2**20)
        escaped(f"{written} bytes in {folder}")
    except OSError:
        pass
""",
            limits,
        )
    )
    overpowered(completed, "out_of_memory")


async def fill_disk(lab: Lab) -> None:
    """Many files, each of a modest size, also deleted ones that stay open."""
    limits = replace(LIMITS, disk=96 * MIB, file_size=32 * MIB)
    for keep in (True, False):
        completed = await lab.sandbox.run(
            lab.command(
                f"""
files = []
for number in range(96):
    file = open(f"/work/{{number}}", "wb", buffering=0)
    for _ in range(4):
        file.write(os.urandom(2**20) * 8)
    if {keep}: file.close()
    else: os.unlink(file.name)
    files.append(file)
    time.sleep(0.02)
escaped("3 GiB on the disk")
""",
                limits,
            )
        )
        overpowered(completed, "output_exceeded")
        for left in lab.work.iterdir():
            left.unlink()


async def write_huge_file(lab: Lab) -> None:
    """A single file, by writing and by making it sparse."""
    limits = replace(LIMITS, file_size=8 * MIB)
    completed = await lab.sandbox.run(
        lab.command(
            """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def write():
    with open("/work/huge", "wb") as file:
        for _ in range(64): file.write(b"x" * 2**20)
attempt("write 64 MiB", write)
attempt("make it sparse", lambda: os.truncate("/work/huge", 2**40))
""",
            limits,
        )
    )
    overpowered(completed)
    expect((lab.work / "huge").stat().st_size <= 8 * MIB, "the file is longer than allowed")


async def flood_output(lab: Lab) -> None:
    """Endless output on both streams costs neither our memory nor our time."""
    limits = replace(LIMITS, output=MIB)
    for stream in (1, 2):
        completed = await lab.sandbox.run(lab.command(f"while True: os.write({stream}, b'x' * 65536)", limits))
        expect(completed.outcome == "output_exceeded", f"ended as {completed.outcome}")
        expect(len(completed.stdout) + len(completed.stderr) <= 2 * MIB, "more output was kept than allowed")


async def burn_cpu(lab: Lab) -> None:
    """CPU time is counted over the whole tree."""
    limits = replace(LIMITS, cpu_seconds=1, wall_seconds=15)
    code = "for _ in range(3):\n    if os.fork() == 0: break\nwhile True: pass"
    completed = await lab.sandbox.run(lab.command(code, limits))
    expect(completed.outcome == "timed_out", f"ended as {completed.outcome} {completed.exit_code}")
    expect(completed.seconds < 10, f"burnt CPU for {completed.seconds:.1f} s")


async def outlive_timeout(lab: Lab) -> None:
    """Ignores every polite signal, and has daemons."""
    code = HEARTBEAT + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ndaemon('a')\ndaemon('b')\nbeat('c')"
    completed = await lab.sandbox.run(lab.command(code, replace(LIMITS, wall_seconds=1.5)))
    expect(completed.outcome == "timed_out" and completed.exit_code is None, f"ended as {completed.outcome}")
    expect(completed.seconds < 4, f"took {completed.seconds:.1f} s to end")
    await _silent(lab.work)


async def keep_background_child(lab: Lab) -> None:
    """The main program ends well, its daemon would like to stay."""
    await lab.attack(HEARTBEAT + "daemon('a')\nwait_for('a')")
    await _silent(lab.work)


async def outlive_cancellation(lab: Lab) -> None:
    """We stop caring: cancelling returns only when nothing is left, within two seconds."""
    running = asyncio.create_task(lab.sandbox.run(lab.command(HEARTBEAT + "daemon('a')\nbeat('b')")))
    await _beating(lab.work, "a", "b")
    began = time.monotonic()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    expect(running.cancelled(), "the cancellation was swallowed")
    expect(time.monotonic() - began < 2, f"cancelling took {time.monotonic() - began:.1f} s")
    await _silent(lab.work)


async def outlive_stop(lab: Lab) -> None:
    """A server that ignores SIGTERM, with a daemon."""
    code = HEARTBEAT + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ndaemon('a')\nbeat('b')"
    async with lab.sandbox.start(lab.command(code), 8000) as server:
        await _beating(lab.work, "a", "b")
        completed: Completed = await server.stop(grace=0.3)
        expect(completed.outcome == "killed", f"ended as {completed.outcome}")
        await _silent(lab.work)


async def outlive_us(lab: Lab) -> None:
    """The process that holds the sandbox is killed without any chance to clean up."""
    kind = type(lab.sandbox)
    script = lab.folder / "holder.py"
    script.write_text(
        f"import asyncio, importlib, pathlib\n"
        f"from quantumlayer.conformance.sandbox.lab import Lab\n"
        f"kind = getattr(importlib.import_module({kind.__module__!r}), {kind.__qualname__!r})\n"
        f"lab = Lab(kind(), pathlib.Path({str(lab.folder)!r}), pathlib.Path({str(lab.work)!r}))\n"
        f"asyncio.run(lab.sandbox.run(lab.command({HEARTBEAT + 'daemon(chr(97))' + chr(10) + 'beat(chr(98))'!r})))\n"
    )
    holder = subprocess.Popen([sys.executable, str(script)])
    try:
        await _beating(lab.work, "a", "b")
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    await asyncio.sleep(1)
    await _silent(lab.work)


async def _beating(work: Path, *names: str) -> None:
    for _ in range(500):
        if all((work / name).exists() for name in names):
            return
        await asyncio.sleep(0.02)
    expect(False, "the hostile program did not start")


async def _silent(work: Path) -> None:
    """Every heartbeat has begun and stopped."""
    before = {path.name: path.stat().st_size for path in work.iterdir()}
    expect(before, "no heartbeat was ever written")
    await asyncio.sleep(0.3)
    alive = [name for name, size in before.items() if (work / name).stat().st_size != size]
    expect(not alive, f"still alive: {alive}")


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" for line in code.strip().splitlines())


TRIALS = (
    Trial("fork-bomb", "start more processes than allowed", fork_bomb),
    Trial("memory", "take more memory in one process", memory_bomb),
    Trial("memory-many", "take more memory with many processes", memory_bomb_of_many),
    Trial("memory-memfd", "take more memory in anonymous files", memory_bomb_unmapped),
    Trial("memory-shm", "take more memory in /dev/shm and /tmp", memory_bomb_in_shared_memory),
    Trial("fill-tmp", "fill temporary places", fill_tmp),
    Trial("fill-disk", "fill the disk with many files", fill_disk),
    Trial("huge-file", "write a huge file", write_huge_file),
    Trial("output-flood", "flood us with output", flood_output),
    Trial("cpu", "burn more CPU time with many processes", burn_cpu),
    Trial("timeout", "survive the timeout", outlive_timeout),
    Trial("background", "keep a background child", keep_background_child),
    Trial("cancellation", "survive cancellation", outlive_cancellation),
    Trial("stop", "survive being stopped", outlive_stop),
    Trial("death-of-parent", "survive the death of the process that started it", outlive_us),
)
