"""Attempts on what is not the sandbox's: host files, secrets, processes, other tenants, descriptors."""

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from quantumlayer.conformance.sandbox.lab import Lab, expect, held
from quantumlayer.conformance.trials import Trial
from quantumlayer.ports.sandbox import Mount

SECRET_VARIABLE = "QL_CONFORMANCE_SECRET"


async def read_host_files(lab: Lab) -> None:
    """Password hashes, the home folder, our own state, a file nobody mounted."""
    secret = lab.folder / "secret"
    secret.write_text("secret")
    secret.chmod(0o644)
    home = Path.home()
    state = os.environ.get("QL_HOME", str(home / ".local/share/quantumlayer"))
    places = ["/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/root/.bashrc", str(home / ".bashrc"), str(home / ".ssh"), state]
    places += [
        str(home / ".netrc"),
        "/etc/machine-id",
        "/var/log",
        "/var/lib",
        "/boot",
        "/etc/ssh",
        str(secret),
        str(lab.folder),
    ]
    await lab.attack(f"""
for place in {places!r}:
    attempt("read " + place, lambda: open(place).read(50) if not os.path.isdir(place) else os.listdir(place))
    for root in ("/proc/1/root", "/proc/self/root", "/proc/1/cwd", "/work/../../.."):
        attempt("read " + root + place, lambda: os.stat(root + place))
""")
    completed = await lab.sandbox.run(lab.program(("cat", "/etc/passwd")))
    expect(completed.stdout != Path("/etc/passwd").read_bytes(), "the host's /etc/passwd is visible")


async def read_host_secrets(lab: Lab) -> None:
    """The host's environment, by our own and by all processes' /proc entries."""
    token = secrets.token_hex(16)
    os.environ[SECRET_VARIABLE] = token
    try:
        completed = await lab.sandbox.run(
            lab.command("""
seen = [f"{k}={v}".encode() for k, v in os.environ.items()]
for pid in [p for p in os.listdir("/proc") if p.isdigit()] + ["self"]:
    for name in ("environ", "cmdline"):
        try:
            seen.append(open(f"/proc/{pid}/{name}", "rb").read())
        except OSError:
            pass
print(b"|".join(seen).hex())
""")
        )
    finally:
        del os.environ[SECRET_VARIABLE]
    held(completed)
    seen = bytes.fromhex(completed.stdout.split()[0].decode())
    expect(token.encode() not in seen and SECRET_VARIABLE.encode() not in seen, "a secret of the host's environment is visible")
    foreign = [n for n in os.environ if n not in ("PATH", "HOME", "LANG", "TZ", "PWD") and n.encode() + b"=" in seen]
    expect(not foreign, f"variables of the host are visible: {foreign}")


async def see_or_signal_host_processes(lab: Lab) -> None:
    """Kills by number, kills everyone, looks into /proc."""
    with _bystander() as (bystander, marker):
        await lab.attack(f"""
for pid in ({bystander.pid}, {os.getpid()}, {os.getppid()}):
    for number in (0, signal.SIGKILL):
        if not os.path.exists(f"/proc/{{pid}}"):
            attempt(f"signal host process {{pid}}", lambda: os.kill(pid, number))
for pid in (p for p in os.listdir("/proc") if p.isdigit()):
    if {marker[::-1]!r}[::-1].encode() in open(f"/proc/{{pid}}/cmdline", "rb").read():
        escaped("a host process is visible")
attempt("more processes than ours", lambda: [p for p in os.listdir("/proc") if p.isdigit()][8])
if not os.path.exists("/proc/{bystander.pid}"):  # where the host is visible this would end it
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        os.kill(-1, signal.SIGTERM)
    except ProcessLookupError:
        pass
""")
        expect(bystander.poll() is None, "a process of the host was killed")


async def inherit_descriptors(lab: Lab) -> None:
    """Whatever we have open on the host must not be open inside."""
    keep = os.open(lab.folder, os.O_RDONLY)
    os.set_inheritable(keep, True)
    try:
        await lab.attack("""
open_ones = [fd for fd in range(3, 256) if os.path.exists(f"/proc/self/fd/{fd}")]
if open_ones:
    escaped([os.readlink(f"/proc/self/fd/{fd}") for fd in open_ones])
""")
    finally:
        os.close(keep)


async def reach_another_tenant(lab: Lab) -> None:
    """Two sandboxes at once: neither sees the other's folder or processes."""
    other = lab.folder / "other"
    other.mkdir()
    (other / "data").write_text("theirs")
    waiting = lab.command("open('/theirs/up', 'w').close()\ntime.sleep(10)", mounts=(Mount(other, "/theirs", writable=True),))
    neighbour = asyncio.create_task(lab.sandbox.run(waiting))
    try:
        for _ in range(500):
            if (other / "up").exists():
                break
            await asyncio.sleep(0.02)
        expect((other / "up").exists(), "the other sandbox did not start")
        await lab.attack(f"""
for place in ("/theirs/data", {str(other / "data")!r}, {str(lab.folder)!r}, {str(lab.work)!r}):
    attempt("see " + place, lambda: os.stat(place))
for pid in (p for p in os.listdir("/proc") if p.isdigit()):
    attempt("their files by /proc", lambda: os.stat(f"/proc/{{pid}}/root/theirs"))
    if b"/theirs" + b"/up" in open(f"/proc/{{pid}}/cmdline", "rb").read():
        escaped("their process is visible")
""")
    finally:
        neighbour.cancel()
        await asyncio.gather(neighbour, return_exceptions=True)


@contextlib.contextmanager
def _bystander() -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """A harmless process of the host with an unmistakable command line."""
    marker = secrets.token_hex(16)
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)", marker])
    try:
        yield process, marker
    finally:
        process.kill()
        process.wait()


TRIALS = (
    Trial("host-files", "read host files and other people's secrets", read_host_files),
    Trial("host-environment", "read secrets from the environment of the host", read_host_secrets),
    Trial("host-processes", "see or signal processes of the host", see_or_signal_host_processes),
    Trial("descriptors", "use file descriptors that the host has open", inherit_descriptors),
    Trial("other-tenant", "reach another sandbox's folder or processes", reach_another_tenant),
)
