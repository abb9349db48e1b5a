"""The suite must notice a sandbox that does not hold: here one that is only a child process."""

import asyncio

import pytest

from quantumlayer.conformance.sandbox import TRIALS, run_trial
from quantumlayer.ports.sandbox import Availability, Command, Completed

HARMLESS = (
    "host-files",
    "host-environment",
    "loopback",
    "unix-sockets",
    "namespaces",
    "privileges",
    "huge-file",
    "write-elsewhere",
)


class Unconfined:
    """Runs the program where it stands. Only for trials that do no harm outside a sandbox."""

    async def probe(self) -> Availability:
        return Availability(True)

    async def run(self, command: Command) -> Completed:
        work = {mount.target: str(mount.source) for mount in command.mounts}
        argv = [_moved(word, work) for word in command.argv]
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=work["/work"],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.DEVNULL,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), min(command.limits.wall_seconds, 8))
        except TimeoutError:
            process.kill()
            return Completed("timed_out", None, b"", b"", 8)
        return Completed("exited", process.returncode, out, err, 1)


def _moved(word: str, work: dict[str, str]) -> str:
    for target, source in work.items():
        if target.startswith("/work") or target == "/shown":
            word = word.replace(f"{target}/", f"{source}/").replace(f'"{target}"', f'"{source}"')
    return word


@pytest.mark.parametrize("trial", [t for t in TRIALS if t.name in HARMLESS], ids=lambda trial: trial.name)
async def test_an_escape_is_noticed(trial):
    check = await run_trial(Unconfined(), trial)
    assert check.status == "failed", f"{check.status} {check.message}"
