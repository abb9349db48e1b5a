"""Attempts to write where only reading is allowed, and to leave traps for whoever reads the results."""

import contextlib

from quantumlayer.conformance.sandbox.lab import Lab, expect
from quantumlayer.conformance.trials import Trial
from quantumlayer.files.read_output import UnsafeOutput, read_output
from quantumlayer.ports.sandbox import Mount


async def write_elsewhere(lab: Lab) -> None:
    """By `..`, through links, into read-only mounts, by changing modes and owners."""
    shown = lab.folder / "shown"
    shown.mkdir()
    (shown / "file").write_text("as it was")
    outside = lab.folder / "outside"
    outside.write_text("as it was")
    await lab.attack(
        f"""
os.symlink({str(outside)!r}, "/work/link")
os.symlink("/shown/file", "/work/link2")
places = ["/work/link", "/work/link2", "/shown/file", "/shown/new", "/work/../shown/file", "/work/../outside"]
for place in (*places, {str(outside)!r}):
    attempt("write " + place, lambda: os.open(place, os.O_WRONLY))
    attempt("append " + place, lambda: open(place, "a"))
attempt("delete", lambda: os.unlink("/shown/file"))
attempt("rename", lambda: os.rename("/shown/file", "/work/taken"))
attempt("hard link", lambda: os.link("/shown/file", "/work/hard"))
attempt("truncate", lambda: os.truncate("/shown/file", 0))
attempt("mode", lambda: os.chmod("/shown/file", 0o777))
attempt("owner", lambda: os.chown("/shown/file", os.getuid(), os.getgid()))
attempt("times", lambda: os.utime("/shown/file", (0, 0)))
attempt("rename the mount", lambda: os.rename("/shown", "/work/shown"))
attempt("by /proc", lambda: os.open("/proc/self/root/shown/file", os.O_RDWR))
""",
        mounts=(Mount(shown, "/shown"),),
    )
    expect((shown / "file").read_text() == "as it was" and outside.read_text() == "as it was", "a file outside was changed")
    expect([p.name for p in shown.iterdir()] == ["file"], "something was added to a read-only mount")


async def leave_traps(lab: Lab) -> None:
    """Links, pipes, devices, deep folders and long names where we expect a report."""
    secret = lab.folder / "secret"
    secret.write_text("secret of the host")
    await lab.attack(f"""
os.symlink({str(secret)!r}, "/work/link")
os.symlink({str(lab.folder)!r}, "/work/folder")
os.symlink("link", "/work/twice")
os.symlink("/work/loop", "/work/loop")
os.mkfifo("/work/pipe")
os.mkdir("/work/directory")
socket.socket(socket.AF_UNIX).bind("/work/socket")
open("/work/real", "w").write("x" * 1000)
os.link("/work/real", "/work/hard")
attempt("hard link to the host", lambda: os.link("/etc/passwd", "/work/passwd"))
open("/work/long", "w").write("x" * 200_000)
""")
    for name in ("link", "folder/secret", "twice", "loop", "pipe", "directory", "socket", "hard", "long"):
        with contextlib.suppress(UnsafeOutput):
            content = read_output(lab.work, name, limit=100_000)
            expect(False, f"{name} was read: {content[:40]!r}")
    for name in ("../secret", "/etc/passwd", "directory/../../secret"):
        with contextlib.suppress(UnsafeOutput):
            expect(False, f"{name} was read: {_read(lab, name)!r}")


def _read(lab: Lab, name: str) -> bytes:
    try:
        return read_output(lab.work, name)[:40]
    except UnsafeOutput:
        raise
    except Exception as error:
        raise UnsafeOutput(str(error)) from error


async def leave_unreadable(lab: Lab) -> None:
    """What is left behind can be read and deleted by us, whatever its modes; nothing of it is set-uid as us."""
    await lab.attack("""
os.makedirs("/work/closed/inner")
open("/work/closed/inner/file", "w").write("x")
os.chmod("/work/closed/inner/file", 0)
open("/work/suid", "w").write("#!/bin/sh")
os.chmod("/work/suid", 0o6755)
path = "/work/deep"
for _ in range(300):
    os.mkdir(path)
    os.chdir(path)
    path = "d"
""")
    mode = (lab.work / "suid").stat().st_mode
    expect(not mode & 0o6000 or (lab.work / "suid").stat().st_uid != 0, f"a set-uid file of ours was left: {mode:o}")


TRIALS = (
    Trial("write-elsewhere", "write outside by links, `..` or read-only mounts", write_elsewhere),
    Trial("traps", "leave a link, pipe or device for us to follow", leave_traps),
    Trial("leftovers", "leave files that we cannot handle", leave_unreadable),
)
